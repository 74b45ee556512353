"""The bench measures what it says: ratios of CPU seconds, seconds to the page, medians, gates that fail."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import town
from bench.__main__ import PARTS, gates_missed, main, tables
from bench.crowd import EVERY, account, beyond, crowd_table, lateness, summed
from bench.delays import PAIRS, Trial, page_summary
from bench.domains import Scale, Spent, domains, domains_beyond, domains_summary, domains_table
from bench.edge import edge
from bench.instances import COUNT, instances
from bench.page import measure_page, moments
from bench.reading import Reading
from bench.receiver import Receiver, Told
from bench.rounds import GATES, summary, table
from bench.scrape import Scale as ScrapeScale
from bench.scrape import Scraped, scrape, scrape_beyond, scrape_summary, scrape_table
from bench.stacks import Pace
from migrawatch.decide.schedule import offset_of


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


# -- seconds to the page -----------------------------------------------------------------------------------------------

ENDED = {"web-1": 100.0, "web-2": 105.0, "web-3": 130.0}
PEERS = {"prometheus-15s": 100.0, "migrawatch-15s": 10.0, "prometheus-5s": 15.0, "migrawatch-5s": 4.0,
         "migrawatch-tripwire": 2.0, "migrawatch-watch": 2.1}  # fmt: skip


def trial(**took: float) -> Trial:
    """Each stack takes so long for web-1, a tenth less for web-2, and four tenths more for web-3."""
    late = {"web-1": 1.0, "web-2": 0.9, "web-3": 1.4}
    stacks = PEERS | {name.replace("_", "-"): seconds for name, seconds in took.items()}
    told = [
        Told(stack=stack, target=target, status="firing", at=at + seconds * late[target])
        for stack, seconds in stacks.items()
        for target, at in ENDED.items()
    ]
    return Trial(ended=ENDED, told=tuple(told), asked=dict.fromkeys(stacks, 4.0))


def test_each_stack_has_its_median_and_its_worst() -> None:
    page = page_summary(trial())

    assert page["stacks"]["migrawatch-15s"] == {
        "median": 10.0, "worst": 14.0, "seconds": [9.0, 10.0, 14.0], "looks_per_minute": 4.0
    }  # fmt: skip
    assert page["ratios"] == {"15s": 10.0, "5s": 3.75, "tripwire": 50.0, "watch": 47.62}


@pytest.mark.parametrize(
    ("took", "below"),
    [
        ({}, []),
        ({"migrawatch_15s": 14.2, "migrawatch_5s": 5.9}, []),
        ({"migrawatch_15s": 14.4}, ["page 15s"]),
        ({"migrawatch_5s": 6.1}, ["page 5s"]),
        ({"migrawatch_tripwire": 2.2}, ["page tripwire worst 3.08 s > 3 s"]),
        ({"migrawatch_watch": 2.2}, ["page watch worst 3.08 s > 3 s"]),
    ],
)
def test_a_page_that_comes_too_late_fails_the_gate(took: dict[str, float], below: list[str]) -> None:
    told = summary([]) | {"page": page_summary(trial(**took))}

    assert gates_missed(told) == below
    assert all(own in tables(told) for _, own in PAIRS.values())


def test_without_a_trial_only_the_rounds_are_judged() -> None:
    told = summary([run("http", GATES["http"] - 0.1)])

    assert gates_missed(told) == ["http"]
    assert "end to page" not in tables(told)


def test_a_page_that_never_came_fails_the_run() -> None:
    """The stack's median over the others would look better than it is."""
    whole = trial()

    with pytest.raises(SystemExit, match="prometheus-15s told web-1 0 times"):
        page_summary(replace(whole, told=whole.told[1:]))


def test_a_page_that_came_twice_fails_the_run() -> None:
    whole = trial()

    with pytest.raises(SystemExit, match="prometheus-15s told web-1 2 times"):
        page_summary(replace(whole, told=(*whole.told, replace(whole.told[0], at=400.0))))


def test_a_page_before_the_fault_fails_the_run() -> None:
    whole = trial()

    with pytest.raises(SystemExit, match="prometheus-15s told web-1 before its end"):
        page_summary(replace(whole, told=(replace(whole.told[0], at=99.9), *whole.told[1:])))


def test_a_target_told_to_be_well_fails_the_run() -> None:
    whole = trial()

    with pytest.raises(SystemExit, match="prometheus-15s told web-1 as resolved"):
        page_summary(replace(whole, told=(replace(whole.told[0], status="resolved"), *whole.told[1:])))


def test_a_page_of_something_else_fails_the_run() -> None:
    """Several targets in one incident would leave some untold; a page of what was not ended is a false one."""
    whole = trial()

    with pytest.raises(SystemExit, match="migrawatch-15s told web-9, which did not end"):
        page_summary(replace(whole, told=(*whole.told, replace(whole.told[3], target="web-9"))))


