"""The ledger: what is asked for on a failure, what is stored before it is told, what a restart and a reload carry."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from migrawatch.check import Check
from migrawatch.decide.board import SSH_PROBE
from migrawatch.decide.incident import Change
from migrawatch.decide.policy import Policy
from migrawatch.decide.schedule import offset_of
from migrawatch.decide.streak import Clear, Failing
from migrawatch.decide.watch import Position
from migrawatch.model import Evidence, Finding, Observation, Severity, Trigger, Verdict
from migrawatch.reach.here import Here
from migrawatch.reason import Reason
from tests.daemon.virtual import START, Broken, Disk, Script, Small, changed, check_of, play

QUICK = Policy(settle=0.0, resolve_for=5.0, confirm=1.0)


def pair(script: Script, every: float = 300.0) -> tuple[Check, Check]:
    """A page that needs an API, both looked at so rarely that only asking makes them known in time."""
    return (
        check_of("page", script, "api", every=every, policy=QUICK),
        check_of("api", script, every=every, policy=QUICK),
    )


def down(*names: str, until: float = 1e6, reason: Reason = Reason.CONNECT_REFUSED) -> Script:
    """The API refuses, or whatever *reason* says; the page shows what its need explains."""
    reasons = {"page": Reason.HTTP_GATEWAY}
    return Script(broken=[Broken(name, 0.0, until, reasons.get(name, reason)) for name in names])


def first_look(*names: str, every: float = 300.0) -> float:
    return min(offset_of(name, every) for name in names)


# -- looking now ----------------------------------------------------------------------------------------------------


def test_on_a_first_failure_needs_and_symptoms_are_looked_at_at_once_and_one_notice_goes_out() -> None:
    script = down("page", "api")

    async def story() -> Small:
        small = await Small().begin(pair(script))
        await small.until(first_look("page", "api") + 3)
        await small.end()
        return small

    small = play(story())

    assert [(told.change, told.cause, told.incident.symptoms) for told in small.told] == [("opened", "api", ("page",))]
    assert small.told[0].at <= first_look("page", "api") + 2.1


def test_a_look_that_lost_its_vantage_has_the_ssh_server_looked_at_at_once() -> None:
    """It is unknown, which opens nothing; whether the host's SSH server is at fault must not wait for its turn."""
    script = Script(broken=[Broken("unit", 0.0, 1e6, Reason.VANTAGE_LOST), Broken("ssh/web", 0.0, 1e6)])
    door = check_of("ssh/web", script, every=300.0, policy=QUICK, host="web")
    door = replace(door, subject=replace(door.subject, probe=SSH_PROBE))
    unit = check_of("unit", script, "ssh/web", every=300.0, policy=QUICK, host="web")
    unit = replace(unit, subject=replace(unit.subject, vantage="web"))

    async def story() -> Small:
        small = Small()
        small.vantages["web"] = Here()
        await small.begin((unit, door))
        await small.until(first_look("unit") + 4)
        await small.end()
        return small

    small = play(story())

    assert first_look("unit") + 10 < first_look("ssh/web"), "its own turn comes later"
    assert [(told.change, told.cause) for told in small.told] == [("opened", "ssh/web")]
    assert small.told[0].at <= first_look("unit") + 2.2


def test_a_page_is_not_made_sure_by_looks_that_crowd_into_a_moment() -> None:
    """All of a chain fail within a few ms and ask for each other: that is one bad look of each, not three."""
    start = first_look("page", "api")
    script = down("page", "api", until=start + 0.9)

    async def story() -> Small:
        small = await Small().begin(pair(script))
        await small.until(start + 100)
        await small.end()
        return small

    assert play(story()).told == []


def test_when_a_cause_clears_its_symptoms_are_looked_at_now() -> None:
    """They are looked at every five minutes only; the resolve must not wait for that."""
    script = down("page", "api")

    async def story() -> tuple[Small, float]:
        small = await Small().begin(pair(script))
        await small.until(first_look("page", "api") + 10)
        script.broken.clear()
        await small.until(600 + offset_of("api", 300.0) + 1)
        await small.end()
        return small, 600 + offset_of("api", 300.0)

    small, second_good_look = play(story())

    assert [told.change for told in small.told] == ["opened", "resolved"]
    assert small.told[1].at < second_good_look + 1


