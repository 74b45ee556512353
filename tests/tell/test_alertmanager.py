"""Alertmanager, the real one: told, told again, told of the end; several of them, of which some are down or hang."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from migrawatch.decide.incident import Change, Incident
from migrawatch.model import Secret, Severity
from migrawatch.store import Store, Transaction
from migrawatch.tell.alert import INCIDENT
from migrawatch.tell.others import OVER, sighting_of
from migrawatch.tell.receiver import Rejected, Retryable
from migrawatch.tell.register import Register
from tests.servers.alertmanager import PEER_TIMEOUT, alertmanagers
from tests.servers.alertmanager import Alertmanager as Served
from tests.servers.ports import closed_port
from tests.tell.alerting import alerts_in, ended, fresh, letter, named, now, states, telling, time_of, until
from tests.tell.office import Office

# -- with a real one ------------------------------------------------------------------------------------------------


async def test_an_incident_fires_is_held_and_is_resolved(path: Path, pages: Office) -> None:
    """Two pages in all: that it broke, and that it is over."""
    opened = fresh()
    with alertmanagers(pages.url) as (one,):
        async with telling(path, one.url) as at_work:
            await at_work.receiver.send(letter(opened))
            await pages.expect(1)
            (held,) = await asyncio.to_thread(lambda: one.alerts)
            await until(lambda: time_of(one.alerts[0]["updatedAt"]) > time_of(held["updatedAt"]))
            await at_work.receiver.send(ended(opened))
            await pages.expect(2)

    assert states(pages) == ["firing", "resolved"]
    assert held["labels"] == {
        "alertname": "MigrawatchIncident",
        "check": "pm2/mpanel-backend",
        "host": "mpanel-core",
        "service": "mpanel-backend",
        "severity": "critical",
    }
    assert "mpanel-backend is stopped on mpanel-core" in held["annotations"]["summary"]
    assert time_of(held["endsAt"]) - time_of(held["updatedAt"]) > timedelta(minutes=10)
    assert abs(time_of(held["startsAt"]) - opened.opened_at) < timedelta(milliseconds=1)


async def test_an_alertmanager_that_was_restarted_hears_it_all_again(path: Path, pages: Office) -> None:
    """It keeps no alerts on disk. What fires is there again, and nobody is paged twice."""
    opened, over = fresh("open"), named("over")
    with alertmanagers(pages.url) as (one,):
        async with telling(path, one.url) as at_work:
            await at_work.receiver.send(letter(opened))
            await at_work.receiver.send(letter(over))
            await pages.expect(2)
            await asyncio.to_thread(one.end)
            with pytest.raises(Retryable):
                await at_work.receiver.send(ended(over))
            await asyncio.to_thread(one.start)
            await pages.expect(3)
            await until(lambda: len(one.alerts) == 1)

    assert states(pages) == ["firing", "firing", "resolved"]
    assert pages.arrived[2].document["alerts"][0]["labels"]["check"] == "over"


async def test_one_that_hangs_holds_up_neither_the_other_nor_the_letter(path: Path, pages: Office) -> None:
    """Each has a queue of its own; the frozen one gets everything once it is back."""
    with alertmanagers(pages.url) as (well,), alertmanagers(pages.url) as (frozen,):
        frozen.freeze()
        async with telling(path, frozen.url, well.url, limit=3.0) as at_work:
            async with asyncio.timeout(2.5):
                await at_work.receiver.send(letter(fresh()))
            await pages.expect(1)
            assert len(await asyncio.to_thread(lambda: well.alerts)) == 1
            frozen.thaw()
            await until(lambda: len(frozen.alerts) == 1)


@pytest.mark.slow
async def test_a_cluster_of_three_pages_once_also_while_one_is_killed(path: Path, pages: Office) -> None:
    """Two replicas of ours, three of theirs: one page, one resolve."""
    opened = fresh()
    with alertmanagers(pages.url, 3, group_wait="1s") as cluster:
        await until(lambda: all(len(one.ask("/api/v2/status")["cluster"]["peers"]) == 3 for one in cluster))
        urls = [one.url for one in cluster]
        async with telling(path, *urls) as first, telling(path.with_name("other.db"), *urls) as second:
            await first.receiver.send(letter(opened))
            await second.receiver.send(letter(replace(opened, id="theirs", opened_at=now())))
            await asyncio.to_thread(cluster[1].stop)
            await pages.expect(1)
            # So long the last member may wait before a second page.
            await asyncio.sleep(2 * PEER_TIMEOUT + 2)
            await first.receiver.send(ended(opened))
            await second.receiver.send(ended(replace(opened, id="theirs")))
            await pages.expect(2)
            await asyncio.sleep(2 * PEER_TIMEOUT + 2)

    assert states(pages) == ["firing", "resolved"]


async def test_an_end_waits_for_the_daemon_that_still_sees_it_fail(path: Path, pages: Office) -> None:
    """Its re-sends would page again; once it is over there too, it is told."""
    opened = fresh()
    theirs = replace(opened, id="theirs")
    with alertmanagers(pages.url) as (one,):
        async with (
            telling(path, one.url, again_every=2.0) as first,
            telling(path.with_name("other.db"), one.url, again_every=2.0) as second,
        ):
            await first.receiver.send(letter(opened))
            await second.receiver.send(letter(theirs))
            await pages.expect(1)
            await first.receiver.send(ended(opened))
            (kept,) = await asyncio.to_thread(lambda: one.alerts)
            await asyncio.sleep(4)
            early = states(pages)
            await second.receiver.send(ended(theirs))
            await pages.expect(2)
            await asyncio.sleep(4)

    assert OVER in kept["annotations"]
    assert early == ["firing"]
    assert states(pages) == ["firing", "resolved"]


async def test_an_end_that_crosses_the_other_daemons_is_told_where_ours_came_last(path: Path, pages: Office) -> None:
    """Theirs was before ours at one, and is hidden by it; at another it was after ours, and is seen there."""
    opened = fresh()
    with alertmanagers(pages.url) as (before,), alertmanagers(pages.url) as (after,):
        async with telling(path, before.url, after.url, again_every=60.0) as at_work:
            await at_work.receiver.send(letter(opened))
            await until(lambda: before.alerts and after.alerts)
            (alert,) = await asyncio.to_thread(lambda: before.alerts)
            theirs = {name: alert[name] for name in ("labels", "startsAt", "endsAt")}
            theirs["annotations"] = {**alert["annotations"], INCIDENT: "theirs"}
            for one in (before, after):
                await asyncio.to_thread(one.tell, theirs)
            await at_work.receiver.send(ended(opened))
            await until(lambda: all(OVER in one.alerts[0]["annotations"] for one in (before, after)))
            await asyncio.to_thread(after.tell, {**theirs, "endsAt": now().isoformat()})
            await until(lambda: not before.alerts, 10)


async def test_what_is_told_in_between_does_not_put_off_the_next_re_send(path: Path, pages: Office) -> None:
    """Else another daemon would take this one for gone, and end what it still sees fail."""
    with alertmanagers(pages.url) as (one,):
        async with telling(path, one.url, again_every=3.0) as at_work:
            await at_work.receiver.send(letter(named("first")))
            await asyncio.sleep(2)
            await at_work.receiver.send(letter(named("second")))
            began = updates(one)["first"]
            await until(lambda: updates(one)["first"] > began)
            again = updates(one)["first"]

    # The second was told two seconds after the first; the pace is three.
    assert again - began < timedelta(seconds=4.5)


def updates(one: Served) -> dict[str, datetime]:
    """When each check's alert was told last."""
    return {alert["labels"]["check"]: time_of(alert["updatedAt"]) for alert in one.alerts}


