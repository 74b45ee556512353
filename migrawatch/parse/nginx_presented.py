"""Which certificates nginx presents: the files they are read from, and where to see them presented."""

import re
from dataclasses import dataclass

from migrawatch.parse.nginx import Dump
from migrawatch.parse.nginx_route import listens_of, names_of
from migrawatch.parse.nginx_syntax import Directive


@dataclass(frozen=True, kw_only=True, slots=True)
class Presented:
    """Certificates that a server presents: the files it may take them from, and a name and an address to ask by."""

    files: tuple[str, ...]
    name: str
    address: str
    port: int


def presented_by(dump: Dump) -> tuple[Presented, ...]:
    """What TLS servers present, once for each distinct set of files. Names with a star or an expression are skipped."""
    found: dict[tuple[str, ...], Presented] = {}
    for http in dump.root.all("http"):
        for server in http.all("server"):
            files = _certificates(dump, server) or _certificates(dump, http)
            name = next((name for name in names_of(server) if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", name)), "")
            listen = next((listen for listen in listens_of(server) if listen.tls), None)
            if files and name and listen is not None:
                address = listen.address.strip("[]") or "127.0.0.1"
                found.setdefault(files, Presented(files=files, name=name, address=address, port=listen.port))
    return tuple(found.values())


def _certificates(dump: Dump, block: Directive) -> tuple[str, ...]:
    told = [each.words[0] for each in block.all("ssl_certificate") if each.words]
    return tuple(dump.path(name) for name in told if "$" not in name and not name.startswith(("data:", "engine:")))
