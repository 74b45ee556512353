"""A check that fails and recovers over and over opens an incident that says so."""

from migrawatch.reason import Reason
from tests.decide.boards import Room


def test_a_cause_that_comes_and_goes_is_told_as_flapping() -> None:
    """Four bad of the last ten looks, never three in a row: the page must say why it came all the same."""
    room = Room()

    for look in range(10):
        room.see_all({"nginx-unit": Reason.UNIT_FAILED} if look % 2 else None)

    [incident] = room.opened
    assert incident.cause.check == "nginx-unit"
    assert any(evidence.text.startswith(Reason.FLAPPING) for evidence in incident.evidence)
