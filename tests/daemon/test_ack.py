"""The whole daemon, and somebody who says to be on an incident: by command and API, over kill -9."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.daemon.stand import Stand, stand, until

pytestmark = pytest.mark.slow


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Stand]:
    async with stand(tmp_path) as found:
        await found.start()
        await found.all_green()
        await found.break_api()
        await found.pages(1)
        yield found


async def test_who_is_on_it_is_told_to_everybody_else_over_kill_9(here: Stand) -> None:
    [incident] = await here.incidents()
    name = str(incident["id"])
    said = await here.type("ack", name[:6], "--by", "ann", "--note", "restarting <it>\x1b[31m")
    await here.kill()
    await here.start()
    _, page = await here.get("/")
    _, metrics = await here.get("/metrics")
    listed = await here.type("incidents")
    whole = await here.type("incidents", name)
    document = json.loads((await here.type("incidents", name, "--format", "json"))[1])[0]
    await here.mend_api()
    pages = await here.pages(2)

    assert said == (0, f"{name}  ann is on it: {incident['cause']['summary']}\n")  # type: ignore[index]
    assert "ann is on it since" in page
    assert "restarting &lt;it&gt;" in page
    assert 'migrawatch_incident_acknowledged{check="api",' in metrics
    assert "[on it: ann]" in listed[1]
    assert "on it    ann, since " in whole[1]
    assert "restarting <it>\\x1b[31m" in whole[1]
    assert (document["ack"]["by"], document["ack"]["severity"]) == ("ann", "critical")
    assert here.changes() == [("opened", "api"), ("resolved", "api")]
    assert pages[1]["ack"] == document["ack"]


async def test_an_acknowledgement_can_be_taken_back(here: Stand) -> None:
    [incident] = await here.incidents()
    await here.type("ack", str(incident["id"]), "--by", "ann")
    [taken] = await here.incidents()
    undone = await here.type("ack", str(incident["id"]), "--undo")
    [back] = await here.incidents()

    assert (taken["ack"] and taken["ack"]["by"], back["ack"]) == ("ann", None)
    assert undone == (0, f"{incident['id']}  nobody is on it: {incident['cause']['summary']}\n")


async def test_what_cannot_be_meant_is_refused_with_the_reason(here: Stand) -> None:
    [incident] = await here.incidents()
    url = f"http://127.0.0.1:{here.listen}/api/v1/incidents"
    strange = await here.type("ack", "zzz")
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        path = f"{url}/{incident['id']}/ack"
        nobody = await client.post(path, json={"note": "x"})
        unknown = await client.post(path, json={"by": "ann", "notes": "x"})
        junk = await client.post(path, content=b"{", headers={"Content-Type": "application/json"})
        long = await client.post(path, json={"by": "ann", "note": "x" * 501})
        longer = await client.post(path, json={"by": "ann", "note": "x" * 20_000})
        foreign = await client.post(path, json={"by": "ann"}, headers={"Sec-Fetch-Site": "cross-site"})
        rebound = await client.post(path, json={"by": "ann"}, headers={"Host": "evil.example"})
        mine = await client.post(path, json={"by": "ann"})

    assert strange == (3, "Error: no incident 'zzz' is open\n")
    assert (nobody.status_code, nobody.text) == (400, "refused: by: must say who is on it\n")
    assert (unknown.status_code, unknown.text) == (400, "refused: notes: unknown key (one of by, note)\n")
    assert (junk.status_code, long.status_code, longer.status_code) == (400, 400, 413)
    assert (foreign.status_code, rebound.status_code, mine.status_code) == (403, 403, 200)
    assert mine.json()["ack"]["by"] == "ann"


async def test_one_that_is_over_cannot_be_acknowledged(here: Stand) -> None:
    [incident] = await here.incidents()
    await here.mend_api()

    async def is_over() -> bool:
        return not await here.incidents()

    await until(is_over, 20, here.tail)

    assert (await here.type("ack", str(incident["id"])))[0] == 3
