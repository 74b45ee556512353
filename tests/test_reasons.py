"""Every reason is seen on a real server or by a named fault of the lab: a word that nothing says is a guess."""

from functools import cache
from pathlib import Path

import pytest

from migrawatch.reason import Reason
from tests.lab.faults import FAULTS
from tests.proofs import PASSED_ON, STAND_INS, Module

TESTS = Path(__file__).parent
REAL = ("probes/*.py", "reach/*.py", "contract/*.py")
"""Where tests look at real servers, or at a peer with a named fault."""

ONLY_DECIDED = {
    Reason.FLAPPING: ("decide/*.py", "it is concluded from several looks; no single one sees it"),
    Reason.BUG: ("test_look.py", "it is a slip of ours, not a server's"),
}
"""What no server can show, the tests that conclude it, and why."""


@cache
def modules(places: tuple[str, ...]) -> tuple[Module, ...]:
    return tuple(Module(path.read_text()) for place in places for path in sorted(TESTS.glob(place)))


@cache
def on_servers() -> frozenset[Reason]:
    """What tests see of somebody who is there."""
    return frozenset().union(*(module.proven for module in modules(REAL)))


@cache
def in_lab() -> frozenset[Reason]:
    """What the rows of the lab's truth table must show; `make test` looks at each once, on its hosts."""
    shown = {reason for fault in FAULTS.values() for _, reason in fault.shows.values() if reason}
    return frozenset(map(Reason, shown | {cause.reason for fault in FAULTS.values() for cause in fault.causes}))


@pytest.mark.parametrize("reason", [one for one in Reason if one not in ONLY_DECIDED])
def test_a_reason_is_seen_on_a_server_or_in_the_lab(reason: Reason) -> None:
    assert reason in on_servers() | in_lab()


@pytest.mark.parametrize("reason", ONLY_DECIDED)
def test_what_is_only_decided_is_concluded_where_it_is_said(reason: Reason) -> None:
    place, _ = ONLY_DECIDED[reason]

    assert reason in frozenset().union(*(module.compared for module in modules((place,))))
    assert reason not in on_servers() | in_lab()


def test_it_is_known_of_every_vantage_of_tests_whether_it_stands_in_for_a_host() -> None:
    """A new one that is not listed would pass for a server."""
    places = (*REAL, "contract/examples/*.py", "talk/*.py", "servers/*.py")
    found = frozenset().union(*(module.vantages for module in modules(places)))

    assert found == STAND_INS | PASSED_ON


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_what_it_means_in_one_sentence(reason: Reason) -> None:
    assert reason.meaning.endswith(".")
    assert ". " not in reason.meaning
