"""The truth table in a simulated world: every fault and every pair, through fault and recovery, in virtual time.

Looks overtake each other, and checks come back in any order: what is seen last is not what is so last.
"""

from collections import Counter
from itertools import combinations
from random import Random

import pytest

from migrawatch.decide.incident import Change, Incident
from migrawatch.model import Severity
from migrawatch.reason import Reason
from tests.decide.boards import PRODUCTION
from tests.decide.faults import FAULTS, PAIRED, Fault
from tests.decide.simulation import Simulation
from tests.decide.world import World

SUBJECTS = {subject.check: subject for subject in PRODUCTION}
BROKEN, MENDED, END = 100.0, 400.0, 700.0
"""When a fault begins, when it is mended, and when all must have been told."""

Row = tuple[str, Severity]

HIDING: dict[frozenset[str], list[Row]] = {
    # With sshd hung, srv1's units cannot be seen: what is seen from here is told, as far down as that goes.
    frozenset({"nginx-stopped", "srv1-sshd-hung"}): [
        ("marketing-site", Severity.CRITICAL),
        ("ssh/srv1", Severity.WARNING),
    ],
    frozenset({"upstream-api-wrong-port", "srv1-sshd-hung"}): [
        ("api-public", Severity.CRITICAL),
        ("ssh/srv1", Severity.WARNING),
    ],
    frozenset({"path-srv1-mpanel-core", "srv1-sshd-hung"}): [
        ("login-page", Severity.CRITICAL),
        ("ssh/srv1", Severity.WARNING),
    ],
    # Everything on srv1 accepts and is silent: that is what a frozen host is.
    frozenset({"nginx-hung", "srv1-sshd-hung"}): [("host/srv1", Severity.CRITICAL)],
    # Waiting for a dead database explains a backend that does not answer.
    frozenset({"backend-hung", "database-stopped"}): [("db-unit", Severity.CRITICAL)],
    # That srv1 could not reach a host which answers nobody does not show.
    frozenset({"mpanel-core-frozen", "path-srv1-mpanel-core"}): [("host/mpanel-core", Severity.CRITICAL)],
}
"""Pairs of which one fault hides or explains the other."""


def observed(faults: tuple[Fault, ...], check: str) -> Reason | None:
    world = World()
    for fault in faults:
        fault.break_it(world)
    return world.observe(SUBJECTS[check])


def expected(faults: tuple[Fault, ...]) -> list[Row]:
    """One incident for each fault that its own check shows as if it were alone."""
    hiding = HIDING.get(frozenset(fault.name for fault in faults))
    shown = (f for f in faults if observed(faults, f.cause) is observed((f,), f.cause))
    return hiding or sorted((fault.cause, fault.severity) for fault in shown)


def rows(incidents: list[Incident]) -> list[Row]:
    """What was told; a cut path goes by either of the servers behind it."""
    cut = {"frontend@srv1": "backend@srv1"}
    return sorted(
        (cut.get(i.cause.check, i.cause.check) if i.cause.reason is Reason.PATH_BROKEN else i.cause.check, i.severity)
        for i in incidents
    )


def simulate(faults: tuple[Fault, ...], seed: int, eager: bool) -> Simulation:
    simulation = Simulation(seed=seed, eager=eager)
    simulation.run(BROKEN)
    for fault in faults:
        fault.break_it(simulation.world)
    simulation.run(MENDED)
    for fault in faults:
        fault.mend_it(simulation.world)
    simulation.run(END)
    return simulation


@pytest.mark.slow
@pytest.mark.parametrize("eager", [True, False], ids=["eager", "lazy"])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_every_fault_is_told_once_and_resolved_once(fault: Fault, eager: bool) -> None:
    """The right cause for the right reason, one opened and one resolved notice, and none in between."""
    room = simulate((fault,), seed=1, eager=eager).room

    assert [notice.change for notice in room.notices] == [Change.OPENED, Change.RESOLVED]
    assert [(i.cause.check, i.cause.reason, i.severity) for i in (*room.opened, *room.resolved)] == [
        (fault.cause, fault.reason, fault.severity)
    ] * 2
    assert not room.incidents


@pytest.mark.slow
@pytest.mark.parametrize(
    "faults",
    [pair for pair in combinations(PAIRED, 2) if pair[0].cause != pair[1].cause],
    ids=lambda pair: f"{pair[0]}+{pair[1]}",
)
def test_two_causes_are_two_incidents(faults: tuple[Fault, Fault]) -> None:
    """Each fault of a pair is told once and resolved once, as if it were alone."""
    room = simulate(faults, seed=2, eager=True).room

    assert rows(room.opened) == expected(faults)
    assert rows(room.resolved) == expected(faults)
    assert len(room.notices) == 2 * len(expected(faults))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_faults_that_overlap_in_any_way_leave_nothing_open_and_nothing_untold(seed: int) -> None:
    """Three faults begin and end at random times: each incident is opened once and resolved once."""
    random = Random(seed)
    simulation = Simulation(seed=seed)
    for fault in random.sample(PAIRED, 3):
        begin = random.uniform(50, 500)
        simulation.at(begin, lambda fault=fault: fault.break_it(simulation.world))  # type: ignore[misc]
        end = begin + random.uniform(40, 500)
        simulation.at(end, lambda fault=fault: fault.mend_it(simulation.world))  # type: ignore[misc]
    simulation.run(1500)

    room = simulation.room
    opened, resolved = Counter(i.id for i in room.opened), Counter(i.id for i in room.resolved)
    assert opened == resolved
    assert set(opened.values()) <= {1}
    assert not room.incidents


@pytest.mark.slow
def test_an_hour_of_health_tells_nothing() -> None:
    """Nothing is wrong, nothing is said."""
    simulation = Simulation(seed=7)
    simulation.run(3600)

    assert not simulation.room.notices
