"""The clock was set back: what seems to lie ahead was just now, so that what waits for an age waits no longer."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, TypeVar

T = TypeVar("T")


def set_back(value: T, at: datetime) -> T:
    """*value*, a frozen dataclass, with none of its own dates after *at*; also those by name, as `told_at` has them."""
    changed = {}
    for field in fields(value):  # type: ignore[arg-type]
        known = getattr(value, field.name)
        earlier = _not_after(known, at)
        if earlier is not known:
            changed[field.name] = earlier
    return replace(value, **changed) if changed else value  # type: ignore[type-var]


def _not_after(known: Any, at: datetime) -> Any:
    if isinstance(known, datetime):
        return min(known, at)
    if isinstance(known, Mapping) and any(isinstance(date, datetime) and date > at for date in known.values()):
        return {name: _not_after(date, at) for name, date in known.items()}
    return known
