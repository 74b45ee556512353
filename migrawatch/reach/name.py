"""Names and addresses as text: what is a literal, and how a name is written in DNS."""

from contextlib import suppress
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_pton

from migrawatch.model import Down
from migrawatch.reason import Reason


@lru_cache(maxsize=4096)
def is_literal(name: str) -> bool:
    """Whether *name* is an IPv4 or IPv6 address (a zone such as `%eth0` is allowed)."""
    for family, text in ((AF_INET, name), (AF_INET6, name.partition("%")[0])):
        try:
            inet_pton(family, text)
        except (OSError, ValueError):
            continue
        return True
    return False


@lru_cache(maxsize=4096)
def ascii_name(name: str) -> str:
    """*name* as DNS and SNI write it: lower case, no final dot, IDNA (UTS 46). Raise Down for what is no name."""
    plain = name.rstrip(".").lower()
    if plain.isascii():
        return plain
    import idna  # only for names that need it: its tables are large

    try:
        return idna.encode(plain, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise Down(Reason.DNS_NXDOMAIN, f"resolve: {name} is no valid name: {error}") from error


def ascii_names(*names: str) -> frozenset[str]:
    """Those of *names* that are names, as DNS writes them; an address or what is no name at all is left out."""
    found = set()
    for name in names:
        with suppress(Down):
            found.add(ascii_name(name))
    return frozenset(name for name in found if not is_literal(name))


def plain_name(text: str) -> str:
    """A name as it is compared: lower case, no final dot; the root is a dot."""
    return text.lower().rstrip(".") or "."