def test_the_moments_are_random_and_the_same_in_every_run() -> None:
    found = moments(10, 60.0)

    assert found == moments(10, 60.0) == sorted(found)
    assert len(set(found)) == 10
    assert 0 <= found[0] <= found[-1] <= 60.0


def test_a_post_of_several_alerts_tells_each_of_them() -> None:
    """Alertmanager puts a group's alerts into one post."""
    desk = Receiver()
    alerts = [{"labels": {"check": name}, "status": "firing"} for name in ("web-1", "web-2")]

    desk.take("/prometheus-5s", json.dumps({"alerts": alerts}).encode(), 7.0)

    assert desk.told == [
        Told(stack="prometheus-5s", target=name, status="firing", at=7.0) for name in ("web-1", "web-2")
    ]


@pytest.mark.slow
def test_real_stacks_each_tell_each_target_once() -> None:
    """Prometheus hurried along, so that the numbers mean nothing, but not so that a busy machine fails its scrapes."""
    hurried = Pace(scrape="3s", evaluate="1s", hold="5s", group_wait="0s", group_interval="5m")

    page = measure_page(hurried, hurried, within=2.0)

    assert set(page["stacks"]) == {name for pair in PAIRS.values() for name in pair}
    assert [len(stack["seconds"]) for stack in page["stacks"].values()] == [COUNT] * 6


@pytest.mark.slow
def test_a_user_who_is_served_fails_the_run(tmp_path: Path) -> None:
    """The watch would be blamed for a line that nginx never wrote."""
    tmp_path.chmod(0o755)
    with instances(tmp_path) as targets, edge(tmp_path / "edge", targets) as front:
        with pytest.raises(SystemExit, match="web-1 has ended, and a user got HTTP 200"):
            front.visit("web-1")
        targets[0].stop()
        front.visit("web-1")

        assert b"connect() failed" in front.log_of("web-1").read_bytes()
        assert front.log_of("web-2").read_bytes() == b""


def test_what_is_not_measured_this_time_stays_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.json"
    output.write_text(json.dumps({"ratios": {"http": 3.0}, "crowd": "of before"}))
    monkeypatch.setitem(PARTS, "crowd", replace(PARTS["crowd"], run=lambda: CROWD | {"missed": 1}))
    monkeypatch.setattr("sys.argv", ["bench", "--check", "--kinds", "crowd", "--output", str(output)])

    assert main() == 1

    told = json.loads(output.read_text())
    assert (told["ratios"], told["crowd"]["missed"]) == ({"http": 3.0}, 1)
    assert "crowd missed 1 > 0" in capsys.readouterr().err


# -- the crowd ----------------------------------------------------------------------------------------------------

SHIFT = 1_000_000.0
CROWD: dict[str, Any] = {
    "checks": 1000, "every": 10.0, "hanging": 100, "due": 6000, "missed": 0, "skipped": 0.0, "p50": 0.002, "p99": 0.1,
    "max": 0.3, "within_100_ms": 0.99, "told": 112, "lost": 0, "repeated": 0, "unexpected": 0, "kept": 112,
    "cpu": 0.1, "rss": 9e7,
}  # fmt: skip


def on_the_grid(number: int) -> float:
    return SHIFT + offset_of("page-0", EVERY) + number * EVERY


@pytest.mark.parametrize(
    ("began", "lates"),
    [
        ([on_the_grid(number) + 0.25 for number in range(9)], [0.25, 0.25, 0.25]),
        ([on_the_grid(3), on_the_grid(5) + 9.0], [0.0, None, 9.0]),
        ([on_the_grid(3), on_the_grid(4), on_the_grid(4) + 5.0], [0.0, 0.0, None]),
        ([], [None, None, None]),
    ],
    ids=["late", "left out", "the last not made, one between", "never"],
)
def test_a_look_is_held_against_its_checks_own_grid(began: list[float], lates: list[float | None]) -> None:
    found = lateness("page-0", began, on_the_grid(2) + 1.0, on_the_grid(5) + 1.0, SHIFT)

    assert found == [None if late is None else pytest.approx(late, abs=1e-6) for late in lates]


def test_one_late_look_in_a_hundred_is_the_greatest_and_not_the_p99() -> None:
    told = summed([0.001] * 60 + [0.05] * 39 + [0.7, None])

    assert told == {"due": 101, "missed": 1, "p50": 0.001, "p99": 0.05, "max": 0.7}


def test_a_notice_is_lost_where_it_never_came_or_is_not_kept_for_who_was_silent() -> None:
    wanted = {("opened", "page-0"), ("opened", "port-1"), ("resolved", "port-1")}
    came = [("a", "opened", "page-0"), ("b", "opened", "port-1"), ("b", "opened", "port-1"), ("c", "opened", "page-2")]

    assert account(came, {"a", "b"}, wanted) == {"told": 4, "lost": 2, "repeated": 1, "unexpected": 1, "kept": 2}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, []),
        ({"p99": 0.1001}, ["crowd p99 0.1001 > 0.1"]),
        ({"lost": 1, "repeated": 2}, ["crowd lost 1 > 0", "crowd repeated 2 > 0"]),
    ],
)
def test_the_crowds_gates_are_the_greatest_that_is_allowed(changed: dict[str, Any], said: list[str]) -> None:
    assert beyond(CROWD | changed) == said
    assert "late     p50 / p99 / max" in crowd_table(CROWD | changed)


