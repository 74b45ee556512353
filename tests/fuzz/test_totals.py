"""What is said of a run: nothing is counted that libFuzzer did not count, and what ended early is not well."""

import pytest

from tests.fuzz.seeds import words_of, write_seeds
from tests.fuzz.targets import TARGETS
from tests.fuzz.totals import Outcome, Totals, added, outcome_of

DONE = """\
#20000\tDONE   cov: 489 ft: 1134 corp: 108/3367b lim: 68 exec/s: 5000 rss: 80Mb
Done 20000 runs in 4 second(s)
stat::number_of_executed_units: 20000
stat::average_exec_per_sec:     5000
"""
CRASHED = """\
 === Uncaught Python exception: ===
UnsupportedAlgorithm: Curve 1.2.122.1058621.3.1.7 is not supported
Traceback (most recent call last):
==31290== ERROR: libFuzzer: fuzz target exited
stat::number_of_executed_units: 153
"""


def test_a_target_that_took_all_is_well() -> None:
    outcome = outcome_of("dns", 20000, 0, DONE, 4.0)

    assert outcome.is_well
    assert (outcome.inputs, outcome.ending) == (20000, "well")


def test_a_target_that_crashed_tells_why_and_how_many_it_took() -> None:
    outcome = outcome_of("chain", 20000, 77, CRASHED, 4.0, ".fuzz/found/chain-crash-1")

    assert not outcome.is_well
    assert outcome.inputs == 153
    assert "UnsupportedAlgorithm: Curve" in outcome.ending


@pytest.mark.parametrize(
    ("code", "printed", "inputs"),
    [(0, DONE, 20000), (0, "", 0), (1, "ImportError: no module\n", 0), (-9, "#20000\tDONE", 0)],
)
def test_a_target_that_took_less_than_all_ended_early(code: int, printed: str, inputs: int) -> None:
    """Killed, or gone by itself: what it does not count is not counted, whatever it printed else."""
    outcome = outcome_of("dns", 30000, code, printed, 4.0)

    assert not outcome.is_well
    assert outcome.inputs == inputs
    assert "ended early" in outcome.ending


def totals(*outcomes: Outcome, seed: int = 1) -> Totals:
    return Totals(seed=seed, commit="c", date="2026-11-27T09:00:00Z", machine="m", seconds=9.0, outcomes=outcomes)


def test_the_totals_are_of_all_targets() -> None:
    whole = outcome_of("dns", 20000, 0, DONE, 4.0)
    crashed = outcome_of("chain", 20000, 77, CRASHED, 4.0, ".fuzz/found/chain-crash-1")

    assert str(totals(whole, crashed)) == "2 targets, 20153 inputs in 9 s, 1 crashes, 0 ended early"
    assert not totals(whole, crashed).is_well
    assert totals(whole).is_well
    assert not totals().is_well, "nothing was fed"


def test_a_run_is_added_to_those_before() -> None:
    whole = outcome_of("dns", 20000, 0, DONE, 4.0)
    crashed = outcome_of("dns", 20000, 77, CRASHED, 4.0, ".fuzz/found/dns-crash-1")

    told = added(added({}, totals(whole)), totals(crashed, seed=2))

    assert (told["inputs"], told["crashes"], told["ended_early"]) == (20153, 1, 0)
    assert [run["seed"] for run in told["runs"]] == [1, 2]


@pytest.mark.parametrize("name", TARGETS)
def test_every_word_is_short_enough_for_libfuzzer(name: str) -> None:
    """One of more than 64 bytes ends it before it begins."""
    assert all(0 < len(word) <= 64 for word in words_of(name))


def test_the_seeds_are_files_as_libfuzzer_reads_them(tmp_path) -> None:  # type: ignore[no-untyped-def]
    corpus, words = write_seeds("range", tmp_path)

    assert (corpus / "000").read_bytes() == TARGETS["range"].sample_bytes
    assert all(line.startswith('"\\x') and line.endswith('"') for line in words.read_text().splitlines())
