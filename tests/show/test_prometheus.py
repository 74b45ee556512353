"""A real Prometheus over a real server of ours: it takes every series, the histogram's exemplars too."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from migrawatch.show.latency import NAME, id_of
from tests.servers.prometheus import EXEMPLARS, job_of, prometheus
from tests.show.scenes import FAULTS, SUBJECTS, faulty, seen, today
from tests.show.test_server import open_door

API = SUBJECTS[1]

pytestmark = pytest.mark.slow


async def asked(client: httpx.AsyncClient, path: str, **query: str) -> Any:
    """What a query gives back, as soon as it gives anything."""
    async with asyncio.timeout(60):
        while True:
            try:
                answer = await client.get(path, params=query)
                found = answer.json()["data"] if answer.status_code == 200 else None
                if found and (not isinstance(found, dict) or found["result"]):
                    return found
            except httpx.TransportError:
                pass  # it has only just been started
            await asyncio.sleep(0.2)


async def test_prometheus_takes_every_series_and_every_exemplar(tmp_path: Path) -> None:
    """One bad line and it would drop the whole scrape: `up` 0, and nothing of anything."""
    now = today()
    board = faulty(now)
    slow = seen(API, *FAULTS["api-public"], at=now, took=3.5)
    board.observed(slow)
    async with open_door(board) as ours:
        target = f"{ours.base_url.host}:{ours.base_url.port}"
        with prometheus(tmp_path, [job_of(target)], *EXEMPLARS) as url:
            async with httpx.AsyncClient(base_url=url, trust_env=False) as theirs:
                up = await asked(theirs, "/api/v1/query", query="up == 1")
                success = await asked(theirs, "/api/v1/query", query='probe_success{check="api-public"}')
                taken = await asked(theirs, "/api/v1/query", query="scrape_samples_scraped")
                exemplars = await asked(
                    theirs, "/api/v1/query_exemplars", query=f'{NAME}_bucket{{check="api-public"}}',
                    start=str(now.timestamp() - 60), end=str(now.timestamp() + 60),
                )  # fmt: skip
                units = await asked(theirs, "/api/v1/targets/metadata", metric="probe_http_duration_seconds")
        lines = (await ours.get("/metrics", headers={"Accept": "application/openmetrics-text"})).text.splitlines()

    assert len(up["result"]) == 1
    assert success["result"][0]["value"][1] == "0"
    assert int(taken["result"][0]["value"][1]) == sum(not line.startswith("#") for line in lines)
    dots = {dot["labels"]["look"]: dot["value"] for series in exemplars for dot in series["exemplars"]}
    assert dots[id_of(slow)] == "3.5"
    # The text format has no units: it was OpenMetrics that Prometheus asked for, by its own Accept.
    assert {each["unit"] for each in units} == {"seconds"}
