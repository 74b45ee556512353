"""Where nginx sends a request: which server, which location, which upstream, by its own rules."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from migrawatch.parse.nginx import Dump
from migrawatch.parse.nginx_expression import finds
from migrawatch.parse.nginx_syntax import Directive

_PORTS = {"http": 80, "https": 443, "grpc": 80, "grpcs": 443}

_MOST_REDIRECTS = 10
"""So often nginx goes from one location to another before it gives a request up (NGX_HTTP_MAX_URI_CHANGES)."""
_PASSES = ("proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass")


@dataclass(frozen=True, kw_only=True, slots=True)
class Listen:
    """One address that a server listens on."""

    address: str
    port: int
    tls: bool
    is_default: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Where one request goes. *targets* are the upstream's servers as URLs; empty when *words* is no proxying."""

    location: str
    targets: tuple[str, ...]
    words: str
    error_log: str
    file: str
    line: int


def servers_of(dump: Dump) -> tuple[Directive, ...]:
    """The server blocks of all http blocks, in order."""
    return tuple(server for http in dump.root.all("http") for server in http.all("server"))


def listens_of(server: Directive) -> tuple[Listen, ...]:
    """What a server listens on; nothing said means port 80."""
    told = tuple(_listen(each.words) for each in server.all("listen") if each.words)
    whole = server.first("ssl")
    if whole is not None and whole.words == ("on",):  # before nginx 1.25: TLS for every listen of the server
        told = tuple(
            Listen(address=each.address, port=each.port, tls=True, is_default=each.is_default) for each in told
        )
    return told or (Listen(address="", port=80, tls=False, is_default=False),)


def _listen(words: tuple[str, ...]) -> Listen:
    address, colon, port = words[0].rpartition(":")
    if words[0].isdecimal():
        address, port = "", words[0]
    elif not colon or not port.isdecimal():
        address, port = words[0], "80"
    return Listen(
        address="" if address in ("*", "0.0.0.0", "[::]") else address,
        port=int(port),
        tls="ssl" in words or "quic" in words,
        is_default="default_server" in words or "default" in words,
    )


def names_of(server: Directive) -> tuple[str, ...]:
    """The names of a server, in order; a regular expression begins with `~` and stays as it is written."""
    return tuple(
        name if name.startswith("~") else name.lower() for each in server.all("server_name") for name in each.words
    )


def takes(written: str, name: str) -> bool:
    """Whether a server that is called *written* takes requests for *name*.

    Raise ValueError for an expression that cannot be read here.
    """
    if written.startswith("~"):
        return finds(written[1:], name)
    return _is_exact(written, name) or _is_below(written, name) or _is_above(written, name)


def server_for(dump: Dump, name: str, port: int) -> Directive | None:
    """The server that takes requests for *name* on *port*; None if only a default one would.

    As nginx chooses (ngx_http_core_module, server_name): the exact name, the longest `*.name`, the longest `name.*`,
    the first regular expression that matches.
    """
    name = name.lower()
    named = [
        (written, server)
        for server in servers_of(dump)
        if any(listen.port == port for listen in listens_of(server))
        for written in names_of(server)
    ]
    for fits in (_is_exact, _is_below, _is_above):
        fitting = [pair for pair in named if fits(pair[0], name)]
        if fitting:
            return max(fitting, key=lambda pair: len(pair[0]))[1]
    return next((server for written, server in named if written.startswith("~") and finds(written[1:], name)), None)


def _is_exact(written: str, name: str) -> bool:
    return name in (written, written.removeprefix("."))


def _is_below(written: str, name: str) -> bool:
    return written.startswith(("*.", ".")) and name.endswith(written.removeprefix("*"))


def _is_above(written: str, name: str) -> bool:
    return written.endswith(".*") and name.startswith(written[:-1])


def location_for(block: Directive, path: str) -> Directive | None:
    """The location of a server (or of a location) that takes *path*, as nginx chooses (`location`)."""
    prefix: Directive | None = None
    for each in block.all("location"):
        modifier, pattern = _pattern(each)
        if modifier == "=" and pattern == path:
            return each
        if modifier in ("", "^~") and path.startswith(pattern) and len(pattern) > _length(prefix):
            prefix = each
    inner = location_for(prefix, path) if prefix is not None else None
    if inner is not None:
        return inner
    if prefix is None or _pattern(prefix)[0] != "^~":
        for each in block.all("location"):
            modifier, pattern = _pattern(each)
            if modifier in ("~", "~*") and finds(pattern, path, ignores_case=modifier == "~*"):
                return location_for(each, path) or each
    return prefix


