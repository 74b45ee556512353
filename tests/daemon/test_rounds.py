"""The grid: when looks begin, when they are planned anew, and when they are passed over."""

import asyncio
import itertools
from dataclasses import replace

import pytest

from migrawatch.decide.policy import Policy
from migrawatch.decide.schedule import offset_of
from tests.daemon.virtual import Broken, Script, Small, VirtualLoop, changed, check_of, play


def points(name: str, every: float, until: float) -> list[float]:
    """The grid of a check from 0 on."""
    first = offset_of(name, every)
    return [first + n * every for n in range(int((until - first) // every) + 1)]


def test_a_healthy_check_is_looked_at_on_its_own_points_of_the_grid() -> None:
    script = Script()

    async def story() -> Small:
        small = await Small().begin([check_of("a", script), check_of("b", script)])
        await small.until(300)
        await small.end()
        return small

    ears = play(story()).ears

    assert ears.looks_at("a") == pytest.approx(points("a", 30.0, 300))
    assert ears.looks_at("b") == pytest.approx(points("b", 30.0, 300))


def test_a_look_that_outlasts_its_interval_is_a_counted_skip_and_never_an_overlap() -> None:
    script = Script(takes={"slow": 12.0})

    async def story() -> Small:
        small = await Small().begin([check_of("slow", script, every=5.0, timeout=20.0)])
        await small.until(120)
        await small.end()
        return small

    small = play(story())
    looks = small.ears.looks_at("slow")

    assert all(later - earlier >= 12.0 for earlier, later in itertools.pairwise(looks))
    assert small.ears.skips >= 10


def test_a_slow_look_of_a_suspect_check_is_not_skipped_every_second() -> None:
    """`confirm` is the pause after a look, not a grid of its own while it is under way."""
    script = Script(broken=[Broken("slow", 0, 1000)], takes={"slow": 8.0})

    async def story() -> Small:
        small = await Small().begin([check_of("slow", script, every=30.0)])
        await small.until(offset_of("slow", 30.0) + 29)
        await small.end()
        return small

    small = play(story())
    looks = small.ears.looks_at("slow")

    assert [later - earlier for earlier, later in itertools.pairwise(looks)] == pytest.approx([9.0, 9.0])
    assert small.ears.skips == 0


def test_a_suspect_check_is_looked_at_after_confirm_and_then_on_its_grid_again() -> None:
    offset = offset_of("a", 30.0)
    script = Script(broken=[Broken("a", offset + 29, offset + 31)])

    async def story() -> Small:
        small = await Small().begin([check_of("a", script, policy=Policy(confirm=2.0, settle=0.0))])
        await small.until(offset + 61)
        await small.end()
        return small

    looks = play(story()).ears.looks_at("a")

    assert looks == pytest.approx([offset, offset + 30, offset + 32.01, offset + 60])


def test_a_warning_that_turns_down_is_confirmed_soon() -> None:
    """It is failing already, so nothing but the plan makes the outage known before the grid's next points."""
    from migrawatch.decide.streak import Failing, wants_confirming
    from migrawatch.model import Finding, Verdict
    from migrawatch.reason import Reason
    from tests.daemon.virtual import START

    warned = Failing(recent=(True,) * 3, first_bad=START, last_bad=START, decided=START,
                     finding=Finding(Verdict.WARN, Reason.TLS_EXPIRING, "soon"), down=False)  # fmt: skip
    script = Script(broken=[Broken("a", 0, 10_000)])
    offset = offset_of("a", 300.0)

    async def story() -> Small:
        small = Small()
        small.disk.streaks["a"] = warned
        await small.begin([check_of("a", script, every=300.0)])
        await small.until(min(offset, 250.0) + 20)
        await small.end()
        return small

    small = play(story())

    assert not wants_confirming(small.ledger.streak_of("a"))
    assert len(small.ears.looks_at("a")) >= 3


def test_an_edit_keeps_the_place_on_the_grid_and_another_interval_gives_a_new_one() -> None:
    script = Script()
    same, other = check_of("same", script), check_of("other", script)

    async def story() -> Small:
        small = await Small().begin([same, other])
        await small.until(100)
        small.watch([changed(same, probe={"setting": "new"}), replace(other, every=7.0)])
        await small.until(200)
        await small.end()
        return small

    ears = play(story()).ears

    assert ears.looks_at("same") == pytest.approx(points("same", 30.0, 200))
    assert [at for at in ears.looks_at("other") if at > 100] == pytest.approx(
        [at for at in points("other", 7.0, 200) if at > 100]
    )


def test_a_removed_check_is_looked_at_no_longer_and_one_that_comes_back_is_again() -> None:
    script = Script()
    a, b = check_of("a", script), check_of("b", script)

    async def story() -> Small:
        small = await Small().begin([a, b])
        await small.until(100)
        small.watch([a])
        await small.until(200)
        small.watch([a, b])
        await small.until(300)
        await small.end()
        return small

    ears = play(story()).ears

    assert not [at for at in ears.looks_at("b") if 100 < at < 200]
    assert [at for at in ears.looks_at("b") if at > 200] == pytest.approx(
        [at for at in points("b", 30.0, 300) if at > 200]
    )
    assert ears.looks_at("a") == pytest.approx(points("a", 30.0, 300))


def test_nobody_wakes_up_for_what_was_planned_anew_since() -> None:
    """After a reload with longer pauses the old places of the grid are nobody's."""
    script = Script()
    often = [check_of(f"check-{n}", script, every=30.0) for n in range(200)]

    async def story() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        small = await Small().begin(often)
        await small.until(60)
        small.watch([replace(check, every=864_000.0) for check in often])
        await small.until(60.5)
        before = loop.waits
        await small.until(90)
        waits = loop.waits - before
        await small.end()
        return waits

    # The grid is walked once a second whatever there is; so that the watchdog sees it move.
    assert play(story()) <= 32
