"""The committed dashboards are current, and such as Grafana reads: it is not at hand to say so itself."""

import json
from itertools import combinations
from typing import Any

import pytest
import yaml

from grafana.boards import BOARDS
from grafana.build import FOLDER, text_of
from grafana.dashboard import COLUMNS, Dashboard
from migrawatch.show.latency import NAME
from tests.docs.markdown import ROOT

KINDS = {"row", "stat", "table", "timeseries", "state-timeline", "bargauge", "heatmap"}
"""Panels that every Grafana since 10 brings itself."""
UNITS = {"none", "s", "bytes", "percentunit", "cps", "bool_yes_no"}
PROVISIONING = ROOT / "grafana/provisioning"

boards = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)


def panels(board: Dashboard) -> list[dict[str, Any]]:
    """The board's panels as Grafana reads them, headings left out."""
    return [panel for panel in board.document()["panels"] if panel["type"] != "row"]


@boards
def test_the_file_is_current(board: Dashboard) -> None:
    assert (FOLDER / f"{board.name}.json").read_text() == text_of(board), "run: python -m grafana.build"


def test_there_is_no_other_file_and_no_uid_twice() -> None:
    uids = [board.document()["uid"] for board in BOARDS]

    assert {path.stem for path in FOLDER.iterdir()} == {board.name for board in BOARDS}
    assert len(set(uids)) == len(uids)
    assert all(len(uid) <= 40 for uid in uids)


@boards
def test_panels_have_ids_of_their_own_and_lie_beside_each_other(board: Dashboard) -> None:
    found = board.document()["panels"]
    cells = [_cells(panel["gridPos"]) for panel in found]

    assert len({panel["id"] for panel in found}) == len(found)
    assert {panel["type"] for panel in found} <= KINDS
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= COLUMNS for panel in found)
    assert not any(one & other for one, other in combinations(cells, 2))


def _cells(place: dict[str, int]) -> set[tuple[int, int]]:
    columns = range(place["x"], place["x"] + place["w"])
    return {(x, y) for x in columns for y in range(place["y"], place["y"] + place["h"])}


@boards
def test_every_panel_says_what_it_shows_in_which_unit_and_what_nothing_means(board: Dashboard) -> None:
    for panel in panels(board):
        shown = panel["fieldConfig"]["defaults"]

        assert panel["title"] and panel["description"].endswith("."), panel["title"]
        assert shown["unit"] in UNITS, panel["title"]
        assert shown["noValue"], panel["title"]
        assert shown["thresholds"]["steps"][0]["value"] is None, panel["title"]
        assert panel["targets"], panel["title"]


@boards
def test_every_graph_has_a_legend_and_names_its_series(board: Dashboard) -> None:
    for panel in panels(board):
        many = panel["type"] in {"timeseries", "state-timeline", "bargauge", "heatmap"}
        assert not many or "legend" in panel["options"], panel["title"]
        assert not many or all(target["legendFormat"] != "__auto" for target in panel["targets"]), panel["title"]


@boards
def test_thresholds_rise(board: Dashboard) -> None:
    """Grafana takes the last step that a value reaches, in the order in which they stand."""
    for panel in panels(board):
        values = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:]]
        assert values == sorted(values), panel["title"]


@boards
def test_everything_asks_the_chosen_prometheus(board: Dashboard) -> None:
    found = board.document()
    askers = [*panels(board), *found["annotations"]["list"], *found["templating"]["list"][1:]]
    askers += [target for panel in panels(board) for target in panel["targets"]]

    assert found["templating"]["list"][0]["type"] == "datasource"
    assert {json.dumps(asker["datasource"]) for asker in askers} == {'{"type": "prometheus", "uid": "${datasource}"}'}


@boards
def test_only_variables_that_are_there_are_used(board: Dashboard) -> None:
    found = board.document()
    names = {variable["name"] for variable in found["templating"]["list"]}
    text = json.dumps([found["panels"], found["annotations"]])

    for name in ("host", "service", "check", "instance", "public"):
        assert name in names or f'"${name}\\"' not in text.replace('=~\\"', '"').replace('=\\"', '"'), name


@boards
def test_the_answer_is_in_the_first_rows(board: Dashboard) -> None:
    """At 3 a.m. nobody scrolls: the numbers stand on top, and below them what is not ok."""
    first = board.sections[0].panels

    assert {panel.height for panel in first[:5]} == {4}
    assert sum(panel.width for panel in first if panel.height == 4) == COLUMNS


def test_a_link_to_a_check_leads_to_the_dashboard_of_one_check() -> None:
    assert any(board.name == "check" and board.variables[-1].name == "check" for board in BOARDS)
    assert "/d/migrawatch-check?var-check=" in (FOLDER / "overview.json").read_text()


def test_a_dot_of_the_histogram_leads_to_its_look() -> None:
    """Grafana's files of provisioning write a dollar sign as two, or it is a variable of the environment."""
    [source] = yaml.safe_load((PROVISIONING / "datasources/migrawatch.yaml").read_text())["datasources"]
    [destination] = source["jsonData"]["exemplarTraceIdDestinations"]
    [provider] = yaml.safe_load((PROVISIONING / "dashboards/migrawatch.yaml").read_text())["providers"]

    assert (source["type"], destination["name"]) == ("prometheus", "look")
    assert destination["url"].endswith("/api/v1/looks/$${__value.raw}")
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards/migrawatch"
    assert f"{NAME}_bucket" in (FOLDER / "check.json").read_text()
