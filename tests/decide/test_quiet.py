"""What a maintenance keeps quiet, and what is told at its end (judging.md, Maintenance)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from migrawatch.decide.incident import Change
from migrawatch.model import Severity, Verdict
from migrawatch.reason import Reason
from tests.decide.boards import START
from tests.decide.rooms import NO_DATABASE
from tests.decide.shops import Shop, window

R = Reason
EXPOSED = {"closed/5432": R.PORT_EXPOSED}
REFUSED = {name: reason for name, reason in NO_DATABASE.items() if name != "db-unit"}


def kept_quiet(bad: dict[str, Reason] | None = None) -> Shop:
    """The database fails within its window, which ends after an hour."""
    shop = Shop(windows=(window(),))
    shop.see_all(bad or NO_DATABASE, times=3)
    return shop


# -- while it is open -----------------------------------------------------------------------------------------------


def test_an_incident_whose_cause_lies_in_a_window_opens_and_nobody_is_told() -> None:
    """It never hides: incident, cause and symptoms are there for whoever looks."""
    shop = kept_quiet()

    [incident] = shop.incidents.values()
    assert (incident.cause.check, set(incident.symptoms)) == ("db-unit", set(REFUSED))
    assert incident.is_quiet(shop.now)
    assert (incident.quiet and incident.quiet.window, incident.told, shop.told_of) == ("w", (), [])


def test_a_window_applies_to_the_cause_and_not_to_symptoms() -> None:
    """mpanel-core is under maintenance; what it sees of the database is the database's trouble."""
    shop = Shop(windows=(window(("mpanel-core",)),))
    shop.see_all(NO_DATABASE, times=3)

    assert shop.told_of == [("opened", "db-unit", "pager"), ("opened", "db-unit", "ops")]


def test_what_lies_in_no_window_is_told_as_ever() -> None:
    shop = Shop(windows=(window(),))
    shop.see_all({**NO_DATABASE, **EXPOSED}, times=3)

    assert {cause for _, cause, _ in shop.told_of} == {"closed/5432"}


def test_what_opens_and_ends_within_a_window_is_told_to_nobody() -> None:
    shop = kept_quiet()
    shop.see_all(times=4, pause=60)

    assert (shop.incidents, shop.told_of) == ({}, [])
    assert [found.state for found in shop.outcome.incidents] == ["resolved"]


def test_a_resolve_goes_to_all_who_were_told_before_the_window() -> None:
    """A resolve reaches everyone who was told, whatever else is kept quiet."""
    shop = Shop(windows=(window(begin=60.0),))
    shop.see_all(NO_DATABASE, times=3)
    shop.until(120)
    shop.see_all(times=4, pause=60)

    assert [change for change, _, _ in shop.told_of] == ["opened", "opened", "resolved", "resolved"]


def test_nothing_is_stored_anew_while_nothing_changes() -> None:
    """A raise that is kept quiet is found due in every round; that must not be a write each time."""
    shop = kept_quiet({"db-unit": R.SLOW})
    shop.see_all({"db-unit": R.UNIT_INACTIVE}, times=4)
    before = dict(shop.incidents)
    shop.judge()

    assert shop.incidents == before


# -- what the window keeps quiet of an incident that was told ---------------------------------------------------------


def told_as_a_warning() -> Shop:
    """The database's unit is slow, and that was told; then its window opens, for an hour."""
    shop = Shop(windows=(window(begin=60.0),))
    shop.see_all({"db-unit": R.SLOW}, times=3)
    shop.until(70)
    return shop


def test_a_raise_within_a_window_is_told_at_its_end_if_it_still_holds() -> None:
    shop = told_as_a_warning()
    shop.see_all({"db-unit": R.UNIT_INACTIVE}, times=4)
    quiet = list(shop.told_of)
    shop.until(3700)
    shop.see_all({"db-unit": R.UNIT_INACTIVE})

    assert [change for change, _, _ in quiet] == ["opened", "opened"]
    assert shop.told_of[2:] == [("raised", "db-unit", "pager"), ("raised", "db-unit", "ops")]


