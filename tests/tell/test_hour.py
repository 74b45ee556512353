"""A receiver that is down for an hour, in virtual time: nothing is lost, old notices are merged, its fallback is told.

The desks, their queues and the store are the real ones; who is told of what is decided as the daemon does.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from migrawatch.decide.incident import Change, Incident, noticed
from migrawatch.decide.route import deliver
from migrawatch.model import Severity
from migrawatch.store import Store, Transaction
from migrawatch.tell.courier import Courier
from migrawatch.tell.desk import LATE, Surroundings
from migrawatch.tell.outgoing import CAP
from migrawatch.tell.receiver import Letter, Retryable
from migrawatch.tell.substitute import Substitute
from tests.daemon.virtual import play
from tests.tell.stories import AT, incident

MINUTE = timedelta(minutes=1)
GONE, BACK = AT + 0.5 * MINUTE, AT + 60.5 * MINUTE
"""The hour."""

LOOK = 2.0
"""Seconds that looking again takes."""

STORY = (
    (0, "before", "opened"), (1, "lasting", "opened"), (2, "ended", "opened"), (5, "lasting", "changed_cause"),
    (8, "before", "raised"), (15, "ended", "resolved"), (20, "lasting", "raised"), (25, "before", "resolved"),
    (30, "lasting", "reminder"), (35, "brief", "opened"), (40, "healed", "opened"), (50, "brief", "resolved"),
    (59, "lasting", "reminder"), (60, "fresh", "opened"),
)  # fmt: skip
"""What happens at which minute. `before` was told in time; `healed` ends unseen while the receiver is down."""


@dataclass
class Told:
    """A letter that arrived."""

    at: datetime
    letter: Letter

    @property
    def of(self) -> str:
        return self.letter.notice.incident.id

    @property
    def said(self) -> tuple[str, tuple[str, ...]]:
        """The key, and what it stands for besides."""
        return self.letter.notice.key, self.letter.instead_of


@dataclass
class Hour:
    """The daemon's part: it knows who was told of what, and looks again when a desk asks for it."""

    now: "Clock"
    incidents: dict[str, Incident] = field(default_factory=dict)
    posted: list[tuple[str, Change]] = field(default_factory=list)
    looked: list[tuple[datetime, str]] = field(default_factory=list)
    told: dict[str, list[Told]] = field(default_factory=lambda: {"desk": [], "spare": []})
    left: tuple[str, ...] = ()

    async def tell(self, of: str, change: Change) -> None:
        """Make the next notice of an incident, store it, and hand it to the courier."""
        before = self.incidents.get(of) or incident(of, severity=Severity.WARNING, opened_at=self.now())
        if change is Change.RAISED:
            before = replace(before, severity=Severity.CRITICAL)
        if change is Change.RESOLVED:
            before = replace(before, resolved_at=self.now(), members=())
        counted, notice = noticed(before, change, self.now())
        self.incidents[of], deliveries = deliver(notice, counted.told or ("desk",))
        self.posted.append((notice.key, change))
        await self.store.commit(Transaction(deliveries=deliveries))
        self.courier.post(deliveries)

    async def recheck(self, of: Incident) -> None:
        await asyncio.sleep(LOOK)
        self.looked.append((self.now(), of.id))
        if of.id == "healed" and self.now() > BACK and self.incidents[of.id].resolved_at is None:
            await self.tell(of.id, Change.RESOLVED)

    def told_also(self, of: str, receiver: str) -> None:
        self.incidents[of] = self.incidents[of].told_of_it([receiver], self.now())

    @asynccontextmanager
    async def working(self, path: Path, substitute: Substitute | None) -> AsyncIterator[None]:
        async with Store.open(path) as self.store:
            self.courier = Courier(
                Surroundings(
                    store=self.store, now=self.now, recheck=self.recheck, told_also=self.told_also, chance=lambda: 0.999
                )
            )
            receivers = {name: Receiver(name, self) for name in ("desk", "spare")}
            await self.courier.serve(receivers, substitutes={"desk": substitute} if substitute else {})
            task = asyncio.create_task(self.courier.run())
            try:
                yield
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def letters(self, receiver: str, of: str) -> list[tuple[str, tuple[str, ...]]]:
        return [one.said for one in self.told[receiver] if one.of == of]


class Clock:
    """The date of the loop's time."""

    def __call__(self) -> datetime:
        return AT + timedelta(seconds=asyncio.get_running_loop().time())


@dataclass
class Receiver:
    """One that notes what it gets; the desk is out of reach for the hour."""

    name: str
    hour: Hour
    limit: float = 5.0

    async def send(self, letter: Letter) -> None:
        await asyncio.sleep(0.1)
        now = self.hour.now()
        if self.name == "desk" and GONE <= now < BACK:
            raise Retryable("HTTP 503")
        self.hour.told[self.name].append(Told(now, letter))


