"""`python -m tests.lab`, for what needs no lab: the truth table in words, and what is said of a lab that is not up."""

import os
import re
import subprocess
import sys

import pytest

from tests.lab.faults import FAULTS
from tests.lab.truth import Fault

pytestmark = pytest.mark.slow

NOT_UP = f"never-{os.getpid()}"


def typed(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.lab", "--lab", NOT_UP, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_faults_tells_each_with_what_must_be_said_of_it() -> None:
    said = typed("faults")

    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines() == [line for fault in FAULTS.values() for line in row(fault)]


def row(fault: Fault) -> tuple[str, str]:
    causes = ", ".join(f"{cause.check}: {cause.reason}" for cause in fault.causes)
    return f"{fault.name:32} {fault.breaks}", f"{'':32} -> {causes} ({fault.severity})"


def test_status_of_a_lab_that_is_not_up_says_so() -> None:
    said = typed("status")

    assert (said.returncode, said.stdout) == (1, f"{NOT_UP} is not up\n")


@pytest.mark.parametrize("verb", ["status", "faults"])
def test_every_verb_tells_how_long_it_took(verb: str) -> None:
    """By which `up` is held to its bar, on a machine that has nothing else to do (README.md)."""
    [told] = typed(verb).stderr.splitlines()

    assert re.fullmatch(rf"{verb}: \d+\.\d\d s", told)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("fault",), "fault and heal take the name of a fault, the others take none"),
        (("heal",), "fault and heal take the name of a fault, the others take none"),
        (("status", "backend-stopped"), "fault and heal take the name of a fault, the others take none"),
        (("fault", "backend-stoped"), "invalid choice: 'backend-stoped'"),
        (("upp",), "invalid choice: 'upp'"),
    ],
)
def test_bad_usage_is_told_and_touches_nothing(words: tuple[str, ...], why: str) -> None:
    said = typed(*words)

    assert said.returncode == 2
    assert why in said.stderr