def test_a_raise_within_a_window_that_does_not_hold_at_its_end_is_not_told_and_a_later_one_is() -> None:
    shop = told_as_a_warning()
    shop.see_all({"db-unit": R.UNIT_INACTIVE}, times=4)
    shop.see_all({"db-unit": R.SLOW}, times=4)
    shop.until(3700)
    shop.see_all({"db-unit": R.SLOW}, times=2)
    quiet = list(shop.told_of)
    shop.see_all({"db-unit": R.UNIT_INACTIVE}, times=4)

    assert len(quiet) == 2
    assert shop.told_of[2:] == [("raised", "db-unit", "pager"), ("raised", "db-unit", "ops")]


def test_a_cause_that_changes_within_a_window_is_told_at_its_end() -> None:
    """The page that was read must be corrected."""
    shop = Shop(windows=(window(begin=60.0),))
    shop.see_all(REFUSED, times=3)
    shop.until(70)
    shop.see_all(NO_DATABASE, times=4)
    quiet = list(shop.told_of)
    shop.until(3700)
    shop.see_all(NO_DATABASE)

    assert {change for change, _, _ in quiet} == {"opened"}
    assert shop.told_of[len(quiet) :] == [("changed_cause", "db-unit", "pager"), ("changed_cause", "db-unit", "ops")]


# -- a cause that is revised ----------------------------------------------------------------------------------------


def test_a_cause_revised_to_outside_the_window_pages_at_once() -> None:
    """Only mpanel-core is under maintenance; the deeper cause that is found is the database's unit."""
    shop = Shop(windows=(window(("db-core",), name="w"),))
    shop.windows = (replace(shop.windows[0], hosts=(), checks=("db-select-1@*",)),)
    shop.see_all(REFUSED, times=3)
    assert shop.told_of == []
    shop.see_all(NO_DATABASE, times=4)

    assert shop.told_of == [("opened", "db-unit", "pager"), ("opened", "db-unit", "ops")]
    [told] = shop.opened
    assert (told.identity.check, shop.since_start(told.first_failed)) == ("db-unit", 1.0)


def test_a_cause_revised_to_inside_a_window_is_kept_quiet_from_then_on() -> None:
    """Those who were told are told of the end, too."""
    shop = Shop(windows=(replace(window(), hosts=(), checks=("db-unit",)),))
    shop.see_all(REFUSED, times=3)
    shop.see_all(NO_DATABASE, times=4)
    shop.see_all(times=4, pause=60)

    assert [change for change, _, _ in shop.told_of] == ["opened", "opened", "resolved", "resolved"]


# -- its end ----------------------------------------------------------------------------------------------------------


def test_it_decides_anew_at_the_end_of_the_window_without_being_asked() -> None:
    shop = kept_quiet()

    assert shop.outcome.again_in == START + timedelta(hours=1) - shop.now


def test_at_its_end_all_of_the_incident_is_looked_at_now_before_anything_is_told() -> None:
    shop = kept_quiet()
    shop.until(3600)
    outcome = shop.judge()

    assert outcome.wanted >= {"db-unit", "db-select-1@here", "db-select-1@mpanel-core"}
    assert shop.told_of == []
    shop.wait(1)
    shop.see("db-unit", R.UNIT_INACTIVE)
    shop.judge()
    assert shop.told_of == []


def test_symptoms_whose_look_takes_long_are_not_waited_for_beyond_settle() -> None:
    """A mail that goes round for minutes must not hold the page up."""
    shop = kept_quiet()
    shop.until(3601)
    shop.see("db-unit", R.UNIT_INACTIVE)
    shop.judge()
    waits, told = shop.outcome.again_in, list(shop.told_of)
    shop.until(3660)
    shop.judge()

    assert (waits, told) == (timedelta(seconds=59), [])
    assert [change for change, _, _ in shop.told_of] == ["opened", "opened"]


