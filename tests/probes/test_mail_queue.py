"""The kind `mail_queue`, on a real Postfix that cannot deliver, and on what no Postfix can be asked for."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from migrawatch.model import Observation, Verdict
from migrawatch.reach.vantage import Completed
from migrawatch.reason import Reason
from migrawatch.show.document import observation_document
from migrawatch_probes.mail_queue import LATE_DOMAINS, MESSAGES, OLDEST, SIZE, MailQueueProbe
from tests.contract.examples.mail_queue import LONG_AGO, mail
from tests.servers.looking import look_at
from tests.servers.ports import closed_port
from tests.servers.postqueue import PostfixQueue, postfix_queue
from tests.servers.recorded import Recorded


@pytest.fixture(scope="module")
def running() -> Iterator[PostfixQueue]:
    with closed_port() as closed, postfix_queue(closed=closed) as found:
        yield found


@pytest.fixture
def postfix(running: PostfixQueue) -> Iterator[PostfixQueue]:
    """A Postfix with an empty queue."""
    yield running
    running.forget()


async def seen(postfix: PostfixQueue, *, later: float = 3600, **settings: Any) -> Observation:
    """What a look sees *later* than now, when the mails have waited for so long."""
    at = datetime.now(UTC) + timedelta(seconds=later)
    return await look_at(MailQueueProbe(program=postfix.program, **settings), timeout=10, at=at)


def values(observation: Observation) -> dict[tuple[str, ...], float]:
    return {(reading.measure.name, *reading.labels): reading.value for reading in observation.readings}


@pytest.mark.slow
class TestRealPostfix:
    async def test_an_empty_queue_is_ok(self, postfix: PostfixQueue) -> None:
        """Postfix prints nothing at all for it; it says so when it is asked in words."""
        observation = await seen(postfix)

        assert observation.verdict is Verdict.OK
        assert values(observation)[MESSAGES.name, "deferred"] == 0

    async def test_mail_that_waits_for_several_domains_is_our_way_out(self, postfix: PostfixQueue) -> None:
        for domain in ("a.example", "b.example", "c.example"):
            postfix.send(f"john.doe@{domain}", f"jane@{domain}")
        postfix.wait_for("deferred", 3)

        observation = await seen(postfix)

        assert (observation.verdict, observation.reason) == (Verdict.DOWN, Reason.MAIL_QUEUE)
        assert "3 domains" in observation.detail
        assert observation.evidence[0].text.startswith("6 for a.example, b.example, c.example: ")
        assert "Connection refused" in observation.evidence[0].text

    async def test_mail_that_waits_for_one_domain_warns_and_names_it(self, postfix: PostfixQueue) -> None:
        postfix.send("john.doe@full.example")
        postfix.wait_for("deferred", 1)

        observation = await seen(postfix)

        assert (observation.verdict, observation.reason) == (Verdict.WARN, Reason.MAIL_QUEUE)
        assert "full.example" in observation.detail
        assert "over quota" in observation.evidence[0].text

    async def test_nobody_is_named(self, postfix: PostfixQueue) -> None:
        """The server's words name the recipient twice: as an address, and by the local part alone."""
        postfix.send("john.doe@full.example", sender="jane.roe@example.org")
        postfix.wait_for("deferred", 1)

        told = json.dumps(observation_document(await seen(postfix)))

        assert "over quota" in told
        assert "john" not in told
        assert "jane" not in told

    async def test_mail_that_came_a_moment_ago_is_not_late(self, postfix: PostfixQueue) -> None:
        for domain in ("a.example", "b.example", "c.example"):
            postfix.send(f"john.doe@{domain}")
        postfix.wait_for("deferred", 3)

        observation = await seen(postfix, later=60)

        assert observation.verdict is Verdict.OK
        told = values(observation)
        assert (told[MESSAGES.name, "deferred"], told[LATE_DOMAINS.name,]) == (3, 0)
        assert told[SIZE.name,] > 300
        assert abs(told[OLDEST.name,] - datetime.now(UTC).timestamp()) < 60

    async def test_bounces_say_nothing_of_our_way_out(self, postfix: PostfixQueue) -> None:
        for domain in ("a.example", "b.example", "c.example"):
            postfix.send(f"forged@{domain}", sender="")
        postfix.wait_for("deferred", 3)

        assert (await seen(postfix)).verdict is Verdict.OK

    async def test_mail_on_hold_is_counted_and_not_judged(self, postfix: PostfixQueue) -> None:
        """Somebody put it there."""
        for domain in ("a.example", "b.example", "c.example"):
            postfix.send(f"john.doe@{domain}")
        postfix.wait_for("deferred", 3)
        postfix.hold()

        observation = await seen(postfix, length_warn=2)

        assert observation.verdict is Verdict.OK
        assert values(observation)[MESSAGES.name, "hold"] == 3

    @pytest.mark.parametrize(("settings", "verdict"), [
        ({"length_warn": 3}, Verdict.OK),
        ({"length_warn": 2}, Verdict.WARN),
        ({"length_warn": 1, "length_down": 2}, Verdict.DOWN),
        ({"length_warn": 0, "length_down": 0}, Verdict.OK),
    ])  # fmt: skip
    async def test_a_long_queue(self, postfix: PostfixQueue, settings: dict[str, int], verdict: Verdict) -> None:
        for number in range(3):
            postfix.send(f"list@{number}.example")
        postfix.wait_for("deferred", 3)

        observation = await seen(postfix, later=0, **settings)

        assert observation.verdict is verdict
        assert verdict is Verdict.OK or "3 mails" in observation.detail

    async def test_a_queue_of_thousands_is_read_up_to_a_limit(self) -> None:
        with closed_port() as closed, postfix_queue(closed=closed) as full:
            full.send("john.doe@a.example")
            full.wait_for("deferred", 1)
            full.multiply(10_000)

            observation = await seen(full, later=60)

        assert (observation.verdict, observation.reason) == (Verdict.DOWN, Reason.MAIL_QUEUE)
        assert "at least 5000 mails" in observation.detail
        assert values(observation)[MESSAGES.name, "deferred"] == 5000

    async def test_a_postfix_that_does_not_run_is_down(self) -> None:
        with closed_port() as closed, postfix_queue(closed=closed) as postfix:
            postfix.tool("postfix", "stop")

            observation = await seen(postfix)

        assert (observation.verdict, observation.reason) == (Verdict.DOWN, Reason.COMMAND_FAILED)
        assert "mail system is down" in observation.detail


