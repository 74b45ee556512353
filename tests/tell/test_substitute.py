"""A receiver that is out of reach: its fallback is told as well, and it gets what still fires."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from migrawatch.decide.incident import Change, Delivery
from migrawatch.store import Pending, Store
from migrawatch.tell.receiver import Rejected, Retryable
from migrawatch.tell.substitute import Substitute, was_told_elsewhere
from tests.tell.stories import AT, delivery, resolved
from tests.tell.test_courier import Desk, Round, working

SOON = Substitute(name="other", after=0.3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def out_of_reach(times: int) -> Desk:
    return Desk(failures=[Retryable("HTTP 503")] * times)


async def standing_in(at_work: Round, first: Desk, other: Desk, substitute: Substitute = SOON) -> None:
    await at_work.courier.serve({"desk": first, "other": other}, substitutes={"desk": substitute})


async def test_the_fallback_is_told_once_a_letter_has_waited_too_long(path: Path) -> None:
    """Then both have it: the first one once it is back, for it still fires."""
    first, other = out_of_reach(2), Desk("other")
    async with working(path, [first, other]) as at_work:
        await standing_in(at_work, first, other)
        await at_work.post(delivery())
        assert await at_work.courier.drain(10)

    assert (other.keys, first.keys) == (["i1-1"], ["i1-1"])


async def test_a_receiver_that_is_reached_in_time_needs_no_fallback(path: Path) -> None:
    """A hiccup is not told twice."""
    first, other = out_of_reach(1), Desk("other")
    async with working(path, [first, other]) as at_work:
        await standing_in(at_work, first, other, Substitute(name="other", after=60))
        await at_work.post(delivery())
        assert await at_work.courier.drain(10)

    assert (other.keys, first.keys) == ([], ["i1-1"])


async def test_what_ended_meanwhile_is_not_told_to_the_first(path: Path) -> None:
    """After the fallback has told, the first receiver gets only what still fires (judging.md)."""
    first, other = out_of_reach(2), Desk("other")
    async with working(path, [first, other]) as at_work:
        await standing_in(at_work, first, other)
        await at_work.post(delivery(1), delivery(2, Change.RESOLVED, resolved()))
        assert await at_work.courier.drain(10)

    assert (other.keys, first.keys) == (["i1-1", "i1-2"], [])


async def test_a_refused_letter_goes_to_the_fallback_at_once(path: Path) -> None:
    """It will never be taken: there is nothing to wait for."""
    first, other = Desk(failures=[Rejected("HTTP 422")]), Desk("other")
    async with working(path, [first, other]) as at_work:
        await standing_in(at_work, first, other, Substitute(name="other", after=3600))
        await at_work.post(delivery())
        assert await at_work.courier.drain(10)

    assert (other.keys, first.keys) == (["i1-1"], [])


async def test_whoever_was_told_anyway_is_not_told_again(path: Path) -> None:
    """A route may lead to both."""
    first, other = out_of_reach(2), Desk("other")
    both = ("desk", "other")
    async with working(path, [first, other]) as at_work:
        await standing_in(at_work, first, other)
        await at_work.post(replace(delivery(), beside=both), replace(delivery(to="other"), beside=both))
        assert await at_work.courier.drain(10)

    assert (other.keys, first.keys) == (["i1-1"], ["i1-1"])


async def test_two_that_stand_in_for_each_other_hand_nothing_back(path: Path) -> None:
    """Both are down: each letter is in two queues, and no more."""
    first, other = out_of_reach(99), replace_name(out_of_reach(99), "other")
    async with working(path, [first, other]) as at_work:
        swap = {"desk": SOON, "other": Substitute(name="desk", after=0.3)}
        await at_work.courier.serve({"desk": first, "other": other}, substitutes=swap)
        await at_work.post(delivery())
        assert not await at_work.courier.drain(2)
        waiting = {standing.receiver: standing.waiting for standing in at_work.courier.standings}

    assert waiting == {"desk": 1, "other": 1}


def replace_name(desk: Desk, name: str) -> Desk:
    desk.name = name
    return desk


async def test_a_restart_hands_nothing_over_twice(path: Path) -> None:
    """That it was handed over is stored with it, in the same commit."""
    async with working(path, [first := out_of_reach(99), other := Desk("other")]) as at_work:
        await standing_in(at_work, first, other)
        await at_work.post(delivery())
        assert not await at_work.courier.drain(2)
    async with Store.open(path) as store:
        (left,) = store.saved.outbox
    async with working(path, [Desk(), again := Desk("other")], start=AT + timedelta(minutes=30)) as at_work:
        await at_work.courier.drain(5)

    assert (left.delivery.receiver, left.handed) == ("desk", True)
    assert (other.keys, again.keys) == (["i1-1"], [])


def pending(of: Delivery, handed: bool = True) -> Pending:
    return Pending(delivery=of, next_at=AT, handed=handed)


def test_who_heard_of_the_opening_hears_of_the_end() -> None:
    """Only what was handed over from its beginning to its end is not told."""
    opened, changed, over = (
        delivery(number, change) for number, change in enumerate((Change.OPENED, Change.CHANGED_CAUSE, Change.RESOLVED))
    )
    assert was_told_elsewhere([pending(opened), pending(changed), pending(over)])
    assert was_told_elsewhere([pending(delivery(2, Change.ESCALATED)), pending(over)])
    assert not was_told_elsewhere([pending(changed), pending(over)])
    assert not was_told_elsewhere([pending(over)])
    assert not was_told_elsewhere([pending(opened)])
    assert not was_told_elsewhere([pending(opened, handed=False), pending(over)])