async def test_nobody_waits_for_a_daemon_that_is_gone(path: Path, pages: Office) -> None:
    """What it fired ends with one and a half of its re-sends missed."""
    opened = fresh()
    with alertmanagers(pages.url) as (one,):
        async with telling(path, one.url) as first:
            async with telling(path.with_name("other.db"), one.url) as second:
                await first.receiver.send(letter(opened))
                await second.receiver.send(letter(replace(opened, id="theirs")))
                await pages.expect(1)
            await first.receiver.send(ended(opened))
            await pages.expect(2)

    assert states(pages) == ["firing", "resolved"]


@pytest.mark.parametrize(
    "body", [b"", b"{}x", b'{"a": 1}', b"[1]", b"[{}]", b'[{"annotations": {}, "updatedAt": "x"}]']
)
def test_what_is_no_answer_of_alertmanager_is_not_read_as_one(body: bytes) -> None:
    """Something else may listen there."""
    with pytest.raises(ValueError, match=r"\S"):
        sighting_of(body)


# -- with what a real one cannot be asked for -----------------------------------------------------------------------


async def test_after_a_restart_what_fires_is_looked_at_and_told_again_as_it_began(path: Path, pages: Office) -> None:
    """kill -9: nobody says goodbye, and the beginning stays."""
    opened = fresh(told=("pager",))
    async with telling(path, pages.url) as at_work:
        await at_work.receiver.send(letter(opened))
    ((before,),) = alerts_in(pages)[:1]
    async with Store.open(path) as store:
        await store.commit(Transaction(incidents=(opened,)))
    pages.arrived.clear()
    looked: list[str] = []
    may_end = asyncio.Event()

    async def recheck(of: Incident) -> None:
        looked.append(of.id)
        assert pages.arrived == []
        await may_end.wait()

    async with telling(path, pages.url, recheck=recheck):
        await asyncio.sleep(0.5)
        assert (looked, pages.arrived) == (["i1"], [])
        may_end.set()
        await pages.expect(1)

    ((after,), *_) = alerts_in(pages)
    assert (after["startsAt"], after["labels"]) == (before["startsAt"], before["labels"])


async def test_what_healed_while_we_were_away_is_told_as_over(path: Path, pages: Office) -> None:
    """The letter of its end finds the alert that was told before the start."""
    opened = fresh()
    async with telling(path, pages.url) as at_work:
        await at_work.receiver.send(letter(opened))
        pages.arrived.clear()
    async with telling(path, pages.url) as at_work:
        await pages.expect(1)

    ((told,), *_) = alerts_in(pages)
    assert time_of(told["endsAt"]) <= now()