# -- disk first -----------------------------------------------------------------------------------------------------


def test_incident_streak_and_notice_are_one_transaction_before_anything_is_told() -> None:
    script = down("page", "api")

    async def story() -> Small:
        small = Small(Disk(takes=0.5))
        await small.begin(pair(script))
        await small.until(first_look("page", "api") + 10)
        await small.end()
        return small

    small = play(story())
    [with_notice] = [one for one in small.disk.transactions if one.deliveries]

    assert [delivery.notice.key for delivery in with_notice.deliveries] == [small.told[0].delivery.notice.key]
    assert [incident.id for incident in with_notice.incidents] == [small.told[0].incident.id]
    assert any(isinstance(streak, Failing) for streak in with_notice.streaks.values())
    assert small.told[0].at == pytest.approx((small.told[0].incident.opened_at - START).total_seconds() + 0.5, abs=1e-3)


def test_the_line_that_led_to_a_look_is_evidence_of_the_incident_and_not_of_the_next_one() -> None:
    """The looks that make it sure were not caused by it; and it came because of the page, whose cause is the API."""
    script = down("page", "api", until=30.0)
    line = Evidence("web: error.log", "connect() failed")

    async def story() -> Small:
        small = await Small().begin(pair(script))
        small.looks.look_now(Trigger(checks=("page",), evidence=(line,)), small.clock.now())
        for moment in (31, 33, 40, 60):
            await small.until(moment)
            small.looks.look_now(Trigger(checks=("page", "api")), small.clock.now())
        script.broken.append(Broken("api", 60.0, 1e6, Reason.CONNECT_REFUSED))
        await small.until(61)
        small.looks.look_now(Trigger(checks=("api",)), small.clock.now())
        await small.until(80)
        await small.end()
        return small

    opened = [told.incident for told in play(story()).told if told.change == "opened"]

    assert [line in incident.evidence for incident in opened] == [True, False]


def test_a_position_is_stored_with_or_after_what_was_judged_before_it() -> None:
    position = Position(at=START)

    async def story() -> Small:
        small = await Small().begin(pair(down("page", "api")))
        await small.looks.look_again(Trigger(checks=("page",)))
        small.ledger.reached("w", position)
        await small.ledger.settled()
        await small.end()
        return small

    stored = play(story()).disk.transactions

    order = [bool(each.positions) for each in stored]
    assert any(each.streaks for each in stored[: order.index(True) + 1])
    assert [each.positions for each in stored if each.positions] == [{"w": position}]


def test_looks_go_on_while_a_commit_takes_long_and_all_is_judged_afterwards() -> None:
    """A slow disk delays the judgement, never the grid."""
    script = Script(broken=[Broken("a", 20.0, 60.0)])

    async def story() -> Small:
        small = await Small(Disk(takes=5.0)).begin([check_of("a", script, every=1.0, policy=QUICK)])
        await small.until(120)
        await small.end()
        return small

    small = play(story())

    assert small.ears.lateness < 1e-6
    assert len(small.ears.seen) >= 119 - 5
    assert [told.change for told in small.told] == ["opened", "resolved"]


def test_a_mistake_in_judging_ends_the_daemon_instead_of_leaving_it_deaf() -> None:
    """systemd starts a new one; one that goes on and judges nothing would be silence that looks like health."""

    class Broke(Exception):
        pass

    class BrokenDisk(Disk):
        async def commit(self, transaction: Any) -> None:
            raise Broke

    async def story() -> None:
        async with asyncio.timeout(600):
            small = await Small(BrokenDisk()).begin(pair(down("page", "api")))
            try:
                await small.until(590)
            except asyncio.CancelledError as cancelled:
                await small.group.__aexit__(type(cancelled), cancelled, None)

    with pytest.raises(ExceptionGroup) as failed:
        play(story())

    assert failed.group_contains(Broke)


