"""The resolvers that tell what the public sees: those a check names, or those of the machine it looks from."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from migrawatch.model import Access, Seconds
from migrawatch.parse.resolving import parse_resolv_conf
from migrawatch.parse.url import parse_dial
from migrawatch.reach.name import is_literal
from migrawatch.reach.nameserver import Nameserver
from migrawatch.reach.vantage import Files


class Reader(Protocol):
    """Who can read the vantage's files: a visit."""

    def files(self) -> AbstractAsyncContextManager[Files]:
        """Read-only files of the vantage."""
        ...


def check_resolvers(named: Sequence[str]) -> None:
    """Raise ValueError for a resolver that is no `address[:port]`: who would resolve its name?"""
    for resolver in named:
        if not is_literal(parse_dial(resolver)[0]):
            raise ValueError(f"resolvers: wanted an address, got {resolver!r}")


def access_to_resolvers(named: Sequence[str]) -> Access:
    """What asking those *named* takes; else those of /etc/resolv.conf, wherever they are."""
    if not named:
        return Access(files=True, places=(("*", 53),))
    return Access(places=tuple((address, port or 53) for address, port in map(parse_dial, named)))


async def resolvers_of(named: Sequence[str], patience: Seconds, reader: Reader) -> list[Nameserver]:
    """Those *named* (`address[:port]`), else those of the vantage's /etc/resolv.conf; *patience* is for each."""
    if named:
        dialled = [parse_dial(resolver) for resolver in named]
        return [Nameserver(address=address, port=port or 53, patience=patience) for address, port in dialled]
    async with reader.files() as files:
        try:
            text = (await files.read("/etc/resolv.conf")).decode("utf-8", "replace")
        except FileNotFoundError:
            text = ""
    return [Nameserver(address=server, patience=patience) for server in parse_resolv_conf(text).servers]
