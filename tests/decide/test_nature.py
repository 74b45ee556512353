"""What a reason says of the host it was met on."""

from migrawatch.decide.nature import GONE, NO_SIGN_OF_LIFE, is_own
from migrawatch.reason import Reason


def test_some_echoes_lost_show_a_living_host_and_none_answered_shows_nothing() -> None:
    """A firewall that drops echoes only is common: it is no sign of death either."""
    assert Reason.ECHO_TIMEOUT in NO_SIGN_OF_LIFE
    assert Reason.ECHO_LOSS not in NO_SIGN_OF_LIFE
    assert Reason.ECHO_TIMEOUT not in GONE


def test_a_mail_queue_that_does_not_drain_can_be_explained_by_what_it_needs() -> None:
    """The way out through port 25 is a check of its own."""
    assert not is_own(Reason.MAIL_QUEUE)
    assert Reason.MAIL_QUEUE not in NO_SIGN_OF_LIFE


def test_nothing_that_is_broken_explains_why_something_was_forgotten() -> None:
    """Only a person who writes a check mends it."""
    assert is_own(Reason.UNWATCHED)
