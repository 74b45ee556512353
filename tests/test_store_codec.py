"""The codec: frozen values to JSON and back, tolerant only of fields that come and go."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.decide.incident import Incident
from migrawatch.decide.streak import Clear, Failing, Streak, Suspect
from migrawatch.model import Finding, Secret, Verdict
from migrawatch.reason import Reason
from migrawatch.store.codec import Malformed, digest_of, dumps, loads
from tests.tell.stories import incident, resolved

FINDING = Finding(Verdict.DOWN, Reason.PG_AUTH, "password refused")
WHEN = datetime(2026, 11, 24, 3, 4, 5, 678901, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Old:
    name: str
    seen: int


@dataclass(frozen=True)
class New:
    name: str
    colour: Colour = Colour.RED
    rates: dict[str, float] = field(default_factory=dict)


STREAKS: tuple[Streak, ...] = (
    Clear(recent=(True, False)),
    Suspect(recent=(True,), bad=1, first_bad=WHEN, finding=FINDING),
    Failing(recent=(True,) * 10, first_bad=WHEN, last_bad=WHEN, decided=WHEN, finding=FINDING, flapping=True),
)


@pytest.mark.parametrize("streak", STREAKS)
def test_a_streak_comes_back_as_it_was(streak: Streak) -> None:
    """A restart must not forget how often a check failed."""
    assert loads(Streak, dumps(Streak, streak)) == streak  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [incident(), resolved()])
def test_an_incident_comes_back_as_it_was(value: Incident) -> None:
    """Nested values, tuples, dates and enum members are all there again."""
    assert loads(Incident, dumps(Incident, value)) == value


def test_a_field_that_was_added_takes_its_default_and_one_that_went_is_passed_over() -> None:
    """What an older or a newer migrawatch wrote must read."""
    assert loads(New, dumps(Old, Old("a", 7))) == New("a")


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("{}", "without name"),
        ("[]", "wanted an object"),
        ("{", "not JSON"),
        ('{"name": 7}', "name: 7, wanted str"),
        ('{"name": "a", "colour": "blue"}', "'blue' is no Colour"),
        ('{"name": "a", "rates": {"x": "fast"}}', "rates: 'fast', wanted float"),
        ('{"name": "a", "rates": {"x": true}}', "rates: True, wanted float"),
    ],
)
def test_anything_else_that_does_not_fit_is_malformed(text: str, trouble: str) -> None:
    """A guess at what was meant would be worse than a row that is passed over loudly."""
    with pytest.raises(Malformed, match=trouble):
        loads(New, text)


def test_a_union_says_which_member_it_is() -> None:
    """The three streaks share fields: only the name tells them apart."""
    text = dumps(Streak, STREAKS[0])

    assert json.loads(text)["is"] == "Clear"
    with pytest.raises(Malformed, match="wanted one of"):
        loads(Streak, '{"is": "Gone"}')  # type: ignore[arg-type]


def test_dates_are_stored_in_utc_and_never_without_a_zone() -> None:
    """A date without a zone would mean another moment after the clocks change."""
    local = WHEN.astimezone(timezone(timedelta(hours=2)))

    assert loads(datetime, dumps(datetime, local)) == WHEN
    with pytest.raises(Malformed, match="no time zone"):
        dumps(datetime, WHEN.replace(tzinfo=None))


@pytest.mark.parametrize("kind", [Secret, set[str], str | int, dict[int, str], Any])
def test_what_cannot_be_stored_is_refused_by_its_type(kind: Any) -> None:
    """Above all no secret reaches the disk."""
    with pytest.raises(TypeError):
        dumps(kind, Secret("hush"))


@given(
    st.builds(
        New,
        st.text(),
        st.just(Colour.RED),
        st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)),
    )
)
def test_every_value_comes_back(value: New) -> None:
    """Any text, any number."""
    assert loads(New, dumps(New, value)) == value


@given(st.tuples(st.integers(), st.booleans(), st.none() | st.text()))
def test_fixed_tuples_and_none_come_back(value: tuple[int, bool, str | None]) -> None:
    """Each place of a tuple has its own type."""
    kind: Any = tuple[int, bool, str | None]

    assert loads(kind, dumps(kind, value)) == value


def test_literals_are_checked() -> None:
    """A setting that allows three words allows no fourth."""
    kind: Any = Literal["a", "b"]

    assert loads(kind, dumps(kind, "a")) == "a"
    with pytest.raises(Malformed):
        loads(kind, '"c"')


def test_a_digest_changes_with_the_settings_and_not_with_the_secret() -> None:
    """A renewed password is no reason to forget; another address is."""

    @dataclass(frozen=True)
    class Settings:
        address: str
        password: Secret

    first = digest_of(Settings("10.1.10.210", Secret("a")))

    assert first == digest_of(Settings("10.1.10.210", Secret("b")))
    assert first != digest_of(Settings("10.1.10.211", Secret("a")))
