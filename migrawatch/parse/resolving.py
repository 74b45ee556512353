"""The two files that say how names are resolved on a machine: /etc/hosts and /etc/resolv.conf."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolving:
    """Which servers to ask, how long each, and how many times round (resolv.conf(5))."""

    servers: tuple[str, ...]
    patience: float = 5.0
    attempts: int = 2


def parse_hosts(text: str) -> dict[str, tuple[str, ...]]:
    """Addresses by lower-case name, in the order of the file (hosts(5))."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        for name in names:
            found.setdefault(name.rstrip(".").lower(), []).append(address)
    return {name: tuple(addresses) for name, addresses in found.items()}


def parse_resolv_conf(text: str) -> Resolving:
    """The servers and options of resolv.conf(5); the local machine when it names none.

    `search` and `ndots` are not read: a monitor asks for exactly the name it was given.
    """
    servers: list[str] = []
    options: dict[str, str] = {}
    for line in text.splitlines():
        words = line.partition("#")[0].partition(";")[0].split()
        if words[:1] == ["nameserver"] and len(words) > 1:
            servers.append(words[1])
        elif words[:1] == ["options"]:
            options.update((word.partition(":")[0], word.partition(":")[2]) for word in words[1:])
    return Resolving(
        servers=tuple(servers) or ("127.0.0.1",),
        patience=float(_number(options.get("timeout", ""), 5, 30)),
        attempts=_number(options.get("attempts", ""), 2, 5),
    )


def _number(text: str, otherwise: int, most: int) -> int:
    """As glibc reads it, which goes by no more than *most*."""
    if not text.isdecimal() or not text.strip("0"):
        return otherwise
    return min(int(text[:9]), most)
