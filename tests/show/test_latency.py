"""The latency histogram of each check: what is counted, what an exemplar leads to, and when it is gone."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Exemplar

from migrawatch.model import Observation
from migrawatch.show.board import Board
from migrawatch.show.latency import EDGES, NAME, id_of
from tests.show.scenes import FAULTS, NOW, SUBJECTS, board, seen, whole
from tests.show.test_server import open_door

PAGE, API = SUBJECTS[:2]


def look(seconds: float, ago: float = 0.0) -> Observation:
    """A look at the API that took so long, so many seconds ago."""
    return seen(API, took=seconds, at=NOW - timedelta(seconds=ago))


def looked(*looks: Observation) -> Board:
    found = board()
    for each in looks:
        found.observed(each)
    return found


async def buckets(found: Board) -> dict[str, float]:
    """The buckets of the API's check, in the text format."""
    return {
        sample.labels["le"]: sample.value
        for family in parse_text((await whole(found.metrics(False))).decode())
        for sample in family.samples
        if sample.name == f"{NAME}_bucket" and sample.labels["check"] == API.check
    }


async def exemplars(found: Board) -> dict[str, Exemplar]:
    return {
        sample.labels["le"]: sample.exemplar
        for family in parse_openmetrics((await whole(found.metrics(True))).decode())
        for sample in family.samples
        if sample.exemplar is not None
    }


async def test_the_buckets_add_up() -> None:
    """A heatmap and `histogram_quantile` want them cumulative, and a look on the bound below it."""
    found = looked(look(0.001), look(0.01), look(0.04), look(60.0))

    assert await buckets(found) == dict(zip(EDGES, (2, 3, 3, 3, 3, 4), strict=True))
    text = (await whole(found.metrics(False))).decode()
    labels = 'check="api-public",probe="http",host="srv1",service="migrapanel.com",vantage="here"'
    assert f"{NAME}_count{{{labels}}} 4\n" in text
    assert f"{NAME}_sum{{{labels}}} 60.051\n" in text


async def test_every_look_counts_also_those_between_two_scrapes() -> None:
    """Of a gauge only the last one is seen."""
    found = looked(look(0.04))
    await whole(found.metrics(False))

    found.observed(look(0.04))
    found.observed(seen(API, *FAULTS["api-public"], took=0.04))

    assert (await buckets(found))["0.05"] == 3


async def test_an_exemplar_leads_to_the_look_that_was_slow() -> None:
    """Grafana shows it as a dot on the heatmap; one click later the look can be read."""
    slow = replace(look(3.5, ago=60), findings=FAULTS["api-public"])
    found = looked(slow, look(0.04))

    dots = await exemplars(found)
    async with open_door(found) as client:
        answer = await client.get(f"/api/v1/looks/{dots['5.0'].labels['look']}")
        last = (await client.get("/api/v1/checks")).json()["checks"]
        gone = await client.get("/api/v1/looks/00000000-0")

    assert set(dots) == {"0.05", "5.0"}
    assert dots["5.0"].value == 3.5
    assert float(dots["5.0"].timestamp) == slow.at.timestamp() + 3.5
    assert answer.json()["look"]["look"] == id_of(slow)
    assert answer.json()["look"]["detail"] == "HTTP 502, wanted 200"
    assert next(each for each in last if each["check"] == API.check)["look"] == dots["0.05"].labels["look"]
    assert (gone.status_code, gone.text[:9]) == (404, "not kept:")


async def test_exemplars_are_for_openmetrics_only() -> None:
    """The text format has no place for them: Prometheus would refuse the whole scrape."""
    found = looked(look(0.04))

    assert b" # {" in await whole(found.metrics(True))
    assert b" # {" not in await whole(found.metrics(False))
    assert b" # {" in await whole(found.metrics(True))


async def test_two_that_ask_in_two_formats_at_once_each_have_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exemplar in the text format would cost the whole scrape."""
    monkeypatch.setattr("migrawatch.show.turns.LENGTH", 0)
    found = looked(look(0.04), *(seen(subject) for subject in SUBJECTS))
    for _ in range(5):
        bodies = await asyncio.gather(*(whole(found.metrics(openmetrics)) for openmetrics in (True, False) * 3))

        assert [b" # {" in body for body in bodies] == [True, False] * 3


async def test_a_look_is_kept_for_an_hour() -> None:
    """Thousands of checks must not keep the look of last week that was slow once."""
    found = looked(look(3.5, ago=3700), look(0.04, ago=10))

    assert set(await exemplars(found)) == {"0.05"}
    assert (await buckets(found))["5.0"] == 2


async def test_of_all_checks_together_not_more_looks_are_kept_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one of each, and of what was slower or quicker before it the newest."""
    monkeypatch.setattr("migrawatch.show.latency.MOST_KEPT", 2)
    found = looked(look(3.5, ago=50), look(0.3, ago=40), look(0.04, ago=30), look(0.001, ago=20))

    dots = await exemplars(found)

    assert set(dots) == {"0.01", "0.05", "1.0"}
    assert found.exposition.latency.find(id_of(look(3.5, ago=50))) is None
    assert found.exposition.latency.find(id_of(look(0.04, ago=30))) is not None
    assert (await buckets(found))["5.0"] == 4, "it is counted all the same"


async def test_a_look_that_makes_way_is_not_missed_by_a_check_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migrawatch.show.latency.MOST_KEPT", 1)
    found = looked(look(3.5, ago=50), look(0.04, ago=40))
    found.watch((PAGE,))
    found.observed(seen(PAGE, took=3.5))
    for took in (0.04, 0.3, 0.04):
        found.observed(seen(PAGE, took=took))

    assert found.exposition.latency.find(id_of(seen(PAGE))) is not None
    assert await buckets(found) == {}


async def test_a_removed_check_has_no_histogram_and_its_looks_are_gone() -> None:
    found = looked(look(0.04), seen(PAGE))
    await whole(found.metrics(False))

    found.watch((PAGE,))

    assert await buckets(found) == {}
    assert found.exposition.latency.find(id_of(look(0.04))) is None
    assert f'{NAME}_count{{check="login-page"' in (await whole(found.metrics(False))).decode()


async def test_a_check_that_was_moved_begins_anew() -> None:
    """Its labels are another series'."""
    found = looked(look(0.04))
    moved = replace(API, host="srv2")

    found.watch((moved,))
    found.observed(replace(look(0.04), subject=moved))

    assert (await buckets(found))["+Inf"] == 1


async def test_both_formats_have_the_same_buckets() -> None:
    """A scraper that changes its mind must not see other series."""
    text = await whole(looked(look(0.04)).metrics(False))
    openmetrics = await whole(looked(look(0.04)).metrics(True))

    def bounds(body: bytes) -> list[bytes]:
        return [line.partition(b"} ")[0] for line in body.splitlines() if line.startswith(f"{NAME}_bucket".encode())]

    assert bounds(text) == bounds(openmetrics)
    assert len(bounds(text)) == len(EDGES)
