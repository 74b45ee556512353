"""Streaks against an independent plain model, over every history of six looks."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from itertools import product

import pytest

from migrawatch.decide.policy import Policy
from migrawatch.decide.streak import Clear, Failing, Streak, Suspect, step, wants_confirming
from migrawatch.model import Verdict
from migrawatch.reason import Reason
from tests.decide.boards import PRODUCTION, START, observation

CHECK = PRODUCTION[0]
REASONS = {
    Verdict.OK: None,
    Verdict.WARN: Reason.SLOW,
    Verdict.DOWN: Reason.CONNECT_REFUSED,
    Verdict.UNKNOWN: Reason.VANTAGE_LOST,
}
POLICIES = (
    Policy(),
    Policy(resolve_for=0),
    Policy(open_after=1, resolve_after=1, resolve_for=0),
    Policy(open_after=2, resolve_for=90),
    Policy(open_after=5, resolve_after=3, resolve_for=45),
)
PAUSE = 30


def walk(history: Sequence[Verdict], policy: Policy, pause: float = PAUSE) -> Streak:
    streak: Streak = Clear()
    for place, verdict in enumerate(history):
        seen = observation(CHECK, START + timedelta(seconds=pause * place), REASONS[verdict])
        streak = step(streak, seen, policy)
    return streak


def model(history: Sequence[Verdict], policy: Policy, pause: float = PAUSE) -> str:
    """What the rules say in words, read off the whole history each time: clear, suspect or failing."""
    state, begin, last_bad = "clear", 0, 0
    known = [(place, verdict) for place, verdict in enumerate(history) if verdict is not Verdict.UNKNOWN]
    for count, (place, verdict) in enumerate(known, start=1):
        since = [v is not Verdict.OK for _, v in known[begin:count]]
        row = next((n for n, bad in enumerate(reversed(since)) if not bad), len(since))
        if state == "failing":
            if verdict is not Verdict.OK:
                last_bad = place
                continue
            good = next((n for n, bad in enumerate(reversed(since)) if bad), len(since))
            if good >= policy.resolve_after and (place - last_bad) * pause >= policy.resolve_for:
                state, begin = "clear", count
        elif row >= policy.open_after or (row and sum(since[-10:]) >= 4 and sum(since[-10:]) > row):
            state, last_bad = "failing", place
        else:
            state = "suspect" if row else "clear"
    return state


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: f"{policy.open_after}-{policy.resolve_for:g}")
def test_every_history_of_six_looks_ends_where_the_rules_say(policy: Policy) -> None:
    """4,096 histories: opening, closing, flapping and unknowns, in every order."""
    for history in product(Verdict, repeat=6):
        streak = walk(history, policy)

        assert type(streak).__name__.lower() == model(history, policy), history


@pytest.mark.slow
def test_a_longer_history_ends_where_the_rules_say() -> None:
    """The window of ten looks has an end too: all histories of twelve looks of ok and down."""
    for history in product((Verdict.OK, Verdict.DOWN), repeat=12):
        streak = walk(history, Policy())

        assert type(streak).__name__.lower() == model(history, Policy()), history


@pytest.mark.slow
def test_an_unknown_neither_opens_nor_closes_anything() -> None:
    """Taking the unknown looks out of a history changes nothing of where it ends (the clock apart)."""
    policy = Policy(resolve_for=0)
    for history in product(Verdict, repeat=6):
        known = [verdict for verdict in history if verdict is not Verdict.UNKNOWN]

        assert type(walk(history, policy)) is type(walk(known, policy)), history


def test_bad_looks_in_one_row_are_a_matter_of_open_after_alone() -> None:
    """Four in a row were told as flapping, so that an open_after above four had no effect."""
    streak = walk([Verdict.DOWN] * 4, Policy(open_after=6))

    assert isinstance(streak, Suspect)


def test_four_bad_looks_of_the_last_ten_are_failing_and_flap() -> None:
    """A check that never fails three times in a row can still be broken."""
    streak = walk([Verdict.DOWN, Verdict.OK] * 3 + [Verdict.DOWN], Policy())

    assert isinstance(streak, Failing)
    assert streak.flapping


def test_a_steady_failure_is_not_called_flapping_any_longer() -> None:
    """What began on and off and then stays down is an outage like any other."""
    streak = walk([Verdict.DOWN, Verdict.OK] * 3 + [Verdict.DOWN] * 3, Policy())

    assert isinstance(streak, Failing)
    assert not streak.flapping


@pytest.mark.parametrize(("cycles", "is_new"), [(4, True), (5, False)])
def test_what_keeps_flapping_is_one_failure_not_a_new_one_each_time(cycles: int, is_new: bool) -> None:
    """Told by its needs' looks, each of its failures would be over before they are in, and nobody would be told ever.

    Until it had the time to settle it may be a deployment, of which each restart is a failure of its own.
    """
    history = [Verdict.DOWN, Verdict.OK] * cycles + [Verdict.DOWN]

    streak = walk(history, Policy(settle=120))

    assert isinstance(streak, Failing)
    assert streak.flapping
    assert streak.changed_at == (streak.last_bad if is_new else START + timedelta(seconds=8 * PAUSE))


def test_the_first_bad_look_stays_the_first() -> None:
    """An incident tells when it really began, not when it was decided."""
    streak = walk([Verdict.OK, Verdict.DOWN, Verdict.WARN, Verdict.DOWN, Verdict.DOWN], Policy())

    assert isinstance(streak, Failing)
    assert streak.first_bad == START + timedelta(seconds=PAUSE)
    assert streak.decided == START + timedelta(seconds=3 * PAUSE)


@pytest.mark.parametrize("history", ["ddw", "ddww", "ddwww", "dddww"])
def test_a_new_reason_is_noted_when_it_is_first_seen(history: str) -> None:
    """Before the decision as after it: what was seen once only is not sure."""
    letters = {"d": Verdict.DOWN, "w": Verdict.WARN}
    streak = walk([letters[letter] for letter in history], Policy())

    assert isinstance(streak, Failing)
    assert streak.changed_at == START + timedelta(seconds=PAUSE * history.index("w"))


def test_a_warning_becomes_an_outage_by_open_after_downs_in_a_row() -> None:
    """One bad look never pages: neither a clear check nor one that warns already."""
    warned = [Verdict.WARN] * 3
    once = walk([*warned, Verdict.DOWN, Verdict.WARN, Verdict.DOWN, Verdict.DOWN], Policy())
    thrice = walk([*warned, Verdict.DOWN, Verdict.DOWN, Verdict.DOWN], Policy())

    assert isinstance(once, Failing)
    assert isinstance(thrice, Failing)
    assert not once.down
    assert wants_confirming(once)
    assert thrice.down
    assert not wants_confirming(thrice)


def test_good_looks_of_a_warning_check_do_not_make_it_an_outage() -> None:
    """While it comes back, a check is as loud as it was."""
    streak = walk([Verdict.WARN] * 3 + [Verdict.OK] * 2, Policy())

    assert isinstance(streak, Failing)
    assert not streak.down


def test_good_since_is_the_first_good_look_in_a_row() -> None:
    """From then on what a cause broke has a moment to come back."""
    streak = walk([Verdict.DOWN] * 3 + [Verdict.OK, Verdict.DOWN, Verdict.OK, Verdict.OK], Policy())

    assert isinstance(streak, Failing)
    assert streak.good_since == START + timedelta(seconds=5 * PAUSE)


def test_blindness_begins_with_the_first_unknown_in_a_row() -> None:
    """Unknown for ten minutes is a warning of its own, so its beginning is kept."""
    streak = walk([Verdict.OK, Verdict.UNKNOWN, Verdict.OK, Verdict.UNKNOWN, Verdict.UNKNOWN], Policy())

    assert streak.blind_since == START + timedelta(seconds=3 * PAUSE)
    assert walk([Verdict.UNKNOWN, Verdict.OK], Policy()).blind_since is None


@pytest.mark.parametrize("before", [Verdict.DOWN, Verdict.WARN, Verdict.UNKNOWN])
def test_a_clock_set_back_leaves_no_date_ahead(before: Verdict) -> None:
    """Else a check that is well again would be failing for an hour more, and a failure that begins hold up its page."""
    for looks in range(1, 5):
        late = walk([before] * looks, Policy())
        set_back = START - timedelta(hours=1)

        for verdict in Verdict:
            streak = step(late, observation(CHECK, set_back, REASONS[verdict]), Policy())

            dates = [getattr(streak, field.name) for field in fields(streak)]
            assert [date for date in dates if isinstance(date, datetime) and date > set_back] == []


def test_an_hour_back_does_not_put_off_the_end() -> None:
    """`resolve_for` counts from the moment that the clock was set."""
    streak = walk([Verdict.DOWN] * 3, Policy())
    for seconds in (0, 60, 120):
        assert isinstance(streak, Failing)
        at = START + timedelta(hours=-1, seconds=seconds)
        streak = step(streak, observation(CHECK, at, None), Policy())

    assert streak == Clear()