def test_scrapes_add_up_to_when_each_check_was_looked_at() -> None:
    reading = Reading()
    for at in (7.5, 7.5, 17.5):
        reading.take(
            f'migrawatch_look_timestamp_seconds{{check="page-0",host="host-0"}} {at}\n'
            f'migrawatch_look_lateness_seconds_bucket{{le="0.1"}} {at}\nprocess_cpu_seconds_total 3.25\n'
        )

    assert reading.began == {"page-0": {7.5, 17.5}}
    assert reading.values["migrawatch_look_lateness_seconds_bucket 0.1"] == 17.5
    assert reading.values["process_cpu_seconds_total"] == 3.25


def test_a_tenth_of_the_town_hangs_and_as_many_pages_as_ports() -> None:
    hanging = list(filter(town.hangs, range(town.TARGETS)))

    assert len(hanging) == town.HANGING
    assert sum(map(town.speaks_http, hanging)) == town.HANGING / 2
    assert len(set(map(town.address_of, range(town.TARGETS)))) == town.TARGETS


# -- the domains --------------------------------------------------------------------------------------------------

SPENT = Spent(seconds=100.0, looks=160, cpu=1.6, kept=960, public=1281)


def test_what_some_looks_took_comes_to_a_part_of_a_core_at_the_whole_pace() -> None:
    """500 in 300 s, and of these 100 s saw fewer than a third."""
    assert domains_summary(SPENT) == {
        "looks": 160, "seconds": 100.0, "cpu_per_look": 0.01, "share": 0.0167, "kept": 6.0, "public": 8.0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, []),
        ({"cpu": 1.93}, ["domains share 0.0201 > 0.02"]),
        # Questions of a look that was going at either end of the time are not one more of each.
        ({"kept": 966}, []),
        ({"kept": 976}, ["domains kept 6.1 > 6"]),
    ],
)
def test_the_domains_gates_are_the_greatest_that_is_allowed(changed: dict[str, float], said: list[str]) -> None:
    told = domains_summary(replace(SPENT, **changed)) | {"domains": 500, "every": 300.0, "rss": 9e7}

    assert domains_beyond(told) == said
    assert "of a core (gate 2%)" in domains_table(told)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_real_domains_are_looked_at_and_dns_core_counts_what_it_is_asked() -> None:
    """A few at a quick pace, so that the numbers mean nothing; how many questions a look asks, the kind's tests say."""
    told = domains(Scale(domains=20, every=12.0, warm=11.0, steady=14.0))

    assert (told["domains"], told["every"]) == (20, 12.0)
    assert all(told[name] > 0 for name in ("looks", "share", "kept", "public", "rss")), told


# -- the scrape ---------------------------------------------------------------------------------------------------

SCRAPES = {
    "gzip": [Scraped(cpu=0.06, stall=0.002, size=3_000_000), Scraped(cpu=0.07, stall=0.003, size=3_100_000),
             Scraped(cpu=0.5, stall=0.2, size=2_900_000)],
    "text": [Scraped(cpu=0.04, stall=0.001, size=38_000_000)],
}  # fmt: skip


def test_one_scrape_beside_somebody_elses_work_does_not_decide() -> None:
    told = scrape_summary(SCRAPES, rss=150_000_000)

    assert told["gzip"] == {"cpu": 0.07, "stall": 0.003, "worst_stall": 0.2, "bytes": 3_100_000}
    assert scrape_beyond(told) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"cpu": 0.11}, ["scrape text cpu 0.11 > 0.1"]),
        ({"stall": 0.011}, ["scrape text stall 0.011 > 0.01"]),
        ({"rss": 157_286_401}, ["scrape rss 157286401 > 157286400"]),
    ],
)
def test_the_scrapes_gates_are_the_greatest_that_is_allowed(changed: dict[str, float], said: list[str]) -> None:
    rss = int(changed.pop("rss", 157_286_400))
    told = scrape_summary(SCRAPES | {"text": [replace(SCRAPES["text"][0], **changed)]}, rss)

    assert scrape_beyond(told) == said
    assert "150 MiB" in scrape_table({**told, "checks": 10_000, "every": 60.0, "series": 275_000})


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_real_daemon_is_scraped_while_others_ask() -> None:
    """Of few checks: the numbers mean nothing here."""
    told = scrape(ScrapeScale(checks=40, every=6.0, scrapes=1, apart=0.1))

    assert told["checks"] == 40
    assert told["series"] > 40 * 20
    assert told["gzip"]["bytes"] < told["text"]["bytes"] / 4
    assert told["text"]["stall"] > 0
    assert told["rss"] > 0
