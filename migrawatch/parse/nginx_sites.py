"""Which sites nginx serves: every name that the public may ask for, and whether it serves it or leads elsewhere."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from migrawatch.parse.nginx import Dump
from migrawatch.parse.nginx_expression import finds
from migrawatch.parse.nginx_route import Listen, listens_of, location_for, names_of, servers_of
from migrawatch.parse.nginx_syntax import Directive

_REDIRECTS = ("301", "302", "303", "307", "308")
_CLOSES = "444"
"""nginx's own status: the connection is closed without an answer."""

_NOBODYS = ("localhost", "invalid")
_HOST = re.compile(r"\$(?:\{(?:http_)?host\}|\{server_name\}|(?:http_)?host\b|server_name\b)")
_SCHEME = re.compile(r"\$(?:\{scheme\}|scheme\b)")
_PATH = re.compile(r"/?\$(?:\{(?:request_)?uri\}|(?:request_)?uri\b)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """One name that a server has, as it is written: with a star, or as an expression after `~`, it stands for many.

    *beside* are the server's other names. *leads_to* is the URL that a request for `/` is redirected to, as far as it
    can be told; *status* is then the redirect's, and 0 where the server answers itself.
    """

    name: str
    port: int
    tls: bool
    beside: tuple[str, ...] = ()
    status: int = 0
    leads_to: str = ""
    file: str = ""
    line: int = 0

    @property
    def is_pattern(self) -> bool:
        """Whether it stands for many names, so that none can be asked for."""
        return self.name.startswith("~") or "*" in self.name

    @property
    def leads_to_host(self) -> str:
        """The name that it leads to; empty where it leads nowhere."""
        return urlsplit(self.leads_to).hostname or ""

    @property
    def place(self) -> str:
        """Where the server stands, as `file:line`."""
        return f"{self.file}:{self.line}"


def sites_of(dump: Dump) -> tuple[Site, ...]:
    """Every name that is served, once: by TLS rather than without, by a server that answers rather than redirects.

    Names that nobody outside can ask for are left out: `_`, `localhost`, addresses, the host's own name; and so are
    servers that turn everybody away.
    """
    best: dict[str, Site] = {}
    for server in servers_of(dump):
        for site in _served_by(server):
            if site.name not in best or _rank(site) > _rank(best[site.name]):
                best[site.name] = site
    return tuple(best.values())


def _rank(site: Site) -> tuple[bool, bool]:
    return not site.status, site.tls


def _served_by(server: Directive) -> Iterator[Site]:
    if _turns_away(server):
        return
    listen = max(listens_of(server), key=lambda each: (each.tls, each.port in (80, 443)))
    names = tuple(dict.fromkeys(name for written in names_of(server) for name in _written_out(written)))
    for name in names:
        if _is_public(name):
            status, url = _redirect(server, name, listen)
            others = tuple(other for other in names if other != name)
            yield Site(name=name, port=listen.port, tls=listen.tls, beside=others, status=status, leads_to=url,
                       file=server.file, line=server.line)  # fmt: skip


def _turns_away(server: Directive) -> bool:
    answer, rejects = server.first("return"), server.first("ssl_reject_handshake")
    closes = answer is not None and answer.words == (_CLOSES,)
    return closes or (rejects is not None and rejects.words == ("on",))


def _written_out(name: str) -> tuple[str, ...]:
    """`.example.org` is short for two names (ngx_http_core_module, server_name)."""
    return (name[1:], f"*{name}") if name.startswith(".") else (name,)


def _is_public(name: str) -> bool:
    if name.startswith("~"):
        return True
    if "." not in name.removeprefix("*.") or "$" in name or name.rpartition(".")[2] in _NOBODYS:
        return False
    try:
        ip_address(name)
    except ValueError:
        return True
    return False


def _redirect(server: Directive, name: str, listen: Listen) -> tuple[int, str]:
    """The status of the redirect that answers a request for `/`, and where it leads; 0 if there is none."""
    status, url = _answer(server, name)
    if status not in _REDIRECTS:
        return 0, ""
    url = _SCHEME.sub("https" if listen.tls else "http", _HOST.sub(name.replace("\\", r"\\"), url))
    url = _PATH.sub("/", url)
    return int(status), "" if "$" in url or not url.startswith("http") else url


def _answer(server: Directive, name: str) -> tuple[str, str]:
    """Status and URL of what is answered to everybody, or to those who ask for *name* (as certbot writes it)."""
    for each in server.all("if"):
        if " ".join(each.words).strip("()").split() == ["$host", "=", name] and (told := each.first("return")):
            return _returned(told)
    for block in (server, _root(server)):
        if block is None:
            continue
        if (told := block.first("return")) is not None:
            return _returned(told)
        if rewritten := _rewritten(block):
            return rewritten
    return "", ""


def _rewritten(block: Directive) -> tuple[str, str] | None:
    """A redirect of `/` by `rewrite PATTERN URL permanent;`."""
    for each in block.all("rewrite"):
        if each.words[2:] in (("permanent",), ("redirect",)) and _is_root(each.words[0]):
            # A URL that ends in a question mark goes without the request's query.
            url = re.sub(r"/?\$\d", "/", each.words[1]).removesuffix("?")
            return ("301" if each.words[2] == "permanent" else "302"), url
    return None


def _is_root(expression: str) -> bool:
    try:
        return finds(expression, "/")
    except ValueError:
        return False


def _root(server: Directive) -> Directive | None:
    try:
        return location_for(server, "/")
    except ValueError:
        return None  # an expression that cannot be read here: whatever answers, it is served


def _returned(told: Directive) -> tuple[str, str]:
    """`return 301 URL;`, or `return URL;`, which means 302."""
    if not told.words:
        return "", ""
    if len(told.words) == 1 and not told.words[0].isdecimal():
        return "302", told.words[0]
    return told.words[0], told.words[1] if len(told.words) > 1 else ""
