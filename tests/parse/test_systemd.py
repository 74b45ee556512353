"""What `systemctl show` printed in the lab, and whatever else somebody may print."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.parse.systemd import parse_timestamp, parse_unit
from tests.servers.recorded import unit


def test_a_running_unit_is_read_whole() -> None:
    read = parse_unit(unit(NRestarts="2"))

    assert (read.load, read.state, read.restarts) == ("loaded", "active (running)", 2)
    assert read.active_since == datetime(2026, 11, 24, 8, 25, 23, tzinfo=UTC)


def test_a_unit_that_never_ran_has_no_dates() -> None:
    read = parse_unit(unit("inactive", "dead", LoadState="not-found", ActiveEnterTimestamp="", NRestarts=""))

    assert (read.load, read.active_since, read.restarts) == ("not-found", None, 0)


@pytest.mark.parametrize(
    ("state", "sub", "young"),
    [("active", "running", True), ("activating", "start", True), ("activating", "auto-restart", False),
     ("deactivating", "stop", True), ("inactive", "dead", False), ("failed", "failed", False)],
)  # fmt: skip
def test_what_is_on_its_way_to_run_was_started_too(state: str, sub: str, young: bool) -> None:
    """A restart that takes two seconds is no outage; what systemd starts again after a failure is."""
    read = parse_unit(unit(state, sub))

    assert (read.started_at is not None) == young


@pytest.mark.parametrize("text", ["", "ActiveState=active\n", "Failed to connect to bus: No such file"])
def test_what_is_no_answer_of_systemd_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="LoadState"):
        parse_unit(text)


@given(st.text())
def test_any_text_is_a_unit_or_refused(text: str) -> None:
    try:
        parse_unit(text)
    except ValueError as error:
        assert "systemctl" in str(error)


@pytest.mark.parametrize("text", ["", "n/a", "Tue 2026-11-24 08:25:23 CET", "@1700000000"])
def test_a_date_in_another_zone_is_not_guessed(text: str) -> None:
    assert parse_timestamp(text) is None
