"""One certificate that several servers present is one cause; several certificates are several."""

from collections.abc import Mapping
from dataclasses import replace

from migrawatch.decide.incident import Change
from migrawatch.decide.standing import PRESENTED
from migrawatch.model import Measure, Reading, Severity
from migrawatch.reason import Reason
from tests.decide.boards import Room, subject

CHAIN = Measure(PRESENTED, "", "info", ("fingerprint_sha256",))
SUBJECTS = (
    subject("imap", "mail-core", "dovecot", probe="imap"),
    subject("submission", "mail-core", "submission", probe="smtp"),
    subject("submission-login", "mail-core", "submission", probe="smtp"),
)


def causes(presented: Mapping[str, str], reasons: Mapping[str, Reason]) -> list[tuple[str, tuple[str, ...]]]:
    """The incidents that open, each by its cause and symptoms, after three looks at what each check was *presented*."""
    room = opened(presented, reasons)
    return [(one.incident.cause.check, one.incident.symptoms) for one in room.told(Change.OPENED)]


def opened(presented: Mapping[str, str], reasons: Mapping[str, Reason]) -> Room:
    room = Room(subjects=SUBJECTS)
    for _ in range(3):
        room.wait(1)
        for name in room.standings:
            room.see(name, reasons.get(name, Reason.TLS_EXPIRED))
            show(room, name, presented)
    room.judge()
    return room


def show(room: Room, name: str, presented: Mapping[str, str]) -> None:
    """Have the last look at *name* told the certificate that was *presented*."""
    standing = room.standings[name]
    assert standing.seen is not None
    readings = (Reading(CHAIN, 1.0, (presented[name],)),) if name in presented else ()
    room.standings[name] = replace(standing, seen=replace(standing.seen, readings=readings))


def test_one_certificate_on_two_servers_is_one_cause() -> None:
    """One renewal that failed is one page, however many ports present what is left of it."""
    alike = {"imap": "aa", "submission": "aa", "submission-login": "aa"}

    assert causes(alike, {}) == [("imap", ("submission", "submission-login"))]


def test_two_certificates_are_two_causes() -> None:
    different = {"imap": "aa", "submission": "bb", "submission-login": "bb"}

    assert causes(different, {}) == [("imap", ()), ("submission", ("submission-login",))]


def test_what_is_wrong_with_it_tells_it_apart() -> None:
    alike = {"imap": "aa", "submission": "aa", "submission-login": "aa"}

    assert len(causes(alike, {"imap": Reason.TLS_NAME_MISMATCH})) == 2


def test_a_look_that_was_not_told_the_certificate_stays_with_its_service() -> None:
    """The facts are asked for anew after a failure, and may not come."""
    assert causes({"imap": "aa", "submission": "aa"}, {}) == [("imap", ("submission", "submission-login"))]


def test_a_server_that_is_started_anew_leaves_the_certificate_to_its_incident() -> None:
    """While one server cannot be asked what it presents, the others do not begin an incident of their own."""
    alike = {"imap": "aa", "submission": "aa", "submission-login": "aa"}
    room = opened(alike, {})

    for _ in range(2):
        room.wait(1)
        room.see("imap", Reason.CONNECT_REFUSED)
        for name in ("submission", "submission-login"):
            room.see(name, Reason.TLS_EXPIRED)
            show(room, name, alike)
        room.judge()

    assert [one.incident.cause.check for one in room.told(Change.OPENED)] == ["imap"]


def test_a_server_that_is_started_anew_does_not_make_a_page_of_a_warning() -> None:
    """A certificate that ends next week refuses no connections: whoever does is another matter."""
    alike = {"imap": "aa", "submission": "aa", "submission-login": "aa"}
    soon = dict.fromkeys(alike, Reason.TLS_EXPIRING)
    room = opened(alike, soon)

    for _ in range(3):
        room.wait(1)
        for name in ("submission", "submission-login"):
            room.see(name, Reason.CONNECT_REFUSED)
        room.judge()

    assert [notice.change for notice in room.notices] == [Change.OPENED]
    assert room.causes["imap"].severity is Severity.WARNING


def test_after_a_start_it_is_told_under_the_same_name() -> None:
    """Nobody knows yet who else presents it: whoever does is looked at before."""
    room = Room(subjects=SUBJECTS)
    room.restart()
    for _ in range(3):
        room.wait(1)
        room.see("submission-login", Reason.TLS_EXPIRED)
        show(room, "submission-login", {"submission-login": "aa"})

    assert {"imap", "submission"} <= room.judge().wanted
