"""The whole daemon, and an incident that nobody is on: reminders and escalation, over kill -9 and an outage."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.daemon.stand import CONFIG, Stand, stand, until
from tests.tell.office import Office, office

pytestmark = pytest.mark.slow

ROUTES = CONFIG.replace("- {{to: [{to}]}}", "- {{to: [{to}], remind: 2s, escalate: {{after: 4s, to: [boss]}}}}")


@pytest.fixture
async def boss() -> AsyncIterator[Office]:
    async with office() as found:
        yield found


@pytest.fixture
async def here(tmp_path: Path, boss: Office) -> AsyncIterator[Stand]:
    async with stand(tmp_path) as found:
        found.configure(receivers=f'  boss: {{kind: webhook, url: "{boss.url}"}}', text=ROUTES)
        await found.start()
        await found.all_green()
        await found.break_api()
        await found.pages(1)
        yield found


async def test_who_was_told_is_reminded_and_further_receivers_are_called_and_told_of_the_end(
    here: Stand, boss: Office
) -> None:
    await until(lambda: boss.arrived, 15, here.tail)
    await here.mend_api()
    await until(lambda: here.changes()[-1][0] == "resolved", 15, here.tail)
    await until(lambda: here.changes(boss.arrived)[-1][0] == "resolved", 15, here.tail)

    mine = [change for change, _ in here.changes()]
    theirs = [change for change, _ in here.changes(boss.arrived)]
    assert (mine[0], mine[-1], set(mine[1:-1])) == ("opened", "resolved", {"reminder"})
    assert (theirs[0], theirs[-1], set(theirs[1:-1]) <= {"reminder"}) == ("escalated", "resolved", True)
    summary = boss.arrived[0].document["alerts"][0]["annotations"]["summary"]
    assert summary.startswith("NOBODY IS ON IT: ")
    assert here.ops.arrived[1].document["alerts"][0]["annotations"]["summary"].startswith("STILL: ")


async def test_an_acknowledgement_ends_it_and_outlives_kill_9_and_the_end_is_told(here: Stand, boss: Office) -> None:
    [incident] = await here.incidents()
    assert (await here.type("ack", str(incident["id"]), "--by", "ann"))[0] == 0
    told = len(here.ops.arrived)
    await here.kill()
    await here.start()
    await asyncio.sleep(5)
    silent = len(here.ops.arrived) == told
    await here.mend_api()
    await until(lambda: here.changes()[-1][0] == "resolved", 15, here.tail)

    assert (silent, len(here.ops.arrived), here.changes(boss.arrived)) == (True, told + 1, [])


def noticed(here: Stand, since: int) -> list[datetime]:
    """When the reminders were made that arrived, without repeats, after the first *since* letters."""
    known = {letter.key for letter in here.ops.arrived[:since]}
    letters = [letter for letter in here.ops.arrived[since:] if letter.key not in known]
    documents = {letter.key: letter.document["incident"] for letter in letters}
    assert {document["change"] for document in documents.values()} <= {"reminder"}
    return [datetime.fromisoformat(document["noticed_at"]) for document in documents.values()]


async def test_a_start_after_a_while_reminds_once(here: Stand) -> None:
    """Three reminders' time has passed; one is due, and the next after the usual time."""
    await here.kill()
    before = len(here.ops.arrived)
    await asyncio.sleep(6)
    await here.start()
    await until(lambda: len(noticed(here, before)) >= 2, 20, here.tail)

    first, second = noticed(here, before)[:2]
    assert (second - first).total_seconds() >= 2


async def test_a_receiver_that_was_down_for_a_while_gets_one_reminder_and_not_all_that_it_missed(here: Stand) -> None:
    here.ops.plan(*[503] * 500)
    await until(lambda: len(here.events("notice_delayed")) >= 1, 15, here.tail)
    await asyncio.sleep(7)
    mended_at = datetime.now(UTC)
    here.ops.answers.clear()
    refused = len(here.ops.arrived)
    await until(lambda: len(here.ops.arrived) >= refused + 2, 30, here.tail)

    assert len([moment for moment in noticed(here, refused) if moment < mended_at]) <= 1
