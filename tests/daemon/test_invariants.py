"""Three things that hold whatever the checks, their needs and their history: on the real grid, looks and ledger.

(examples.py says how to try histories that nobody has tried; test_paging.py how many pages there may be.)

Suppression stops paging, never measuring; a resolve reaches everyone who was told; every failing check is in exactly
one open incident. What is expected comes from the history that was played, never from a streak or an incident.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.check import Check
from migrawatch.decide.incident import Incident
from migrawatch.decide.maintenance import Window
from migrawatch.decide.route import Route
from migrawatch.reach.here import Here
from migrawatch.reason import Reason
from tests.daemon.examples import MANY
from tests.daemon.town import CALM, EVERY, HOSTS, ROUTES, Stretch, Town, line_of, town_of
from tests.daemon.virtual import START, Disk, Small, Told, play

# Five dozen histories take half a minute, and many times that beside other work.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

UNSEEN = Reason.VANTAGE_LOST


@dataclass
class Watched:
    """What a daemon said and did while a town went through its history; several runs of it if it was restarted."""

    runs: list[Small] = field(default_factory=list)
    homes: list[tuple[Stretch, Counter[str]]] = field(default_factory=list)
    open: list[tuple[Stretch, list[Incident]]] = field(default_factory=list)
    doubled: list[tuple[float, str]] = field(default_factory=list)

    @property
    def told(self) -> Iterator[Told]:
        """All that was told, by whichever run."""
        return (one for run in self.runs for one in run.told)


def watched(town: Town) -> Watched:
    return play(_watch(town))


async def _watch(town: Town) -> Watched:
    found, disk = Watched(), Disk()
    checks: Sequence[Check] = town.checks
    small = await _begin(town, disk, ROUTES, checks)
    found.runs.append(small)
    for stretch in town.history:
        await small.until(stretch.since)
        if stretch.restarts:
            await small.end()
            small = await _begin(town, disk, stretch.routes, stretch.checks)
            found.runs.append(small)
        elif small.routes != stretch.routes or tuple(checks) != stretch.checks:
            small.routes = stretch.routes
            small.watch(stretch.checks)
        checks = stretch.checks
        await _look_on(small, disk, stretch, found)
    await small.end()
    return found


async def _begin(town: Town, disk: Disk, routes: tuple[Route, ...], checks: Sequence[Check]) -> Small:
    small = Small(disk)
    small.windows = town.windows
    small.routes, small.receivers = routes, frozenset({"pager", "ops", "web", "night"})
    small.vantages = dict.fromkeys(("here", *HOSTS), Here())
    return await small.begin(checks)


async def _look_on(small: Small, disk: Disk, stretch: Stretch, found: Watched) -> None:
    """Let *stretch* pass, and note on the way which checks are in two incidents."""
    now = stretch.since
    while now < stretch.until:
        now = min(now + 7.3, stretch.until)
        await small.until(now - 0.001)
        homes = Counter(name for incident in disk.open for name in incident.members)
        found.doubled += [(now, name) for name, count in homes.items() if count > 1]
    found.homes.append((stretch, homes))
    found.open.append((stretch, disk.open))


# -- every failing check is in exactly one open incident ------------------------------------------------------------


@MANY
@given(st.randoms(use_true_random=False))
def test_every_failing_check_is_in_exactly_one_open_incident(random: Random) -> None:
    """Broken for long enough: in one. Well for long enough: in none. At no moment in two."""
    town = town_of(random)

    found = watched(town)

    assert not found.doubled
    for stretch, homes in found.homes:
        if stretch.is_calm:
            watched_as = stretch.names
            broken = {
                watched_as[line] for line, why in stretch.world.items() if why is not UNSEEN and line in watched_as
            }
            well = {name for line, name in watched_as.items() if line not in stretch.world}
            assert {name for name in broken if homes[name] != 1} == set()
            assert {name for name in well if homes[name]} == set()


# -- a resolve reaches everyone who was told ------------------------------------------------------------------------


@MANY
@given(st.randoms(use_true_random=False))
def test_a_resolve_reaches_everyone_who_was_told(random: Random) -> None:
    """Over restarts, reloads and changed routes: whoever heard of an incident hears its end, once, and nothing after
    it."""
    town = town_of(random)

    told: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in watched(town).told:
        told[one.incident.id, one.delivery.receiver].append(one.change)

    for changes in told.values():
        assert changes.count("resolved") == 1
        assert changes[-1] == "resolved"
        assert changes.count("opened") <= 1


# -- suppression stops paging, never measuring ----------------------------------------------------------------------


@MANY
@given(st.randoms(use_true_random=False))
def test_suppression_never_stops_measuring(random: Random) -> None:
    """Whatever is open: every check is looked at in its rhythm, and every look is seen by the board."""
    town = town_of(random)

    for run in watched(town).runs:
        for check in town.checks:
            line = line_of(check)
            names = {check.name, *(stretch.names[line] for stretch in town.history if line in stretch.names)}
            looks = sorted(at for name in names for at in run.ears.looks_at(name))
            for sooner, later in itertools.pairwise(looks):
                assert later - sooner <= _longest_gap(town, line, sooner, later) + 0.1, (line, sooner, later)


def _longest_gap(town: Town, line: str, sooner: float, later: float) -> float:
    """How far apart two looks in a row may be: a new name has another place on the grid, and what is gone is not looked
    at."""
    names = {one.names.get(line) for one in town.history if one.since <= later and sooner <= one.until}
    if None in names:
        return later - sooner
    return 2 * EVERY if len(names) > 1 else EVERY


@MANY
@given(st.randoms(use_true_random=False))
def test_what_is_known_is_not_asked_for_again_and_again(random: Random) -> None:
    """Once nothing changes any more, checks do not ask for each other's next look for ever."""
    town = town_of(random)

    runs = watched(town).runs
    for stretch in town.history:
        if stretch.is_calm:
            last = (stretch.until - 5 * EVERY, stretch.until)
            for check in stretch.checks:
                looks = [at for run in runs for at in run.ears.looks_at(check.name) if last[0] <= at < last[1]]
                assert len(looks) <= 5 * (1 + len(town.checks)), (check.name, looks)


# -- maintenance ----------------------------------------------------------------------------------------------------


@MANY
@given(st.randoms(use_true_random=False))
def test_a_window_keeps_quiet_and_its_end_tells_what_is_still_down(random: Random) -> None:
    """Nothing but the end of what was told is told of a cause within it; and nothing stays untold after it."""
    town = town_of(random)

    found = watched(town)

    for one in found.told:
        covered = any(
            _is_open(window, one) and window.covers(one.cause, one.incident.cause.host, ()) for window in town.windows
        )
        assert one.change == "resolved" or not covered, (one.at, one.change, one.cause)
    if all(stretch.routes == ROUTES for stretch in town.history):
        told = {one.incident.id for one in found.told}
        for stretch, incidents in found.open:
            if stretch.is_calm and not _any_within(town.windows, stretch.until - CALM, stretch.until):
                assert {incident.id for incident in incidents} <= told


def _is_open(window: Window, one: Told) -> bool:
    return window.span(one.delivery.notice.at) is not None


def _any_within(windows: Iterable[Window], since: float, until: float) -> bool:
    """Whether one of *windows* is open at any moment between two of the story."""
    begin, end = START + timedelta(seconds=since), START + timedelta(seconds=until)
    return any(w.at is not None and w.at < end and w.at + timedelta(seconds=w.duration) > begin for w in windows)
