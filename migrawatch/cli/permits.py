"""What a host must permit for the checks and watches of a configuration: the gate of each host."""

from collections.abc import Iterator

from migrawatch.config import Settings
from migrawatch.config.settings import Watch
from migrawatch.daemon.journal import journalctls
from migrawatch.decide.gate import Gate
from migrawatch.model import Access
from migrawatch.reach.name import is_literal
from migrawatch.reach.ssh import looking_up

_LOGS = "/var/log/"
"""What lies here is for the group `adm` to read on Debian."""


def gate_of(settings: Settings, host: str, public_key: str) -> Gate:
    """The gate of *host*: of all that is looked at from there, followed there, or logged in at."""
    whole = Access()
    for asked in _asked(settings, host):
        whole |= asked
    named = tuple(looking_up(name, family) for name, family in whole.lookups)
    machine = settings.hosts[host]
    return Gate(
        user=machine.ssh.user,
        public_key=public_key,
        access=whole | Access(commands=named),
        addresses=tuple(address for address in (machine.address, machine.public) if is_literal(address)),
    )


def _asked(settings: Settings, host: str) -> Iterator[Access]:
    for check in settings.checks:
        if check.subject.vantage == host:
            yield check.probe.access
        if check.subject.host == host:
            yield check.probe.access_within
    yield from (_followed(watch) for watch in settings.watches if watch.host == host)


def _followed(watch: Watch) -> Access:
    if watch.journal:
        return Access(commands=journalctls(watch.journal), groups=("systemd-journal",))
    return Access(files=True, groups=("adm",) if watch.file.startswith(_LOGS) else ())