async def hour_of(path: Path, substitute: Substitute | None = None) -> Hour:
    """The whole story, until everything was told."""
    hour = Hour(Clock())
    async with hour.working(path, substitute):
        for minute, of, change in STORY:
            await asyncio.sleep((AT + minute * MINUTE - hour.now()).total_seconds())
            await hour.tell(of, Change(change))
        await asyncio.sleep((BACK - hour.now()).total_seconds())
        assert await hour.courier.drain(600)
    async with Store.open(path) as store:
        hour.left = tuple(pending.key for pending in store.saved.outbox)
    return hour


@pytest.fixture
def alone(tmp_path: Path) -> Hour:
    """Nobody stands in for the desk."""
    return play(hour_of(tmp_path / "state.db"))


@pytest.fixture
def stood_in_for(tmp_path: Path) -> Hour:
    """The spare one is told once a letter has waited for ten minutes."""
    return play(hour_of(tmp_path / "state.db", Substitute(name="spare", after=600.0)))


def test_nothing_of_the_hour_is_lost(alone: Hour) -> None:
    """Every notice is told, or said to be told by a later one; only a reminder that was overtaken is not."""
    said = {key for one in alone.told["desk"] for key in (one.letter.notice.key, *one.letter.instead_of)}

    assert {key for key, change in alone.posted if change is not Change.REMINDER} == said
    assert alone.left == ()
    assert alone.told["spare"] == []


def test_what_waited_for_an_hour_is_merged(alone: Hour) -> None:
    """What ended meanwhile is told once, what lasts in its order, and no reminder follows what says the same."""
    assert alone.letters("desk", "before") == [("before-1", ()), ("before-3", ("before-2",))]
    assert alone.letters("desk", "lasting") == [("lasting-1", ()), ("lasting-2", ()), ("lasting-3", ())]
    assert alone.letters("desk", "ended") == [("ended-2", ("ended-1",))]
    assert alone.letters("desk", "brief") == [("brief-2", ("brief-1",))]
    assert alone.letters("desk", "healed") == [("healed-2", ("healed-1",))]
    assert alone.letters("desk", "fresh") == [("fresh-1", ())]


def test_what_began_and_ended_within_the_hour_was_down_and_what_was_told_before_is_resolved(alone: Hour) -> None:
    """Whoever was told of the opening must see that very alert end, as loud as it was."""
    ends = {one.of: one.letter.was_down for one in alone.told["desk"] if one.letter.notice.change is Change.RESOLVED}

    assert ends == {"before": False, "ended": True, "brief": True, "healed": True}


def test_nothing_late_goes_out_before_its_checks_were_looked_at_again(alone: Hour) -> None:
    """Each late letter follows a look of its own incident; one in time does not wait for any."""
    late = [one for one in alone.told["desk"] if one.at - one.letter.notice.at > LATE or one.letter.instead_of]
    looked = [
        any(of == one.of and timedelta() <= one.at - at < timedelta(seconds=LOOK) for at, of in alone.looked)
        for one in late
    ]

    assert {one.of for one in late} == {"before", "lasting", "ended", "brief", "healed"}
    assert all(looked)
    assert "fresh" not in {of for _, of in alone.looked}


def test_all_of_it_is_told_soon_after_the_receiver_is_back(alone: Hour) -> None:
    """At the latest at the end of a pause; what still waits is not put off again."""
    after = [one.at for one in alone.told["desk"] if one.at >= BACK]

    assert len(after) == 8
    assert min(after) - BACK < timedelta(seconds=CAP + 1)
    assert max(after) - min(after) < timedelta(seconds=8 * (LOOK + 1))


def test_the_fallback_hears_of_what_waited_too_long_and_of_all_that_follows(stood_in_for: Hour) -> None:
    """In order, after a look, and to the end; what is told in time needs no fallback."""
    spare = stood_in_for.told["spare"]

    keys = [one.letter.notice.key for one in spare if one.of == "lasting"]
    assert keys == ["lasting-1", "lasting-2", "lasting-3", "lasting-4", "lasting-5"]
    assert stood_in_for.letters("spare", "before") == [("before-2", ()), ("before-3", ())]
    for of in ("ended", "brief", "healed"):
        assert stood_in_for.letters("spare", of) == [(f"{of}-1", ()), (f"{of}-2", ())]
    assert stood_in_for.letters("spare", "fresh") == []
    first = {of: next(one.at for one in spare if one.of == of) for of in ("lasting", "ended", "brief", "healed")}
    begun = {of: stood_in_for.incidents[of].opened_at for of in first}
    assert all(timedelta(minutes=10) <= first[of] - begun[of] < timedelta(minutes=11) for of in first)


def test_after_the_fallback_the_receiver_gets_only_what_still_fires(stood_in_for: Hour) -> None:
    """And the end of what it was told itself before the hour."""
    assert stood_in_for.letters("desk", "lasting") == [("lasting-1", ()), ("lasting-2", ()), ("lasting-3", ())]
    assert stood_in_for.letters("desk", "before") == [("before-1", ()), ("before-3", ("before-2",))]
    assert stood_in_for.letters("desk", "fresh") == [("fresh-1", ())]
    assert {one.of for one in stood_in_for.told["desk"]} == {"lasting", "before", "fresh"}
    assert stood_in_for.left == ()