# -- blindness ------------------------------------------------------------------------------------------------------


def test_one_blind_check_among_clear_ones_is_told_after_blind_after() -> None:
    """Nothing else fails, so nothing but time makes it worth a word."""
    script = down("api", reason=Reason.VANTAGE_LOST)

    async def story() -> Small:
        small = await Small().begin([check_of("api", script), check_of("page", script)])
        await small.until(900)
        await small.end()
        return small

    [told] = play(story()).told

    assert (told.cause, told.incident.severity) == ("api", Severity.WARNING)
    assert told.at == pytest.approx(offset_of("api", 30.0) + 600, abs=31)


def test_what_only_time_will_tell_is_told_nobody() -> None:
    """A job of every night that was added this morning has not reported yet: nothing is wrong with our looking."""
    script = down("api", reason=Reason.NO_HISTORY)

    async def story() -> Small:
        small = await Small().begin([check_of("api", script), check_of("page", script)])
        await small.until(7200)
        await small.end()
        return small

    assert play(story()).told == []


# -- restart --------------------------------------------------------------------------------------------------------


async def broken_daemon(script: Script, checks: tuple[Check, ...]) -> Small:
    """A daemon that told an incident and was killed."""
    small = await Small().begin(checks)
    await small.until(first_look("page", "api") + 10)
    await small.end()
    assert [told.change for told in small.told] == ["opened"]
    return small


def test_an_open_incident_survives_a_restart_and_is_not_told_twice() -> None:
    script = down("page", "api")

    async def story() -> tuple[Small, Small]:
        old = await broken_daemon(script, pair(script))
        new = await Small(old.disk).begin(pair(script))
        await new.until(1500)
        script.broken.clear()
        await new.until(2500)
        await new.end()
        return old, new

    old, new = play(story())

    assert [told.change for told in new.told] == ["resolved"]
    assert new.told[0].incident.id == old.told[0].incident.id


def test_after_a_restart_what_failed_is_looked_at_first_and_nothing_is_told_before() -> None:
    """Healed meanwhile: it may not resolve by what the last daemon knew, nor wait for the grid."""
    script = down("page", "api")

    async def story() -> tuple[Small, float]:
        old = await broken_daemon(script, pair(script))
        script.broken.clear()
        began = old.clock.monotonic()
        new = await Small(old.disk).begin(pair(script))
        await new.until(began + 700)
        await new.end()
        return new, began

    new, began = play(story())
    looked = [(seen.at - START).total_seconds() - began for seen in new.ears.seen[:2]]

    assert max(looked) < 0.5
    assert [told.change for told in new.told] == ["resolved"]
    assert new.told[0].at > began + 1


def test_what_changed_while_the_daemon_was_down_is_told_with_what_it_was() -> None:
    """A deployment restarts the monitor too. What is known is stored when it is new, and not with every look."""
    script = Script(facts={"api": "old", "page": "same"})

    async def story() -> tuple[int, Small]:
        old = await Small().begin(pair(script, every=60.0))
        await old.until(600)
        await old.end()
        script.facts["api"] = "new"
        script.broken.append(Broken("api", 0.0, 1e6))
        new = await Small(old.disk).begin(pair(script, every=60.0))
        await new.until(700)
        await new.end()
        return sum(len(one.facts) for one in old.disk.transactions), new

    writes, new = play(story())

    [told] = new.told[0].incident.changed
    assert (told.check, told.what, told.before, told.after) == ("api", "configuration", "old", "new")
    assert told.held_at is None
    assert writes == 3  # of each check once, and of one that it is another


def test_a_new_name_keeps_what_is_known_and_a_removed_check_leaves_nothing() -> None:
    script = Script(facts={"api": "old", "page": "same"})
    page, api = pair(script, every=60.0)
    renamed = replace(api, subject=replace(api.subject, check="backend"), was="api")

    async def story() -> Small:
        small = await Small().begin((page, api))
        await small.until(100)
        small.watch([renamed])
        await small.until(101)
        script.facts["api"] = "new"
        script.broken.append(Broken("api", 0.0, 1e6))
        await small.until(300)
        await small.end()
        return small

    small = play(story())

    assert [told.before for told in small.told[0].incident.changed] == ["old"]
    assert set(small.disk.facts) == {"backend"}