def test_what_is_still_down_at_its_end_is_told_once_as_opened_with_the_true_first_failure() -> None:
    shop = kept_quiet()
    shop.until(3600)
    shop.see_all(NO_DATABASE, times=3)

    assert shop.told_of == [("opened", "db-unit", "pager"), ("opened", "db-unit", "ops")]
    [told] = shop.opened
    assert shop.since_start(told.first_failed) == 1.0
    assert (told.quiet and told.quiet.window, told.is_quiet(shop.now)) == ("w", False)


def test_what_is_well_again_at_its_end_is_told_to_nobody() -> None:
    """One good look is not enough to resolve it, and enough not to page for it."""
    shop = kept_quiet()
    shop.until(3600)
    shop.see_all()
    assert [found.state for found in shop.outcome.incidents] == ["open"]
    shop.see_all(times=4, pause=60)

    assert (shop.incidents, shop.told_of) == ({}, [])


def test_what_fails_again_after_one_good_look_at_its_end_is_told_then() -> None:
    shop = kept_quiet()
    shop.until(3600)
    shop.see_all()
    shop.see_all(NO_DATABASE)

    assert {change for change, _, _ in shop.told_of} == {"opened"}


def test_what_cannot_be_looked_at_at_its_end_is_told() -> None:
    """Nobody saw it come back: an unknown closes nothing."""
    shop = Shop(windows=(window(("srv1",)),))
    shop.see_all(EXPOSED, times=3)
    shop.until(3601)
    for name in shop.standings:
        shop.see(name, R.UPLINK_LOST if name in EXPOSED else None, Verdict.UNKNOWN if name in EXPOSED else None)
    shop.judge()

    assert {change for change, _, _ in shop.told_of} == {"opened"}


def test_a_window_that_ends_early_ends_now() -> None:
    """It was taken out, by hand or from the configuration: what it kept quiet is looked at now."""
    shop = kept_quiet()
    shop.until(600)
    shop.windows = ()
    shop.judge()
    asked = shop.outcome.wanted
    shop.see_all(NO_DATABASE)

    assert "db-unit" in asked
    assert [change for change, _, _ in shop.told_of] == ["opened", "opened"]


@pytest.mark.parametrize("second", [window(begin=1800.0, name="second"), window(begin=3600.0, name="second")])
def test_a_window_that_follows_without_a_gap_keeps_on_keeping_quiet(second: object) -> None:
    shop = kept_quiet()
    shop.windows = (*shop.windows, second)  # type: ignore[assignment]
    shop.until(3700)
    shop.see_all(NO_DATABASE)
    [incident] = shop.incidents.values()

    assert (shop.told_of, incident.quiet and incident.quiet.window) == ([], "second")


def test_a_start_after_its_end_tells_what_it_kept_quiet_after_a_look() -> None:
    """The daemon was down when the window ended: what is owed is in the store."""
    shop = kept_quiet()
    shop.until(7200)
    shop.restart()
    shop.judge()
    assert shop.told_of == []
    shop.see_all(NO_DATABASE)

    assert [change for change, _, _ in shop.told_of] == ["opened", "opened"]


def test_what_was_raised_while_nobody_knew_of_it_is_one_opening_as_loud_as_it_is() -> None:
    shop = kept_quiet({"db-unit": R.SLOW})
    shop.see_all({"db-unit": R.UNIT_INACTIVE}, times=4)
    shop.until(3600)
    shop.see_all({"db-unit": R.UNIT_INACTIVE}, times=2)

    assert shop.told_of == [("opened", "db-unit", "pager"), ("opened", "db-unit", "ops")]
    assert [(notice.change, notice.incident.severity) for notice in shop.notices] == [
        (Change.OPENED, Severity.CRITICAL)
    ]
