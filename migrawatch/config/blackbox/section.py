"""The section `blackbox`: whose blackbox.yml is served at /probe, and which targets may be asked for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

from migrawatch.check import Check
from migrawatch.config.blackbox.module import Module
from migrawatch.config.kinds import Kinds
from migrawatch.config.problem import Report
from migrawatch.config.secrets import Secrets
from migrawatch.config.tree import Table
from migrawatch.config.validate import validate
from migrawatch.decide.admission import Admission
from migrawatch.model import Down, Seconds
from migrawatch.parse.place import is_socket
from migrawatch.parse.url import Malformed, parse_dial, parse_url
from migrawatch.reach.name import ascii_name, is_literal


@dataclass(frozen=True, kw_only=True)
class Allow:
    """Which targets may be asked for; nobody else is dialled."""

    names: tuple[str, ...] = ()
    """Names, and `*.example.org` for all below one; each must lead to an address on the internet or in `networks`."""
    networks: tuple[str, ...] = ()
    """Addresses and networks (`10.1.10.0/24`), by whatever name they are asked for."""
    sockets: tuple[str, ...] = ()
    """Unix sockets by their paths, each exactly as it is asked for."""
    checks: bool = True
    """Whether what the configured checks look at may be asked for."""

    def __post_init__(self) -> None:
        for network in self.networks:
            ip_network(network)


@dataclass(frozen=True, kw_only=True)
class Blackbox:
    """Serves `/probe` as blackbox_exporter does, with its own configuration file."""

    config_file: str
    """The blackbox.yml, read as it is; beside this file unless it is absolute."""
    allow: Allow = field(default_factory=Allow)
    timeout_offset: Seconds = 0.5
    """What is left of Prometheus' own timeout for the way back."""
    at_once: int = 100
    """So many probes go on at a time; who asks for more is told to come again (503)."""

    def __post_init__(self) -> None:
        if self.at_once < 1:
            raise ValueError("at_once must be at least 1")


@dataclass(frozen=True, kw_only=True)
class BlackboxSettings:
    """What `/probe` serves."""

    modules: Mapping[str, Module]
    admission: Admission
    timeout_offset: Seconds
    at_once: int


def read_blackbox(
    section: Table, base: Path, checks: tuple[Check, ...], kinds: Kinds, secrets: Secrets, report: Report
) -> BlackboxSettings | None:
    """The section, with its modules; None where there is none, or it is wrong."""
    if not section:
        return None
    keys = validate(Blackbox, section, "blackbox", secrets, report)
    if keys is None:
        return None
    # Only who serves /probe pays for importing what reads its modules.
    from migrawatch.config.blackbox.read import read_modules

    modules = read_modules(base / keys.config_file, kinds, secrets, report)
    names = {name.lower().rstrip(".") for name in keys.allow.names}
    networks, sockets = list(keys.allow.networks), set(keys.allow.sockets)
    for place in {place for check in checks for place in _places(check)} if keys.allow.checks else ():
        if is_socket(place):
            sockets.add(place)
        elif is_literal(place):
            networks.append(place.partition("%")[0])
        else:
            names.add(place)
    return BlackboxSettings(
        modules=modules,
        admission=Admission(
            names=frozenset(names), networks=tuple(ip_network(one) for one in networks), sockets=frozenset(sockets)
        ),
        timeout_offset=keys.timeout_offset,
        at_once=keys.at_once,
    )


def _places(check: Check) -> Iterator[str]:
    """The names and addresses that *check* connects to."""
    address, _ = check.probe.dialled
    if is_socket(address):
        yield address
    for key, place_in in _PLACES.items():
        text = getattr(check.probe, key, "")
        if isinstance(text, str) and text:
            try:
                yield ascii_name(place_in(text))
            except (Malformed, Down):
                continue


_PLACES: Mapping[str, Callable[[str], str]] = {
    "address": str,
    "url": lambda text: parse_url(text).host,
    "dial": lambda text: parse_dial(text)[0],
}
