"""Whether a job reports as it should. Time is counted in hours; every minute it is noted that we listen."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrawatch.decide.heard import BRIDGED, Heard, heard_first
from migrawatch.decide.heartbeat import Wanted, due_by, judge
from migrawatch.model import Verdict
from migrawatch.parse.job_report import Report, Signal
from migrawatch.reason import Reason

DAY = datetime(2026, 11, 24, tzinfo=UTC)
START = Report(check="job", signal=Signal.START)
SUCCESS = Report(check="job", signal=Signal.SUCCESS, exit_code=0)
FAIL = Report(check="job", signal=Signal.FAIL, exit_code=3)

OK = (Verdict.OK, None)
FAILED = (Verdict.DOWN, Reason.HEARTBEAT_FAILED)
MISSED = (Verdict.DOWN, Reason.HEARTBEAT_MISSED)
UNSURE = (Verdict.UNKNOWN, Reason.NO_HISTORY)

HOURLY = Wanted(period=3600.0, grace=600.0)
NIGHTLY = Wanted(cron="0 3 * * *", zone="UTC", grace=3600.0)
LONG = replace(NIGHTLY, runtime=4 * 3600.0)


def at(hours: float) -> datetime:
    return DAY + timedelta(hours=hours)


@dataclass
class Story:
    """A job that is watched from midnight on; what is told goes forward in time, minute by minute while we listen."""

    wanted: Wanted
    heard: Heard = field(default_factory=lambda: heard_first(DAY))
    hour: float = 0.0

    def listen(self, until: float) -> "Story":
        while self.hour < until:
            self.hour = min(until, self.hour + 1 / 60)
            self.heard = self.heard.listening(at(self.hour))
        return self

    def sleep(self, until: float) -> "Story":
        """migrawatch is not running."""
        self.hour = until
        self.heard = self.heard.listening(at(until))
        return self

    def tell(self, hour: float, report: Report) -> "Story":
        self.listen(hour)
        self.heard = self.heard.told(report, at(hour))
        return self

    @property
    def seen(self) -> tuple[Verdict, Reason | None]:
        finding = judge(self.heard, self.wanted, at(self.hour))
        return OK if finding is None else (finding.verdict, finding.reason)

    @property
    def detail(self) -> str:
        finding = judge(self.heard, self.wanted, at(self.hour))
        return finding.detail if finding else ""


# -- silence --------------------------------------------------------------------------------------------------------


def test_a_job_that_never_reported_is_unknown_until_its_first_report_is_overdue() -> None:
    story = Story(HOURLY)

    assert story.listen(1.1).seen == UNSURE
    assert story.detail == (
        "no report yet, watched since 2026-11-24 00:00:00 UTC; the first is due by 2026-11-24 01:10:00 UTC"
    )
    assert story.listen(1.2).seen == MISSED
    assert story.detail.startswith("no success ever; one was due at 2026-11-24 01:00:00 UTC")


def test_silence_past_the_period_and_the_grace_is_down_and_a_success_mends_it() -> None:
    story = Story(HOURLY).tell(0.5, SUCCESS)

    assert story.seen == OK
    assert story.listen(1.65).seen == OK
    assert story.listen(1.7).seen == MISSED
    assert story.listen(30).seen == MISSED
    assert story.tell(30.1, SUCCESS).seen == OK


def test_silence_past_a_cron_expression_and_the_grace_is_down() -> None:
    story = Story(NIGHTLY).tell(3.2, SUCCESS)

    assert story.listen(27.9).seen == OK
    assert story.listen(28.1).seen == MISSED
    assert "due at 2026-11-25 03:00:00 UTC, by 2026-11-25 04:00:00 UTC at the latest" in story.detail


def test_a_report_a_little_before_the_hour_is_that_hours() -> None:
    """The clock of the job's host is ahead of ours by two seconds."""
    story = Story(NIGHTLY).tell(3 - 2 / 3600, SUCCESS)

    assert story.listen(5).seen == OK


def test_a_job_without_cron_drifts_with_its_reports() -> None:
    story = Story(HOURLY)
    for hour in (0.5, 1.6, 2.7, 3.8):
        assert story.tell(hour, SUCCESS).seen == OK


@pytest.mark.parametrize(
    ("day", "due"),
    [("2026-03-28", "2026-03-29T01:00"), ("2026-10-24", "2026-10-25T00:30"), ("2026-10-25", "2026-10-26T01:30")],
)
def test_summer_time_begins_and_ends_without_a_page(day: str, due: str) -> None:
    """A job of 02:30 in Berlin, which succeeds a minute after it is due."""
    wanted = Wanted(cron="30 2 * * *", zone="Europe/Berlin", grace=600.0)
    begun = datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)
    due_at = datetime.fromisoformat(due).replace(tzinfo=UTC)
    heard = replace(heard_first(begun), succeeded_at=begun)

    assert due_by(heard, wanted) == due_at + timedelta(minutes=10)
    assert judge(heard, wanted, due_at + timedelta(minutes=9)) is None
    assert judge(heard, wanted, due_at + timedelta(minutes=10)) is not None
    done = heard.told(SUCCESS, due_at + timedelta(minutes=1))
    # In autumn an hour later it is 02:31 again.
    assert judge(done, wanted, due_at + timedelta(hours=3)) is None