async def recorded(*answers: str | Completed) -> Observation:
    return await look_at(MailQueueProbe(), vantage=Recorded({"/usr/sbin/postqueue": answers}))


@pytest.mark.parametrize("queue", ["maildrop", "incoming"])
async def test_mail_that_postfix_does_not_take_up_is_down(queue: str) -> None:
    """Its pickup or its queue manager is dead: the mail has not been tried, so no domain is to blame."""
    observation = await recorded(mail("a.example", arrived_at=LONG_AGO, queue=queue))

    assert (observation.verdict, observation.reason) == (Verdict.DOWN, Reason.MAIL_QUEUE)
    assert "not taken up" in observation.detail


async def test_a_mail_being_tried_again_is_late_all_the_same() -> None:
    """Or the verdict would change with every run of the queue."""
    observation = await recorded(mail("a.example", arrived_at=LONG_AGO, why="timed out", queue="active"))

    assert (observation.verdict, observation.reason) == (Verdict.WARN, Reason.MAIL_QUEUE)


async def test_more_domains_than_can_be_read_at_a_glance_are_counted() -> None:
    mails = "".join(mail(f"{number}.example", arrived_at=LONG_AGO) for number in range(9))

    assert "and 5 more" in (await recorded(mails)).detail


@pytest.mark.parametrize("answer", [
    Completed(126, "", "migrawatch-gate: not one of the permitted commands"),
    Completed(77, "", "postqueue: fatal: User nobody(65534) is not allowed to view the mail queue"),
    Completed(0, "no mail\n", ""),
    Completed(0, '{"queue_name": "deferred"', ""),
    Completed(0, "[" * 100_000 + "\n", ""),
])  # fmt: skip
async def test_what_is_no_queue_cannot_be_judged(answer: Completed) -> None:
    observation = await recorded(answer)

    assert (observation.verdict, observation.reason) == (Verdict.UNKNOWN, Reason.COMMAND_FAILED)


async def test_nothing_printed_is_an_empty_queue_only_if_postfix_says_so() -> None:
    said = await recorded("", "Mail queue is empty\n")
    unsaid = await recorded("", "")

    assert said.verdict is Verdict.OK
    assert (unsaid.verdict, unsaid.reason) == (Verdict.UNKNOWN, Reason.COMMAND_FAILED)


@pytest.mark.parametrize("settings", [{"several": 1}, {"length_warn": 10, "length_down": 5}])
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(reversed(settings))):
        MailQueueProbe(**settings)
