"""The courier: sends, then marks; tries again; lets no receiver wait for another."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from migrawatch.decide.incident import Change, Delivery, Incident
from migrawatch.model import Seconds
from migrawatch.store import Store, Transaction
from migrawatch.tell.courier import Courier
from migrawatch.tell.desk import Surroundings
from migrawatch.tell.receiver import Letter, Receiver, Rejected, Retryable
from migrawatch.tell.substitute import Substitute
from tests.tell.stories import AT, delivery, incident, resolved


@dataclass
class Desk:
    """A receiver that keeps what it got, after failing as planned."""

    name: str = "desk"
    limit: Seconds = 5.0
    failures: list[Exception] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    hangs: bool = False
    hung: int = 0

    async def send(self, letter: Letter) -> None:
        if self.hangs:
            self.hung += 1
            await asyncio.Event().wait()
        if self.failures:
            raise self.failures.pop(0)
        self.letters.append(letter)

    @property
    def keys(self) -> list[str]:
        return [letter.notice.key for letter in self.letters]


class Clock:
    """A clock that starts where the test says, and runs."""

    def __init__(self, start: datetime = AT) -> None:
        self._start = start
        self._began = asyncio.get_running_loop().time()

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=asyncio.get_running_loop().time() - self._began)


@dataclass
class Round:
    """A courier at work, and what it noted."""

    courier: Courier
    store: Store
    clock: Clock
    noted: list[tuple[str, str]]

    async def post(self, *deliveries: Delivery) -> None:
        await self.store.commit(Transaction(deliveries=deliveries))
        self.courier.post(deliveries)


@asynccontextmanager
async def working(
    path: Path,
    receivers: Iterable[Receiver],
    recheck: Callable[[Incident], Any] | None = None,
    fallback: str = "",
    start: datetime = AT,
) -> AsyncIterator[Round]:
    async with Store.open(path) as store:
        noted: list[tuple[str, str]] = []
        clock = Clock(start)
        around = Surroundings(
            store=store,
            now=clock,
            recheck=recheck,
            noted=lambda receiver, outcome: noted.append((receiver, outcome)),
            chance=lambda: 0.0,
        )
        courier = Courier(around)
        await courier.serve({receiver.name: receiver for receiver in receivers}, fallback)
        task = asyncio.create_task(courier.run())
        try:
            yield Round(courier, store, clock, noted)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


async def pending_at(path: Path) -> list[str]:
    async with Store.open(path) as store:
        return [letter.key for letter in store.saved.outbox]


async def test_a_notice_is_sent_and_marked(path: Path) -> None:
    """The ordinary case: one letter, nothing left for the next start."""
    desk = Desk()
    async with working(path, [desk]) as at_work:
        await at_work.post(delivery())
        assert await at_work.courier.drain(5)

        assert at_work.noted == [("desk", "sent")]

    assert desk.keys == ["i1-1"]
    assert await pending_at(path) == []


async def test_a_failure_is_tried_again_until_it_works_and_in_order(path: Path) -> None:
    """A receiver down for a while gets everything, each incident in its order."""
    desk = Desk(failures=[Retryable("HTTP 503"), Retryable("refused")])
    async with working(path, [desk]) as at_work:
        await at_work.post(delivery(1), delivery(2, Change.CHANGED_CAUSE), delivery(3, Change.RESOLVED))
        assert await at_work.courier.drain(5)

        assert [outcome for _, outcome in at_work.noted] == ["delayed", "delayed", "sent", "sent", "sent"]

    assert desk.keys == ["i1-1", "i1-2", "i1-3"]


async def test_a_hanging_receiver_is_cut_off_and_delays_nobody(path: Path) -> None:
    """Promise 2: no check, notice or scrape waits for a peer."""
    hanging, well = Desk("hanging", limit=0.05, hangs=True), Desk("well")
    async with working(path, [hanging, well]) as at_work:
        await at_work.post(delivery(to="hanging"), delivery(to="well"))
        async with asyncio.timeout(5):
            while hanging.hung < 2 or not well.letters:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        (standing,) = [found for found in at_work.courier.standings if found.receiver == "hanging"]

    assert well.keys == ["i1-1"]
    assert (standing.waiting, standing.trouble) == (1, "no answer within 0.05 s")
    assert await pending_at(path) == ["i1-1"]


async def test_a_rejected_letter_is_marked_as_failed_and_holds_nothing_up(path: Path) -> None:
    """What will never be taken must not be in the way of what will."""
    desk = Desk(failures=[Rejected("HTTP 422")])
    async with working(path, [desk]) as at_work:
        await at_work.post(delivery(1), delivery(2, Change.RESOLVED))
        assert await at_work.courier.drain(5)

        assert at_work.noted == [("desk", "rejected"), ("desk", "sent")]

    assert desk.keys == ["i1-2"]
    assert await pending_at(path) == []


async def test_a_refused_letter_is_seen_until_another_one_arrives(path: Path) -> None:
    """A receiver that refuses pages must be mended before the next one matters."""
    desk = Desk(failures=[Rejected("HTTP 422")])
    async with working(path, [desk]) as at_work:
        await at_work.post(delivery(1))
        assert await at_work.courier.drain(5)
        (refused,) = at_work.courier.standings
        await at_work.post(delivery(2, Change.RESOLVED))
        assert await at_work.courier.drain(5)
        (taken,) = at_work.courier.standings

    assert (refused.refused, refused.trouble) == (("i1-1",), "HTTP 422")
    assert (taken.refused, taken.trouble) == ((), "")


async def test_a_receiver_with_a_bug_is_tried_again(path: Path) -> None:
    """A bug of ours is no reason to lose a page."""
    desk = Desk(failures=[KeyError("oops")])
    async with working(path, [desk]) as at_work:
        await at_work.post(delivery())
        assert await at_work.courier.drain(5)

    assert desk.keys == ["i1-1"]


async def test_after_a_restart_the_rest_goes_out_after_its_checks_were_looked_at_again(path: Path) -> None:
    """Nothing old goes out unseen; what still fires goes out as it was."""
    looked: list[str] = []

    async def recheck(found: Incident) -> None:
        looked.append(found.id)

    async with Store.open(path) as store:
        await store.commit(Transaction(deliveries=(delivery(),)))
    desk = Desk()
    async with working(path, [desk], recheck) as at_work:
        assert await at_work.courier.drain(5)

    assert (looked, desk.keys) == (["i1"], ["i1-1"])


async def test_what_healed_before_it_could_be_told_is_told_once(path: Path) -> None:
    """One `was down`, not an alarm and an all-clear in one breath; the keys say what it stands for."""
    async with Store.open(path) as store:
        await store.commit(Transaction(deliveries=(delivery(1),)))
    desk = Desk()
    rounds: list[Round] = []

    async def recheck(_: Incident) -> None:
        await rounds[0].post(delivery(2, Change.RESOLVED, resolved()))

    async with working(path, [], recheck) as at_work:
        rounds.append(at_work)
        await at_work.courier.serve({"desk": desk})
        assert await at_work.courier.drain(5)

        assert at_work.noted == [("desk", "superseded"), ("desk", "sent")]

    assert [(letter.notice.key, letter.instead_of) for letter in desk.letters] == [("i1-2", ("i1-1",))]
    assert await pending_at(path) == []


async def test_a_late_notice_is_looked_at_again_and_one_in_time_is_not(path: Path) -> None:
    """Two minutes is late."""
    looked: list[str] = []

    async def recheck(found: Incident) -> None:
        looked.append(found.id)

    desk = Desk()
    async with working(path, [desk], recheck, start=AT + timedelta(minutes=3)) as at_work:
        await at_work.post(delivery(of=incident("late")))
        await at_work.post(delivery(of=incident("now"), at=AT + timedelta(minutes=3)))
        assert await at_work.courier.drain(5)

    assert looked == ["late"]


async def test_after_a_day_without_success_a_notice_is_given_up_and_stays_visible_as_failed(path: Path) -> None:
    """It must not be tried for ever; by then everybody knows."""
    desk = Desk(failures=[Retryable("HTTP 503")])
    async with working(path, [desk], start=AT + timedelta(hours=25)) as at_work:
        await at_work.post(delivery())
        assert await at_work.courier.drain(5)

        assert at_work.noted == [("desk", "rejected")]
        (standing,) = at_work.courier.standings

    assert (standing.refused, standing.trouble) == (("i1-1",), "given up: HTTP 503")
    assert (standing.waiting, desk.keys) == (0, [])
    assert await pending_at(path) == []


async def test_what_is_given_up_goes_to_the_fallback_and_stays_visible_as_failed(path: Path) -> None:
    """What nobody else was told yet must not end with a receiver that never took it."""
    desk, spare = Desk(failures=[Retryable("HTTP 503")]), Desk("spare")
    async with working(path, [desk, spare], start=AT + timedelta(hours=25)) as at_work:
        late = Substitute(name="spare", after=timedelta(days=2).total_seconds())
        await at_work.courier.serve({"desk": desk, "spare": spare}, substitutes={"desk": late})
        await at_work.post(delivery())
        assert await at_work.courier.drain(5)
        refused = {standing.receiver: standing.refused for standing in at_work.courier.standings}

    assert refused == {"desk": ("i1-1",), "spare": ()}
    assert (desk.keys, spare.keys) == ([], ["i1-1"])
    assert await pending_at(path) == []


async def test_what_waits_for_a_removed_receiver_goes_to_the_fallback(path: Path) -> None:
    """Judging, Reload: an edit of the receivers loses no page."""
    hanging, spare = Desk("desk", hangs=True), Desk("spare")
    async with working(path, [hanging, spare]) as at_work:
        await at_work.post(delivery(1), delivery(2, Change.RESOLVED))
        while not hanging.hung:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        await at_work.courier.serve({"spare": spare}, "spare")
        assert await at_work.courier.drain(5)

    told = {key for letter in spare.letters for key in (letter.notice.key, *letter.instead_of)}
    assert told == {"i1-1", "i1-2"}
    assert await pending_at(path) == []


async def test_without_a_fallback_the_letters_wait_and_that_is_said(path: Path) -> None:
    """A typo in a receiver's name must be seen, and mended without loss."""
    async with working(path, []) as at_work:
        await at_work.post(delivery())

        assert [(found.receiver, found.waiting) for found in at_work.courier.standings] == [("", 1)]
        desk = Desk()
        await at_work.courier.serve({"desk": desk})
        assert await at_work.courier.drain(5)

    assert desk.keys == ["i1-1"]


async def test_a_receiver_that_asks_for_patience_gets_no_more_than_ten_minutes(path: Path) -> None:
    """`Retry-After: 86400` would silence the pager for a day."""
    desk = Desk(failures=[Retryable("HTTP 429", after=86400.0)])
    async with working(path, [desk]) as at_work:
        await at_work.post(delivery())
        while not at_work.noted:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        due = at_work.courier._desks["desk"].outgoing.next_at

    assert due is not None
    assert timedelta(seconds=590) < due - AT < timedelta(seconds=611)
