"""`migrawatch probe`: what is asked for, what is said of it, and the exit code."""

import json
import re
from typing import Any

import jsonschema
import pytest

from tests.cli.conftest import Town

# -- exit codes -------------------------------------------------------------------------------------------------------


def test_ok_is_0(run: Any, town: Town) -> None:
    assert run("probe", "nginx", town=town).code == 0


def test_down_is_2(run: Any, town: Town) -> None:
    assert run("probe", "backend", town=town).code == 2


def test_warn_is_1(run: Any, town: Town) -> None:
    """Answering, but slower than anybody wants: a microsecond."""
    town.write(
        "hosts: {{edge: {{address: 127.0.0.1}}}}\n"
        'checks:\n  lazy: {{probe: http, host: edge, url: "http://127.0.0.1:{page}/", slow_after: 0.001ms}}\n'
    )

    ran = run("probe", "lazy", town=town)

    assert (ran.code, "slow" in ran.out) == (1, True)


def test_unknown_is_3(run: Any, town: Town) -> None:
    """A vantage that cannot be logged in to shows nothing of what lies behind it."""
    (town.folder / "key").write_text("no key")
    (town.folder / "known_hosts").write_text("")
    town.write(
        "ssh: {{key: {{file: key}}, known_hosts: known_hosts, port: {backend}}}\n"
        "hosts: {{edge: {{address: 127.0.0.1}}}}\n"
        "checks:\n  far: {{probe: tcp, host: edge, from: edge, port: {page}}}\n"
    )

    ran = run("probe", "far", town=town)

    assert ran.code == 3, ran.out


def test_the_exit_code_is_that_of_what_was_asked_for_not_of_its_needs(run: Any, town: Town) -> None:
    """The page answers 200 although what it needs is down; who asks for the page gets the page's verdict."""
    ran = run("probe", "page", town=town)

    assert ran.code == 0
    assert re.search(r"^down +  backend", ran.out, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say which checks"),
        (("bakend",), "no check is named 'bakend'; did you mean 'backend'?"),
        (("nothing-like-it-at-all",), "no check is named 'nothing-like-it-at-all'"),
        (("no/*",), "no check is named 'no/*'"),
        (("--host", "nobody"), "no check fits"),
        (("--hots", "edge"), "Did you mean '--host'?"),
        (("page", "--format", "xml"), "'xml' is not one of"),
        (("unset",), "the check 'unset' is not watched: the address of later is CHANGE_ME"),
    ],
)
def test_bad_usage_is_3_and_says_what_was_meant(run: Any, town: Town, arguments: tuple[str, ...], said: str) -> None:
    ran = run("probe", *arguments, town=town)

    assert ran.code == 3
    assert said in ran.err
    assert ran.out == ""


def test_a_bad_configuration_is_3_with_every_mistake_and_its_place(run: Any, town: Town) -> None:
    text = town.config.read_text()
    town.config.write_text(text.replace("nginx: {probe: tcp", "nginx: {probe: tpc").replace("[nginx, b", "[ngins, b"))

    ran = run("probe", "page", town=town)

    assert (ran.code, ran.out) == (3, "")
    assert "Error: 2 problems in the configuration" in ran.err
    assert len(re.findall(r"migrawatch\.yaml:\d+:\d+: .*did you mean", ran.err)) == 2


def test_no_configuration_is_3(run: Any, town: Town) -> None:
    ran = run("probe", "page", "-c", str(town.folder / "nowhere.yaml"))

    assert (ran.code, "nowhere.yaml" in ran.err) == (3, True)


# -- what is asked for ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (("nginx", "backend"), ["nginx", "backend"]),
        (("other/*",), ["other/a", "other/b"]),
        (("--host", "panel"), ["backend"]),
        (("--kind", "tcp"), ["nginx", "other/a", "other/b"]),
        (("--tag", "public"), ["page", "other/a"]),
        (("--tag", "public", "--kind", "tcp"), ["other/a"]),
        (("*", "--host", "panel"), ["backend", "host/panel"]),
        (("--all",), ["page", "nginx", "backend", "other/a", "other/b"]),
        (("host/edge",), ["host/edge"]),
    ],
)
def test_checks_are_selected_by_name_glob_host_kind_and_tag(
    run: Any, town: Town, arguments: tuple[str, ...], asked: list[str]
) -> None:
    """Perfdata lists exactly what was asked for."""
    ran = run("probe", *arguments, "--format", "nagios", town=town)

    assert re.findall(r"'([^']+)'=", ran.out) == asked


# -- text -------------------------------------------------------------------------------------------------------------

CHAIN = """\
down     page       http    http_gateway  HTTP 502 Bad Gateway from 127.0.0.1:PAGE, wanted 200 (...)
ok         nginx    tcp     T ms
down       backend  http    connect_refused  connect: 127.0.0.1:BACK refused the connection

CAUSE     mpanel-backend on panel refuses connections  [backend, connect_refused]
seen      connect: 127.0.0.1:BACK refused the connection
breaks    page
evidence  page from here: http_gateway: HTTP 502 Bad Gateway from 127.0.0.1:PAGE, wanted 200 (...)
now       pm2 restart mpanel-backend
runbook   https://wiki.example/backend

down  mpanel-backend on panel refuses connections  T s
"""


