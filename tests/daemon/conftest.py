"""What every test of the daemon wants: its log kept, and silent."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog


@pytest.fixture(autouse=True)
def events() -> Iterator[list[dict[str, Any]]]:
    """All that the daemon logs in this test, at warning and above: a day of looks is not to be rendered."""
    kept: list[dict[str, Any]] = []

    def keep(_: object, __: str, event: dict[str, Any]) -> dict[str, Any]:
        kept.append(event)
        raise structlog.DropEvent

    structlog.configure(
        processors=[structlog.processors.add_log_level, keep],
        wrapper_class=structlog.make_filtering_bound_logger(30),
        cache_logger_on_first_use=False,
    )
    yield kept
    structlog.reset_defaults()