def test_a_check_that_was_removed_while_the_daemon_was_down_closes_its_incident_and_leaves_no_streak() -> None:
    script = down("page", "api")

    async def story() -> Small:
        old = await broken_daemon(script, pair(script))
        other = check_of("other", script)
        new = await Small(old.disk).begin([other])
        await new.until(old.clock.monotonic() + 5)
        await new.end()
        return new

    new = play(story())

    assert [(told.change, told.incident.closing) for told in new.told] == [("resolved", "no longer watched")]
    assert new.disk.streaks.keys() <= {"other"}
    assert new.disk.open == []


# -- reload ---------------------------------------------------------------------------------------------------------


def reload_into(checks: tuple[Check, ...], script: Script, **small_with: Any) -> Small:
    """A daemon with an incident, reloaded, and a while later."""

    async def story() -> Small:
        small = await broken_daemon_alive(script)
        for name, value in small_with.items():
            setattr(small, name, value)
        small.watch(checks)
        await small.until(1200)
        await small.end()
        return small

    return play(story())


async def broken_daemon_alive(script: Script) -> Small:
    small = await Small().begin(pair(script))
    await small.until(first_look("page", "api") + 10)
    assert [told.change for told in small.told] == ["opened"]
    return small


def test_a_removed_check_closes_its_incident_as_no_longer_watched() -> None:
    small = reload_into((), down("page", "api"))

    assert [told.change for told in small.told] == ["opened", "resolved"]
    assert small.told[1].incident.closing == "no longer watched"
    assert small.disk.streaks == {}


def test_removing_the_cause_judges_its_symptoms_anew() -> None:
    script = down("page", "api")
    page, _ = pair(script)
    alone = replace(page, subject=replace(page.subject, needs=()))

    small = reload_into((alone,), script)

    assert [(told.change, told.cause) for told in small.told] == [
        ("opened", "api"), ("resolved", "api"), ("opened", "page"),
    ]  # fmt: skip


def test_a_renamed_check_keeps_its_streak_and_its_incident_and_the_labels_that_were_told() -> None:
    script = down("page", "api")
    page, api = pair(script)
    new_api = replace(api, subject=replace(api.subject, check="backend"), was="api")
    new_page = replace(page, subject=replace(page.subject, needs=("backend",)))

    small = reload_into((new_page, new_api), script)
    [incident] = small.disk.open

    assert [told.change for told in small.told] == ["opened"]
    assert (incident.cause.check, incident.identity.check) == ("backend", "api")
    assert "backend" in incident.members
    assert incident.reproduce == "migrawatch probe backend"
    assert isinstance(small.disk.streaks["backend"], Failing)
    assert "api" not in small.disk.streaks


def test_an_edit_keeps_the_streak_and_the_incident() -> None:
    script = down("page", "api")
    page, api = pair(script)

    small = reload_into((page, changed(api, timeout=7.0, probe={"setting": "edited"})), script)

    assert [told.change for told in small.told] == ["opened"]
    assert len(small.disk.open) == 1


def test_what_was_seen_under_settings_that_are_gone_is_not_judged() -> None:
    """It lay in the ledger's inbox when the configuration changed."""
    api = check_of("api", Script(), policy=QUICK)
    finding = Finding(Verdict.DOWN, Reason.CONNECT_REFUSED, "refused")
    seen = Observation(subject=api.subject, at=START, took=0.1, findings=(finding,))

    async def story() -> Small:
        small = await Small().begin([api])
        small.ledger.observed(api, seen)
        small.watch([changed(api, probe={"setting": "new"})])
        await small.ledger.settled()
        await small.end()
        return small

    small = play(story())

    assert small.ledger.streak_of("api") == Clear()
    assert small.ears.seen == []


