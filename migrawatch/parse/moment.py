"""Moments that others write as RFC 3339 has it."""

from datetime import UTC, datetime

_LONGEST = 80
"""Characters of a moment: twice what the longest has."""


def utc_of(text: str) -> datetime:
    """The moment in UTC, for which a time without a zone is taken. Raise ValueError for what no clock shows."""
    if len(text) > _LONGEST:
        raise ValueError(f"no moment is {text[:_LONGEST]!r}...")
    told = datetime.fromisoformat(text)
    try:
        return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError(f"no clock shows {text[:80]!r}") from error
