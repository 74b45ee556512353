"""A moment on the page: the date in UTC for who reads without scripts, and how long ago for who has them."""

from datetime import UTC, datetime

from migrawatch.model import Seconds
from migrawatch.show.document import date
from migrawatch.show.markup import Html, fill


def moment(at: datetime) -> Html:
    """*at* as a time element; the page's script adds how long ago that was."""
    return fill(
        '<time datetime="{iso}">{text}</time>', iso=date(at), text=at.astimezone(UTC).strftime("%d %b %H:%M:%S UTC")
    )


def length(seconds: Seconds) -> str:
    """A length as one reads it in a list: `3 ms`, `1.93 s`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
