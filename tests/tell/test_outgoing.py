"""The order of letters: kept within an incident, and no incident holds up another."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.decide.incident import Change
from migrawatch.store import Pending
from migrawatch.tell.outgoing import CAP, Outgoing, pause
from tests.tell.stories import AT, delivery, incident, resolved


def pending(number: int, name: str, change: Change = Change.OPENED) -> Pending:
    of = resolved(name) if change is Change.RESOLVED else incident(name)
    return Pending(delivery=delivery(number, change, of), next_at=AT)


def test_only_the_first_of_an_incident_may_go() -> None:
    """A resolve that overtakes its opening would leave the incident open for ever at the receiver."""
    queue = Outgoing()
    for each in (pending(1, "a"), pending(2, "a", Change.RESOLVED)):
        queue.add(each)
    queue.delay("a", "HTTP 500", AT, 30)

    assert queue.due(AT) is None
    assert queue.next_at == AT + timedelta(seconds=30)
    assert queue.due(AT + timedelta(seconds=30)) is not None


def test_an_incident_in_trouble_does_not_hold_up_another() -> None:
    """One letter that the receiver chokes on must not silence it."""
    queue = Outgoing()
    queue.add(pending(1, "a"))
    queue.delay("a", "HTTP 500", AT, 30)
    queue.add(pending(1, "b"))

    found = queue.due(AT)

    assert found is not None
    assert found.incident == "b"


def test_a_receiver_that_answers_again_gets_what_waited_at_once() -> None:
    """After an hour down nobody wants to wait for the rest of the back-off."""
    queue = Outgoing()
    queue.add(pending(1, "a"))
    queue.delay("a", "HTTP 500", AT, 300)

    queue.hasten(AT)

    assert queue.due(AT) is not None


def test_a_receiver_that_asks_for_patience_gets_it_for_every_incident() -> None:
    """Retry-After speaks of the receiver, not of one letter."""
    queue = Outgoing()
    queue.add(pending(1, "a"))
    queue.held_until = AT + timedelta(seconds=60)

    assert queue.due(AT) is None
    assert queue.next_at == AT + timedelta(seconds=60)
    assert queue.due(AT + timedelta(seconds=60)) is not None


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    """What looks put off for an hour cannot have been."""
    queue = Outgoing()
    queue.add(pending(1, "a"))
    queue.delay("a", "HTTP 500", AT, 300)

    assert queue.due(AT - timedelta(hours=1)) is not None


def test_a_late_opening_of_an_incident_that_is_over_is_told_once() -> None:
    """Judging, late notices: one `was down 03:04-03:41` instead of an alarm for what is well again."""
    queue = Outgoing()
    for each in (pending(1, "a"), pending(2, "a", Change.CHANGED_CAUSE), pending(3, "a", Change.RESOLVED)):
        queue.add(each)

    letter, settles = queue.letter("a", late=True)

    assert letter.was_down
    assert (letter.notice.key, letter.instead_of) == ("a-3", ("a-1", "a-2"))
    assert len(settles) == 3


def test_a_late_end_is_no_news_to_whoever_was_told_of_the_beginning() -> None:
    """It must see that very alert end, in its own severity; what it missed in between is said to be told by the end."""
    known = incident("a", told=("desk",))
    queue = Outgoing()
    queue.add(Pending(delivery=delivery(2, Change.RAISED, known), next_at=AT))
    queue.add(Pending(delivery=delivery(3, Change.RESOLVED, replace(known, resolved_at=AT)), next_at=AT))

    letter, _ = queue.letter("a", late=True)

    assert (letter.notice.key, letter.instead_of, letter.was_down) == ("a-3", ("a-2",), False)


def test_a_late_end_is_news_to_whoever_would_have_heard_of_it_as_it_was_raised() -> None:
    """Others were told of the opening: this receiver was to hear first that it is critical."""
    known = incident("a", told=("mail",))
    queue = Outgoing()
    queue.add(Pending(delivery=delivery(2, Change.RAISED, known), next_at=AT))
    over = replace(known, told=("mail", "desk"), resolved_at=AT)
    queue.add(Pending(delivery=delivery(3, Change.RESOLVED, over), next_at=AT))

    letter, _ = queue.letter("a", late=True)

    assert letter.was_down


def test_in_time_every_notice_is_told() -> None:
    """A quick recovery does not swallow the alarm: it may flap."""
    queue = Outgoing()
    for each in (pending(1, "a"), pending(2, "a", Change.RESOLVED)):
        queue.add(each)

    letter, settles = queue.letter("a", late=False)

    assert (letter.notice.key, len(settles)) == ("a-1", 1)


def test_a_letter_is_queued_once() -> None:
    """The outbox and the daemon may both bring it."""
    queue = Outgoing()
    queue.add(pending(1, "a"))
    queue.add(pending(1, "a"))

    assert len(queue) == 1


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_never_long_and_never_nothing(tries: int, chance: float) -> None:
    """Capped, jittered, and no busy loop."""
    assert 0.5 <= pause(tries, chance) <= CAP


def test_a_pause_doubles_up_to_five_minutes() -> None:
    """From one second; a receiver that is down for long is left alone, and yet tried again within minutes."""
    longest = [pause(tries, 1.0) for tries in range(1, 13)]

    assert longest == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_spread_over_the_whole_of_its_length(tries: int, chance: float) -> None:
    """Full jitter: whoever failed at one moment does not come back at one moment. Below half a second it makes none."""
    assert pause(tries, chance) == pytest.approx(max(0.5, pause(tries, 1.0) * chance))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40))
def test_whatever_fails_the_letters_of_an_incident_go_out_in_order(steps: list[tuple[str, bool]]) -> None:
    """Any mixture of failures and successes."""
    queue, now, told = Outgoing(), AT, []
    for number, (name, _) in enumerate(steps):
        queue.add(pending(number, name))
    for _, works in steps * 3:
        head = queue.due(now)
        if head is None:
            now += timedelta(seconds=20)
        elif works:
            told.append((head.incident, head.delivery.sequence))
            queue.settle(1, head.incident)
        else:
            queue.delay(head.incident, "no", now, 10)

    for name in "abc":
        sequences = [sequence for incident_id, sequence in told if incident_id == name]
        assert sequences == sorted(sequences)


def told(*letters: Pending, late: bool = False) -> list[tuple[str, list[str], list[str]]]:
    """What goes out, letter by letter: its key, what it settles besides, and what it says to stand for."""
    queue = Outgoing()
    for each in letters:
        queue.add(each)
    found = []
    while len(queue):
        letter, settles = queue.letter("a", late)
        others = [pending.key for pending in settles if pending.key != letter.notice.key]
        found.append((letter.notice.key, others, list(letter.instead_of)))
        queue.settle(len(settles), "a")
    return found


REMINDER = Change.REMINDER


def test_reminders_that_waited_are_merged_and_none_follows_what_says_the_same() -> None:
    """A receiver that was down for a day gets one letter of an incident, not two dozen."""
    assert told(pending(1, "a"), *(pending(n, "a", REMINDER) for n in (2, 3, 4))) == [
        ("a-1", ["a-2", "a-3", "a-4"], [])
    ]
    assert told(*(pending(n, "a", REMINDER) for n in (2, 3, 4))) == [("a-4", ["a-2", "a-3"], [])]


def test_a_reminder_makes_way_for_what_is_new() -> None:
    assert told(pending(2, "a", REMINDER), pending(3, "a", Change.RAISED)) == [("a-3", ["a-2"], [])]
    assert told(pending(2, "a", REMINDER), pending(3, "a", Change.RESOLVED)) == [("a-3", ["a-2"], [])]
    assert told(pending(1, "a"), pending(2, "a", REMINDER), pending(3, "a", Change.RAISED)) == [
        ("a-1", ["a-2"], []),
        ("a-3", [], []),
    ]


def test_a_late_end_after_a_reminder_is_no_news_of_something_unheard_of() -> None:
    """Its receiver had the opening: `WAS DOWN` is for those who had not."""
    assert told(pending(2, "a", REMINDER), pending(3, "a", Change.RESOLVED), late=True) == [("a-3", ["a-2"], [])]
    assert told(pending(1, "a"), pending(2, "a", REMINDER), pending(3, "a", Change.RESOLVED), late=True) == [
        ("a-3", ["a-1", "a-2"], ["a-1"])
    ]
