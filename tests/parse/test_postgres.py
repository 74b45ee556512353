"""What PostgreSQL says, as text."""

import pytest

from migrawatch.parse.postgres import State, parse_refusal, parse_state
from migrawatch.reason import Reason

AT = 'connection to server at "10.1.10.210", port 5432 failed: '


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('FATAL:  28P01: password authentication failed for user "mpanel_app"', Reason.PG_AUTH),
        ("FATAL:  28000: no pg_hba.conf entry for host", Reason.PG_HBA),
        ('FATAL:  3D000: database "mpanel" does not exist', Reason.PG_NO_DATABASE),
        ("FATAL:  53300: sorry, too many clients already", Reason.PG_TOO_MANY_CONNECTIONS),
        ("FATAL:  57P03: the database system is starting up", Reason.PG_STARTING),
        ("FATALE:  28P01: autenticazione fallita", Reason.PG_AUTH),
        ("FATAL:  XX000: something else", Reason.PG_ERROR),
    ],
)
def test_a_refusal_is_read_by_its_code(message: str, reason: Reason) -> None:
    """The severity and the message are in the server's language; the code never is."""
    said = parse_refusal(AT + message + "\nLOCATION:  auth_failed, auth.c:335\n")

    assert said is not None
    assert said.reason is reason


def test_a_message_of_libpqs_own_is_no_refusal() -> None:
    assert parse_refusal(AT + "server closed the connection unexpectedly") is None


@pytest.mark.parametrize("hba_first", [True, False])
def test_of_two_attempts_the_one_that_got_further_counts(hba_first: bool) -> None:
    """sslmode=prefer tries with TLS and without; where only one is allowed, the other fails by the access rules."""
    attempts = [AT + "FATAL:  28000: no pg_hba.conf entry", AT + "FATAL:  28P01: password authentication failed"]

    said = parse_refusal("\n".join(attempts if hba_first else reversed(attempts)))

    assert said is not None
    assert said.reason is Reason.PG_AUTH


def test_a_state_is_read_in_the_order_of_the_query() -> None:
    assert parse_state(("f", "off", "7", "97", "1.5", "TLSv1.3", "TLS_AES_256_GCM_SHA384")) == State(
        in_recovery=False,
        read_only=False,
        connections=7,
        connections_max=97,
        lock_wait=1.5,
        tls_version="TLSv1.3",
        tls_cipher="TLS_AES_256_GCM_SHA384",
    )


@pytest.mark.parametrize(("told", "wait"), [(None, 0.0), ("-1.0", None), ("0.25", 0.25), ("-0.000002", 0.0)])
def test_no_wait_and_an_untold_wait_are_two_things(told: str | None, wait: float | None) -> None:
    assert parse_state(("t", "on", "1", "2", told, None, None)).lock_wait == wait
