"""Every check of production as its kind's golden has it, in health and in a fault."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from migrawatch.config import load
from migrawatch.decide.incident import Identity
from migrawatch.model import Finding, Measure, Observation, Reading, Step, Subject, Verdict
from migrawatch.probe import CERT_EXPIRY
from migrawatch.reason import Reason
from migrawatch.show.board import Board
from migrawatch.show.latency import NAME
from migrawatch.show.series import LOOK_MEASURES, SUBJECT_LABELS
from tests.contract.kinds import check_of, class_of, kinds
from tests.docs.markdown import ROOT
from tests.show.scenes import today
from tests.tell.stories import incident

GOLDEN = ROOT / "tests/contract/golden"
STAYS_WELL = "db-select-1@mpanel-core"
"""The backend is stopped: its database is not at fault, and goes on telling its connections."""

OF_EVERY_LOOK = {NAME, *(measure.name for measure in LOOK_MEASURES)}

Town = dict[str, Observation]
"""What was seen of each kind."""

LATER = {"disk": "probe_disk_full_timestamp_seconds", "dns": "probe_dns_signature_expiry_timestamp_seconds"}
"""What the examples do not show: a disk that fills over hours, a signed zone; and `http` is asked in the clear."""


def seen_in(state: str) -> Town:
    """Each kind's example as its golden has it, which is what it saw on its real server: `healthy` or `faulty`."""
    return {kind: _seen(kind, state) for kind in kinds()}


def _seen(kind: str, state: str) -> Observation:
    document = json.loads((GOLDEN / f"{kind}.{state}.json").read_text())
    found = document["reason"]
    return Observation(
        subject=check_of(kind).subject,
        at=datetime.now(UTC),
        took=0.02,
        findings=(Finding(Verdict(document["verdict"]), Reason(found), document["detail"]),) if found else (),
        steps=tuple(Step(step["name"], 0.01, step["finished"]) for step in document["steps"]),
        readings=(*_readings((GOLDEN / f"{kind}.{state}.prom").read_text()), *_later(kind)),
    )


def _readings(text: str) -> Iterator[Reading]:
    for family in text_string_to_metric_families(text):
        if family.name in OF_EVERY_LOOK:
            continue
        for sample in family.samples:
            names = tuple(name for name in sample.labels if name not in SUBJECT_LABELS)
            measure = Measure(family.name, family.documentation, labels=names)
            yield Reading(measure, sample.value, tuple(sample.labels[name] for name in names))


def _later(kind: str) -> Iterator[Reading]:
    if kind == "http":
        yield Reading(CERT_EXPIRY, (today() + timedelta(days=60)).timestamp())
    for measure in class_of(kind).measures:
        if measure.name == LATER.get(kind):
            yield Reading(measure, (today() + timedelta(days=3)).timestamp())


def subjects(town: Town) -> tuple[Subject, ...]:
    """All that production watches, and of each kind its example besides: some of it needs what nobody has told yet."""
    watched = load(ROOT / "config/migrawatch.yaml", {}, secrets_needed=False).checks
    examples = (replace(seen.subject, check=f"example/{kind}") for kind, seen in town.items())
    return (*(check.subject for check in watched), *examples)


def show(board: Board, town: Town, *, all_of_it: bool = True) -> None:
    """Tell *board* that all it watches was seen as in *town*, just now; or without what stays well."""
    for subject in board.subjects.values():
        if all_of_it or not subject.check.startswith(("example/", STAYS_WELL)):
            board.observed(replace(town[subject.probe], subject=subject, at=datetime.now(UTC)))


def break_it(board: Board, town: Town) -> None:
    """All of production but a database is broken, the examples are not; two incidents are open, and a log has told."""
    show(board, town, all_of_it=False)
    began = datetime.now(UTC) - timedelta(seconds=30)
    opened = incident(first_failed=began, opened_at=began + timedelta(seconds=4))
    page = Identity(check="api-public", host="srv1", service="migrapanel.com")
    board.judged((opened, replace(opened, id="i2", identity=page)))
    board.triggered("nginx-errors")
