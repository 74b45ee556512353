"""Equal questions in flight share one answer, and nobody's giving up harms the others."""

import asyncio

import pytest

from migrawatch.model import Lost
from migrawatch.reach import shared
from migrawatch.reach.shared import Shared


class Asked:
    """A question that is answered when told to."""

    def __init__(self) -> None:
        self.times = 0
        self.cancelled = 0
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> str:
        self.times += 1
        try:
            return await asyncio.shield(self.answer)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def test_equal_questions_are_asked_once_and_others_are_not_theirs() -> None:
    asked, other, runs = Asked(), Asked(), Shared[str]()
    waiting = [asyncio.create_task(runs.ask("a", asked)) for _ in range(3)]
    waiting.append(asyncio.create_task(runs.ask("b", other)))
    await asyncio.sleep(0)
    asked.answer.set_result("yes")
    other.answer.set_result("no")

    assert await asyncio.gather(*waiting) == ["yes", "yes", "yes", "no"]
    assert (asked.times, other.times) == (1, 1)


async def test_what_was_answered_is_asked_anew() -> None:
    """It is sharing, not caching: a look sees what is so now."""
    asked, runs = Asked(), Shared[str]()
    asked.answer.set_result("yes")

    await runs.ask("a", asked)
    await runs.ask("a", asked)

    assert asked.times == 2


async def test_an_old_question_is_not_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have read its answer before ours was asked."""
    monkeypatch.setattr(shared, "YOUNG", 0.01)
    asked, runs = Asked(), Shared[str]()
    first = asyncio.create_task(runs.ask("a", asked))
    await asyncio.sleep(0.03)
    second = asyncio.create_task(runs.ask("a", asked))
    await asyncio.sleep(0)
    asked.answer.set_result("yes")

    assert [await first, await second] == ["yes", "yes"]
    assert asked.times == 2


async def test_only_the_last_to_give_up_ends_the_question() -> None:
    asked, runs = Asked(), Shared[str]()
    first, second = (asyncio.create_task(runs.ask("a", asked)) for _ in range(2))
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.wait((first,))
    one_left = asked.cancelled
    second.cancel()
    await asyncio.wait((second,))

    assert (one_left, asked.cancelled) == (0, 1)
    assert first.cancelled()
    assert second.cancelled()


async def test_a_question_that_fails_fails_for_all() -> None:
    asked, runs = Asked(), Shared[str]()
    waiting = [asyncio.create_task(runs.ask("a", asked)) for _ in range(2)]
    await asyncio.sleep(0)
    asked.answer.set_exception(Lost("box", "gone"))

    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(end) for end in ends] == [Lost, Lost]


async def test_who_gives_up_is_told_that_the_vantage_was_lost() -> None:
    """A command that is cancelled while its host does not answer says Lost; the deadline must not hide it."""

    async def lost() -> str:
        try:
            return await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            raise Lost("box", "no answer to our keepalives") from None

    waiting = asyncio.create_task(Shared[str]().ask("a", lost))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait((waiting,))

    assert isinstance(waiting.exception(), Lost)
