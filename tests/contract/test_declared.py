"""What every kind says of itself."""

import inspect

import pytest

from migrawatch.model import Contact
from tests.contract.kinds import SECRET, check_of, class_of, kinds


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_shows_a_target_and_has_a_docstring(kind: str) -> None:
    assert class_of(kind).__doc__
    assert check_of(kind).probe.target


@pytest.mark.parametrize("kind", kinds())
def test_every_remedy_can_be_typed(kind: str) -> None:
    """The configuration fills the braces in; what is left in braces would be typed by somebody at 3 a.m."""
    check = check_of(kind)

    assert check.remedies, "every kind knows what to type next"
    for commands in check.remedies.values():
        for command in commands:
            assert "{" not in command.replace("${", "").replace("awk '{", "").replace("'{\"", ""), command
            assert SECRET not in command


@pytest.mark.parametrize("kind", kinds())
def test_phases_are_declared_with_their_measure(kind: str) -> None:
    """`steps_as` names phases for a measure; one without the other would be lost."""
    declared = class_of(kind)

    assert bool(declared.steps_as) == (declared.phase_measure is not None)


@pytest.mark.parametrize("kind", kinds())
def test_what_is_remembered_is_declared(kind: str) -> None:
    """Else it is lost with the daemon: a crash loop would have to be seen from the beginning again.

    What jobs report is remembered by whoever takes it.
    """
    remembers = class_of(kind).contact is Contact.REPORTS or "visit.remember(" in inspect.getsource(class_of(kind))

    assert remembers == (class_of(kind).memory is not None)