def test_the_chain_is_shown_indented_with_its_cause_its_evidence_and_the_next_command(run: Any, town: Town) -> None:
    town.status[0] = 502

    ran = run("probe", "page", town=town)

    assert ran.code == 2
    assert levelled(ran.out, town) == CHAIN


def levelled(text: str, town: Town) -> str:
    """*text* without what differs from run to run."""
    text = text.replace(str(town.page), "PAGE").replace(str(town.backend), "BACK")
    text = re.sub(r"wanted 200 \([^)]+\)", "wanted 200 (...)", text)
    text = re.sub(r"\d+ ms", "T ms", text)
    text = re.sub(r"  \d+\.\d\d s$", "  T s", text, flags=re.MULTILINE)
    return "".join(line.rstrip() + "\n" for line in re.sub(r"(tcp +)", "tcp     ", text).splitlines())


def test_without_a_terminal_there_are_no_colours_and_no_bar(run: Any, town: Town) -> None:
    ran = run("probe", "page", town=town)

    assert "\x1b" not in ran.out + ran.err
    assert ran.err == ""


def test_verbose_shows_the_hosts_that_are_well_and_the_steps(run: Any, town: Town) -> None:
    ran = run("probe", "nginx", "-v", town=town)

    assert re.search(r"^ok +  host/edge", ran.out, re.MULTILINE)
    assert re.search(r"connect \d+\.\d ms", ran.out)


# -- json -------------------------------------------------------------------------------------------------------------

TEXT, NUMBER, DATE = {"type": "string"}, {"type": "number"}, {"type": "string", "pattern": r"^\d{4}-.*\.\d{3}Z$"}
VERDICT = {"enum": ["ok", "warn", "down", "unknown"]}
NAMES = {"type": "array", "items": TEXT}


def exactly(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


EVIDENCE = {"type": "array", "items": exactly(source=TEXT, text=TEXT)}
REPORT = exactly(
    version={"const": 1},
    verdict=VERDICT,
    started_at=DATE,
    duration_seconds=NUMBER,
    observations={
        "type": "array",
        "items": exactly(
            check=TEXT, probe=TEXT, host=TEXT, service=TEXT, vantage=TEXT, target=TEXT,
            verdict=VERDICT, reason={"type": ["string", "null"]}, detail=TEXT, duration_seconds=NUMBER,
            steps={"type": "array", "items": exactly(name=TEXT, seconds=NUMBER, finished={"type": "boolean"})},
            measures={"type": "object", "additionalProperties": NUMBER},
            needs=NAMES,
            findings={"type": "array", "items": exactly(verdict=VERDICT, reason=TEXT, detail=TEXT)},
            evidence=EVIDENCE,
        ),
    },
    causes={
        "type": "array",
        "items": exactly(
            check=TEXT, host=TEXT, service=TEXT, reason=TEXT, summary=TEXT, symptoms=NAMES, evidence=EVIDENCE,
            remedy=NAMES,
        ),
    },
)  # fmt: skip


def test_json_has_the_shape_that_was_promised(run: Any, town: Town) -> None:
    """product.md, version 1: keys are added, never changed."""
    town.status[0] = 502

    document = json.loads(run("probe", "page", "--format", "json", town=town).out)
    jsonschema.validate(document, REPORT)
    [cause] = document["causes"]

    assert document["verdict"] == "down"
    assert [seen["check"] for seen in document["observations"]][:3] == ["page", "nginx", "backend"]
    assert (cause["check"], cause["reason"], cause["symptoms"]) == ("backend", "connect_refused", ["page"])
    assert cause["remedy"] == ["pm2 restart mpanel-backend"]


def test_json_in_health_has_no_causes(run: Any, town: Town) -> None:
    document = json.loads(run("probe", "other/a", "--format", "json", town=town).out)
    jsonschema.validate(document, REPORT)

    assert (document["verdict"], document["causes"]) == ("ok", [])
    assert document["observations"][0]["reason"] is None


# -- nagios -----------------------------------------------------------------------------------------------------------


def test_nagios_is_one_line_with_performance_data(run: Any, town: Town) -> None:
    well = run("probe", "other/*", "--format", "nagios", town=town)
    ill = run("probe", "backend", "--format", "nagios", town=town)

    assert re.fullmatch(
        r"MIGRAWATCH OK - all is well: \d checks ok \| 'other/a'=0\.\d{6}s;;;0 'other/b'=0\.\d{6}s;;;0\n", well.out
    )
    assert re.fullmatch(
        r"MIGRAWATCH CRITICAL - mpanel-backend on panel refuses connections \| 'backend'=0\.\d{6}s;;;0\n", ill.out
    )
    assert (well.code, ill.code) == (0, 2)


def test_a_bar_in_what_is_said_does_not_end_the_nagios_line() -> None:
    from migrawatch.cli.chain import nagios_line
    from migrawatch.inquiry import Inquest
    from migrawatch.model import Finding, Verdict
    from migrawatch.reason import Reason
    from tests.show.scenes import SUBJECTS, seen

    unsure = seen(SUBJECTS[0], Finding(Verdict.UNKNOWN, Reason.COMMAND_FAILED, "cat a | grep b\nfailed"), readings=())

    line = nagios_line(Inquest(asked=("login-page",), observations=(unsure,), causes=()))

    assert line.count("|") == 1
    assert "\n" not in line
