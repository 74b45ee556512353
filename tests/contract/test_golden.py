"""Each kind's example in health and in one fault, as /metrics and JSON show it: differences are read by a person.

`REGILD=1 pytest tests/contract/test_golden.py` writes the goldens anew.
"""

import dataclasses
import importlib
import json
import os
import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from migrawatch.look import look
from migrawatch.model import Observation, Reading, Verdict
from migrawatch.probe import CERT_EXPIRY
from migrawatch.reach.here import Here
from migrawatch.show.document import observation_document
from migrawatch.show.exposition import Exposition
from tests.contract.conduct import nobody_asks_the_system_for_names
from tests.contract.examples import Place, Setting
from tests.contract.kinds import check_of, kinds
from tests.show.scenes import whole

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 11, 22, 3, 4, 5, 678000, tzinfo=UTC)

# What differs from run to run or from machine to machine, and says nothing.
FICKLE = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "FINGERPRINT"),
    (re.compile(r'(?<=serialnumber=")[0-9a-f]+|(?<=serialnumber=\\")[0-9a-f]+'), "SERIAL"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"), "DATE"),
    (re.compile(r"\d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d, sha256 [0-9a-f]{16}"), "DATE to DATE, sha256 FINGERPRINT"),
    (re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"), "DATE"),
    (re.compile(r"\bnginx/[\d.]+"), "NGINX"),
    (re.compile(r"\bOpenSSH_[\w.]+(?: [\w.+-]+)?"), "OPENSSH"),
    (re.compile(r"\b\d+\.\d+ ms\b"), "SOME ms"),
    (re.compile(r"(?<=queued as )\w+"), "QUEUE-ID"),
)


@pytest.mark.parametrize("state", ["healthy", "faulty"])
@pytest.mark.parametrize("kind", kinds())
async def test_an_example_is_shown_as_ever(
    kind: str, state: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A change of a metric's name, a label or a detail breaks somebody's dashboard or rule: it must be meant."""
    seen, text = await shown(kind, state, Place(tmp_path, request))

    assert (seen.verdict is Verdict.OK) == (state == "healthy"), seen.detail
    for ending, found in text.items():
        golden = GOLDEN / f"{kind}.{state}.{ending}"
        if os.environ.get("REGILD"):
            golden.write_text(found)
        assert golden.read_text() == found


def test_every_kind_has_goldens_and_every_golden_a_kind() -> None:
    assert {path.name.partition(".")[0] for path in GOLDEN.iterdir()} == set(kinds())


async def shown(kind: str, state: str, place: Place) -> tuple[Observation, dict[str, str]]:
    """The observation of the example, and both its texts by their file name's ending."""
    example = importlib.import_module(f"tests.contract.examples.{kind}")
    prepared: AbstractContextManager[Setting] = getattr(example, state)(place)
    with prepared as setting:
        vantage = setting.vantage or Here()
        check = check_of(kind, port=setting.port, vantage=vantage.name, timeout=5, **setting.changed)
        with nobody_asks_the_system_for_names():
            seen = await look(check, vantage, last=setting.last)
    seen = steadied(seen)
    exposition = Exposition()
    exposition.observed(seen)
    metrics = (await whole(exposition.lines(openmetrics=False))).decode()
    document = json.dumps(observation_document(seen), indent=2) + "\n"
    ports = (str(setting.port),) if setting.port else ()
    texts = {"prom": metrics, "json": document}
    return seen, {ending: plain(text, str(place.folder), ports) for ending, text in texts.items()}


def steadied(seen: Observation) -> Observation:
    """*seen* with every time and length in it made one that is known."""
    return dataclasses.replace(
        seen,
        at=AT,
        took=0.0,
        steps=tuple(dataclasses.replace(step, seconds=0.0) for step in seen.steps),
        readings=tuple(_steady(reading) for reading in seen.readings),
    )


def _steady(reading: Reading) -> Reading:
    fickle = reading.measure.unit == "seconds" or reading.measure is CERT_EXPIRY
    return dataclasses.replace(reading, value=0.0) if fickle else reading


def plain(text: str, folder: str, ports: Iterable[str]) -> str:
    """*text* without what differs from run to run."""
    text = text.replace(folder, "FOLDER")
    for port in ports:
        text = re.sub(rf"\b{port}\b", "PORT", text)
    for pattern, word in FICKLE:
        text = pattern.sub(word, text)
    return text
