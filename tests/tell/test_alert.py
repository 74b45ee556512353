"""The same alert twice: an incident that comes again within a quarter of an hour, and how long an end is told."""

import asyncio
import itertools
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from migrawatch.decide.incident import Change, Incident
from migrawatch.model import Severity
from migrawatch.tell.alert import INCIDENT, Alert, current, told
from migrawatch.tell.receiver import Letter
from tests.servers.alertmanager import alertmanagers
from tests.tell.alerting import alerts_in, ended, fresh, letter, named, now, states, telling, time_of
from tests.tell.office import Office
from tests.tell.stories import AT, incident, notice

MINUTE = timedelta(minutes=1)


def alert(of: str, begun: float = 0.0, ended: float | None = None) -> Alert:
    """One of the same identity as all others here, between two moments (minutes of the story)."""
    return Alert(
        incident=of,
        severity=Severity.CRITICAL,
        labels={"check": "api"},
        annotations={},
        starts_at=AT + begun * MINUTE,
        resolved_at=None if ended is None else AT + ended * MINUTE,
    )


def counts(*alerts: Alert, at: float = 10.0) -> set[tuple[str, ...]]:
    """Whose alerts are told at that minute, for every order in which they may be registered."""
    return {tuple(one.incident for one in current(order, AT + at * MINUTE)) for order in itertools.permutations(alerts)}


@pytest.mark.parametrize(
    ("alerts", "told_of"),
    [
        # It came again.
        ([alert("first", 0, 3), alert("second", 5)], "second"),
        # The first was revised and ended last: its end must not put out what fires by the same name.
        ([alert("first", 0, 8), alert("second", 5)], "second"),
        ([alert("first", 0), alert("second", 5, 8)], "first"),
        # It came again, and ended again.
        ([alert("first", 0, 3), alert("second", 5, 8)], "second"),
        ([alert("first", 0, 8), alert("second", 1, 7)], "first"),
        ([alert("first", 0), alert("second", 5)], "second"),
        ([alert("first", 0, 3), alert("second", 5, 7), alert("third", 9)], "third"),
    ],
)
def test_one_alert_an_identity_is_told_and_what_fires_goes_before_what_ended(alerts: list[Alert], told_of: str) -> None:
    """An end beside it would resolve what is broken: Alertmanager takes the last word of an identity."""
    assert counts(*alerts) == {(told_of,)}


def test_alerts_of_different_identity_are_all_told() -> None:
    other = replace(alert("other", 0, 3), labels={"check": "page"})

    assert counts(alert("first", 1), other) == {("first", "other"), ("other", "first")}


def test_an_end_is_told_for_a_quarter_of_an_hour() -> None:
    """To the minute, whatever else is registered."""
    over = alert("first", 0, 1)

    assert counts(over, at=16) == {("first",)}
    assert counts(over, at=16.1) == {()}
    assert counts(alert("first"), at=24 * 60) == {("first",)}


def test_what_comes_again_is_registered_beside_what_ended() -> None:
    """A new incident has a beginning of its own; the end of the first one stays as it was told."""
    alerts: tuple[Alert, ...] = ()
    for of, change, at in (
        (incident("first", opened_at=AT), Change.OPENED, AT),
        (incident("first", resolved_at=AT + MINUTE), Change.RESOLVED, AT + MINUTE),
        (incident("second", opened_at=AT + 5 * MINUTE), Change.OPENED, AT + 5 * MINUTE),
    ):
        alerts = told(alerts, Letter(notice=notice(1, change, of, at), sequence=1))

    first, second = alerts
    assert first.identity == second.identity
    assert (first.resolved_at, second.resolved_at) == (AT + MINUTE, None)
    assert second.starts_at == AT + 5 * MINUTE


# -- by the receiver ------------------------------------------------------------------------------------------------


def again(of: Incident, name: str) -> Incident:
    """The same trouble, once more."""
    found = fresh(name)
    assert found.identity == of.identity
    return found