async def test_what_was_over_before_it_was_told_is_never_told(path: Path, pages: Office) -> None:
    """Alertmanager says nothing of a group that it first sees as resolved: there is no point in posting it."""
    async with telling(path, pages.url) as at_work:
        await at_work.receiver.send(replace(ended(fresh()), instead_of=("i1-1",)))

        assert pages.arrived == []
        assert at_work.register.current == ()


async def test_a_bad_alert_is_refused_alone(path: Path, pages: Office) -> None:
    """One that Alertmanager does not understand must not be in the way of the others."""
    with alertmanagers(pages.url) as (one,):
        async with telling(path, one.url, again_every=60.0) as at_work:
            await at_work.register.note(letter(named("bad")))
            spoil(at_work.register)
            answers = await asyncio.gather(
                *(at_work.receiver.send(letter(named(name))) for name in ("bad", "one", "two", "three")),
                return_exceptions=True,
            )
            held = await asyncio.to_thread(lambda: one.alerts)

    assert [type(answer) for answer in answers] == [Rejected, type(None), type(None), type(None)]
    assert "not-a-name" in str(answers[0])
    assert {alert["labels"]["check"] for alert in held} == {"one", "two", "three"}


def spoil(register: Register) -> None:
    """Give what is registered a name that no label may have."""
    register._alerts = tuple(replace(alert, labels={**alert.labels, "not-a-name": "x"}) for alert in register._alerts)


async def test_all_down_is_tried_again_and_all_unwilling_is_final(path: Path, pages: Office) -> None:
    """The courier must know which it is."""
    pages.answers.extend([(400, {}, b"bad")] * 50)
    with closed_port() as port:
        async with telling(path, f"http://127.0.0.1:{port}") as at_work:
            with pytest.raises(Retryable, match="ConnectError"):
                await at_work.receiver.send(letter(fresh()))
    async with telling(path.with_name("other.db"), pages.url) as at_work:
        with pytest.raises(Rejected, match="HTTP 400"):
            await at_work.receiver.send(letter(fresh()))


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
async def test_what_somebody_will_mend_is_tried_again(status: int, path: Path, pages: Office) -> None:
    """A wrong prefix, a refused password, a restart."""
    pages.plan(status)
    async with telling(path, pages.url) as at_work:
        with pytest.raises(Retryable, match=f"HTTP {status}"):
            await at_work.receiver.send(letter(fresh()))


async def test_an_alert_is_never_backdated_beyond_group_wait_at_its_first_send(path: Path, pages: Office) -> None:
    """All Alertmanagers were down for an hour: the group must still wait for what belongs to it."""
    old = fresh(opened_at=now() - timedelta(hours=1))
    pages.plan(503)
    began = now()
    async with telling(path, pages.url, group_wait=30.0) as at_work:
        with pytest.raises(Retryable):
            await at_work.receiver.send(letter(old))
        await pages.expect(2)
        await at_work.receiver.send(letter(old))
        await pages.expect(4)

    starts = [time_of(alerts[0]["startsAt"]) for alerts in alerts_in(pages)]
    assert all(start >= began - timedelta(seconds=1) for start in starts)
    assert len(set(starts[2:])) == 1


async def test_a_raise_is_one_more_alert_and_the_end_reaches_both(path: Path, pages: Office) -> None:
    """Those who were told at warning hear of no end that was none."""
    opened = fresh(severity=Severity.WARNING)
    async with telling(path, pages.url, again_every=60.0) as at_work:
        await at_work.receiver.send(letter(opened))
        raised = replace(opened, severity=Severity.CRITICAL)
        await at_work.receiver.send(letter(raised, Change.RAISED))
        await at_work.receiver.send(ended(raised))

    told = [
        sorted((alert["labels"]["severity"], time_of(alert["endsAt"]) <= now()) for alert in alerts)
        for alerts in alerts_in(pages)
    ]
    assert told[-1] == [("critical", True), ("warning", True)]
    assert told[0] == [("warning", False)]


async def test_a_reminder_is_alertmanagers_own(path: Path, pages: Office) -> None:
    """One owner of reminders (judging.md, Identity)."""
    opened = fresh()
    async with telling(path, pages.url, again_every=60.0) as at_work:
        await at_work.receiver.send(letter(opened))
        await at_work.receiver.send(letter(opened, Change.REMINDER))

    assert all("STILL" not in alerts[0]["annotations"]["summary"] for alerts in alerts_in(pages))


async def test_the_login_goes_along_and_is_seen_nowhere(path: Path, pages: Office) -> None:
    """Behind a proxy that wants a password, and quotes it."""
    pages.answers.append((401, {}, b"wrong password hunter2"))
    async with telling(path, pages.url, user="us", password=Secret("hunter2")) as at_work:
        with pytest.raises(Retryable) as caught:
            await at_work.receiver.send(letter(fresh()))

    assert pages.arrived[0].headers["authorization"] == "Basic dXM6aHVudGVyMg=="
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(at_work.receiver._instances[0]._access)
