"""A bad look that something else has overtaken is made again before it is told; and no more often than that."""

from datetime import timedelta

from migrawatch.decide.policy import Policy
from migrawatch.reason import Reason
from tests.decide.boards import Room, observation, subject

R = Reason
SUBJECTS = (
    subject("host/mail-core", "mail-core", "mail-core", probe="host"),
    subject("dovecot-unit", "mail-core", "dovecot", probe="unit", vantage="mail-core"),
    subject("imap-login", "mail-core", "dovecot", probe="imap", needs=["dovecot-unit"]),
    subject("submission-login", "mail-core", "submission", probe="smtp", needs=["imap-login", "dovecot-unit"]),
)


def slow_look(room: Room, name: str, reason: Reason, took: float) -> None:
    """A look at *name* that began *took* seconds ago ends now."""
    standing = room.standings[name]
    room.standings[name] = standing.after(observation(standing.subject, room.now - timedelta(seconds=took), reason))


def test_a_slow_failure_is_told_although_its_need_failed_once_a_moment_before() -> None:
    """What came back before the look began does not make the look outdated, however often it is well since."""
    room = Room(subjects=SUBJECTS)
    room.see("imap-login", R.CONNECT_REFUSED)
    for _ in range(4):
        room.wait(5)
        for need in ("imap-login", "dovecot-unit", "host/mail-core"):
            room.see(need)
        slow_look(room, "submission-login", R.SMTP_TIMEOUT, took=4.9)
        room.see("imap-login")
        room.judge()

    [incident] = room.opened
    assert incident.cause.check == "submission-login"


def test_what_was_explained_is_looked_at_again_when_its_need_fails_by_something_else() -> None:
    """A changed password explains a refusal at 587; while Dovecot is started anew nothing does until it is asked."""
    room = Room(subjects=SUBJECTS)
    for _ in range(3):
        room.wait(1)
        room.see("imap-login", R.IMAP_AUTH)
        room.see("submission-login", R.SMTP_AUTH)
        room.see("dovecot-unit")
        room.see("host/mail-core")
    room.judge()
    room.wait(1)
    room.see("imap-login", R.CONNECT_REFUSED)
    wanted = room.judge().wanted

    assert [incident.cause.check for incident in room.opened] == ["imap-login"]
    assert "submission-login" in wanted


def test_a_start_anew_that_what_failed_before_is_put_down_to_is_given_its_moment() -> None:
    """A login that failed for a hung Dovecot becomes sure only when Dovecot is being started anew already."""
    room = Room(subjects=SUBJECTS, policies={one.check: Policy(settle=10.0) for one in SUBJECTS})
    for _ in range(3):
        room.wait(6)
        slow_look(room, "submission-login", R.SMTP_AUTH_UNAVAILABLE, took=5.0)
        for need in ("imap-login", "dovecot-unit", "host/mail-core"):
            room.see(need)
    room.wait(1)
    room.see("dovecot-unit", R.UNIT_INACTIVE, started=room.now)
    room.see("submission-login", R.SMTP_AUTH_UNAVAILABLE)
    room.see("host/mail-core")

    assert room.judge().notices == ()


def test_slow_checks_that_fail_in_turns_do_not_hold_up_the_cause_for_ever() -> None:
    """Each of their looks outdates the other's; the cause itself is known."""
    room = Room(subjects=SUBJECTS)
    turns = (R.SMTP_TIMEOUT, R.CONNECT_RESET)
    for number in range(8):
        room.wait(6)
        for name in ("host/mail-core", "dovecot-unit"):
            room.see(name)
        slow_look(room, "imap-login", R.TLS_TIMEOUT, took=5.9)
        slow_look(room, "submission-login", turns[number % 2], took=5.0)
        room.judge()

    assert [incident.cause.check for incident in room.opened] == ["imap-login"]


def test_what_was_well_since_a_start_and_fails_once_more_is_looked_at_again_before_it_is_told() -> None:
    """Two starts anew, a good look in between: the second is not the first one's failure grown sure."""
    room = Room(subjects=SUBJECTS, policies={one.check: Policy(settle=10.0) for one in SUBJECTS})
    started = room.now
    for _ in range(3):
        room.wait(1)
        room.see("dovecot-unit", started=started)
        room.see("imap-login", R.CONNECT_REFUSED)
    room.judge()
    room.wait(3)
    room.see("imap-login")
    room.see("dovecot-unit", started=started)
    room.judge()
    room.wait(10)
    room.see("imap-login", R.CONNECT_REFUSED)
    wanted = room.judge().wanted

    assert room.opened == []
    assert {"imap-login", "dovecot-unit"} <= wanted

    room.wait(0.5)
    room.see("dovecot-unit", started=room.now)
    room.see("imap-login", R.CONNECT_REFUSED)
    room.judge()
    room.wait(5)
    room.see("imap-login")
    room.judge()
    assert room.notices == []
