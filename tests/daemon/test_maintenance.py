"""The whole daemon under maintenance: windows by command, API and configuration, over kill -9 and reload."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from migrawatch.show.maintenance import KEYS
from tests.daemon.stand import CONFIG, Stand, stand, until

pytestmark = pytest.mark.slow

JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Stand]:
    async with stand(tmp_path) as found:
        yield found


async def an_incident(here: Stand) -> dict[str, object]:
    """The API breaks, and its incident is open."""
    await here.break_api()

    async def is_open() -> bool:
        return bool(await here.incidents())

    await until(is_open, 20, here.tail)
    [found] = await here.incidents()
    return found


async def test_a_window_made_by_command_keeps_quiet_over_kill_9_and_its_end_tells_what_is_still_down(
    here: Stand,
) -> None:
    await here.start()
    await here.all_green()
    made = await here.type(
        "maintenance", "create", "--host", "web", "--for", "1h", "--name", "disk", "--by", "ann", "--note", "a new disk"
    )
    quiet = await an_incident(here)
    _, metrics = await here.get("/metrics")
    _, page = await here.get("/")
    await here.kill()
    await here.start()
    listed = await here.type("maintenance", "list")
    incidents = await here.type("incidents")
    await asyncio.sleep(2)
    silent = here.changes()

    ended = await here.type("maintenance", "delete", "disk")
    [opened] = await here.pages(1)
    await here.mend_api()
    await here.pages(2)

    assert made[0] == 0
    assert made[1].splitlines()[1] == "covers 3: page, api, host/web"
    assert (quiet["quiet"], quiet["told"]) == ({**quiet["quiet"], "window": "disk", "owed": "opened"}, [])  # type: ignore[dict-item]
    assert 'migrawatch_maintenance_open{window="disk"} 1.0' in metrics
    assert 'migrawatch_check_in_maintenance{check="api",host="web",service="backend"} 1.0' in metrics
    assert 'migrawatch_incident_quiet{check="api",' in metrics
    assert 'probe_success{check="api"' in metrics
    assert "under maintenance (disk) until" in page
    assert "disk          open     until" in listed[1]
    assert "hosts web  (ann: a new disk)" in listed[1]
    assert "quiet: disk" in incidents[1]
    assert (silent, ended) == ([], (0, "ended disk\n"))
    assert here.changes() == [("opened", "api"), ("resolved", "api")]
    assert (opened["id"], opened["first_failed_at"]) == (quiet["id"], quiet["first_failed_at"])


async def test_what_heals_within_a_window_is_told_to_nobody(here: Stand) -> None:
    await here.start()
    await here.all_green()
    await here.type("maintenance", "create", "--check", "api", "--for", "1h")
    await an_incident(here)
    await here.mend_api()

    async def is_over() -> bool:
        return not await here.incidents()

    await until(is_over, 20, here.tail)
    await here.type(
        "maintenance", "delete", json.loads((await here.get("/api/v1/maintenance"))[1])["windows"][0]["name"]
    )
    await asyncio.sleep(1)

    assert here.changes() == []


async def test_a_window_of_the_configuration_comes_and_goes_with_a_reload(here: Stand) -> None:
    """It cannot be ended by command: the next reload would bring it back."""
    plain = CONFIG
    window = "maintenance: {{nights: {{at: 2026-01-01 00:00, duration: 3650d, checks: [ap*], note: always}}}}\n"
    here.configure(text=window + plain)
    await here.start()
    await here.all_green()
    refused = await here.type("maintenance", "delete", "nights")
    await an_incident(here)
    here.configure()
    await here.reload()
    await here.pages(1)

    assert refused == (3, "Error: 'nights' stands in the configuration: take it out there and reload\n")
    assert here.changes() == [("opened", "api")]


async def test_the_api_makes_and_ends_windows_and_says_what_is_wrong_with_one(here: Stand) -> None:
    await here.start()
    url = f"http://127.0.0.1:{here.listen}/api/v1/maintenance"
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        usual = {"hosts": ["web"], "duration_seconds": 60}
        made = await client.post(url, json={**usual, "cron": "0 2 * * 6", "zone": "Europe/Berlin", "name": "nights"})
        bad = [
            {**usual, "hosts": ["wbe"]},
            {**usual, "checks": ["paeg"]},
            {**usual, "at": "2020-01-01 00:00"},
            {**usual, "duration": "1h"},
            {**usual, "duration_seconds": "1h"},
            {"duration_seconds": 60},
            {**usual, "name": "nights"},
            {**usual, "at": "9999-12-31 23:59:59"},
            {**usual, "duration_seconds": float("inf")},
        ]
        answers = [await client.post(url, content=json.dumps(document), headers=JSON) for document in bad]
        foreign = await client.post(url, json=usual, headers={"Origin": "http://evil.example"})
        gone = await client.delete(f"{url}/nights")
        again = await client.delete(f"{url}/nights")

    assert (made.status_code, made.json()["state"], made.json()["covers"]) == (
        201,
        "planned",
        ["page", "api", "host/web"],
    )
    assert [(answer.status_code, answer.text) for answer in answers] == [
        (400, "refused: hosts: unknown host 'wbe'; did you mean 'web'?\n"),
        (400, "refused: checks: unknown check 'paeg'; did you mean 'page'?\n"),
        (400, "refused: at: it would be over already\n"),
        (400, f"refused: duration: unknown key (one of {', '.join(KEYS)})\n"),
        (400, "refused: duration_seconds: wanted a number\n"),
        (400, "refused: checks: wanted at least one of checks, hosts and tags\n"),
        (409, "refused: name: there is a window 'nights' already\n"),
        (400, "refused: at: wanted a year from 2000 to 9000, got 9999\n"),
        (400, "refused: duration: must be longer than nothing, and at most 3650 days\n"),
    ]  # fmt: skip
    assert (foreign.status_code, gone.status_code, again.status_code) == (403, 200, 404)


async def test_a_command_says_that_there_is_no_daemon(here: Stand) -> None:
    code, said = await here.type("maintenance", "list")

    assert (code, said) == (
        3,
        f"Error: no daemon answers on 127.0.0.1:{here.listen} (Connection refused): is migrawatch running?\n",
    )


async def test_a_window_ends_by_itself_and_tells_what_is_still_down(here: Stand) -> None:
    """Nobody has to ask: the daemon wakes for it."""
    await here.start()
    await here.all_green()
    await here.type("maintenance", "create", "--check", "api", "--for", "12s")
    quiet = await an_incident(here)
    [opened] = await here.pages(1)
    assert isinstance(quiet["quiet"], dict)
    end = datetime.fromisoformat(quiet["quiet"]["until"])

    assert here.changes() == [("opened", "api")]
    assert datetime.fromisoformat(opened["noticed_at"]) >= end
    assert opened["first_failed_at"] < quiet["quiet"]["until"]
