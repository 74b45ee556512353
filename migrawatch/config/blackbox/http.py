"""The section `http` of a module and a target as the settings of the kind http."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from migrawatch.config.blackbox.module import TwoHosts
from migrawatch.config.blackbox.options import HeaderMatch, HttpOptions
from migrawatch.config.values import parse_size
from migrawatch.model import Secret
from migrawatch.parse.place import place_of
from migrawatch.parse.url import parse_dial, parse_url
from migrawatch.talk.http_expect import Expect
from migrawatch.talk.http_request import BasicAuth

REDIRECTS = 10
MOST = 64 * 1024**2
"""Bytes of body that are read at most, also where blackbox_exporter sets no limit: a target is a stranger."""

_VERSIONS = {"HTTP/1.0": "1.0", "HTTP/1.1": "1.1", "HTTP/2": "2", "HTTP/2.0": "2"}
# What else a module says in a header may be a key: it stays with the origin it was meant for, and is never shown.
_HARMLESS = frozenset({"accept", "accept-charset", "accept-encoding", "accept-language", "cache-control",
                       "content-type", "host", "origin", "pragma", "range", "referer", "user-agent"})  # fmt: skip


def http_settings(options: HttpOptions, target: str, hostname: str) -> Mapping[str, Any]:
    """The settings of a probe of *target*. Raise ValueError for what is no URL."""
    url = parse_url(target if target.startswith(("http://", "https://")) else f"http://{target}")
    headers = _headers(options)
    host = named_host(options, hostname)
    if host:
        headers["Host"] = host
    name = options.tls_config.server_name or (parse_dial(host)[0] if host else "") or url.host
    asked = url
    if name != url.host:
        # Who is asked for by another name than the target's is dialled at the target all the same.
        asked = replace(url, host=name)
        headers.setdefault("Host", url.authority)
    return {
        "url": str(asked),
        "dial": place_of(url.host, url.port) if asked is not url else "",
        "method": options.method or "GET",
        "headers": headers,
        "body": options.body or "",
        "basic_auth": _basic(options),
        "bearer": options.bearer_token,
        "compression": _compression(options),
        "version": "auto" if options.enable_http2 else "1.1",
        "redirects": REDIRECTS if _follows(options) else 0,
        "follow_expected": True,
        "body_limit": min(limit_of(options) or MOST, MOST),
        "expect": _expect(options),
    }


def named_host(options: HttpOptions, hostname: str) -> str:
    """What the header Host says; empty for the target's own. Raise TwoHosts."""
    written = next((value.reveal() for name, value in options.headers.items() if name.lower() == "host"), "")
    if hostname and written and hostname != written:
        both = f"in module configuration ({written}) and with URL-parameter 'hostname' ({hostname})"
        raise TwoHosts(f"host header defined both {both}")
    return written or hostname


def limit_of(options: HttpOptions) -> int:
    """The limit of the body in bytes; 0 for none. Raise ValueError. Here KB and MB are counted by 1024."""
    text = options.body_size_limit.strip()
    for unit in ("KB", "MB", "GB", "TB"):
        text = text.replace(unit, f"{unit[0]}iB")
    return parse_size(text) if text else 0


def _headers(options: HttpOptions) -> dict[str, str | Secret]:
    headers: dict[str, str | Secret] = {}
    for name, value in options.headers.items():
        if name.lower() != "host":
            headers[name] = value.reveal() if name.lower() in _HARMLESS else value
    for name, several in options.http_headers.items():
        values = ", ".join(value.reveal() for value in (*several.values, *several.secrets))
        headers[name] = values if name.lower() in _HARMLESS else Secret(values)
    if (given := options.authorization) is not None and given.credentials is not None:
        headers["Authorization"] = Secret(f"{given.type} {given.credentials.reveal()}")
    return headers


def _basic(options: HttpOptions) -> BasicAuth | None:
    given = options.basic_auth
    return BasicAuth(user=given.username, password=given.password or Secret("")) if given is not None else None


def _compression(options: HttpOptions) -> str:
    if options.compression in ("", "identity") or options.accept_encoding:
        return "none"
    return options.compression


def _follows(options: HttpOptions) -> bool:
    if options.no_follow_redirects is not None:
        return not options.no_follow_redirects
    return options.follow_redirects


def _expect(options: HttpOptions) -> Expect:
    matches, lacks = options.fail_if_header_matches, options.fail_if_header_not_matches
    must: dict[str, bool | str | tuple[str, ...]] = {
        one.header: True for one in (*matches, *lacks) if not one.allow_missing
    }
    must |= _by_name([one for one in lacks if not one.allow_missing])
    return Expect(
        status=options.valid_status_codes,
        header=must,
        header_if_any=_by_name([one for one in lacks if one.allow_missing]),
        not_header=_by_name(matches),
        body=options.fail_if_body_not_matches_regexp,
        not_body=options.fail_if_body_matches_regexp,
        version=tuple(dict.fromkeys(_VERSIONS[one] for one in options.valid_http_versions if one in _VERSIONS)),
        scheme="http" if options.fail_if_ssl else "https" if options.fail_if_not_ssl else "",
    )


def _by_name(several: "tuple[HeaderMatch, ...] | list[HeaderMatch]") -> dict[str, str | tuple[str, ...]]:
    names = dict.fromkeys(one.header for one in several)
    return {name: tuple(one.regexp for one in several if one.header == name) for name in names}
