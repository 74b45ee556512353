"""What the daemon says of each look in its log."""

import structlog

from migrawatch.model import Observation

log = structlog.get_logger(__name__)


def log_observed(seen: Observation) -> None:
    """Log what one look saw."""
    log.info(
        "observed",
        check=seen.subject.check,
        vantage=seen.subject.vantage,
        verdict=seen.verdict,
        reason=seen.reason,
        detail=seen.detail,
        took=round(seen.took, 4),
    )
