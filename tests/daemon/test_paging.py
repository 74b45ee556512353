"""Suppression stops paging: parents and children break and recover at moments of their own, and each cause pages once.

How many pages there may be at most comes from when each check was broken, and from nothing else: a moment in which a
check is broken and nothing that it needs is, if it lasts long enough to be told.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.check import Check
from migrawatch.decide.policy import Policy
from migrawatch.model import Subject
from migrawatch.reason import Reason
from tests.daemon.examples import MANY
from tests.daemon.town import EVERY
from tests.daemon.virtual import Broken, Script, Scripted, Small, play

# Five dozen histories take half a minute, and many times that beside other work.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SETTLE = 60.0
SHORTEST = 1.9
"""Three bad looks a second apart open an incident: what is broken for less alone is never told."""
SURELY = 100.0
"""What is broken for so long alone has been looked at, waited for and told."""
END = 1500.0


@dataclass(frozen=True)
class Trouble:
    """Checks by number, what each of them needs, and from when until when it is broken; those not named hold."""

    needs: dict[int, frozenset[int]]
    spells: dict[int, tuple[float, float]]

    def is_broken(self, check: int, at: float) -> bool:
        since, until = self.spells.get(check, (0.0, 0.0))
        return since <= at < until

    def is_alone(self, check: int, at: float) -> bool:
        """Whether it is broken, and nothing that it needs is."""
        return self.is_broken(check, at) and not any(self.is_broken(need, at) for need in self.needs[check])

    def alone(self) -> Iterator[tuple[int, float, float]]:
        """The times for which each check was broken alone, whole."""
        moments = sorted({moment for spell in self.spells.values() for moment in spell})
        for check in self.spells:
            spans = [(a, b) for a, b in itertools.pairwise(moments) if self.is_alone(check, a)]
            while spans:
                since, until = spans.pop(0)
                while spans and spans[0][0] == until:
                    until = spans.pop(0)[1]
                yield check, since, until

    def may_page(self) -> Counter[int]:
        """How often each check may be opened as a cause, at most. What outlives its cause is waited for a while."""
        return Counter(
            check
            for check, since, until in self.alone()
            if until - since > (SHORTEST if since == self.spells[check][0] else SETTLE)
        )

    def must_be_named(self) -> set[int]:
        """Those that are a cause for so long that somebody must be told that they are."""
        return {check for check, since, until in self.alone() if until - since > SETTLE + SURELY}


EARLY = st.floats(-40.0, -0.1)
LATE = st.floats(0.0, 90.0)
SOON_OVER = st.floats(-90.0, 55.0)
"""When a child follows its parent: before it or after it."""


@st.composite
def troubles(draw: st.DrawFn, begins: st.SearchStrategy[float], ends: st.SearchStrategy[float]) -> Trouble:
    """A few things break, and all that needs them, each when it does."""
    count = draw(st.integers(2, 9))
    needs = {
        place: frozenset(draw(st.sets(st.integers(0, place - 1), max_size=3))) if place else frozenset()
        for place in range(count)
    }
    causes = draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=3))
    spells: dict[int, tuple[float, float]] = {}
    for place in range(count):
        behind = [spells[need] for need in sorted(needs[place]) if need in spells]
        if behind:
            since = min(begin for begin, _ in behind) + draw(begins)
            until = max(end for _, end in behind) + draw(ends)
            spells[place] = (since, max(until, since + 1.0))
        elif place in causes:
            since = 100.0 + draw(st.floats(0.0, 60.0))
            spells[place] = (since, since + draw(st.floats(300.0, 500.0)))
    return Trouble(needs, spells)


def told_of(trouble: Trouble, order: list[int]) -> Small:
    """What is told of it, the checks standing in that *order*."""
    script = Script(broken=[Broken(f"c{n}", *spell, Reason.HTTP_GATEWAY) for n, spell in trouble.spells.items()])

    async def story() -> Small:
        small = await Small().begin(_check(place, trouble.needs[place], script) for place in order)
        await small.until(END)
        await small.end()
        return small

    return play(story())


def _check(place: int, needs: frozenset[int], script: Script) -> Check:
    name = f"c{place}"
    subject = Subject(check=name, probe="http", host=f"{name}-host", service=name, vantage="here", target=name,
                      needs=tuple(f"c{need}" for need in sorted(needs)))  # fmt: skip
    return Check(subject=subject, probe=Scripted(line=name, script=script), every=EVERY, policy=Policy(settle=SETTLE))


def opened(small: Small) -> Counter[int]:
    """How often each check was told as a cause at an opening."""
    return Counter(int(one.cause[1:]) for one in small.told if one.change == "opened")


@MANY
@given(st.data())
def test_what_breaks_and_recovers_at_one_moment_pages_once_a_cause(data: st.DataObject) -> None:
    """A few things break at once, and all that needs them with them: a page for each of the few, and no other."""
    trouble = data.draw(troubles(st.just(0.0), st.just(0.0)))
    order = data.draw(st.permutations(sorted(trouble.needs)))

    small = told_of(trouble, order)

    told = Counter((one.change, int(one.cause[1:])) for one in small.told)
    roots = trouble.must_be_named()
    assert told == Counter((change, root) for change in ("opened", "resolved") for root in roots)
    named = {name for one in small.told for name in (one.cause, *one.incident.symptoms)}
    assert named == {f"c{place}" for place in trouble.spells}


@MANY
@given(st.data())
def test_a_child_that_breaks_later_and_recovers_in_its_own_time_pages_nobody(data: st.DataObject) -> None:
    """Only what is a cause by itself pages, however late its symptoms come and go; and it is named."""
    trouble = data.draw(troubles(LATE, SOON_OVER))
    order = data.draw(st.permutations(sorted(trouble.needs)))

    small = told_of(trouble, order)

    pages, most = opened(small), trouble.may_page()
    assert pages <= most, (pages, most)
    assert trouble.must_be_named() <= pages.keys()
    assert pages.total() == sum(one.change == "resolved" for one in small.told)


@MANY
@given(st.data())
def test_a_child_that_breaks_first_pages_no_more_than_what_was_broken_alone(data: st.DataObject) -> None:
    """What is down before its cause is has to be told; it may not be told twice, and the cause takes it over."""
    trouble = data.draw(troubles(st.one_of(EARLY, LATE), SOON_OVER))
    order = data.draw(st.permutations(sorted(trouble.needs)))

    small = told_of(trouble, order)

    pages, most = opened(small), trouble.may_page()
    assert pages <= most, (pages, most)
    named = {int(one.cause[1:]) for one in small.told if one.change in ("opened", "changed_cause")}
    assert trouble.must_be_named() <= named
    assert pages.total() == sum(one.change == "resolved" for one in small.told)
