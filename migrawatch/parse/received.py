"""The way that a mail came, as the servers on it wrote it down: hops with their times, and what they say of SPF."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime

_BY = re.compile(r"(?:^|\s)by\s+([A-Za-z0-9._\[\]:-]{1,255})", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")
_DEEPEST_COMMENT = 10
_SPF_OUTCOME = r"(none|neutral|pass|fail|softfail|temperror|permerror)\b"
_SPF_AUTHENTICATED = re.compile(r"(?:^|[;\s])spf\s*=\s*" + _SPF_OUTCOME, re.IGNORECASE)
_RECEIVED_SPF = re.compile(r"\s*" + _SPF_OUTCOME, re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hop:
    """One server that took the mail: its name as it wrote it, empty if it wrote none, and when, by its own clock."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Delay:
    """How long a mail took to *by* from the hop before it, in seconds; below zero where their clocks disagree."""

    by: str
    seconds: float


def parse_hop(value: str) -> Hop:
    """Read one `Received` header (RFC 5321, section 4.4). Raise ValueError where it has no date.

    A time without a zone is taken for UTC; comments count for nothing.
    """
    plain = _without_comments(" ".join(value.split()))
    clauses, semicolon, date = plain.rpartition(";")
    if not semicolon:
        raise ValueError(f"no date in {value[:80]!r}")
    try:
        at = parsedate_to_datetime(date.strip())
    except (ValueError, OverflowError) as error:
        raise ValueError(f"no date in {value[:80]!r}") from error
    found = _BY.search(clauses)
    return Hop(found[1].lower().rstrip(".") if found else "", at if at.tzinfo else at.replace(tzinfo=UTC))


def _without_comments(text: str) -> str:
    for _ in range(_DEEPEST_COMMENT):
        shorter = _COMMENT.sub(" ", text)
        if shorter == text:
            break
        text = shorter
    return text


def parse_hops(message: bytes) -> tuple[Hop, ...]:
    """The hops of a mail from the first to the last; what cannot be read is left out."""
    hops: list[Hop] = []
    for value in reversed(BytesHeaderParser().parsebytes(message).get_all("Received", [])):
        try:
            hops.append(parse_hop(str(value)))
        except ValueError:
            continue
    return tuple(hops)


def delays(sent: datetime, hops: Sequence[Hop]) -> tuple[Delay, ...]:
    """How long each hop took, the first since it was *sent*. Servers write whole seconds, and so does this."""
    before = (sent.replace(microsecond=0), *(hop.at for hop in hops))
    return tuple(Delay(hop.by, (hop.at - since).total_seconds()) for hop, since in zip(hops, before, strict=False))


def spf_told(message: bytes) -> str:
    """What the server that took the mail in says of SPF (RFC 8601, RFC 7208 section 9.1), in lower case; else empty."""
    headers = BytesHeaderParser().parsebytes(message)
    for name, pattern in (("Authentication-Results", _SPF_AUTHENTICATED), ("Received-SPF", _RECEIVED_SPF)):
        for value in headers.get_all(name, []):
            text = " ".join(str(value).split())
            found = pattern.search(text) if name == "Authentication-Results" else pattern.match(text)
            if found:
                return found[1].lower()
    return ""
