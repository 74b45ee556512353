"""Every reason is produced by a test against a real server or by a named fault: a word that nothing says is a guess."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from migrawatch.reason import Reason
from tests.lab.faults import FAULTS

TESTS = Path(__file__).parent
REAL = ("probes/*.py", "reach/*.py", "contract/*.py")
"""Where tests look at real servers, or at a peer with a named fault."""

ELSEWHERE = {
    "decide/*.py": frozenset({Reason.FLAPPING, Reason.PATH_BROKEN}),
    "test_look.py": frozenset({Reason.BUG}),
}
"""Where the reasons are tested that no look at a server gives: those of several looks, and of our own slips."""


@cache
def produced() -> frozenset[Reason]:
    """The reasons that tests on real servers name, those that the lab's faults must show, and ours."""
    by_lab = {Reason.__members__[reason.upper()] for reason in _lab_reasons()}
    elsewhere = [_named_in((place,)) & reasons for place, reasons in ELSEWHERE.items()]
    return frozenset(_named_in(REAL).union(by_lab, *elsewhere))


def _lab_reasons() -> Iterator[str]:
    for fault in FAULTS.values():
        yield from (cause.reason for cause in fault.causes)
        yield from (reason for _, reason in fault.shows.values() if reason)


def _named_in(places: tuple[str, ...]) -> set[Reason]:
    found: set[Reason] = set()
    for place in places:
        for path in sorted(TESTS.glob(place)):
            for test in ast.walk(ast.parse(path.read_text())):
                if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef) and test.name.startswith("test_"):
                    found |= set(_reasons_in(test))
    return found


def _reasons_in(node: ast.AST) -> Iterator[Reason]:
    """The members that a test names, in its body or in the table it is run with; not those it says are *not* seen."""
    if isinstance(node, ast.Compare) and any(isinstance(op, ast.IsNot | ast.NotEq | ast.NotIn) for op in node.ops):
        return
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason":
        yield Reason[node.attr]
    for child in ast.iter_child_nodes(node):
        yield from _reasons_in(child)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_produced(reason: Reason) -> None:
    assert reason in produced()


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_what_it_means_in_one_sentence(reason: Reason) -> None:
    assert reason.meaning.endswith(".")
    assert ". " not in reason.meaning
