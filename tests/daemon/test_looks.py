"""Looks under way: shared, replaced when they began too early, and dropped with the configuration they belong to."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from migrawatch.check import Check
from migrawatch.daemon.looks import BREATH, KEEP_FOR, Looks
from migrawatch.model import Evidence, Lost, Observation, Subject, Trigger, Verdict
from migrawatch.probe import Down, Probe, Visit
from migrawatch.reach.here import Here
from migrawatch.reach.vantage import Vantage
from migrawatch.reason import Reason
from tests.daemon.virtual import VirtualClock, play


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """What Acting remembers."""

    looks: int


@dataclass(frozen=True, kw_only=True)
class Acting(Probe):
    """Does what *act* does, and remembers how often it looked."""

    act: Callable[[Visit], Any] = field(compare=False)
    setting: str = ""

    memory = Remembered

    @property
    def target(self) -> str:
        return "t"

    async def observe(self, visit: Visit) -> None:
        visit.remember(Remembered(looks=visit.last.looks + 1 if visit.last else 1))
        await self.act(visit)


def check_of(act: Callable[[Visit], Any], name: str = "a", setting: str = "", **more: Any) -> Check:
    subject = Subject(check=name, probe="acting", host="h", service="s", vantage="here", target="t")
    return Check(subject=subject, probe=Acting(act=act, setting=setting), **more)


async def _a_second(_: Visit) -> None:
    await asyncio.sleep(1.0)


class Stage:
    """Looks on a stage, and all that they handed on."""

    def __init__(self, *checks: Check, memory: dict[str, Any] | None = None) -> None:
        self.seen: list[Observation] = []
        self.remembered: list[Any] = []
        self.clock = VirtualClock()
        self.here: Vantage = Here()
        self.group = asyncio.TaskGroup()
        self.checks = checks
        self.memory = memory or {}

    async def __aenter__(self) -> "Stage":
        await self.group.__aenter__()
        self.looks = Looks(self.clock, self.group, self._take, self.memory)
        self.watch(*self.checks)
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self.looks.land()
        await self.group.__aexit__(*error)

    def _take(self, check: Check, seen: Observation, memory: Any) -> None:
        self.seen.append(seen)
        self.remembered.append(memory)

    def watch(self, *checks: Check) -> None:
        self.checks = checks
        self.looks.watch({check.name: check for check in checks}, {"here": self.here})

    def now(self, *names: str) -> None:
        self.looks.look_now(Trigger(checks=names), self.clock.now())


def test_a_look_that_began_after_the_failure_counts_for_all_who_ask() -> None:
    async def story() -> Stage:
        async with Stage(check_of(_a_second)) as stage:
            failed_at = stage.clock.now()
            stage.now("a")
            await asyncio.sleep(0.5)
            for _ in range(5):
                stage.looks.look_now(Trigger(checks=("a",)), failed_at)
            await asyncio.sleep(10)
        return stage

    assert len(play(story()).seen) == 1


def test_a_look_that_began_before_the_failure_is_followed_by_exactly_one_more() -> None:
    async def story() -> Stage:
        async with Stage(check_of(_a_second)) as stage:
            stage.now("a")
            await asyncio.sleep(0.5)
            for _ in range(5):
                stage.now("a")
            await asyncio.sleep(10)
        return stage

    stage = play(story())

    assert len(stage.seen) == 2
    assert (stage.seen[1].at - stage.seen[0].at).total_seconds() == pytest.approx(1.0, abs=0.01)


def test_looks_outside_the_grid_have_one_rate_limit() -> None:
    """Whatever asks for a look over and over must not turn into a storm on the service."""

    async def quick(_: Visit) -> None: ...

    async def story() -> Stage:
        async with Stage(check_of(quick)) as stage:
            for _ in range(1000):
                stage.now("a")
                await asyncio.sleep(0.001)
        return stage

    assert len(play(story()).seen) <= 1.0 / BREATH + 1


def test_what_a_trigger_lends_goes_with_the_look_that_it_causes_and_with_no_other() -> None:
    """The line of a log is no evidence of a look that began before it."""

    async def story() -> Stage:
        async with Stage(check_of(_a_second)) as stage:
            stage.now("a")
            await asyncio.sleep(0.5)
            for text in ("first", "first", "second", "third", "fourth"):
                line = (Evidence("log", text),)
                stage.looks.look_now(Trigger(checks=("a", "gone"), evidence=line), stage.clock.now())
            await asyncio.sleep(5)
            stage.now("a")
            await asyncio.sleep(5)
        return stage

    lent = [[piece.text for piece in seen.lent] for seen in play(story()).seen]

    assert lent == [[], ["first", "second", "third"], []]


def test_looking_again_waits_for_a_look_that_began_since_then_and_for_no_other() -> None:
    async def story() -> tuple[float, Stage]:
        async with Stage(check_of(_a_second), check_of(_a_second, "b")) as stage:
            stage.now("a")
            await asyncio.sleep(0.5)
            began = stage.clock.monotonic()
            await stage.looks.look_again(Trigger(checks=("a", "b", "gone")))
            took = stage.clock.monotonic() - began
        return took, stage

    took, stage = play(story())

    # The first look of a ends after half a second, the one that counts takes a second more.
    assert took == pytest.approx(1.5, abs=0.1)
    assert [seen.subject.check for seen in stage.seen] == ["a", "b", "a"]


def test_a_look_of_a_check_that_was_edited_meanwhile_counts_for_nothing_and_is_made_anew() -> None:
    async def story() -> Stage:
        async with Stage(check_of(_a_second, setting="old")) as stage:
            stage.now("a")
            await asyncio.sleep(0.5)
            stage.watch(check_of(_a_second, setting="new"))
            await asyncio.sleep(5)
        return stage

    stage = play(story())

    assert len(stage.seen) == 1
    # The new settings begin without the old ones' memory, although the old look ended after the edit.
    assert stage.remembered == [Remembered(looks=1)]


def test_a_reload_that_changes_nothing_of_a_check_loses_neither_its_look_nor_its_memory() -> None:
    """Every reload makes new objects; it is their values that count."""

    async def story() -> Stage:
        async with Stage(check_of(_a_second), memory={"a": Remembered(looks=6)}) as stage:
            stage.now("a")
            await asyncio.sleep(0.5)
            stage.watch(check_of(_a_second, timeout=7.0))
            await asyncio.sleep(5)
        return stage

    stage = play(story())

    assert [seen.verdict for seen in stage.seen] == [Verdict.OK]
    assert stage.remembered == [Remembered(looks=7)]


def test_a_check_under_a_new_name_keeps_what_it_remembers() -> None:
    async def story() -> Stage:
        async with Stage(check_of(_a_second), memory={"a": Remembered(looks=6)}) as stage:
            stage.watch(check_of(_a_second, "b", was="a"))
            stage.now("b")
            await asyncio.sleep(5)
        return stage

    assert play(story()).remembered == [Remembered(looks=7)]


def test_a_removed_check_is_not_looked_at_and_its_look_under_way_counts_for_nothing() -> None:
    async def story() -> Stage:
        async with Stage(check_of(_a_second)) as stage:
            stage.now("a")
            await asyncio.sleep(0.5)
            stage.watch()
            stage.now("a")
            await asyncio.sleep(5)
        return stage

    assert play(story()).seen == []


def test_a_mistake_in_a_look_blinds_one_check_and_ends_nothing(events: list[dict[str, Any]]) -> None:
    """`look` promises not to raise. If it breaks all the same, here with a vantage that is none, the others go on."""

    async def story() -> Stage:
        async with Stage(check_of(_a_second), check_of(_a_second, "b")) as stage:
            broken = replace(stage.checks[0], timeout="never")  # type: ignore[arg-type]
            stage.watch(broken, stage.checks[1])
            stage.now("a", "b")
            await asyncio.sleep(5)
        return stage

    seen = {one.subject.check: one for one in play(story()).seen}

    assert (seen["a"].verdict, seen["a"].reason) == (Verdict.UNKNOWN, Reason.BUG)
    assert seen["b"].verdict is Verdict.OK
    assert "look_broke" in [event["event"] for event in events]


# -- what is kept open ----------------------------------------------------------------------------------------------


class Tap:
    """A live resource; *open* are those that are not closed."""

    def __init__(self, ends: Callable[[], Any] | None = None) -> None:
        self.made = 0
        self.open: set[int] = set()
        self.failing = False
        self.ends = ends
        self.takes = 0.0

    async def make(self) -> int:
        await asyncio.sleep(self.takes)
        self.made += 1
        self.open.add(self.made)
        return self.made

    async def close(self, number: int) -> None:
        self.open.discard(number)
        if self.ends is not None:
            await self.ends()

    async def use(self, visit: Visit) -> None:
        await visit.keep("tap", self.make, self.close)
        await asyncio.sleep(0.5)
        if self.failing:
            raise Down(Reason.CONNECT_RESET, "it broke")


async def looks_of(stage: Stage, count: int, apart: float = 10.0) -> None:
    for _ in range(count):
        stage.now("a")
        await asyncio.sleep(apart)


def test_a_resource_lives_from_look_to_look_until_it_is_old_and_is_closed_at_the_end() -> None:
    tap = Tap()

    async def story() -> None:
        async with Stage(check_of(tap.use)) as stage:
            await looks_of(stage, 5)
            assert (tap.made, tap.open) == (1, {1})
            await asyncio.sleep(KEEP_FOR)
            await looks_of(stage, 2)
            assert (tap.made, tap.open) == (2, {2})

    play(story())

    assert tap.open == set()


def test_a_resource_is_closed_after_a_failure() -> None:
    tap = Tap()

    async def story() -> None:
        async with Stage(check_of(tap.use)) as stage:
            await looks_of(stage, 1)
            tap.failing = True
            await looks_of(stage, 1)
            assert tap.open == set()

    play(story())

    assert tap.made == 1


def test_a_resource_that_a_look_opens_while_its_check_is_edited_does_not_leak() -> None:
    tap = Tap()
    tap.takes = 1.0

    async def story() -> None:
        async with Stage(check_of(tap.use, setting="old")) as stage:
            stage.now("a")
            await asyncio.sleep(0.5)
            stage.watch(check_of(tap.use, setting="new"))
            await asyncio.sleep(10)
            assert (tap.made, tap.open) == (2, {2})

    play(story())

    assert tap.open == set()


def test_a_resource_through_a_vantage_that_was_exchanged_is_closed() -> None:
    """A connection through an SSH login that is gone would be told as the service's fault."""
    tap = Tap()

    async def story() -> None:
        async with Stage(check_of(tap.use)) as stage:
            await looks_of(stage, 1)
            stage.here = Here()
            stage.watch(*stage.checks)
            await asyncio.sleep(1)
            assert tap.open == set()

    play(story())