async def test_an_incident_that_comes_again_fires_over_the_one_that_ended(path: Path, pages: Office) -> None:
    """The same labels within a quarter of an hour: what fires now is what counts, and its end is an end again."""
    first = fresh("first")
    async with telling(path, pages.url, again_every=60.0) as at_work:
        await at_work.receiver.send(letter(first))
        await at_work.receiver.send(ended(first))
        second = again(first, "second")
        await at_work.receiver.send(letter(second))
        await at_work.receiver.send(ended(second))

    posts = alerts_in(pages)
    assert [len(alerts) for alerts in posts] == [1, 1, 1, 1]
    assert [time_of(alerts[0]["endsAt"]) > now() for alerts in posts] == [True, False, True, False]
    assert len({tuple(sorted(alerts[0]["labels"].items())) for alerts in posts}) == 1
    assert time_of(posts[2][0]["startsAt"]) >= time_of(posts[1][0]["endsAt"]) - timedelta(milliseconds=1)


async def test_an_end_does_not_put_out_what_fires_by_the_same_name(path: Path, pages: Office) -> None:
    """Two incidents whose cause was the same as they opened: the first was revised, and ends while the second lasts."""
    first = fresh("first")
    second = again(first, "second")
    async with telling(path, pages.url) as at_work:
        await at_work.receiver.send(letter(first))
        await at_work.receiver.send(letter(second))
        await at_work.receiver.send(ended(first))
        came = len(pages.arrived)
        await pages.expect(came + 2)

    assert all(time_of(alerts[0]["endsAt"]) > now() for alerts in alerts_in(pages))
    assert {len(alerts) for alerts in alerts_in(pages)} == {1}


async def test_what_breaks_again_at_once_pages_again(path: Path, pages: Office) -> None:
    """Break, mend, break, mend within seconds: a real Alertmanager must tell each of the four."""
    first = fresh("first")
    with alertmanagers(pages.url) as (one,):
        async with telling(path, one.url) as at_work:
            await at_work.receiver.send(letter(first))
            await pages.expect(1)
            await at_work.receiver.send(ended(first))
            await pages.expect(2)
            second = again(first, "second")
            await at_work.receiver.send(letter(second))
            await pages.expect(3)
            (held,) = await asyncio.to_thread(lambda: one.alerts)
            await at_work.receiver.send(ended(second))
            await pages.expect(4)

    assert states(pages) == ["firing", "resolved", "firing", "resolved"]
    assert held["annotations"][INCIDENT] == "second"


# -- by a clock that is moved ----------------------------------------------------------------------------------------


@dataclass
class Moved:
    """The date, and whatever was added to it."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return now() + self.ahead


async def checks_in_the_next_post(pages: Office) -> set[str]:
    """Which checks a whole round tells of, begun after this moment."""
    await pages.expect(len(pages.arrived) + 2)
    return {alert["labels"]["check"] for alert in alerts_in(pages)[-1]}


async def test_an_alertmanager_that_comes_back_within_a_quarter_of_an_hour_hears_of_the_end(
    path: Path, pages: Office
) -> None:
    """At 14 minutes it is told again, at 16 no more; and what fires is told all the while."""
    clock, over = Moved(), named("over")
    async with telling(path, pages.url, clock=clock) as at_work:
        await at_work.receiver.send(letter(named("open")))
        await at_work.receiver.send(letter(over))
        await at_work.receiver.send(ended(over))
        end = {alert["endsAt"] for alert in alerts_in(pages)[-1] if alert["labels"]["check"] == "over"}
        clock.ahead = timedelta(minutes=14)
        soon = await checks_in_the_next_post(pages)
        last = {alert["endsAt"] for alert in alerts_in(pages)[-1] if alert["labels"]["check"] == "over"}
        clock.ahead = timedelta(minutes=16)
        late = await checks_in_the_next_post(pages)
        await at_work.receiver.send(letter(named("another")))
        kept = {alert.labels["check"] for alert in at_work.register._alerts}

    assert (soon, late) == ({"open", "over"}, {"open"})
    assert last == end, "the end is told as it was, never as the moment of telling"
    assert kept == {"open", "another"}, "what is told no more is stored no more"