def test_what_a_receiver_that_is_gone_was_due_goes_to_the_fallback() -> None:
    from migrawatch.decide.route import Route

    script = down("page", "api")

    async def story() -> Small:
        small = await broken_daemon_alive(script)
        small.receivers, small.routes = frozenset({"other"}), (Route(to=("other",)),)
        small.watch(pair(script))
        script.broken.clear()
        await small.until(1200)
        await small.end()
        return small

    small = play(story())

    assert [(told.change, told.delivery.receiver) for told in small.told] == [
        (Change.OPENED, "pager"), (Change.RESOLVED, "other"),
    ]  # fmt: skip


def test_a_removed_check_that_comes_back_begins_clear() -> None:
    script = down("api")
    api = check_of("api", script, policy=QUICK, every=300.0)

    async def story() -> Small:
        small = await Small().begin([api])
        await small.until(offset_of("api", 300.0) + 10)
        small.watch([])
        small.watch([api])
        await small.ledger.settled()
        await small.end()
        return small

    small = play(story())

    assert isinstance(small.ledger.streak_of("api"), Clear)


def test_how_long_a_round_takes_is_known_to_the_watchdog() -> None:
    script = down("api")

    async def story() -> tuple[float, float]:
        small = await Small(Disk(takes=100.0)).begin([check_of("api", script)])
        idle = small.ledger.busy_for
        await small.until(offset_of("api", 30.0) + 50)
        busy = small.ledger.busy_for
        await small.end()
        return idle, busy

    idle, busy = play(story())

    assert idle == 0.0
    assert busy > 30.0


# -- a clock that is set --------------------------------------------------------------------------------------------


def test_after_the_clock_was_set_back_needs_are_looked_at_all_the_same() -> None:
    """What was seen before seems to lie an hour ahead: it must not pass for a look of now."""
    script = Script()
    beat = check_of("beat", script, every=1.0, policy=QUICK)

    async def story() -> Small:
        small = await Small().begin((*pair(script), beat))
        await small.until(601)
        small.clock.ahead = -timedelta(hours=1)
        await small.until(603)
        script.broken.extend(Broken(name, -1e6, 1e6, reason) for name, reason in broken)
        await small.until(910)
        await small.end()
        return small

    broken = (("page", Reason.HTTP_GATEWAY), ("api", Reason.CONNECT_REFUSED))
    small = play(story())

    assert [(told.change, told.cause, told.incident.symptoms) for told in small.told] == [("opened", "api", ("page",))]


@pytest.mark.parametrize("by", [timedelta(hours=1), timedelta(hours=-1)])
def test_an_incident_ends_as_soon_as_ever_when_the_clock_was_set(by: timedelta) -> None:
    """And its end comes after its beginning: no receiver takes another order."""
    script = Script(broken=[Broken("api", -1e6, 1e6)])

    async def story() -> Small:
        small = await Small().begin([check_of("api", script, every=1.0, policy=QUICK)])
        await small.until(20)
        small.clock.ahead = by
        await small.until(30)
        script.broken.clear()
        await small.until(45)
        await small.end()
        return small

    small = play(story())

    assert [told.change for told in small.told] == ["opened", "resolved"]
    end = small.told[-1].incident
    assert end.resolved_at is not None
    assert end.first_failed <= end.opened_at <= end.resolved_at


def test_what_was_open_before_a_boot_with_an_older_date_ends_after_it_began() -> None:
    """A machine without a clock of its own begins in the past."""
    script = Script(broken=[Broken("api", -1e6, 1e6)])
    check = check_of("api", script, every=1.0, policy=QUICK)

    async def story(small: Small, end: float) -> Small:
        await small.begin([check])
        await small.until(end)
        await small.end()
        return small

    before = play(story(Small(), 20))
    script.broken.clear()
    after = Small(before.disk)
    after.clock.ahead = -timedelta(days=1)
    after = play(story(after, 20))

    [told] = after.told
    assert (told.change, told.incident.id) == ("resolved", before.told[0].incident.id)
    assert told.incident.resolved_at is not None
    assert told.incident.first_failed <= told.incident.opened_at <= told.incident.resolved_at
