"""The history for readers of another process: the daemon may run meanwhile, and is not disturbed."""

import sqlite3
from contextlib import closing
from pathlib import Path

import structlog

from migrawatch.decide.incident import Incident
from migrawatch.store.codec import Malformed, loads
from migrawatch.store.database import reading
from migrawatch.store.state import Remembered

log = structlog.get_logger(__name__)


def read_incidents(path: Path, limit: int = 100) -> tuple[Incident, ...]:
    """The open incidents and the newest resolved ones, at most *limit*: open first, then newest first.

    Raise OSError if there is no file or if it does not read.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        with closing(reading(path)) as connection:
            rows = connection.execute(
                "SELECT id, body FROM incidents ORDER BY resolved_at IS NOT NULL, resolved_at DESC, id DESC LIMIT ?",
                (limit,),
            ).fetchall()
    except sqlite3.Error as error:
        raise OSError(str(error)) from error
    return tuple(incident for name, body in rows if (incident := _maybe_incident(name, body)) is not None)


def read_memory(path: Path) -> dict[str, Remembered]:
    """What every check remembers, by its name. Raise OSError if there is no file or if it does not read."""
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        with closing(reading(path)) as connection:
            rows = connection.execute("SELECT check_name, digest, body FROM memory").fetchall()
    except sqlite3.Error as error:
        raise OSError(str(error)) from error
    return {name: Remembered(digest=digest, text=body) for name, digest, body in rows}


def _maybe_incident(name: str, body: str) -> Incident | None:
    try:
        return loads(Incident, body)
    except Malformed as error:
        log.error("row_unreadable", table="incidents", row=name, error=str(error))
        return None
