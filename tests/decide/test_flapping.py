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


def test_what_is_well_again_before_its_needs_were_looked_at_is_told_once_it_can_be_no_deployment() -> None:
    """Each look that is to confirm the failure comes after those of its needs, and too late."""
    room = Room()
    opened_at = None
    for cycle in range(20):
        room.wait(10)
        room.see("backend@here", Reason.CONNECT_REFUSED)
        wanted = room.judge().wanted
        room.wait(0.2)
        for name in sorted(wanted - {"backend@here"}):
            room.see(name)
        room.judge()
        if room.opened:
            opened_at = 10 * cycle
            break
        room.wait(0.2)
        room.see("backend@here")
        room.judge()

    [incident] = room.opened
    assert incident.cause.check == "backend@here"
    assert opened_at is not None
    # Three do not count yet; then a deployment has 60 seconds to settle.
    assert 30 < opened_at <= 110
