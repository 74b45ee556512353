"""State files that cannot be used: set aside under a dated name, and known until somebody takes them away."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

_MARK = ".set-aside-"
_BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside a file goes with it, and is none of its own."""


def set_aside(path: Path, error: str) -> None:
    """Rename the file *path*, and what SQLite keeps beside it. Raise OSError."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}{_MARK}{stamp}")
    for ending in ("", *_BESIDE):
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
    log.error("state_set_aside", path=str(path), kept_as=str(aside), error=error)


def lying_aside(path: Path) -> tuple[str, ...]:
    """The files that were *path*, were set aside and still lie there, the oldest first. Raise OSError."""
    found = (each for each in path.parent.iterdir() if each.name.startswith(path.name + _MARK))
    return tuple(str(each) for each in sorted(found) if not each.name.endswith(_BESIDE))
