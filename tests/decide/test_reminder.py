"""Reminders and escalations: while nobody is on an incident, and never in a burst."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from migrawatch.decide.incident import Ack
from migrawatch.decide.route import Addresses, Route, Step
from migrawatch.model import Severity
from migrawatch.reason import Reason
from tests.decide.boards import START
from tests.decide.rooms import NO_DATABASE
from tests.decide.shops import Shop, window

R = Reason
HOUR = 3600.0
EXPOSED = {"closed/5432": R.PORT_EXPOSED}
BOTH = {**NO_DATABASE, **EXPOSED}
ROUTES = (
    Route(
        to=("pager", "ops"),
        severity=Severity.CRITICAL,
        remind=4 * HOUR,
        escalate=(Step(after=900.0, to=("second",)), Step(after=HOUR, to=("boss", "ops"))),
    ),
    Route(to=("ops", "mail"), severity=Severity.WARNING, remind=24 * HOUR),
)


def shop(bad: Mapping[str, Reason] = NO_DATABASE, routes: tuple[Route, ...] = ROUTES, **fields: frozenset[str]) -> Shop:
    """Something has just been told along *routes*, and that is forgotten again."""
    found = Shop(addresses=Addresses(routes=routes, **fields))
    found.see_all(bad, times=3)
    found.told_of.clear()
    return found


def after(found: Shop, seconds: float, bad: Mapping[str, Reason] = NO_DATABASE) -> list[tuple[str, str, str]]:
    """What is told by a look at everything, so many seconds after the first notice."""
    [*_, opened] = found.opened
    found.now = opened.opened_at + timedelta(seconds=seconds - 1.0)
    before = len(found.told_of)
    found.see_all(bad)
    return found.told_of[before:]


def acknowledge(found: Shop) -> None:
    """Ann is on everything that is open."""
    for key, one in found.incidents.items():
        found.incidents[key] = replace(one, ack=Ack(by="ann", at=found.now, severity=one.severity))


ESCALATED = [("escalated", "db-unit", "second")]
REMINDED = [("reminder", "db-unit", name) for name in ("pager", "ops")]


# -- reminders ------------------------------------------------------------------------------------------------------

QUIET = (Route(to=("pager", "ops"), severity=Severity.CRITICAL, remind=4 * HOUR),)


@pytest.mark.parametrize(("seconds", "told"), [(4 * HOUR - 0.1, []), (4 * HOUR, REMINDED), (9 * HOUR, REMINDED)])
def test_who_was_told_is_reminded_once_when_it_is_time_however_long_ago_that_was(
    seconds: float, told: list[tuple[str, str, str]]
) -> None:
    """After a day down one reminder is due, not six."""
    assert after(shop(routes=QUIET), seconds) == told


def test_the_next_reminder_counts_from_the_last_and_is_waited_for() -> None:
    found = shop(routes=QUIET)
    after(found, 5 * HOUR)
    again = found.outcome.again_in

    assert again == timedelta(hours=4)
    assert after(found, 8.9 * HOUR) == []
    assert after(found, 9 * HOUR) == REMINDED


def test_the_first_reminder_is_waited_for_from_the_opening_on() -> None:
    assert shop(routes=QUIET).outcome.again_in == timedelta(hours=4)


def test_nobody_is_reminded_along_a_route_that_does_not_say_so() -> None:
    assert after(shop(routes=(Route(to=("ops",)),)), 100 * HOUR) == []


def test_whatever_was_told_meanwhile_puts_the_reminder_off() -> None:
    """A changed cause says that it is still open."""
    found = Shop(addresses=Addresses(routes=QUIET))
    refused = {name: reason for name, reason in NO_DATABASE.items() if name != "db-unit"}
    found.see_all(refused, times=3)
    found.wait(3 * HOUR)
    found.see_all(NO_DATABASE, times=4)
    found.told_of.clear()
    found.wait(2 * HOUR)
    found.see_all(NO_DATABASE)
    early = list(found.told_of)
    found.wait(2 * HOUR)
    found.see_all(NO_DATABASE)

    assert (early, found.told_of) == ([], REMINDED)


def test_the_shortest_of_several_routes_counts_and_an_alertmanager_reminds_by_itself() -> None:
    routes = (*QUIET, Route(to=("ops", "am"), remind=HOUR), Route(to=("am",), remind=HOUR))
    found = shop(routes=routes, remind_themselves=frozenset({"am"}))

    assert after(found, HOUR) == [("reminder", "db-unit", "ops")]
    assert after(found, 4 * HOUR) == REMINDED


def test_an_acknowledgement_ends_reminders_and_taking_it_back_begins_them_anew() -> None:
    found = shop(routes=QUIET)
    acknowledge(found)
    silent = after(found, 9 * HOUR)
    for key, one in found.incidents.items():
        found.incidents[key] = replace(one, ack=None)

    assert silent == []
    assert after(found, 9 * HOUR + 10) == REMINDED


def test_an_acknowledged_warning_that_becomes_an_outage_is_reminded_of_and_escalated() -> None:
    found = Shop(addresses=Addresses(routes=ROUTES))
    found.see_all({"db-unit": R.SLOW}, times=3)
    acknowledge(found)
    found.see_all({"db-unit": R.UNIT_INACTIVE}, times=4)
    found.told_of.clear()
    found.wait(900)
    found.see_all({"db-unit": R.UNIT_INACTIVE})

    assert found.told_of == ESCALATED


def test_nobody_is_reminded_within_a_maintenance_and_everybody_after_it() -> None:
    found = shop(routes=QUIET)
    found.windows = (window(begin=60.0, lasts=5 * HOUR),)
    silent = after(found, 4.5 * HOUR)

    assert silent == []
    assert found.outcome.again_in == START + timedelta(seconds=60 + 5 * HOUR) - found.now
    assert after(found, 6 * HOUR) == REMINDED


def test_what_is_coming_back_is_not_reminded_of() -> None:
    """One good look does not resolve it; a moment later it is either over or bad again."""
    found = shop(routes=QUIET)

    assert after(found, 5 * HOUR, {}) == []
    assert after(found, 5 * HOUR + 10) == REMINDED


def test_what_is_over_is_not_reminded_of() -> None:
    found = shop(routes=QUIET)
    found.see_all(times=4, pause=60)
    found.told_of.clear()
    found.wait(9 * HOUR)
    found.see_all()

    assert found.told_of == []


# -- several at once --------------------------------------------------------------------------------------------------


def test_what_is_due_to_a_receiver_at_once_is_one_reminder_that_names_the_rest() -> None:
    found = shop(BOTH, routes=QUIET)
    assert len(found.incidents) == 2

    told = after(found, 5 * HOUR, BOTH)

    assert [(change, receiver) for change, _, receiver in told] == [("reminder", "pager"), ("reminder", "ops")]
    reminder = found.notices[-1]
    named = {reminder.incident.id, *(other.incident for other in reminder.others)}
    assert named == set(found.incidents)
    assert after(found, 5 * HOUR + 60, BOTH) == []
    assert len(after(found, 9 * HOUR, BOTH)) == 2


def test_after_a_start_nobody_is_reminded_before_everything_due_was_looked_at_again_and_then_once() -> None:
    """Nothing goes out after a start before its checks were looked at; and not one by one as looks come in."""
    found = shop(BOTH, routes=QUIET)
    found.wait(24 * HOUR)
    found.restart()
    found.judge()
    unseen = list(found.told_of)
    for name in found.standings:
        if name != "db-unit":
            found.see(name, BOTH.get(name))
    found.judge()
    half = list(found.told_of)
    found.see_all(BOTH)

    assert (unseen, half) == ([], [])
    assert [change for change, _, _ in found.told_of if change == "reminder"] == ["reminder", "reminder"]
    assert len(found.notices[-1].others) == 1


# -- escalations ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(899.9, []), (900.0, ESCALATED), (HOUR, [*ESCALATED, ("escalated", "db-unit", "boss")])],
)
def test_what_is_critical_and_nobody_is_on_is_told_to_further_receivers(
    seconds: float, told: list[tuple[str, str, str]]
) -> None:
    """Who knows already is not told again: `ops` was from the beginning."""
    assert after(shop(), seconds) == told


def test_an_escalation_is_waited_for_and_told_once() -> None:
    found = shop()

    assert found.outcome.again_in == timedelta(seconds=900)
    assert after(found, 900.0) == ESCALATED
    assert after(found, 1800.0) == []
    assert after(found, HOUR) == [("escalated", "db-unit", "boss")]


def test_whom_it_was_escalated_to_hears_of_the_end_and_is_reminded() -> None:
    found = shop()
    after(found, 900.0)
    reminded = after(found, 4 * HOUR + 900, NO_DATABASE)
    found.told_of.clear()
    found.see_all(times=4, pause=60)

    assert ("reminder", "db-unit", "second") in reminded
    assert [receiver for change, _, receiver in found.told_of if change == "resolved"] == [
        "pager", "ops", "second", "boss",
    ]  # fmt: skip


def test_an_acknowledgement_in_time_spares_further_receivers_also_the_end() -> None:
    found = shop()
    acknowledge(found)
    assert after(found, 2 * HOUR) == []
    found.see_all(times=4, pause=60)

    assert [receiver for _, _, receiver in found.told_of] == ["pager", "ops"]


def test_a_warning_is_not_escalated() -> None:
    found = shop({"db-unit": R.SLOW})

    assert after(found, 2 * HOUR, {"db-unit": R.SLOW}) == []


def test_a_raised_warning_is_escalated_so_long_after_the_raise() -> None:
    found = shop({"db-unit": R.SLOW})
    found.wait(2 * HOUR)
    found.see_all({"db-unit": R.UNIT_INACTIVE}, times=4)
    raised = found.now
    found.told_of.clear()
    found.now = raised + timedelta(seconds=890)
    found.see_all({"db-unit": R.UNIT_INACTIVE})
    early = list(found.told_of)
    found.see_all({"db-unit": R.UNIT_INACTIVE}, pause=10)

    assert (early, found.told_of) == ([], ESCALATED)


def test_what_a_maintenance_kept_quiet_is_escalated_so_long_after_it_was_told() -> None:
    found = Shop(addresses=Addresses(routes=ROUTES), windows=(window(),))
    found.see_all(NO_DATABASE, times=3)
    found.until(HOUR)
    found.see_all(NO_DATABASE)
    opened = list(found.told_of)
    found.wait(890)
    found.see_all(NO_DATABASE)
    early = found.told_of[len(opened) :]
    found.see_all(NO_DATABASE, pause=10)

    assert [change for change, _, _ in opened] == ["opened", "opened"]
    assert (early, found.told_of[len(opened) :]) == ([], ESCALATED)


def test_an_incident_of_an_earlier_version_is_reminded_of_from_its_opening_on() -> None:
    """It was stored without the moments at which its receivers were told."""
    found = shop(routes=QUIET)
    for key, one in found.incidents.items():
        found.incidents[key] = replace(one, told_at={}, paged_at=None)

    assert after(found, 4 * HOUR - 1) == []
    assert after(found, 4 * HOUR) == REMINDED
