"""Alertmanager's configuration: amtool takes it, incidents go where they should, and the page is what people read."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from migrawatch.config.receivers import Alertmanager
from migrawatch.decide.incident import Change
from migrawatch.model import Secret, Severity
from migrawatch.talk.client import Answer
from migrawatch.tell.heartbeat import Outpost
from migrawatch.tell.webhook import Webhook, labels_of
from tests.prometheus.shipped import ALERTMANAGER, alerts, tool
from tests.tell.stories import AT, incident, letter, resolved

CONFIG = ALERTMANAGER / "alertmanager.yml"

pytestmark = pytest.mark.slow


class Nobody:
    """Posts nothing: only the document is wanted."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:
        raise NotImplementedError


def configured() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
    return found


def receivers_of(labels: dict[str, str]) -> str:
    """Who is told of an alert with *labels*, by amtool."""
    code, said = tool(
        "amtool", "config", "routes", "test", f"--config.file={CONFIG}", *(f"{k}={v}" for k, v in labels.items())
    )
    assert code == 0, said
    return said.strip().splitlines()[-1]


def rendered(what: str, alerts: list[dict[str, Any]], tmp_path: Path, kind: str = "text") -> str:
    """One of our templates, filled by amtool with a group of *alerts*."""
    group = {
        "receiver": "desk", "status": alerts[0]["status"], "alerts": alerts, "groupLabels": {},
        "commonLabels": alerts[0]["labels"], "commonAnnotations": {}, "externalURL": "http://alertmanager.example",
    }  # fmt: skip
    path = tmp_path / "group.json"
    path.write_text(json.dumps(group))
    code, said = tool(
        "amtool", "template", "render", f"--template.glob={ALERTMANAGER}/*.tmpl", f"--template.data={path}",
        f"--template.type={kind}", "--template.text", f'{{{{ template "migrawatch.{what}" . }}}}',
    )  # fmt: skip
    assert code == 0, said
    return said


def as_alertmanager_has_it(told: Any) -> dict[str, Any]:
    """A letter as one alert: the webhook's document has its shape."""
    webhook = Webhook(name="desk", url=Secret("http://127.0.0.1:9"), poster=Nobody(), external_url="http://us.example")
    [alert] = webhook.document(told)["alerts"]
    assert isinstance(alert, dict)
    return alert


def rule_alert(name: str, status: str = "firing") -> dict[str, Any]:
    rule = alerts()[name]
    return {
        "status": status, "labels": {"alertname": name, **rule["labels"]}, "annotations": rule["annotations"],
        "startsAt": AT.isoformat(), "endsAt": (AT + timedelta(hours=1)).isoformat(),
        "generatorURL": "http://prometheus.example/graph", "fingerprint": "0",
    }  # fmt: skip


def test_amtool_takes_the_configuration() -> None:
    code, said = tool("amtool", "check-config", CONFIG)

    assert code == 0, said
    assert "1 templates" in said


def test_amtool_refuses_a_receiver_that_is_not_there(tmp_path: Path) -> None:
    broken = tmp_path / "alertmanager.yml"
    broken.write_text(CONFIG.read_text().replace("receiver: pager}", "receiver: pgaer}"))

    assert tool("amtool", "check-config", broken)[0] != 0


@pytest.mark.parametrize(("severity", "who"), [(Severity.CRITICAL, "pager"), (Severity.WARNING, "desk")])
def test_an_incident_goes_to_whom_its_severity_concerns(severity: Severity, who: str) -> None:
    assert receivers_of(labels_of(incident(severity=severity))) == who


def test_who_waits_for_the_heartbeat_gets_it_and_nobody_else() -> None:
    beat = json.loads(Outpost(url=Secret("http://a.example"), alert=True).body(AT, AT, 60.0))

    assert receivers_of(beat[0]["labels"]) == "dead-mans-switch"


@pytest.mark.parametrize("name", alerts())
def test_an_alert_of_prometheus_goes_to_whom_its_severity_concerns(name: str) -> None:
    labels = {"alertname": name, **alerts()[name]["labels"]}

    assert receivers_of(labels) == ("pager" if labels["severity"] == "critical" else "desk")


def test_an_incident_is_one_group_by_its_identity() -> None:
    [route] = [each for each in configured()["route"]["routes"] if "alertname = MigrawatchIncident" in each["matchers"]]
    below = route["routes"]

    assert set(route["group_by"]) == set(labels_of(incident())) - {"alertname", "severity"}
    assert all("group_by" not in each for each in below)


def test_nothing_that_migrawatch_judged_is_inhibited() -> None:
    assert "inhibit_rules" not in configured()


def test_the_group_waits_as_long_as_the_receiver_thinks_by_itself() -> None:
    """Else an alert looks older than its group's wait, and goes out before what belongs to it."""
    assert configured()["route"]["group_wait"] == f"{Alertmanager.group_wait:g}s"


@pytest.mark.parametrize("what", ["text", "chat"])
def test_the_page_comes_first(what: str, tmp_path: Path) -> None:
    alert = as_alertmanager_has_it(letter())
    said = rendered(what, [alert], tmp_path)

    assert said.lstrip("`\n").startswith(alert["annotations"]["description"])
    assert alert["annotations"]["runbook_url"] in said


def test_the_subject_is_the_headline(tmp_path: Path) -> None:
    alert = as_alertmanager_has_it(letter())

    assert rendered("subject", [alert], tmp_path).strip() == alert["annotations"]["summary"]


def test_the_end_is_told_once(tmp_path: Path) -> None:
    """migrawatch's own headline says that it is over."""
    alert = as_alertmanager_has_it(letter(Change.RESOLVED, resolved()))

    assert rendered("subject", [alert], tmp_path).count("RESOLVED") == 1
    assert ", over 2026-11-24 03:41:05 UTC" in rendered("text", [alert], tmp_path)


def test_an_incident_that_was_raised_is_read_once(tmp_path: Path) -> None:
    """Alertmanager has two alerts of it then, of each severity one."""
    loud = as_alertmanager_has_it(letter(Change.RAISED))
    quiet = {**loud, "labels": {**loud["labels"], "severity": "warning"}}
    page = loud["annotations"]["description"]

    assert rendered("text", [loud, quiet], tmp_path).count(page) == 1
    assert "others" not in rendered("subject", [loud, quiet], tmp_path)


def test_a_rule_of_prometheus_says_whether_it_is_over(tmp_path: Path) -> None:
    firing, over = rule_alert("MigrawatchDown"), rule_alert("MigrawatchDown", "resolved")

    assert not rendered("subject", [firing], tmp_path).startswith("RESOLVED")
    assert rendered("subject", [over], tmp_path).startswith("RESOLVED: migrawatch at")
    assert firing["annotations"]["description"] in rendered("text", [firing], tmp_path)


def test_of_several_the_subject_says_so(tmp_path: Path) -> None:
    both = [rule_alert("MigrawatchLate"), rule_alert("MigrawatchLoopLags")]

    assert "(and others: 2 alerts)" in rendered("subject", both, tmp_path)
    assert all(each["annotations"]["description"] in rendered("text", both, tmp_path) for each in both)


def test_what_was_seen_is_text_in_a_mail(tmp_path: Path) -> None:
    """Evidence is words of strangers."""
    alert = as_alertmanager_has_it(letter())
    alert["annotations"] = {**alert["annotations"], "description": "seen <script>alert(1)</script>"}
    said = rendered("html", [alert], tmp_path, kind="html")

    assert "<script>" not in said
    assert "seen &lt;script&gt;" in said
    assert said.index("seen &lt;") < said.index("since 2026-11-24")
