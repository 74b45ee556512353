"""The bench measures what it says: ratios of CPU seconds, medians over rounds, gates that fail."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.rounds import GATES, summary, table


def run(kind: str, ratio: float) -> dict[str, Any]:
    return {"kind": kind, "ratio": ratio, "peer": "blackbox_exporter", "migrawatch_per_cpu_second": 1000 * ratio,
            "peer_per_cpu_second": 1000}  # fmt: skip


def test_one_odd_round_does_not_move_the_ratio() -> None:
    told = summary([run("http", ratio) for ratio in (2.9, 3.0, 3.1, 3.0, 40.0)])

    assert told["ratios"] == {"http": 3.0}
    assert "http" in table(told)
    assert "(2.9-40.0)" in table(told)


@pytest.mark.slow
@pytest.mark.parametrize(("gate", "code"), [(0.001, 0), (1000.0, 1)])
def test_a_real_round_is_written_down_and_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: float, code: int
) -> None:
    """Against the real blackbox_exporter; one short round of one kind, so that the numbers themselves mean nothing."""
    monkeypatch.setitem(GATES, "tcp", gate)
    monkeypatch.setattr(
        "sys.argv", ["bench", "--check", "--kinds", "tcp", "--rounds", "1", "--output", str(tmp_path / "out.json")]
    )

    assert main() == code

    told = json.loads((tmp_path / "out.json").read_text())
    assert set(told) == {"ratios", "gates", "runs", "machine"}
    assert told["ratios"]["tcp"] == round(told["runs"][0]["ratio"], 2) > 0
