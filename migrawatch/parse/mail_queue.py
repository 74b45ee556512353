"""What Postfix says of its queue: the output of `postqueue -j`, without the people that it names."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LINES = 5000
"""Mails that are read; a longer queue is told as *at least* so many."""

QUEUES = frozenset({"maildrop", "incoming", "active", "deferred", "hold"})
"""Postfix's queues (postqueue(1))."""

_BOUNCE = "MAILER-DAEMON"
_RECIPIENTS = 100
_LATEST = 2**40

ROLES = frozenset({"abuse", "admin", "contact", "hostmaster", "info", "mail", "noc", "office", "postmaster", "root",
                   "sales", "security", "support", "webmaster"})  # fmt: skip
"""Local parts that name a duty and no person (RFC 2142, and those in common use)."""

# An address, whole or encoded in another (`bob%40a.example`): whatever stands before the sign is a person's.
_WORD = r'[^\s<>"(),;:/@]'
_LOCAL_PART = re.compile(rf'(?:"[^"]*"|(?<!{_WORD}){_WORD}+)(?=@|%40)')
_QUERY = re.compile(r"(https?://[^\s?]+)\?\S+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """One recipient that a mail waits for: the domain only, and why, with no person in it (empty: not tried yet)."""

    domain: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """One mail of the queue. *arrived_at* is unix time by the mail server's clock."""

    queue: str
    arrived_at: int
    size_bytes: int
    is_bounce: bool
    waiting: tuple[Waiting, ...]


def lines_of(text: str, limit: int = LINES) -> tuple[tuple[str, ...], bool]:
    """The first *limit* whole lines of `postqueue -j`, one for each mail, and whether there are more of them.

    A last line without its end means that more was printed than was kept. Raise ValueError when there is no whole line.
    """
    *lines, rest = text.split("\n", limit)
    if rest and not lines:
        raise ValueError("postqueue printed no whole line")
    return tuple(lines), bool(rest)


def parse_mail(line: str) -> Mail:
    """Read one line of `postqueue -j` (postqueue(1), JSON OBJECT FORMAT). Raise ValueError, which quotes nothing."""
    try:
        written = json.loads(line)
    except (ValueError, RecursionError):
        written = None
    if not isinstance(written, dict) or not isinstance(written.get("queue_name"), str):
        raise ValueError("postqueue printed a line that is no mail of a queue")
    queue, sender = written["queue_name"], str(written.get("sender", ""))
    recipients = written.get("recipients")
    return Mail(
        queue=queue if queue in QUEUES else "other",
        arrived_at=_whole(written.get("arrival_time")),
        size_bytes=_whole(written.get("message_size")),
        is_bounce=sender in ("", _BOUNCE),
        waiting=tuple(_waiting(each, sender) for each in recipients[:_RECIPIENTS] if isinstance(each, dict))
        if isinstance(recipients, list)
        else (),
    )


def _waiting(recipient: dict[str, Any], sender: str) -> Waiting:
    address = str(recipient.get("address", ""))
    why = str(recipient.get("delay_reason", ""))[:1000]
    return Waiting(domain=domain_of(address), why=impersonal(why, (address, sender)))


def domain_of(address: str) -> str:
    """The domain of *address* in lower case, `(none)` without one; cut where a name would be."""
    _, at, domain = address.rpartition("@")
    return "".join(char for char in domain[:253].lower() if char.isprintable()) if at and domain else "(none)"


def impersonal(text: str, addresses: Iterable[str]) -> str:
    """*text* on one line without local parts of addresses, those of *addresses* also where they stand alone.

    Servers put them into paths, links and sentences (`user bob is over quota`, `/home/vmail/a.example/bob/tmp`).
    """
    text = _QUERY.sub(r"\1?...", " ".join(text.split()))
    if "@" in text or "%40" in text:
        text = _LOCAL_PART.sub("...", text)
    for address in addresses:
        local = address.rpartition("@")[0]
        # Nearly always it is not there; a pattern of its own for every address would cost most of the reading.
        if local.lower() in text.lower() and local and local.lower() not in ROLES and local != _BOUNCE:
            text = re.sub(rf"(?<![\w-]){re.escape(local)}(?![\w-])", "...", text, flags=re.IGNORECASE)
    return "".join(char for char in text if char.isprintable())


def _whole(written: Any) -> int:
    return written if isinstance(written, int) and 0 <= written < _LATEST else 0
