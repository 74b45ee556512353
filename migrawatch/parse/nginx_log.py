"""nginx's error log: what it said lately of an upstream."""

import re
from dataclasses import dataclass
from datetime import datetime

_LINE = re.compile(
    r"(?P<at>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(?:error|crit|alert|emerg|warn)\] \S+ (?:\*\d+ )?"
    r"(?P<what>.*?), client: .*?"
    r'upstream: "(?P<upstream>[a-z]+://[^/"]+)'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class UpstreamError:
    """One failed request to an upstream: local time of the host, what went wrong, `http://host:port`."""

    at: datetime
    what: str
    upstream: str


def parse_upstream_errors(text: str) -> tuple[UpstreamError, ...]:
    """The errors about upstreams in the tail of an error log, in order; other lines are passed over.

    Requests are left out: their paths and queries may carry what nobody should read.
    """
    found = (_LINE.match(line) for line in text.splitlines())
    return tuple(
        UpstreamError(
            at=datetime.strptime(match["at"], "%Y/%m/%d %H:%M:%S"), what=match["what"], upstream=match["upstream"]
        )
        for match in found
        if match is not None and _is_date(match["at"])
    )


def newest_at(text: str) -> datetime | None:
    """The local time of the last line that begins with one."""
    for line in reversed(text.splitlines()):
        if _is_date(line[:19]):
            return datetime.strptime(line[:19], "%Y/%m/%d %H:%M:%S")
    return None


def _is_date(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y/%m/%d %H:%M:%S")
    except ValueError:
        return False
    return True
