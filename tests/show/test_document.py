"""The JSON documents, version 1: keys are added, never changed."""

import json
from datetime import timedelta

from migrawatch.decide.incident import Difference
from migrawatch.show.document import incident_document, observation_document, report
from tests.show.scenes import FAULTS, SUBJECTS, seen
from tests.tell.stories import AT, incident, resolved

BACKEND = SUBJECTS[4]

OBSERVATION = [
    "check",
    "probe",
    "host",
    "service",
    "vantage",
    "target",
    "verdict",
    "reason",
    "detail",
    "duration_seconds",
    "steps",
    "measures",
    "needs",
    "findings",
    "evidence",
]
CAUSE = ["check", "host", "service", "reason", "summary", "symptoms", "evidence", "remedy"]


def test_a_report_has_every_key_that_version_1_promises() -> None:
    """Scripts read these (product.md)."""
    looked = seen(BACKEND, *FAULTS["backend@srv1"], at=AT)

    told = report([looked], [looked], [incident()], AT, 1.93)

    assert (told["version"], told["verdict"], told["started_at"]) == (1, "down", "2026-11-24T03:04:05.000Z")
    assert told["duration_seconds"] == 1.93
    (observation,), (cause,) = told["observations"], told["causes"]
    assert set(OBSERVATION) <= set(observation)
    assert set(CAUSE) <= set(cause)
    assert json.loads(json.dumps(told)) == told


def test_what_changed_and_what_holds_are_in_every_document_of_an_incident() -> None:
    change = Difference(check="web", what="certificate of web", before="old", after="new", at=AT, held_at=AT)
    found = incident_document(incident(changed=(change,), holds=("host/srv1",)))

    assert found["holds"] == ["host/srv1"]
    assert found["changed"] == [
        {
            "check": "web", "what": "certificate of web", "before": "old", "after": "new",
            "at": "2026-11-24T03:04:05.000Z", "exact": False, "held_at": "2026-11-24T03:04:05.000Z",
        }
    ]  # fmt: skip


def test_an_observation_reads_as_product_md_shows_it() -> None:
    """The example there is the contract."""
    found = observation_document(seen(BACKEND, *FAULTS["backend@srv1"], took=0.003, evidence=()))

    assert found["check"] == "backend@srv1"
    assert (found["vantage"], found["target"]) == ("srv1", "http://10.1.10.206:2271/api/health")
    assert (found["verdict"], found["reason"]) == ("down", "connect_refused")
    assert found["steps"][0] == {"name": "connect", "seconds": 0.0012, "finished": True}
    assert found["measures"]["probe_http_status_code"] == 502.0
    assert found["measures"]['probe_http_duration_seconds{phase="tls"}'] == 0.0201
    assert found["needs"] == ["pm2/mpanel-backend"]
    assert found["findings"] == [
        {
            "verdict": "down",
            "reason": "connect_refused",
            "detail": "connect: 10.1.10.206:2271 refused the connection",
        }
    ]


def test_a_healthy_observation_has_no_reason() -> None:
    """Null, not an empty word."""
    assert observation_document(seen(BACKEND))["reason"] is None


def test_the_verdict_is_the_worst_of_what_was_asked_for() -> None:
    """A need that fails is shown; the exit code is the asked check's."""
    asked, need = seen(SUBJECTS[0]), seen(BACKEND, *FAULTS["backend@srv1"])

    assert report([asked], [asked, need], [], AT, 0.1)["verdict"] == "ok"


def test_an_incident_has_its_times_and_its_end() -> None:
    """Open: no end; resolved: when."""
    assert incident_document(incident())["resolved_at"] is None
    done = incident_document(resolved(after=timedelta(minutes=37)))
    assert (done["state"], done["resolved_at"]) == ("resolved", "2026-11-24T03:41:05.000Z")
