"""HTML in which every value is escaped, unless it was made here."""

from collections.abc import Iterable
from html import escape
from urllib.parse import urlsplit


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def fill(template: str, **values: object) -> Html:
    """*template* with its `{names}` filled in; whatever is not Html is escaped."""
    return Html(template.format_map({name: v if isinstance(v, Html) else escape(str(v)) for name, v in values.items()}))


def joined(parts: Iterable[Html], between: str = "") -> Html:
    """The *parts* in a row."""
    return Html(between.join(parts))


def link(address: str, text: str) -> Html:
    """A link to *address*; plain text if it is no web address (`javascript:` must not become one)."""
    if urlsplit(address).scheme not in ("http", "https"):
        return fill("{text}", text=address)
    return fill('<a href="{address}" rel="noreferrer">{text}</a>', address=address, text=text)
