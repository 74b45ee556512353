"""What a response is expected to be, and what is wrong with one that is not."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal

from migrawatch.model import Finding, Pattern, Verdict
from migrawatch.parse.content import text_of
from migrawatch.parse.http import REDIRECTS, Response, gateway_sign
from migrawatch.parse.json_path import Absent, find, is_same
from migrawatch.parse.url import Malformed, Url, joined, parse_url
from migrawatch.reason import Reason
from migrawatch.talk.expression import expression

_SUCCESS = frozenset(range(200, 300))
_HEAVY = 10_000_000
_JSON_LIMIT = 524_288
"""Steps, and bytes, that take a few hundredths of a second at most."""


@dataclass(frozen=True, kw_only=True)
class Expect:
    """Expectations on a response. Regular expressions are RE2 and may match anywhere.

    *status* is a code, a class such as `2xx`, or a list of them; by default `2xx`, or any redirect if *redirect* is
    set. *header* maps a name to an expression (or several), to `true` (must be there) or `false` (must not);
    *header_if_any* and *not_header* are expressions for one that may be missing, the latter must match no value.
    *body* and *not_body* are one or several expressions. *json* maps a dotted path to the value there. *redirect* is
    the URL that a redirect must lead to; it is then not followed. *version* is `1.0`, `1.1` or `2`, or a list, *scheme*
    what the last redirect must have led to.
    """

    status: int | str | tuple[int | str, ...] = ()
    header: dict[str, bool | Pattern | tuple[Pattern, ...]] = field(default_factory=dict)
    header_if_any: dict[str, Pattern | tuple[Pattern, ...]] = field(default_factory=dict)
    not_header: dict[str, Pattern | tuple[Pattern, ...]] = field(default_factory=dict)
    body: Pattern | tuple[Pattern, ...] = ()
    not_body: Pattern | tuple[Pattern, ...] = ()
    json: dict[str, Any] = field(default_factory=dict)
    redirect: str = ""
    version: str | tuple[str, ...] = ()
    scheme: Literal["", "http", "https"] = ""

    def __post_init__(self) -> None:
        _ = self.statuses
        on_headers = (*self.header.values(), *self.header_if_any.values(), *self.not_header.values())
        for texts in (self.body, self.not_body, *(wanted for wanted in on_headers if not isinstance(wanted, bool))):
            for text in _several(texts):
                expression(text)
        if unknown := set(_several(self.version)) - {"1.0", "1.1", "2"}:
            raise ValueError(f"version: wanted 1.0, 1.1 or 2, got {', '.join(sorted(unknown))}")
        if self.redirect:
            parse_url(self.redirect)

    @cached_property
    def statuses(self) -> frozenset[int]:
        """The codes that are expected."""
        if self.status == ():
            return REDIRECTS if self.redirect else _SUCCESS
        return _all_codes(self.status if isinstance(self.status, tuple) else (self.status,))

    @property
    def wanted_status(self) -> str:
        """The expected codes in words."""
        if self.status == ():
            return "a redirect" if self.redirect else "2xx"
        return " or ".join(map(str, self.status)) if isinstance(self.status, tuple) else str(self.status)

    @cached_property
    def effort(self) -> int:
        """The steps that matching the body may take for each byte of it; 0 when nothing is matched against it."""
        return sum(expression(text).size for text in (*_several(self.body), *_several(self.not_body)))

    @property
    def on_headers(self) -> bool:
        """Whether anything is expected of the headers."""
        return bool(self.header or self.header_if_any or self.not_header)

    def is_heavy(self, response: Response) -> bool:
        """Whether matching *response* could hold the loop: a counted repetition takes seconds for a megabyte."""
        return self.effort * len(response.body) > _HEAVY


def wrong(expect: Expect, response: Response, url: Url) -> list[Finding]:
    """What is not as expected in *response*, the answer to *url*; an unexpected status is the only finding then."""
    if response.status not in expect.statuses:
        return [_wrong_status(expect, response, url)]
    found: list[Finding] = []
    if expect.redirect:
        found += _wrong_redirect(expect, response, url)
    if expect.version and response.version not in _several(expect.version):
        wanted = " or ".join(_several(expect.version))
        found.append(_down(Reason.HTTP_VERSION, f"HTTP/{response.version}, wanted HTTP/{wanted}"))
    if expect.scheme and url.scheme != expect.scheme:
        found.append(_down(Reason.HTTP_SCHEME, f"{url} was asked for in the end, wanted {expect.scheme}"))
    if expect.on_headers:
        found += _wrong_headers(expect, response)
    if expect.effort:
        found += _wrong_body(expect, response)
    if expect.json:
        found += _wrong_json(expect, response)
    return found


def _wrong_status(expect: Expect, response: Response, url: Url) -> Finding:
    seen = f"HTTP {response.status} {response.phrase}".rstrip()
    if sign := gateway_sign(response):
        return _down(Reason.HTTP_GATEWAY, f"{seen} from {url.authority}, wanted {expect.wanted_status} ({sign})")
    if expect.redirect and response.status < 400:
        return _down(Reason.HTTP_REDIRECT, f"{seen}, wanted a redirect to {expect.redirect}")
    return _down(Reason.HTTP_STATUS, f"{seen}, wanted {expect.wanted_status}")


def _wrong_redirect(expect: Expect, response: Response, url: Url) -> Iterator[Finding]:
    location = response.header("location")
    if location is None:
        yield _down(Reason.HTTP_REDIRECT, f"HTTP {response.status} without Location, wanted {expect.redirect}")
        return
    try:
        leads_to = str(joined(url, location))
    except Malformed as error:
        yield _down(Reason.HTTP_REDIRECT, f"Location: {error}, wanted {expect.redirect}")
        return
    if leads_to != str(parse_url(expect.redirect)):
        yield _down(Reason.HTTP_REDIRECT, f"HTTP {response.status} leads to {leads_to}, wanted {expect.redirect}")


def _wrong_headers(expect: Expect, response: Response) -> Iterator[Finding]:
    for name, wanted in expect.header.items():
        values = response.values(name.lower())
        if wanted is False:
            if values:
                yield _down(Reason.HTTP_HEADER, f"{name} is there, wanted none")
        elif not values:
            yield _down(Reason.HTTP_HEADER, f"no {name}, wanted {'one' if wanted is True else repr(wanted)}")
        elif wanted is not True:
            yield from _unlike(name, values, wanted)
    for name, wanted in expect.header_if_any.items():
        if values := response.values(name.lower()):
            yield from _unlike(name, values, wanted)
    for name, unwanted in expect.not_header.items():
        for text in _several(unwanted):
            if any(expression(text).is_in(value.encode()) for value in response.values(name.lower())):
                yield _down(Reason.HTTP_HEADER, f"{name} matches {text!r}, wanted one that does not")


def _unlike(name: str, values: tuple[str, ...], wanted: str | tuple[str, ...]) -> Iterator[Finding]:
    joined_values = ", ".join(values)
    for text in _several(wanted):
        # Several of one name may be read as one (RFC 9110, section 5.3) or each by itself.
        if not any(expression(text).is_in(value.encode()) for value in (joined_values, *values)):
            # A cookie is a secret: its value stays out of the detail.
            shown = "the value" if name.lower() == "set-cookie" else repr(joined_values[:200])
            yield _down(Reason.HTTP_HEADER, f"{name}: {shown} does not match {text!r}")


def _wrong_body(expect: Expect, response: Response) -> Iterator[Finding]:
    text = text_of(response)
    for wanted in _several(expect.body):
        if not expression(wanted).is_in(text):
            yield _down(Reason.HTTP_BODY, f"no {wanted!r} in the body ({len(text)} bytes)")
    for unwanted in _several(expect.not_body):
        if expression(unwanted).is_in(text):
            yield _down(Reason.HTTP_BODY, f"{unwanted!r} is in the body, wanted none")


def _wrong_json(expect: Expect, response: Response) -> Iterator[Finding]:
    if len(response.body) > _JSON_LIMIT:
        # Python reads JSON in one go, holding everything else: a check's answer is to be small.
        yield _down(Reason.HTTP_TOO_LARGE, f"{len(response.body)} bytes of JSON, at most {_JSON_LIMIT} are read")
        return
    try:
        document = response.json()
    except ValueError as error:
        yield _down(Reason.HTTP_JSON, f"the body is not JSON: {error}")
        return
    for path, wanted in expect.json.items():
        try:
            seen = find(document, path)
        except Absent as error:
            yield _down(Reason.HTTP_JSON, f"{path}: {error}, wanted {wanted!r}")
            continue
        if not is_same(seen, wanted):
            yield _down(Reason.HTTP_JSON, f"{path} is {seen!r:.200}, wanted {wanted!r}")


def _down(reason: Reason, detail: str) -> Finding:
    return Finding(Verdict.DOWN, reason, detail)


def _several(one_or_more: str | tuple[str, ...]) -> tuple[str, ...]:
    return (one_or_more,) if isinstance(one_or_more, str) else one_or_more


@lru_cache(maxsize=256)
def _all_codes(several: tuple[int | str, ...]) -> frozenset[int]:
    return frozenset(code for one in several for code in _codes(one))


def _codes(wanted: int | str) -> range:
    text = str(wanted).lower()
    if len(text) == 3 and text[0] in "12345" and text[1:] == "xx":
        return range(int(text[0]) * 100, int(text[0]) * 100 + 100)
    if len(text) == 3 and text.isascii() and text.isdigit():
        return range(int(text), int(text) + 1)
    raise ValueError(f"{wanted!r} is not a status: a code such as 200, or a class such as 2xx")