# -- what a job says ------------------------------------------------------------------------------------------------


def test_a_failure_is_down_at_once_and_until_a_success() -> None:
    story = Story(HOURLY).tell(0.5, SUCCESS).tell(0.6, FAIL)

    assert story.seen == FAILED
    assert story.detail == (
        "failed with exit code 3 at 2026-11-24 00:36:00 UTC, the last success was at 2026-11-24 00:30:00 UTC"
    )
    assert story.tell(0.7, START).seen == FAILED
    assert story.listen(9).seen == FAILED
    assert story.tell(9.1, SUCCESS).seen == OK


def test_a_failure_without_a_code_before_any_success_is_told_so() -> None:
    story = Story(HOURLY).tell(0.5, replace(FAIL, exit_code=None))

    assert story.detail == "failed at 2026-11-24 00:30:00 UTC, no success before"


def test_the_length_of_a_run_is_known_from_its_start() -> None:
    heard = Story(HOURLY).tell(0.5, START).tell(0.75, SUCCESS).heard

    assert (heard.took, heard.exit_code, heard.started_at) == (900.0, 0, None)
    assert Story(HOURLY).tell(0.75, SUCCESS).heard.took is None


def test_a_start_is_no_success_unless_runs_may_last() -> None:
    story = Story(NIGHTLY).tell(3.1, SUCCESS).tell(27.1, START)

    assert story.listen(28.1).seen == MISSED
    assert story.detail.endswith("; a run began at 2026-11-25 03:06:00 UTC")


def test_a_run_under_way_may_last_as_long_as_it_is_said_and_no_longer() -> None:
    story = Story(LONG).tell(3.1, SUCCESS).tell(27.1, START)

    assert story.listen(31).seen == OK
    assert story.listen(31.2).seen == MISSED
    assert story.detail == "began at 2026-11-25 03:06:00 UTC and did not end within 4 h"
    assert due_by(story.heard, LONG) == at(31.1)
    assert story.tell(31.3, SUCCESS).seen == OK


def test_a_first_run_under_way_tells_nothing_yet() -> None:
    story = Story(LONG).tell(3.1, START)

    assert story.listen(5).seen == UNSURE
    assert story.listen(7.2).seen == MISSED


def test_a_run_that_begins_too_late_makes_up_for_it_by_its_end() -> None:
    story = Story(LONG).tell(3.1, SUCCESS).listen(28.5)

    assert story.seen == MISSED
    assert story.tell(28.6, START).seen == MISSED
    assert story.tell(29.0, SUCCESS).seen == OK


# -- when migrawatch itself was not there ---------------------------------------------------------------------------


def test_a_report_that_may_have_come_to_a_closed_door_is_not_missed() -> None:
    """Not one page on start; and from the next run on silence counts again."""
    story = Story(NIGHTLY).tell(3.1, SUCCESS).listen(26).sleep(29)

    assert story.seen == UNSURE
    assert "may have come while migrawatch did not listen" in story.detail
    assert story.detail.endswith("the next is due by 2026-11-26 04:00:00 UTC")
    assert story.listen(51.9).seen == UNSURE
    assert story.listen(52).seen == MISSED


def test_a_report_after_that_ends_the_doubt() -> None:
    story = Story(NIGHTLY).tell(3.1, SUCCESS).listen(26).sleep(29).tell(51.2, SUCCESS)

    assert story.seen == OK
    assert story.listen(75.9).seen == OK
    assert story.listen(76.1).seen == MISSED


def test_a_downtime_at_another_hour_changes_nothing() -> None:
    story = Story(NIGHTLY).tell(3.1, SUCCESS).listen(10).sleep(20)

    assert story.seen == OK
    assert story.listen(28.1).seen == MISSED


def test_what_was_missed_before_a_downtime_stays_missed() -> None:
    """Else a restart would resolve an incident that goes on."""
    story = Story(NIGHTLY).tell(3.1, SUCCESS).listen(29)
    assert story.seen == MISSED

    assert story.sleep(60).seen == MISSED


def test_a_short_restart_loses_no_report() -> None:
    """Jobs try again for longer than that."""
    story = Story(NIGHTLY).tell(3.1, SUCCESS).listen(27.5)

    assert story.sleep(27.5 + BRIDGED / 3600 - 0.001).listen(28.1).seen == MISSED


def test_several_downtimes_each_count() -> None:
    story = Story(NIGHTLY).tell(3.1, SUCCESS)
    for day in range(1, 6):
        assert story.listen(24 * day + 2).sleep(24 * day + 5).seen == UNSURE
    assert story.listen(24 * 6 + 4.1).seen == MISSED


