"""Everything that the dashboards ask, asked of a real Prometheus that scrapes migrawatch, in health and in a fault."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from grafana.boards import BOARDS
from grafana.dashboard import Dashboard, Variable
from migrawatch.show.board import Board
from tests.daemon.stand import CONFIG, Stand, stand
from tests.docs.markdown import ROOT
from tests.grafana.town import break_it, seen_in, show, subjects
from tests.servers.ports import free_port
from tests.servers.prometheus import EXEMPLARS, job_of, prometheus
from tests.show.scenes import today
from tests.show.test_server import open_door

pytestmark = pytest.mark.slow

WITHIN = 60.0
GIVEN = {"__rate_interval": "15s", "__range": "1m", "__interval": "15s"}
"""What Grafana fills in by itself, for a scrape each second."""


@dataclass(frozen=True)
class Asked:
    """One expression of a board, with its variables filled in as Grafana does it."""

    where: str
    text: str
    in_fault_alone: bool


def filled_in(text: str, board: Dashboard) -> str:
    """*text* with the variables' defaults. `:regex` puts a backslash before each sign that means something."""
    for name, value in {**{v.name: v.default or ".*" for v in board.variables}, **GIVEN}.items():
        escaped = re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", value)
        text = text.replace(f"${{{name}:regex}}", escaped).replace(f"${{{name}}}", value)
        text = re.sub(rf"\${name}\b", lambda _, value=value: value, text)  # type: ignore[misc]
    return text


def expressions() -> Iterator[Asked]:
    """Those of all panels and annotations."""
    for board in BOARDS:
        for panel in board.panels:
            for query in panel.queries:
                yield Asked(f"{board.name}: {panel.title}", filled_in(query.ask, board), query.when == "fault")
        for marks in board.marks:
            yield Asked(f"{board.name}: {marks.name}", filled_in(marks.ask, board), marks.when == "fault")


EXPRESSIONS = tuple(expressions())


def test_every_variable_is_filled_in() -> None:
    assert len(EXPRESSIONS) > 100
    assert [asked.where for asked in EXPRESSIONS if "$" in asked.text.replace("\\$", "")] == []


def test_every_metric_that_is_asked_for_is_one_of_ours() -> None:
    """A name that is misspelt gives no error: it gives nothing, for ever."""
    page = (ROOT / "docs/metrics.md").read_text()
    names = {
        re.sub(r"_bucket$", "", name)
        for asked in EXPRESSIONS
        for name in re.findall(r"\b(?:probe|migrawatch|process)_[a-z0-9_]+(?=\{|\[)", asked.text)
    }

    assert len(names) > 50
    assert [name for name in sorted(names) if f"| `{name}` |" not in page] == []


@pytest.mark.timeout(300)
async def test_every_expression_gives_something_in_health_and_in_a_fault(tmp_path: Path) -> None:
    """An empty panel at 3 a.m. must mean that nothing is there, not that its question is wrong."""
    healthy, faulty = seen_in("healthy"), seen_in("faulty")
    board = Board(today)
    board.watch(subjects(healthy))
    show(board, healthy)
    async with stand(tmp_path) as daemon, open_door(board) as ours:
        await started(daemon)
        targets = (f"127.0.0.1:{daemon.listen}", f"{ours.base_url.host}:{ours.base_url.port}")
        with prometheus(tmp_path, [job_of(*targets)], *EXEMPLARS) as url:
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as theirs:
                assert await unanswered(theirs, (a for a in EXPRESSIONS if not a.in_fault_alone)) == []
                assert [a.where for a in EXPRESSIONS if a.in_fault_alone and await answered(theirs, a)] == []
                assert [name for name in variables() if not await offered(theirs, *name)] == []

                await daemon.break_api()
                break_it(board, faulty)

                # These first: once they answer, the fault has been scraped, and nothing is answered by health.
                assert await unanswered(theirs, (a for a in EXPRESSIONS if a.in_fault_alone)) == []
                assert await unanswered(theirs, (a for a in EXPRESSIONS if not a.in_fault_alone)) == []
                assert await dots(theirs)


async def started(daemon: Stand) -> None:
    """The daemon runs and all is well. One of its receivers will take nothing; its heartbeat is heard."""
    daemon.configure(
        receivers=f'  deaf: {{kind: webhook, url: "http://127.0.0.1:{free_port()}/", timeout: 1s}}',
        to="ops, deaf",
        text=CONFIG + f'heartbeat: {{{{urls: ["{daemon.ops.url}"], every: 10s}}}}\n',
    )
    await daemon.start()
    await daemon.all_green()


async def unanswered(client: httpx.AsyncClient, asked: Iterable[Asked]) -> list[str]:
    """Where the expressions stand that give nothing, however often they are asked."""
    open_ones, loop = list(asked), asyncio.get_running_loop()
    end = loop.time() + WITHIN
    while open_ones and loop.time() < end:
        open_ones = [one for one in open_ones if not await answered(client, one)]
        await asyncio.sleep(1)
    return [f"{one.where}: {one.text}" for one in open_ones]


async def answered(client: httpx.AsyncClient, asked: Asked) -> bool:
    """Whether the expression gives a series now; one that Prometheus does not understand fails at once."""
    try:
        answer = await client.post("/api/v1/query", data={"query": asked.text})
    except httpx.TransportError:
        return False  # it has only just been started
    document = answer.json() if answer.status_code != 503 else {}
    assert answer.status_code in (200, 503), (asked, document)
    return bool(document.get("data", {}).get("result"))


def variables() -> Iterator[tuple[Dashboard, Variable]]:
    for board in BOARDS:
        for variable in board.variables:
            yield board, variable


async def offered(client: httpx.AsyncClient, board: Dashboard, variable: Variable) -> bool:
    """Whether the variable has values to choose from, and its default among them."""
    query = {"match[]": filled_in(variable.series, board)}
    answer: dict[str, Any] = (await client.get(f"/api/v1/label/{variable.of}/values", params=query)).json()
    return variable.default in answer["data"] if variable.default else bool(answer["data"])


async def dots(client: httpx.AsyncClient) -> bool:
    """Whether the heatmap has dots that lead to a look."""
    [asked] = [one for one in EXPRESSIONS if one.where == "check: How long looks took"]
    now = today().timestamp()
    query = {"query": asked.text, "start": str(now - 600), "end": str(now + 60)}
    found = (await client.get("/api/v1/query_exemplars", params=query)).json()["data"]
    return any(dot["labels"].get("look") for series in found for dot in series["exemplars"])
