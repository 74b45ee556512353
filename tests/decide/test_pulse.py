"""What of the daemon's own pulse is worth a word, and from when on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from migrawatch.decide.pulse import Limits, Pulse, Waiting, troubles
from migrawatch.model import Verdict
from migrawatch.reason import Reason

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
LIMITS = Limits(late=5.0, lag=1.0, waiting=600.0, unused=600.0)
WELL = Pulse(at=NOW - timedelta(seconds=20), late=4.9, lag=0.9)


def ago(**length: float) -> datetime:
    return NOW - timedelta(**length)


def said(**changed: Any) -> list[tuple[Verdict, Reason | None, str]]:
    return [(f.verdict, f.reason, f.detail) for f in troubles(replace(WELL, **changed), LIMITS, NOW)]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"at": ago(seconds=119)},
        {"waiting": (Waiting(receiver="ops", since=ago(minutes=9)),)},
        {"changed": ("a.yaml",), "changed_at": ago(minutes=9)},
    ],
)
def test_what_passes_by_itself_is_not_told(changed: dict[str, Any]) -> None:
    """A restart of the daemon, of a receiver, an operator who is still editing."""
    assert said(**changed) == []


def test_a_daemon_that_says_nothing_is_down_and_nothing_old_is_told_with_it() -> None:
    assert said(at=ago(minutes=5), late=60.0, unwritten="disk full") == [
        (Verdict.DOWN, Reason.HEARTBEAT_MISSED, "the daemon has said nothing of itself for 5 min")
    ]


@pytest.mark.parametrize(
    ("changed", "reason", "detail"),
    [
        ({"late": 12.34}, Reason.LOOKS_LATE, "a look began 12.3 s after it was due, wanted at most 5 s"),
        ({"lag": 2.0}, Reason.LOOKS_LATE, "the event loop woke 2.0 s late, wanted at most 1 s"),
        (
            {"waiting": (Waiting(receiver="pager", since=ago(hours=3), trouble="HTTP 503"),)},
            Reason.RECEIVER_STUCK,
            "pager has not taken a notice for 3 h: HTTP 503",
        ),
        (
            {"waiting": (Waiting(receiver="", since=ago(minutes=11)),)},
            Reason.RECEIVER_STUCK,
            "a receiver that is gone has not taken a notice for 11 min",
        ),
        (
            {"changed": ("/etc/a.yaml", "/etc/b.yaml"), "changed_at": ago(minutes=12)},
            Reason.CONFIG_NOT_LOADED,
            "changed 12 min ago and not loaded: /etc/a.yaml, /etc/b.yaml",
        ),
        (
            {"refused": True, "changed": ("/etc/a.yaml",), "changed_at": ago(hours=1)},
            Reason.CONFIG_NOT_LOADED,
            "the last reload found mistakes, and what ran before still runs",
        ),
        (
            {"unwritten": "database or disk is full"},
            Reason.STATE_NOT_WRITTEN,
            "the state does not reach the disk: database or disk is full",
        ),
        (
            {"set_aside": ("/var/s.db.set-aside-1", "/var/s.db.set-aside-2")},
            Reason.STATE_SET_ASIDE,
            "the state was not usable and was begun anew; what it was lies in "
            "/var/s.db.set-aside-1, /var/s.db.set-aside-2",
        ),
    ],
)
def test_what_must_not_stay_so_is_a_warning(changed: dict[str, Any], reason: Reason, detail: str) -> None:
    assert said(**changed) == [(Verdict.WARN, reason, detail)]


def test_several_troubles_are_all_told() -> None:
    told = said(late=9.0, lag=9.0, unwritten="x")

    assert [reason for _, reason, _ in told] == [Reason.LOOKS_LATE, Reason.LOOKS_LATE, Reason.STATE_NOT_WRITTEN]