def _pattern(location: Directive) -> tuple[str, str]:
    """A location's modifier and what it matches; nginx takes `= /x` and `=/x`. Named ones have the modifier `@`."""
    if len(location.words) == 2:
        return location.words[0], location.words[1]
    word = location.words[0] if location.words else ""
    modifier = next((each for each in ("=", "^~", "~*", "~", "@") if word.startswith(each)), "")
    return modifier, word.removeprefix(modifier)


def _length(location: Directive | None) -> int:
    return -1 if location is None else len(_pattern(location)[1])


def route_for(dump: Dump, server: Directive, path: str) -> Route:
    """Where *server* sends requests for *path*."""
    location = location_for(server, path)
    log = _error_log(dump, server, location)
    where = location or server
    words, targets = _destination(dump, server, location)
    name = " ".join(location.words) if location is not None else ""
    return Route(location=name, targets=targets, words=words, error_log=log, file=where.file, line=where.line)


def _destination(
    dump: Dump, server: Directive, location: Directive | None, redirects: int = 0
) -> tuple[str, tuple[str, ...]]:
    if (answer := server.first("return")) is not None:
        return " ".join(("return", *answer.words)), ()
    if location is None:
        return "no location takes it", ()
    if (answer := location.first("return")) is not None:
        return " ".join(("return", *answer.words)), ()
    for name in _PASSES:
        if (passed := location.first(name)) is not None and passed.words:
            url = _substituted(passed.words[0], server, location)
            return f"{name} {passed.words[0]}", _targets(dump, url)
    tried = location.first("try_files")
    if tried is not None and tried.words and tried.words[-1].startswith("@"):
        named = next((each for each in server.all("location") if each.words == (tried.words[-1],)), None)
        if named is not None and redirects >= _MOST_REDIRECTS:
            return f"locations that lead in circles, to {tried.words[-1]}", ()
        if named is not None:
            return _destination(dump, server, named, redirects + 1)
    return "files on its own disk", ()


def _substituted(url: str, *blocks: Directive) -> str:
    """*url* with the variables that a plain `set` gives a value."""
    for block in reversed(blocks):
        for each in block.all("set"):
            if len(each.words) == 2 and "$" not in each.words[1]:
                name = re.escape(each.words[0].removeprefix("$"))
                url = re.sub(rf"\$\{{{name}\}}|\${name}(?!\w)", each.words[1].replace("\\", "\\\\"), url)
    return url


def _targets(dump: Dump, url: str) -> tuple[str, ...]:
    """The servers behind *url*: those of the upstream block that it names, or itself."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    name, slash, uri = rest.partition("/")
    block = next((each for each in _upstreams(dump) if each.words == (name,)), None)
    if block is None:
        return (normal_url(url),)
    used = [each.words[0] for each in block.all("server") if each.words and "down" not in each.words[1:]]
    return tuple(normal_url(f"{scheme}{separator}{_with_port(server)}{slash}{uri}") for server in used)


def _upstreams(dump: Dump) -> Iterator[Directive]:
    return (each for http in dump.root.all("http") for each in http.all("upstream"))


def _with_port(server: str) -> str:
    # In an upstream block a server without a port means 80, whatever the scheme.
    return server if server.startswith("unix:") or re.search(r":\d+$", server) else f"{server}:80"


def normal_url(url: str) -> str:
    """*url* with its port said and its host in lower case; the path stays, since nginx replaces by it."""
    if "://" not in url or "unix:" in url:
        return url
    parts = urlsplit(url)
    host, colon, port = parts.netloc.rpartition(":")
    if not colon or not port.isdecimal():
        host, port = parts.netloc, str(_PORTS.get(parts.scheme, 80))
    return f"{parts.scheme}://{host.lower()}:{port}{parts.path}{'?' if parts.query else ''}{parts.query}"


def _error_log(dump: Dump, server: Directive, location: Directive | None) -> str:
    """The file that errors of these requests are written to; empty if it is no file."""
    https = tuple(http for http in dump.root.all("http") if server in http.all("server"))
    for block in (location, server, *https, dump.root):
        told = block.first("error_log") if block is not None else None
        if told is not None and told.words:
            is_file = not told.words[0].startswith(("syslog:", "memory:")) and told.words[0] != "stderr"
            return dump.path(told.words[0]) if is_file else ""
    return "/var/log/nginx/error.log"