@pytest.mark.parametrize("error", [OSError("gone"), Lost("srv1", "gone"), KeyError("a mistake of the kind's")])
def test_closing_that_fails_is_said_and_ends_nothing(error: Exception) -> None:
    async def fail() -> None:
        raise error

    tap = Tap(fail)

    async def story() -> int:
        async with Stage(check_of(tap.use)) as stage:
            tap.failing = True
            await looks_of(stage, 2)
            return len(stage.seen)

    assert play(story()) == 2


def test_closing_that_never_ends_does_not_hold_up_the_end() -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    tap = Tap(hang)

    async def story() -> float:
        async with Stage(check_of(tap.use)) as stage:
            await looks_of(stage, 1)
            began = stage.clock.monotonic()
        return stage.clock.monotonic() - began

    assert play(story()) < 3


def test_a_look_that_does_not_let_itself_be_cancelled_does_not_hold_up_the_end() -> None:
    """It is counted as a straggler and left behind."""
    over = asyncio.Event()

    async def stubborn(_: Visit) -> None:
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    async def story() -> tuple[int, float]:
        async with Stage(check_of(stubborn, timeout=1.0)) as stage:
            stage.now("a")
            await asyncio.sleep(5)
            began, stragglers = stage.clock.monotonic(), stage.looks.stragglers
        took = stage.clock.monotonic() - began
        over.set()
        await asyncio.sleep(0)
        return stragglers, took

    stragglers, took = play(story())

    assert (stragglers, took < 1.0) == (1, True)
