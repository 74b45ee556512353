"""Whether nginx's configuration is valid, and whether what runs is what is on disk."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import ClassVar

from migrawatch.parse.nginx import Dump
from migrawatch.parse.nginx_presented import Presented, presented_by
from migrawatch.parse.nginx_workers import parse_workers
from migrawatch.parse.pem import first_certificate
from migrawatch.probe import (
    NUMBER,
    Access,
    Contact,
    Down,
    Files,
    Measure,
    Probe,
    Reason,
    Seconds,
    Tls,
    Unsure,
    Visit,
    Wire,
)
from migrawatch.talk.nginx import ask, complaint, read, testing, words_of

LOADED_AT = Measure(
    "probe_nginx_loaded_at_timestamp_seconds",
    "When the oldest worker that takes requests began, in unix time.",
    "seconds",
)

_DIGITS = 12
"""Digits of the configuration's digest that people are shown."""

_PRESENT: Seconds = 2.0
"""Seconds for seeing one certificate presented on the host itself; what is late is another check's business."""

_NOW = ("date", "+%s.%N")


@dataclass(frozen=True, kw_only=True)
class NginxConfigProbe(Probe):
    """Test the configuration on disk (`nginx -T`), then compare it with what runs.

    A file or a certificate that changed after the oldest worker began, or a certificate that is presented and is not
    the one on disk, was never loaded. *config* is the main file where it is not nginx's own default; without *sudo*
    we log in as root. *tls_ports* are the ports on which certificates are presented: a gate lets us see no others.
    """

    program: str = "/usr/sbin/nginx"
    config: str = ""
    sudo: bool = True
    tls_ports: tuple[int, ...] = (443,)

    contact: ClassVar[Contact] = Contact.COMMANDS
    measures: ClassVar[tuple[Measure, ...]] = (LOADED_AT,)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.CONFIG_INVALID: ('ssh {host} "nginx -t"',),
        Reason.CONFIG_NOT_LOADED: ('ssh {host} "nginx -t && systemctl reload nginx"',),
        Reason.COMMAND_TIMEOUT: ('ssh {host} "uptime; nginx -t"',),
    }

    @property
    def target(self) -> str:
        """The configuration that is looked at."""
        return self.config or self.program

    @property
    def access(self) -> Access:
        """The configuration, the files that it names, the workers, and the certificates that are presented."""
        testing_it = testing(self.program, self.config, self.sudo)
        return Access(commands=(testing_it, _workers_of(NUMBER), _NOW), files=True, own_ports=self.tls_ports)

    async def observe(self, visit: Visit) -> None:
        """Test, then compare. Raise Down when the configuration is invalid; what was not loaded is a warning."""
        answer = await ask(visit, testing(self.program, self.config, self.sudo))
        if answer.status != 0:
            visit.evidence(f"{visit.subject.host}: nginx -t", words_of(answer))
            raise Down(Reason.CONFIG_INVALID, complaint(answer))
        configuration = await read(answer)
        with visit.step("files", late=Reason.COMMAND_TIMEOUT):
            async with visit.files() as files:
                disk = await _read_disk(files, configuration)
        _tell_digest(visit, answer.stdout, configuration, disk)
        began = await self._began(visit, disk.master) if disk.master else None
        if began is None:
            visit.evidence(f"{visit.subject.host}: {configuration.pid_file}", "no worker runs: nothing to compare with")
        else:
            visit.measure(LOADED_AT, began.timestamp())
            _compare_dates(visit, disk, began)
            await _compare_certificates(visit, configuration, disk)
        if disk.unreadable:
            paths = ", ".join(sorted(disk.unreadable)[:3])
            raise Unsure(Reason.COMMAND_FAILED, f"{len(disk.unreadable)} files cannot be read by us: {paths}")

    async def _began(self, visit: Visit, master: str) -> datetime | None:
        """When the oldest worker that takes requests began, a second late at most; None if there is no worker."""
        listed = await visit.run(*_workers_of(master))
        ages = parse_workers(listed.stdout)
        if not ages:
            return None
        # Asked after the ages, so that the worker can only have begun before: nothing loaded looks unloaded.
        told = await visit.run(*_NOW)
        try:
            return datetime.fromtimestamp(float(told.stdout) - max(ages), UTC)
        except (ValueError, OverflowError) as error:
            raise Unsure(Reason.COMMAND_FAILED, f"date printed {told.stdout[:40]!r}") from error


