"""When a registry is asked again, and what is wrong with a registration."""

from datetime import UTC, datetime, timedelta

import pytest

from migrawatch.decide.registration import Asked, faults_of
from migrawatch.model import Verdict
from migrawatch.parse.rdap import Registration
from migrawatch.reason import Reason
from migrawatch.store.codec import dumps, loads

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
GOOD = Registration(expires_at=AT + 400 * DAY, statuses=("active",), registrar="Registrar Inc.")
WARN, DOWN = Verdict.WARN, Verdict.DOWN


def waits(asked: Asked, at: datetime) -> timedelta:
    assert asked.again_at is not None
    return asked.again_at - at


def test_a_good_answer_is_kept_for_a_day() -> None:
    asked = Asked().answered(GOOD, AT, is_well=True, every=86400)

    assert Asked().is_due(AT)
    assert not asked.is_due(AT + 23 * HOUR)
    assert asked.is_due(AT + DAY)


def test_a_bad_answer_is_confirmed_at_once_and_then_asked_for_hourly() -> None:
    """Three looks in a row open an incident: each of them must have asked."""
    asked, waited = Asked(), []
    for number in range(5):
        at = AT + number * HOUR
        asked = asked.answered(None, at, is_well=False, every=86400)
        waited.append(waits(asked, at))

    assert waited == [timedelta(), timedelta(), HOUR, HOUR, HOUR]


def test_another_answer_is_confirmed_anew() -> None:
    asked = Asked()
    for number in range(3):
        asked = asked.answered(None, AT + number * HOUR, is_well=False, every=86400)
    asked = asked.answered(GOOD, AT + 3 * HOUR, is_well=False, every=86400)

    assert asked.told == 1


def test_a_registry_that_fails_is_left_alone_longer_and_longer() -> None:
    asked, waited = Asked(), []
    for number in range(6):
        asked = asked.failed(Reason.HTTP_STATUS, "HTTP 500", AT + number * HOUR, None)
        waited.append(waits(asked, AT + number * HOUR))

    assert [wait.total_seconds() / 60 for wait in waited] == [5, 10, 20, 40, 60, 60]


@pytest.mark.parametrize(("asks", "waits_for"), [(1800.0, 1800), (0.0, 60), (1e9, 86400)])
def test_a_registry_says_how_long_it_wants_to_be_left_alone(asks: float, waits_for: int) -> None:
    asked = Asked().failed(Reason.HTTP_STATUS, "HTTP 429", AT, asks)

    assert waits(asked, AT) == timedelta(seconds=waits_for)


def test_an_answer_is_believed_for_a_week_after_the_registry_fell_silent() -> None:
    asked = Asked().answered(GOOD, AT, is_well=True, every=86400).failed(Reason.HTTP_STATUS, "", AT + DAY, None)

    assert asked.is_believed(AT + 6 * DAY)
    assert not asked.is_believed(AT + 7 * DAY)
    assert not Asked().failed(Reason.HTTP_STATUS, "", AT, None).is_believed(AT)
    assert asked.answered(GOOD, AT + 8 * DAY, is_well=True, every=86400).is_believed(AT + 8 * DAY)


def test_a_clock_that_was_set_back_does_not_silence_us() -> None:
    assert Asked().answered(GOOD, AT, is_well=True, every=86400).is_due(AT - 300 * DAY)


def test_the_registrys_server_is_known_for_a_week_while_it_works() -> None:
    asked = Asked().found("https://rdap.test/", AT).answered(GOOD, AT, is_well=True, every=86400)

    assert asked.known_server(AT + 6 * DAY) == "https://rdap.test/"
    assert asked.known_server(AT + 7 * DAY) == ""
    assert asked.failed(Reason.HTTP_STATUS, "", AT, None).known_server(AT) == ""


@pytest.mark.parametrize(
    "asked",
    [
        Asked().found("https://rdap.test/", AT).answered(GOOD, AT, is_well=True, every=86400),
        Asked().answered(None, AT, is_well=False, every=86400).failed(Reason.DNS_TIMEOUT, "no", AT, 60.0),
    ],
)
def test_what_is_remembered_survives_a_restart(asked: Asked) -> None:
    assert loads(Asked, dumps(Asked, asked)) == asked


@pytest.mark.parametrize(
    ("left", "statuses", "found"),
    [
        (400 * DAY, ("active", "client transfer prohibited", "auto renew period"), []),
        (30 * DAY + HOUR, (), []),
        (30 * DAY - HOUR, (), [(WARN, Reason.DOMAIN_EXPIRING)]),
        (7 * DAY - HOUR, (), [(DOWN, Reason.DOMAIN_EXPIRING)]),
        (0 * DAY, (), [(DOWN, Reason.DOMAIN_EXPIRED)]),
        (-DAY, ("redemption period",), [(DOWN, Reason.DOMAIN_DELETED), (DOWN, Reason.DOMAIN_EXPIRED)]),
        (400 * DAY, ("pending delete",), [(DOWN, Reason.DOMAIN_DELETED)]),
        (400 * DAY, ("client hold",), [(DOWN, Reason.DOMAIN_ON_HOLD)]),
        (
            400 * DAY,
            ("server hold", "pending transfer"),
            [(DOWN, Reason.DOMAIN_ON_HOLD), (WARN, Reason.DOMAIN_TRANSFER)],
        ),
        (None, (), []),
    ],
)
def test_each_fault_of_a_registration_has_its_word(
    left: timedelta | None, statuses: tuple[str, ...], found: list[tuple[Verdict, Reason]]
) -> None:
    registration = Registration(expires_at=None if left is None else AT + left, statuses=statuses)

    seen = faults_of("example.org", registration, AT, 30 * 86400, 7 * 86400)

    assert [(one.verdict, one.reason) for one in seen] == found
