"""How events are logged: JSON lines on stderr, coloured lines on a terminal. The one place that sets structlog up."""

import logging
import sys
from typing import Any, cast

import structlog

LEVELS = ("debug", "info", "warning", "error")


def set_up_logs(level: str = "info", *, pretty: bool | None = None) -> None:
    """Send events of *level* and above to stderr; *pretty* lines for people, by default when stderr is a terminal."""
    people = sys.stderr.isatty() if pretty is None else pretty
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if people:
        # Plain: a pretty traceback shows local variables, and one of them may be a secret.
        processors.append(structlog.dev.ConsoleRenderer(colors=True, exception_formatter=structlog.dev.plain_traceback))
    else:
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(_number_of(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # What libraries log is for whoever mends migrawatch, not for the on-call.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    for name in ("asyncssh", "uvicorn", "httpx"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _number_of(level: str) -> int:
    return cast(int, getattr(logging, level.upper()))