def _workers_of(master: str) -> tuple[str, ...]:
    return ("ps", "--ppid", master, "-o", "etimes=,args=")


@dataclass
class _Disk:
    """What was read of the files: when they changed, the fingerprints of certificates, the master's process id."""

    changed_at: dict[str, datetime] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    master: str = ""

    async def date(self, files: Files, path: str) -> None:
        try:
            self.changed_at[path] = (await files.entry(path)).changed_at
        except OSError:
            self.unreadable.add(path)

    async def certificate(self, files: Files, path: str) -> None:
        try:
            self.fingerprints[path] = sha256(first_certificate(await files.read(path))).hexdigest()
        except (OSError, ValueError):
            self.unreadable.add(path)


async def _read_disk(files: Files, configuration: Dump) -> _Disk:
    disk = _Disk()
    for path in configuration.files:
        await disk.date(files, path)
    for path in sorted({path for shown in presented_by(configuration) for path in shown.files}):
        await disk.date(files, path)
        await disk.certificate(files, path)
    try:
        written = (await files.read(configuration.pid_file, 32)).strip()
    except OSError:
        return disk  # nginx does not run, which is the finding of its unit's check
    disk.master = written.decode() if written.isdigit() else ""
    return disk


def _tell_digest(visit: Visit, text: str, configuration: Dump, disk: _Disk) -> None:
    digest = sha256(text.encode(errors="surrogateescape")).hexdigest()[:_DIGITS]
    dated = [(disk.changed_at[path], path) for path in configuration.files if path in disk.changed_at]
    changed_at, newest = max(dated, default=(None, "unknown"))
    words = f"newest file {newest} of {len(configuration.files)}, sha256 {digest}"
    visit.fact(f"configuration of nginx on {visit.subject.host}", words, changed_at)


def _compare_dates(visit: Visit, disk: _Disk, began: datetime) -> None:
    later = sorted((changed, path) for path, changed in disk.changed_at.items() if changed > began)
    if not later:
        return
    for changed, path in later[:5]:
        visit.evidence(f"{visit.subject.host}: {path}", f"changed {changed:%Y-%m-%d %H:%M:%S} UTC")
    visit.evidence(f"{visit.subject.host}: ps", f"the oldest worker began {began:%Y-%m-%d %H:%M:%S} UTC")
    more = f" and {len(later) - 1} more" if len(later) > 1 else ""
    visit.warn(Reason.CONFIG_NOT_LOADED, f"{later[0][1]}{more} changed after nginx last read its configuration")


async def _compare_certificates(visit: Visit, configuration: Dump, disk: _Disk) -> None:
    with visit.step("certificates", late=Reason.TLS_TIMEOUT):
        for shown in presented_by(configuration):
            on_disk = _known(shown.files, disk)
            try:
                presented = await _fingerprint(visit, shown)
            except TimeoutError:
                visit.evidence(f"{visit.subject.host}: {shown.name}:{shown.port}", "presents nothing in time")
                return  # a silent server is told by the checks of its sites, and would be silent for the next one too
            if presented and on_disk and presented not in on_disk:
                visit.evidence(f"{visit.subject.host}: {shown.name}:{shown.port} presents", f"sha256 {presented}")
                visit.evidence(f"{visit.subject.host}: {shown.files[0]}", f"sha256 {on_disk[0]}")
                visit.warn(Reason.CONFIG_NOT_LOADED, f"{shown.name} presents another certificate than {shown.files[0]}")


def _known(files: Iterable[str], disk: _Disk) -> list[str]:
    return [disk.fingerprints[path] for path in files if path in disk.fingerprints]


async def _fingerprint(visit: Visit, shown: Presented) -> str:
    """The fingerprint of the certificate presented for a name, seen on the host itself; empty if none is."""
    try:
        async with asyncio.timeout(_PRESENT):
            wire = Wire(await visit.vantage.connect(shown.address, shown.port))
            try:
                handshake = await wire.start_tls(Tls(name=shown.name, verify=False))
            finally:
                wire.close()
    except TimeoutError:
        raise
    except (Down, OSError, EOFError):
        return ""  # that nothing or something else answers there is told by the checks of the site
    return sha256(handshake.chain[0]).hexdigest() if handshake.chain else ""
