"""Names to addresses without getaddrinfo, whose threads hang together when DNS does."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
from dns.rdatatype import RdataType

from migrawatch.model import Down, Lost
from migrawatch.parse.resolving import Resolving, parse_hosts, parse_resolv_conf
from migrawatch.reach.message import Message
from migrawatch.reach.name import ascii_name, is_literal
from migrawatch.reach.query import NoAnswer, ask
from migrawatch.reach.question import make_question
from migrawatch.reach.vantage import HERE
from migrawatch.reason import Reason

T = TypeVar("T")

_TYPES = {4: (RdataType.A,), 6: (RdataType.AAAA,), 0: (RdataType.A, RdataType.AAAA)}
_RCODES = {
    dns.rcode.NXDOMAIN: (Reason.DNS_NXDOMAIN, "does not exist"),
    dns.rcode.SERVFAIL: (Reason.DNS_SERVFAIL, "could not be resolved: SERVFAIL"),
    dns.rcode.REFUSED: (Reason.DNS_REFUSED, "was refused an answer"),
}

_LONGEST_PATIENCE = 2.0
"""Seconds a server is waited for at most: the 5 of resolv.conf(5) would spend a whole look on the first dead one."""


class _Watched(Generic[T]):
    """A parsed file, read again when it changes."""

    def __init__(self, path: str, parse: Callable[[str], T]) -> None:
        self._path = Path(path)
        self._parse = parse
        self._stamp: tuple[int, int] | None = None
        self._parsed: T | None = None

    def now(self) -> T:
        """What the file says now; an absent file is an empty one."""
        try:
            seen = self._path.stat()
            stamp, text = (seen.st_mtime_ns, seen.st_size), None
        except FileNotFoundError:
            stamp, text = (0, 0), ""
        if self._parsed is None or stamp != self._stamp:
            self._parsed = self._parse(self._path.read_text("utf-8", "replace") if text is None else text)
            self._stamp = stamp
        return self._parsed


class Resolver:
    """Resolves as a machine's /etc/hosts and /etc/resolv.conf say; it keeps no answers: a look must see the truth."""

    def __init__(
        self, hosts: str = "/etc/hosts", resolv_conf: str = "/etc/resolv.conf", port: int = 53, vantage: str = HERE
    ) -> None:
        self._hosts = _Watched(hosts, parse_hosts)
        self._resolving = _Watched(resolv_conf, parse_resolv_conf)
        self._port = port
        self._vantage = vantage

    async def resolve(self, name: str, family: int = 0) -> tuple[str, ...]:
        """The addresses of *name*, IPv4 first; *family* is 4, 6 or 0 (both). Raise Down (`dns_*`)."""
        if is_literal(name):
            return (name,)
        wanted = ascii_name(name)
        if known := self._known(wanted, family):
            return known
        try:
            resolving = self._resolving.now()
        except OSError as error:
            raise Lost(self._vantage, f"cannot read how to resolve names: {error}") from error
        outcomes = await asyncio.gather(*(self._lookup(wanted, kind, resolving) for kind in _TYPES[family]))
        addresses = tuple(address for outcome in outcomes if not isinstance(outcome, Down) for address in outcome)
        if addresses:
            return addresses
        # Of a failure and "no record of this type" the failure says more.
        faults = [outcome for outcome in outcomes if isinstance(outcome, Down)]
        raise next((fault for fault in faults if fault.reason is not Reason.DNS_NODATA), faults[0])

    def _known(self, name: str, family: int) -> tuple[str, ...]:
        """What /etc/hosts says, and `localhost`, which is never asked for (RFC 6761, section 6.3)."""
        addresses = self._hosts.now().get(name, ())
        if not addresses and (name == "localhost" or name.endswith(".localhost")):
            addresses = ("127.0.0.1", "::1")
        fitting = [address for address in addresses if family in (0, 6 if ":" in address else 4)]
        return tuple(sorted(fitting, key=lambda address: ":" in address))

    async def _lookup(self, name: str, kind: RdataType, resolving: Resolving) -> tuple[str, ...] | Down:
        try:
            question = make_question(name, kind.name, recursion=True)
        except ValueError as error:
            return Down(Reason.DNS_NXDOMAIN, f"resolve: {name} is no valid name: {error}")
        silent: list[str] = []
        failed: Down | None = None
        for server in resolving.servers * resolving.attempts:
            try:
                answer = await ask(question, server, self._port, min(resolving.patience, _LONGEST_PATIENCE))
            except (NoAnswer, Down) as error:
                silent.append(f"{server}: {error}")
                continue
            outcome = _addresses(answer, name, kind, server)
            if not isinstance(outcome, Down) or outcome.reason in (Reason.DNS_NXDOMAIN, Reason.DNS_NODATA):
                return outcome
            failed = outcome
        return failed or Down(Reason.DNS_TIMEOUT, f"resolve: {name}: no server answered ({'; '.join(silent)})")


def _addresses(message: Message, name: str, kind: RdataType, server: str) -> tuple[str, ...] | Down:
    """The addresses in *answer*, names followed, or what it says instead."""
    # Most names have their addresses themselves: then nothing is read a second time.
    if message.rcode == "NOERROR" and (own := _own(message, name, kind)):
        return own
    answer = message.parsed()
    code = answer.rcode()
    if code in _RCODES:
        reason, what = _RCODES[code]
        return Down(reason, f"resolve: {name} {what} (asked {server})")
    if code != dns.rcode.NOERROR:
        return Down(Reason.DNS_SERVFAIL, f"resolve: {name}: {server} answered {dns.rcode.to_text(code)}")
    assert isinstance(answer, dns.message.QueryMessage)
    try:
        found = answer.resolve_chaining().answer
    except dns.exception.DNSException as error:
        return Down(Reason.DNS_SERVFAIL, f"resolve: {name}: {server} gave an answer that leads nowhere: {error}")
    if found is None:
        return Down(Reason.DNS_NODATA, f"resolve: {name} has no {dns.rdatatype.to_text(kind)} record (asked {server})")
    return tuple(record.address for record in found)


def _own(message: Message, name: str, kind: RdataType) -> tuple[str, ...]:
    """The addresses that stand at *name* itself, in the server's order."""
    return tuple(record.value for record in message.records if (record.name, record.kind) == (name, kind.name))


_resolver = Resolver()


async def resolve(name: str, family: int = 0) -> tuple[str, ...]:
    """The addresses of *name* as this machine resolves it."""
    return await _resolver.resolve(name, family)
