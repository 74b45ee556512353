"""What PM2 says of its processes: the output of `pm2 jlist`, and whether its daemon listens at all."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class App:
    """One process of PM2, which calls it an app. *restarts*, those by hand too, count from its registration."""

    name: str
    status: str
    restarts: int
    unstable_restarts: int = 0
    started_at: datetime | None = None
    memory_bytes: int = 0
    pid: int = 0


def parse_jlist(text: str) -> tuple[App, ...]:
    """Read `pm2 jlist`: a JSON list, sometimes with words of PM2's own before it.

    The list holds every environment variable of every process, passwords included: nothing but the fields above is
    kept, and no error quotes it. Raise ValueError when there is no list.
    """
    for start in _starts(text):
        try:
            found, _ = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, list) and all(isinstance(each, dict) for each in found):
            return tuple(_app(each) for each in found)
    raise ValueError("pm2 jlist printed no list of processes")


def _starts(text: str) -> Iterator[int]:
    """Where a list can begin: brackets at the start of a line (PM2's own lines begin with `[PM2]`)."""
    at = 0
    for line in text.splitlines(keepends=True):
        if line.startswith("["):
            yield at
        at += len(line)


def _app(written: dict[str, Any]) -> App:
    env, monit = _table(written.get("pm2_env")), _table(written.get("monit"))
    uptime = env.get("pm_uptime")
    return App(
        name=str(written.get("name", "")),
        status=str(env.get("status", "unknown")),
        restarts=_whole(env.get("restart_time")),
        unstable_restarts=_whole(env.get("unstable_restarts")),
        started_at=_moment(uptime) if isinstance(uptime, int | float) else None,
        memory_bytes=_whole(monit.get("memory")),
        pid=_whole(written.get("pid")),
    )


def _moment(milliseconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _table(written: Any) -> dict[str, Any]:
    return written if isinstance(written, dict) else {}


def _whole(written: Any) -> int:
    return int(written) if isinstance(written, int | float) and abs(written) < 2**63 else 0


_ACCEPTS = 0x10000
"""The kernel's SO_ACCEPTCON flag: the socket listens."""


def listening(unix_sockets: str) -> tuple[str, ...]:
    """The Unix sockets that somebody listens on, by the text of /proc/net/unix.

    A socket file that a killed daemon left behind is not in there.
    """
    found = (line.split(maxsplit=7) for line in unix_sockets.splitlines())
    return tuple(fields[7] for fields in found if len(fields) == 8 and _flags(fields[3]) & _ACCEPTS)


def _flags(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0
