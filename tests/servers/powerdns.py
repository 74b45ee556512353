"""Real PowerDNS servers with the bind backend, several side by side: one port, an address of 127.0.0.0/8 each."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from tests.servers.postgres import unprivileged

SETTINGS = """\
launch=bind
bind-config={folder}/named.conf
bind-dnssec-db={folder}/dnssec.sqlite3
local-address={address}
local-port={port}
socket-dir={folder}
daemon=no
guardian=no
disable-syslog=yes
loglevel=4
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
security-poll-suffix=
version-string=anonymous
distributor-threads=1
receiver-threads=1
max-tcp-connections=20
"""


def _threads_of(pid: int) -> list[str]:
    """What the kernel tells of each thread of a process (proc(5), stat)."""
    return [thread.read_text() for thread in Path(f"/proc/{pid}/task").glob("*/stat")]


class PowerDns:
    """One authoritative server on *address*:*port* with *zones*: texts as zone files have them, by name."""

    def __init__(self, address: str, port: int, zones: Mapping[str, str]) -> None:
        self.address = address
        self.port = port
        self._zones = dict(zones)
        self._folder = Path(tempfile.mkdtemp(prefix="powerdns-"))
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def folder(self) -> str:
        """Where its configuration is."""
        return str(self._folder)

    def start(self) -> None:
        """Start it with the zones as they are, and wait until it answers."""
        if not (self._folder / "dnssec.sqlite3").exists():
            self._prepare()
        with (self._folder / "log").open("ab") as log:
            self._running = subprocess.Popen(
                ["/usr/sbin/pdns_server", f"--config-dir={self._folder}"],
                stdout=log, stderr=log, **unprivileged(),
            )  # fmt: skip
        self._wait_until_ready()

    def stop(self) -> None:
        """End it: its port is closed from then on."""
        if self._running is not None:
            with suppress(ProcessLookupError):
                self._running.send_signal(signal.SIGCONT)
            self._running.kill()
            self._running.wait()
            self._running = None

    def destroy(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stopped in its tracks: the kernel accepts, nobody answers."""
        assert self._running is not None
        self._running.send_signal(signal.SIGSTOP)
        # Its threads stop one after the other.
        while any(" T " not in told for told in _threads_of(self._running.pid)):
            time.sleep(0.01)
        try:
            yield
        finally:
            self._running.send_signal(signal.SIGCONT)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def serving(self, zone: str, text: str | None, presigned: bool = False) -> Iterator[None]:
        """With another text for *zone*, None for none at all, as long as the block lasts."""
        before = self._zones.get(zone)
        self.change(zone, text, presigned)
        try:
            yield
        finally:
            self.change(zone, before)

    def change(self, zone: str, text: str | None, presigned: bool = False) -> None:
        """Have another text for *zone* from now on, None for none at all."""
        self.stop()
        if text is None:
            self._zones.pop(zone, None)
        else:
            self._zones[zone] = text
        self._write_zones()
        if text is not None:
            self.control("set-presigned" if presigned else "unset-presigned", zone)
        self.start()

    def control(self, *command: str) -> str:
        """What pdnsutil says; the server notices at its next start."""
        done = subprocess.run(
            ["/usr/bin/pdnsutil", f"--config-dir={self._folder}", *command],
            check=True, capture_output=True, text=True, **unprivileged(),
        )  # fmt: skip
        return done.stdout

    def asked(self) -> int:
        """How many questions it was asked since its start, over UDP and TCP, as it counts them itself."""
        return sum(self._counted(name) for name in ("udp-queries", "tcp-queries"))

    def _counted(self, name: str) -> int:
        done = subprocess.run(
            ["/usr/bin/pdns_control", f"--config-dir={self._folder}", "show", name],
            check=True, capture_output=True, text=True, **unprivileged(),
        )  # fmt: skip
        return int(done.stdout)

    def _prepare(self) -> None:
        text = SETTINGS.format(folder=self._folder, address=self.address, port=self.port)
        (self._folder / "pdns.conf").write_text(text)
        self._write_zones()
        if "user" in (account := unprivileged()):
            os.chown(self._folder, account["user"], account["group"])
        self.control("create-bind-db", str(self._folder / "dnssec.sqlite3"))

    def _write_zones(self) -> None:
        lines = []
        for zone, text in self._zones.items():
            file = self._folder / f"{zone}.zone"
            file.write_text(text)
            lines.append(f'zone "{zone}" {{ type master; file "{file}"; }};\n')
        (self._folder / "named.conf").write_text("".join(lines))

    def _wait_until_ready(self, limit: float = 10.0) -> None:
        until = time.monotonic() + limit
        question = dns.message.make_query("is-it-there.test", "SOA")
        while True:
            try:
                dns.query.tcp(question, self.address, 0.2, self.port)
                dns.query.udp(question, self.address, 0.2, self.port)
            except (OSError, EOFError, dns.exception.Timeout) as error:
                assert self._running is not None
                if self._running.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self._folder / "log").read_text()) from error
                time.sleep(0.01)
            else:
                return


def shared_port(*addresses: str) -> int:
    """A port that nobody has on any of *addresses*, for UDP and TCP."""
    while True:
        with closing(socket.socket()) as first:
            first.bind((addresses[0], 0))
            port = int(first.getsockname()[1])
        if all(_is_free(address, port, kind) for address in addresses for kind in _KINDS):
            return port


_KINDS = (socket.SOCK_STREAM, socket.SOCK_DGRAM)


def _is_free(address: str, port: int, kind: socket.SocketKind) -> bool:
    with closing(socket.socket(socket.AF_INET, kind)) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


@contextmanager
def name_servers(zones: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, PowerDns]]:
    """A server for each address, all on one port, with the zones it is given."""
    port = shared_port(*zones)
    servers = {address: PowerDns(address, port, texts) for address, texts in zones.items()}
    try:
        for server in servers.values():
            server.start()
        yield servers
    finally:
        for server in servers.values():
            server.destroy()
