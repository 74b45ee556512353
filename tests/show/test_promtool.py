"""Prometheus' own linter over everything that is exposed, in health and in fault."""

import asyncio
import subprocess
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from migrawatch.config.kinds import discover
from migrawatch.daemon.reference import VITALS, measures_of
from migrawatch.model import Measure, Observation, Reading
from migrawatch.probe import WIRE_MEASURES
from migrawatch.show.board import Board
from tests.show.scenes import NOW, board, faulty, healthy, seen, subject, whole

GOLDEN = {path.stem: path.read_bytes() for path in (Path(__file__).parents[1] / "contract/golden").glob("*.prom")}
KINDS = discover()


async def blamed(body: bytes) -> list[str]:
    """What promtool has to say of *body*."""
    ran = await asyncio.to_thread(
        subprocess.run, ["promtool", "check", "metrics"], input=body, capture_output=True, check=False
    )
    said = (ran.stdout + ran.stderr).decode().splitlines()
    assert bool(said) == bool(ran.returncode)
    return said


def everything(kind: str) -> Observation:
    """A look of *kind* that noted every measure that it may note."""
    measures: dict[str, Measure] = {each.name: each for each in (*measures_of(KINDS.find(kind)), *WIRE_MEASURES)}
    readings = tuple(Reading(each, 1.0, tuple("x" for _ in each.labels)) for each in measures.values())
    return seen(subject(kind, probe=kind), readings=readings)


def full() -> Board:
    """A board with every measure of every kind, and every vital."""
    found = board()
    looks = [everything(kind) for kind in KINDS]
    found.watch(look.subject for look in looks)
    for look in looks:
        found.observed(look)
    for name, text, labels in VITALS:
        found.telemetry.ask(name, text, labels, lambda labels=labels: [(tuple("x" for _ in labels), 1.0)])
    found.noted("oncall", "sent")
    found.matched("nginx-errors", 1)
    found.triggered("nginx-errors")
    return found


@pytest.mark.parametrize("scene", [healthy, faulty, full])
async def test_promtool_finds_nothing_to_blame(scene: "type[Board]") -> None:
    assert await blamed(await whole(scene().metrics(False))) == []


@pytest.mark.parametrize("look", sorted(GOLDEN))
async def test_promtool_finds_nothing_to_blame_in_what_a_kind_really_exposes(look: str) -> None:
    assert await blamed(GOLDEN[look]) == []


async def test_promtool_would_blame_a_bad_name() -> None:
    body = b"# HELP probe_size_kilobytes Size.\n# TYPE probe_size_kilobytes gauge\nprobe_size_kilobytes 1\n"

    assert len(await blamed(body)) == 1


async def test_openmetrics_strictest_parser_takes_everything() -> None:
    """Units, exemplars, escapes, the end."""
    found = full()
    body = (await whole(found.metrics(True))).decode()

    families = {family.name: family for family in parse_openmetrics(body)}
    assert {each.name for kind in KINDS for each in measures_of(KINDS.find(kind))} <= families.keys()
    assert families["probe_http_duration_seconds"].unit == "seconds"
    assert found.now() == NOW


def test_kinds_that_share_a_measure_agree_on_it() -> None:
    """A family has one HELP: the first that is rendered counts."""
    told: dict[str, set[Measure]] = {}
    for kind in KINDS:
        for measure in (*measures_of(KINDS.find(kind)), *WIRE_MEASURES):
            told.setdefault(measure.name, set()).add(measure)

    assert {name: found for name, found in told.items() if len(found) > 1} == {}
