"""Findings about records, in the words that all of them share."""

from migrawatch.model import Finding, Verdict
from migrawatch.parse.records import Records
from migrawatch.reason import Reason

_LONGEST = 200


def down(reason: Reason, detail: str) -> Finding:
    """Mail is lost, refused or forged for it."""
    return Finding(Verdict.DOWN, reason, detail)


def warn(reason: Reason, detail: str) -> Finding:
    """It should be mended before it fails somebody."""
    return Finding(Verdict.WARN, reason, detail)


def unanswered(records: Records) -> Finding:
    """The question was not answered."""
    return down(records.reason, records.failure)


def shown(text: str) -> str:
    """A record as people are shown it: on one line, and not without end."""
    plain = text[:_LONGEST]
    if not plain.isprintable():
        plain = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in plain)
    return plain if len(text) <= _LONGEST else f"{plain}..."
