"""/metrics: what Prometheus reads is what was seen; removed checks are gone; nobody waits for a scrape."""

import asyncio
import gzip
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from migrawatch.model import Evidence, Finding, Measure, Observation, Reading, Subject, Verdict
from migrawatch.reason import Reason
from migrawatch.show.exposition import Exposition
from migrawatch.show.pieces import packed
from migrawatch.show.series import labels_of, number, samples_of
from tests.show.scenes import FAULTS, SUBJECTS, faulty, healthy, reach, seen, whole
from tests.tell.stories import incident

API = SUBJECTS[1]
NAMES = ("check", "probe", "host", "service", "vantage")

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def series(text: str, parse: Any = parse_text) -> Series:
    """Every sample by name and labels; a series that is there twice fails."""
    found: Series = {}
    for family in parse(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, key
            found[key] = sample.value
    return found


def of(found: Series, name: str, check: str, **labels: str) -> float | None:
    """The value of one series of *check*."""
    for (named, pairs), value in found.items():
        have = dict(pairs)
        if named == name and have.get("check") == check and labels.items() <= have.items():
            return value
    return None


async def scraped(*observations: Observation, openmetrics: bool = False) -> str:
    exposition = Exposition()
    for each in observations:
        exposition.observed(each)
    return (await whole(exposition.lines(openmetrics))).decode()


@pytest.mark.parametrize(
    ("verdict", "success"), [(Verdict.OK, 1.0), (Verdict.WARN, 1.0), (Verdict.DOWN, 0.0), (Verdict.UNKNOWN, None)]
)
async def test_success_is_blackboxs_and_absent_when_we_could_not_look(verdict: Verdict, success: float | None) -> None:
    """Unknown is not down: a rule on `probe_success == 0` must not fire."""
    finding = Finding(verdict, Reason.HTTP_GATEWAY, "HTTP 502")
    found = series(await scraped(seen(API, *(() if verdict is Verdict.OK else (finding,)))))

    assert of(found, "probe_success", "api-public") == success
    assert {v: of(found, "probe_verdict", "api-public", verdict=v) for v in Verdict} == {
        v: float(v is verdict) for v in Verdict
    }
    reason = of(found, "probe_failure_reason", "api-public", reason="http_gateway")
    assert reason == (None if verdict is Verdict.OK else 1.0)


async def test_every_series_of_a_check_carries_the_five_labels_and_the_kinds_own() -> None:
    """Existing dashboards find `probe_http_duration_seconds{phase}` as they know it."""
    found = series(await scraped(seen(API)))

    assert of(found, "probe_http_status_code", "api-public") == 200.0
    assert of(found, "probe_http_duration_seconds", "api-public", phase="tls") == 0.0201
    assert of(found, "migrawatch_step_seconds", "api-public", step="connect") == 0.0012
    assert of(found, "probe_duration_seconds", "api-public") == 0.0423
    assert all(set(NAMES) <= {name for name, _ in pairs} for _, pairs in found)


async def test_what_a_look_no_longer_notes_is_gone() -> None:
    """A phase of the last look but one would be a lie."""
    exposition = Exposition()
    exposition.observed(seen(API, *FAULTS["api-public"]))
    await whole(exposition.lines(False))

    exposition.observed(seen(API, readings=()))
    found = series((await whole(exposition.lines(False))).decode())

    assert of(found, "probe_http_status_code", "api-public") is None
    assert of(found, "probe_failure_reason", "api-public") is None
    assert of(found, "probe_success", "api-public") == 1.0


def made(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the looks took whose rows were made, as they are made."""
    found: list[float] = []

    def counting(look: Observation) -> Any:
        found.append(look.took)
        return samples_of(look)

    monkeypatch.setattr("migrawatch.show.exposition.samples_of", counting)
    return found


async def test_a_look_is_made_a_row_when_it_ends_and_a_scrape_finds_it_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    exposition, rows = Exposition(), made(monkeypatch)
    exposition.observed(seen(API, took=1.0))
    before = list(rows)
    text = (await whole(exposition.lines(False))).decode()
    exposition.observed(seen(API, took=2.0))

    assert before == [1.0]
    assert rows == [1.0, 2.0]
    assert of(series(text), "probe_duration_seconds", "api-public") == 1.0


async def test_of_a_check_looked_at_more_often_than_anybody_asks_only_the_last_look_is_made_a_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every second look would be made one for nobody."""
    exposition, rows = Exposition(), made(monkeypatch)
    told = []
    for scraped in range(3):
        for look in range(3):
            exposition.observed(seen(API, took=10.0 * scraped + look))
        told.append(of(series((await whole(exposition.lines(False))).decode()), "probe_duration_seconds", "api-public"))

    assert told == [2.0, 12.0, 22.0]
    assert rows == [0.0, 2.0, 12.0, 22.0]


async def test_a_check_that_is_looked_at_seldom_again_is_ready_again(monkeypatch: pytest.MonkeyPatch) -> None:
    exposition, rows = Exposition(), made(monkeypatch)
    for took in (1.0, 2.0):
        exposition.observed(seen(API, took=took))
    await whole(exposition.lines(False))
    exposition.observed(seen(API, took=3.0))
    await whole(exposition.lines(False))
    exposition.observed(seen(API, took=4.0))

    assert rows == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("rendered", [True, False])
async def test_a_removed_check_is_gone_at_once(rendered: bool) -> None:
    """A reload must not leave a dead check's last values behind."""
    exposition = Exposition()
    exposition.observed(seen(API))
    exposition.observed(seen(SUBJECTS[0]))
    if rendered:
        await whole(exposition.lines(False))

    exposition.forget("api-public")
    found = series((await whole(exposition.lines(False))).decode())

    assert {dict(pairs)["check"] for _, pairs in found} == {"login-page"}


async def test_a_check_whose_labels_changed_has_only_the_new_ones() -> None:
    """Two hosts for one check would count twice."""
    board = healthy()
    moved = replace(API, host="srv2")
    await whole(board.metrics(False))
    board.watch((moved,))
    board.observed(seen(moved))

    found = series((await whole(board.metrics(False))).decode())

    assert {dict(pairs)["host"] for (name, pairs) in found if name == "probe_success"} == {"srv2"}


async def test_a_measure_noted_twice_in_one_look_is_there_once() -> None:
    """Every hop of a redirect opens a connection of its own; a series twice would spoil the whole scrape."""
    hops = Measure("probe_ip_protocol", "4 or 6")

    found = series(await scraped(seen(API, readings=(Reading(hops, 6.0), Reading(hops, 4.0)))))

    assert of(found, "probe_ip_protocol", "api-public") == 4.0


async def test_two_kinds_that_share_a_measure_share_its_family() -> None:
    """The lines of a family must be together, its HELP once."""
    one, other = Measure("probe_x", "one"), Measure("probe_x", "other", "", ("a",))
    text = await scraped(
        seen(API, readings=(Reading(one, 1.0),)), seen(SUBJECTS[0], readings=(Reading(other, 2.0, ("b",)),))
    )

    assert text.count("# TYPE probe_x ") == 1
    assert of(series(text), "probe_x", "login-page", a="b") == 2.0


async def test_a_measures_label_never_overwrites_the_checks() -> None:
    """As Prometheus does: the other one is called exported_host."""
    clash = Measure("probe_x", "x", "", ("host",))

    found = series(await scraped(seen(API, readings=(Reading(clash, 1.0, ("elsewhere",)),))))

    assert of(found, "probe_x", "api-public", host="srv1", exported_host="elsewhere") == 1.0


@given(st.text(), st.text(), st.floats())
def test_any_label_and_any_value_reads_back(check: str, label: str, value: float) -> None:
    """Quotes, backslashes, line breaks, infinities: none may break a scrape."""
    subject = replace(API, check=check)
    measure = Measure("probe_x", "x", "", ("a",))
    measures, row = samples_of(seen(subject, readings=(Reading(measure, value, (label,)),)))
    line = row[measures.index(measure)]

    # The parser splits at line breaks that only Python takes for such; the format knows one.
    text = (b"probe_x{" + labels_of(subject) + line).decode()
    assert text.count("\n") == 1
    if text.splitlines() == [text[:-1]]:
        ((_, pairs),) = series(text)
        assert dict(pairs)["check"] == check
        assert dict(pairs)["a"] == label


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (0.25, "0.25"),
        (1e22, "1e+22"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (-0.0, "0"),
        (7, "7"),
    ],
)
def test_numbers_read_as_both_formats_want_them(value: float, text: str) -> None:
    """The shortest text that reads back as the same number."""
    assert number(value) == text
    assert number(float("nan")) == "NaN"


async def test_the_whole_board_parses_in_both_formats_and_says_the_same() -> None:
    """prometheus_client's own parsers are the judge; OpenMetrics' is the stricter."""
    board = faulty()
    text = series((await whole(board.metrics(False))).decode())
    openmetrics = series((await whole(board.metrics(True))).decode(), parse_openmetrics)

    ours = {key: value for key, value in text.items() if key[0].startswith("probe_")}
    assert len(ours) > 50
    assert {key: value for key, value in openmetrics.items() if key[0].startswith("probe_")} == ours
    assert (await whole(board.metrics(True))).endswith(b"# EOF\n")


async def test_no_error_text_and_no_target_is_a_label() -> None:
    """Labels never carry values, times or error texts."""
    text = (await whole(faulty().metrics(False))).decode()

    for told in ("HTTP 502", "refused the connection", "6.3 days", "https://", "5432"):
        assert told not in text.replace("closed/5432", ""), told


async def test_an_open_incident_is_a_gauge_by_its_cause() -> None:
    """Alertmanager can page on it with no `for`: it is debounced already."""
    board = faulty()
    text = series((await whole(board.metrics(False))).decode())

    labels = {"host": "mpanel-core", "service": "mpanel-backend", "severity": "critical", "reason": "process_stopped"}
    assert of(text, "migrawatch_incident", "pm2/mpanel-backend", **labels) == 1.0
    assert text[("migrawatch_incidents_open", (("severity", "critical"),))] == 1.0
    board.judged(())
    gone = series((await whole(board.metrics(False))).decode())
    assert of(gone, "migrawatch_incident", "pm2/mpanel-backend") is None
    assert gone[("migrawatch_incidents_open", (("severity", "critical"),))] == 0.0


async def test_two_incidents_that_look_alike_do_not_spoil_the_scrape() -> None:
    """A series may be there only once."""
    board = healthy()
    board.judged((incident("a"), incident("b")))

    found = series((await whole(board.metrics(False))).decode())

    assert found[("migrawatch_incidents_open", (("severity", "critical"),))] == 2.0


async def test_the_daemon_tells_of_itself() -> None:
    """Who watches the watcher needs these."""
    board = healthy()
    board.late("api-public", 0.004)
    board.lagged(0.0)
    board.noted("oncall", "sent")
    board.skipped()
    board.reloaded(False)
    reach(board, srv1=True, mail=False)

    found = series((await whole(board.metrics(False))).decode())

    assert found[("migrawatch_looks_total", (("verdict", "ok"),))] == len(SUBJECTS) + 1
    assert found[("migrawatch_look_lateness_seconds_count", ())] == 1.0
    assert found[("migrawatch_loop_lag_seconds_count", ())] == 1.0
    assert found[("migrawatch_notices_total", (("outcome", "sent"), ("receiver", "oncall")))] == 1.0
    assert found[("migrawatch_looks_skipped_total", ())] == 1.0
    assert found[("migrawatch_config_last_reload_successful", ())] == 0.0
    assert found[("migrawatch_config_last_reload_success_timestamp_seconds", ())] == board.started_at.timestamp()
    assert found[("migrawatch_start_timestamp_seconds", ())] == board.started_at.timestamp()
    assert found[("migrawatch_vantage_up", (("vantage", "mail"),))] == 0.0
    assert found[("migrawatch_checks", ())] == len(SUBJECTS) + 2
    assert any(name == "migrawatch_build_info" for name, _ in found)


def wide(number: int) -> Observation:
    """A check with 40 series."""
    subject = Subject(
        check=f"check-{number}", probe="http", host=f"host-{number % 20}", service="s", vantage="here", target="x"
    )
    phase = Measure("probe_many", "many", "", ("n",))
    return seen(subject, readings=tuple(Reading(phase, number + n / 7, (str(n),)) for n in range(30)))


@pytest.mark.slow
async def test_a_scrape_of_50000_series_lets_everybody_else_run() -> None:
    """prometheus_client would stall the loop for 0.7 s; checks would seem slow and timeouts would fire."""
    exposition = Exposition()
    for n in range(1250):
        exposition.observed(wide(n))
    gaps = []

    async def pulse() -> None:
        last = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(0)
            now = asyncio.get_running_loop().time()
            gaps.append(now - last)
            last = now

    beating = asyncio.create_task(pulse())
    body = await whole(exposition.lines(False))
    small = await whole(packed(exposition.lines(False)))
    beating.cancel()

    assert body.count(b"\nprobe_many{") + 1 > 37_000
    assert body.count(b"\n") > 50_000
    assert gzip.decompress(small) == body
    # A generous bar for a shared machine; in calm the longest gap is some milliseconds.
    assert max(gaps) < 0.1


async def test_evidence_stays_out_of_the_metrics() -> None:
    """It is for people."""
    text = await scraped(seen(API, evidence=(Evidence("log", "secret-looking"),)))

    assert "secret-looking" not in text


async def test_a_gauge_that_is_asked_for_twice_is_there_once() -> None:
    """The daemon may know better than the board how something is counted."""
    board = healthy()
    board.telemetry.ask("migrawatch_checks", "Checks.", (), lambda: [((), 99.0)])

    assert series((await whole(board.metrics(False))).decode())[("migrawatch_checks", ())] == 99.0
