"""Prometheus' configuration and rules: promtool takes them, each does its duty, and all that they name is there."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from migrawatch.config.kinds import discover
from migrawatch.model import Verdict
from migrawatch.reason import Reason
from migrawatch.show.latency import EDGES
from migrawatch.show.telemetry import MILLISECONDS
from tests.docs.markdown import sections
from tests.prometheus.shipped import CASES, PROMETHEUS, ROOT, alerts, matched, metrics_in, rules, tool

HISTOGRAM = re.compile(r"_(bucket|sum|count)$")
PROMETHEUS_ITSELF = {"up"}
"""The series that Prometheus makes at every scrape."""


@cache
def documented() -> frozenset[str]:
    """The metrics of docs/metrics.md, histograms by the names of their series too."""
    rows = re.findall(r"^\| `(\w+)` \| (\w*)", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE)
    series = {f"{name}_{part}" for name, kind in rows if kind == "histogram" for part in ("bucket", "sum", "count")}
    return frozenset(name for name, _ in rows) | series


def cases_of(alert: str) -> Iterator[bool]:
    """Of each case about *alert*, whether it fires."""
    for path in CASES:
        for test in yaml.safe_load(path.read_text())["tests"]:
            for case in test.get("alert_rule_test", ()):
                if case["alertname"] == alert:
                    yield bool(case["exp_alerts"])


@pytest.mark.slow
def test_promtool_takes_the_configuration_with_its_rules() -> None:
    code, said = tool("promtool", "check", "config", "--lint=all", "--lint-fatal", PROMETHEUS / "prometheus.yml")

    assert code == 0, said
    assert "3 rule files found" in said


@pytest.mark.slow
@pytest.mark.parametrize("cases", CASES, ids=[path.stem for path in CASES])
def test_each_alert_fires_when_it_must_and_not_in_health(cases: Path) -> None:
    code, said = tool("promtool", "test", "rules", cases)

    assert code == 0, said


@pytest.mark.slow
def test_a_rule_that_asks_for_something_else_is_found(tmp_path: Path) -> None:
    """The cases must not pass whatever the rules say."""
    for folder in ("rules", "tests"):
        (tmp_path / folder).mkdir()
    text = (PROMETHEUS / "rules/migrawatch.yml").read_text()
    changed = text.replace("> time() - 300", "> time() - 30000")
    assert changed != text
    (tmp_path / "rules/migrawatch.yml").write_text(changed)
    cases = tmp_path / "tests/migrawatch.yml"
    cases.write_text((PROMETHEUS / "tests/migrawatch.yml").read_text())

    code, said = tool("promtool", "test", "rules", cases)

    assert code != 0
    assert "MigrawatchStuck" in said


@pytest.mark.parametrize("alert", alerts())
def test_an_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(alert: str) -> None:
    assert set(cases_of(alert)) == {True, False}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_series_that_a_rule_asks_for_is_there(rule: dict[str, Any]) -> None:
    recorded = {other["record"] for other in rules() if "record" in other}
    asked = metrics_in(rule["expr"])

    assert asked
    assert asked - documented() - recorded - PROMETHEUS_ITSELF == set()


def test_a_series_that_is_not_there_is_found() -> None:
    expression = 'sum by (job) (rate(a_total{le="b"}[5m] offset 1w)) / on (job) c:d == 0.5 * e unless f > time() - 3'

    assert metrics_in(expression) == {"a_total", "c:d", "e", "f"}
    assert "probe_sucess" not in documented()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_value_that_a_rule_compares_with_can_occur(rule: dict[str, Any]) -> None:
    """A typing error in a reason or a bound gives a rule that never fires."""
    known = {
        "probe": set(discover()),
        "reason": {reason.value for reason in Reason},
        "verdict": {verdict.value for verdict in Verdict},
        "le": {*EDGES, *map(str, MILLISECONDS)},
        "job": jobs(),
    }

    assert [(label, value) for label, value in matched(rule["expr"]) if value not in known[label]] == []


def jobs() -> set[str]:
    configured = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    return {job["job_name"] for job in configured["scrape_configs"]}


@pytest.mark.parametrize(("alert", "rule"), alerts().items(), ids=alerts())
def test_an_alert_says_what_where_and_what_now(alert: str, rule: dict[str, Any]) -> None:
    notes = rule["annotations"]
    page, _, anchor = notes["runbook_url"].partition("#")
    runbook = {section.anchor: section for section in sections(ROOT / "docs/runbook.md")}

    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert len(notes["description"]) > len(notes["summary"]) > 10
    assert page in (ROOT / "config/migrawatch.yaml").read_text()
    assert runbook[anchor].title == alert
    assert runbook[anchor].prose.strip()
    assert runbook[anchor].code


def test_every_alert_stands_in_the_page() -> None:
    page = (ROOT / "docs/prometheus.md").read_text()

    assert re.findall(r"^\| \[(\w+)\]", page, re.MULTILINE) == list(sorted_as_shipped())


def sorted_as_shipped() -> Iterator[str]:
    """migrawatch's own alerts first, then the trends."""
    names = alerts()
    yield from (name for name in names if name.startswith("Migrawatch"))
    yield from (name for name in names if not name.startswith("Migrawatch"))


@pytest.mark.parametrize("name", [name for name in alerts() if not name.startswith("Migrawatch")])
def test_a_trend_wakes_nobody(name: str) -> None:
    assert alerts()[name]["labels"]["severity"] == "warning"


@pytest.mark.parametrize("expression", [rule["expr"] for rule in alerts().values()])
def test_no_rule_repeats_what_a_check_tells(expression: str) -> None:
    """That something is down is the incident's to tell: no rule compares a check's own words but to keep quiet."""
    told = {"probe_success", "probe_verdict", "probe_failure_reason", "migrawatch_incident"}

    assert metrics_in(expression.partition("unless")[0]) & told == set()