def test_a_run_whose_end_may_have_come_to_a_closed_door_is_not_late() -> None:
    story = Story(LONG).tell(3.1, SUCCESS).tell(27.1, START).listen(28).sleep(33)

    assert story.seen == UNSURE
    assert "may have ended while migrawatch did not listen" in story.detail
    assert story.listen(51.9).seen == UNSURE
    assert story.listen(52.1).seen == MISSED


def test_a_job_without_cron_may_come_as_early_as_late() -> None:
    story = Story(HOURLY).tell(0.5, SUCCESS).listen(1.4).sleep(1.45)

    assert story.listen(1.7).seen == UNSURE
    assert story.listen(2.6).seen == UNSURE
    assert story.listen(2.7).seen == MISSED


@pytest.mark.timeout(5)
def test_a_long_downtime_of_a_frequent_job_is_judged_at_once() -> None:
    """One step a downtime, not one a run."""
    every_minute = Wanted(cron="* * * * *", zone="Europe/Berlin", grace=60.0)
    story = Story(every_minute).tell(1, SUCCESS).sleep(24 * 365)

    assert story.seen == UNSURE


# -- clocks that jump -----------------------------------------------------------------------------------------------


def test_a_clock_set_back_pages_nobody_and_silence_goes_on_to_count() -> None:
    """What was heard in the future counts as heard now."""
    story = Story(HOURLY).tell(20, SUCCESS)
    story.hour = 2.0
    story.heard = story.heard.listening(at(2))

    assert story.seen == OK
    assert story.listen(3.1).seen == OK
    assert story.listen(3.2).seen == MISSED


def test_a_run_under_way_survives_a_clock_set_back() -> None:
    story = Story(LONG).tell(3.1, SUCCESS).tell(27.1, START)
    story.hour = 26.0
    story.heard = story.heard.listening(at(26))

    assert story.seen == OK
    assert story.listen(29.9).seen == OK
    assert story.listen(30.1).seen == MISSED


def test_a_clock_set_forward_is_time_in_which_nobody_listened() -> None:
    story = Story(HOURLY).tell(0.5, SUCCESS).listen(1).sleep(25)

    assert story.seen == UNSURE


def test_a_failure_survives_every_jump() -> None:
    story = Story(HOURLY).tell(20, FAIL)
    for hour in (2.0, 50.0, 1.0):
        story.hour = hour
        story.heard = story.heard.listening(at(hour))
        assert story.seen == FAILED


def test_what_is_remembered_stays_small() -> None:
    story = Story(NIGHTLY)
    for day in range(1, 100):
        story.listen(24 * day + 2).sleep(24 * day + 5)

    assert len(story.heard.deaf) == 16


# -- any downtime at all --------------------------------------------------------------------------------------------

TRIES = 4
"""Minutes for which a job tries again to report."""

SCHEDULES = [Wanted(cron="30 * * * *", zone="UTC", grace=900.0), Wanted(period=3600.0, grace=900.0)]
downtimes = st.lists(st.tuples(st.integers(0, 600), st.integers(1, 200)), max_size=6)
runs = st.lists(st.integers(0, 9), min_size=10, max_size=10)


def played(wanted: Wanted, away: list[tuple[int, int]], took: list[int], last_run: int = 99) -> list[tuple[int, str]]:
    """Ten hours, a minute a step: what is seen of a job that runs at half past, by those who are there to see it."""
    heard, seen = heard_first(at(0)), []
    done = {60 * hour + 30 + minutes for hour, minutes in enumerate(took) if hour <= last_run}
    for minute in range(600):
        if any(begin <= minute < begin + length for begin, length in away):
            continue
        now = at(minute / 60)
        heard = heard.listening(now)
        if any(minute - TRIES <= end <= minute for end in done):
            done -= set(range(minute - TRIES, minute + 1))
            heard = heard.told(SUCCESS, now)
        finding = judge(heard, wanted, now)
        seen.append((minute, finding.reason.value if finding else ""))
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("wanted", SCHEDULES)
@given(away=downtimes, took=runs)
@settings(max_examples=100, deadline=None)
def test_no_downtime_of_ours_makes_a_good_job_miss(
    wanted: Wanted, away: list[tuple[int, int]], took: list[int]
) -> None:
    assert Reason.HEARTBEAT_MISSED not in {reason for _, reason in played(wanted, away, took)}


@pytest.mark.slow
@pytest.mark.parametrize("wanted", SCHEDULES)
@given(away=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=4), took=runs)
@settings(max_examples=100, deadline=None)
def test_a_job_that_stopped_is_found_whatever_downtime_came_before(
    wanted: Wanted, away: list[tuple[int, int]], took: list[int]
) -> None:
    """Two periods and the graces after the last downtime at most."""
    assert played(wanted, away, took, last_run=3)[-1][1] == Reason.HEARTBEAT_MISSED
