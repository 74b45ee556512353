"""Three things that hold whatever the checks, their needs and their history: on the real grid, looks and ledger.

Suppression stops paging, never measuring; a resolve reaches everyone who was told; every failing check is in exactly
one open incident. What is expected comes from the history that was played, never from a streak or an incident.
"""

import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrawatch.check import Check
from migrawatch.decide.policy import Policy
from migrawatch.decide.route import Route
from migrawatch.model import Subject
from migrawatch.reach.here import Here
from migrawatch.reason import Reason
from tests.daemon.town import EVERY, HOSTS, ROUTES, Stretch, Town, town_of
from tests.daemon.virtual import Broken, Disk, Script, Scripted, Small, play

UNSEEN = Reason.VANTAGE_LOST
MANY = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@dataclass
class Watched:
    """What a daemon said and did while a town went through its history; several runs of it if it was restarted."""

    runs: list[Small] = field(default_factory=list)
    homes: list[tuple[Stretch, Counter[str]]] = field(default_factory=list)
    doubled: list[tuple[float, str]] = field(default_factory=list)


def watched(town: Town) -> Watched:
    return play(_watch(town))


async def _watch(town: Town) -> Watched:
    found, disk = Watched(), Disk()
    small = await _begin(town, disk, ROUTES)
    found.runs.append(small)
    for stretch in town.history:
        await small.until(stretch.since)
        if stretch.restarts:
            await small.end()
            small = await _begin(town, disk, stretch.routes)
            found.runs.append(small)
        elif small.routes != stretch.routes:
            small.routes = stretch.routes
            small.watch(town.checks)
        await _look_on(small, disk, stretch, found)
    await small.end()
    return found


async def _begin(town: Town, disk: Disk, routes: tuple[Route, ...]) -> Small:
    small = Small(disk)
    small.routes, small.receivers = routes, frozenset({"pager", "ops", "web", "night"})
    small.vantages = dict.fromkeys(("here", *HOSTS), Here())
    return await small.begin(town.checks)


async def _look_on(small: Small, disk: Disk, stretch: Stretch, found: Watched) -> None:
    """Let *stretch* pass, and note on the way which checks are in two incidents."""
    now = stretch.since
    while now < stretch.until:
        now = min(now + 7.3, stretch.until)
        await small.until(now - 0.001)
        homes = Counter(name for incident in disk.open for name in incident.members)
        found.doubled += [(now, name) for name, count in homes.items() if count > 1]
    found.homes.append((stretch, homes))


# -- every failing check is in exactly one open incident ------------------------------------------------------------


@pytest.mark.slow
@MANY
@given(st.randoms(use_true_random=False))
def test_every_failing_check_is_in_exactly_one_open_incident(random: Random) -> None:
    """Broken for long enough: in one. Well for long enough: in none. At no moment in two."""
    town = town_of(random)

    found = watched(town)

    assert not found.doubled
    for stretch, homes in found.homes:
        if stretch.is_calm:
            broken = {name for name, reason in stretch.world.items() if reason is not UNSEEN}
            well = {check.name for check in town.checks} - stretch.world.keys()
            assert {name for name in broken if homes[name] != 1} == set()
            assert {name for name in well if homes[name]} == set()


# -- a resolve reaches everyone who was told ------------------------------------------------------------------------


@pytest.mark.slow
@MANY
@given(st.randoms(use_true_random=False))
def test_a_resolve_reaches_everyone_who_was_told(random: Random) -> None:
    """Over restarts and changed routes: whoever heard of an incident hears its end, once, and nothing after it."""
    town = town_of(random)

    told: dict[tuple[str, str], list[str]] = defaultdict(list)
    for run in watched(town).runs:
        for one in run.told:
            told[one.incident.id, one.delivery.receiver].append(one.change)

    for changes in told.values():
        assert changes.count("resolved") == 1
        assert changes[-1] == "resolved"
        assert changes.count("opened") <= 1


# -- suppression stops paging, never measuring ----------------------------------------------------------------------


@pytest.mark.slow
@MANY
@given(st.randoms(use_true_random=False))
def test_suppression_never_stops_measuring(random: Random) -> None:
    """Whatever is open: every check is looked at in its rhythm, and every look is seen by the board."""
    town = town_of(random)

    for run in watched(town).runs:
        for check in town.checks:
            looks = run.ears.looks_at(check.name)
            gaps = [later - sooner for sooner, later in itertools.pairwise(looks)]
            assert max(gaps, default=0.0) <= EVERY + 0.1, check.name


@pytest.mark.slow
@MANY
@given(st.randoms(use_true_random=False))
def test_what_is_known_is_not_asked_for_again_and_again(random: Random) -> None:
    """Once nothing changes any more, checks do not ask for each other's next look for ever."""
    town = town_of(random)

    runs = watched(town).runs
    for stretch in town.history:
        if stretch.is_calm:
            last = (stretch.until - 5 * EVERY, stretch.until)
            for check in town.checks:
                looks = [at for run in runs for at in run.ears.looks_at(check.name) if last[0] <= at < last[1]]
                assert len(looks) <= 5 * (1 + len(town.checks)), (check.name, looks)


@pytest.mark.slow
@MANY
@given(st.data())
def test_suppression_stops_paging(data: st.DataObject) -> None:
    """A few things break at once, and all that needs them with them: a page for each of the few, and no other."""
    count = data.draw(st.integers(2, 9))
    needs = {
        place: data.draw(st.sets(st.integers(0, place - 1), max_size=3)) if place else set() for place in range(count)
    }
    causes = data.draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=3))
    broken = set(causes)
    for place in range(count):
        if needs[place] & broken:
            broken.add(place)
    roots = {place for place in causes if not needs[place] & broken}
    script = Script(broken=[Broken(f"c{place}", 100.0, 600.0, Reason.HTTP_GATEWAY) for place in broken])
    order = data.draw(st.permutations(range(count)))

    async def story() -> Small:
        small = await Small().begin(_chained(place, needs[place], script) for place in order)
        await small.until(1200.0)
        await small.end()
        return small

    small = play(story())
    told = Counter((one.change, one.cause) for one in small.told)
    assert told == Counter((change, f"c{root}") for change in ("opened", "resolved") for root in roots)
    assert {name for one in small.told for name in (one.cause, *one.incident.symptoms)} == {f"c{p}" for p in broken}


def _chained(place: int, needs: set[int], script: Script) -> Check:
    name = f"c{place}"
    subject = Subject(check=name, probe="http", host=f"{name}-host", service=name, vantage="here", target=name,
                      needs=tuple(f"c{need}" for need in sorted(needs)))  # fmt: skip
    return Check(subject=subject, probe=Scripted(line=name, script=script), every=EVERY, policy=Policy(settle=0.0))
