"""The other commands: check-config, kinds, schema, incidents, run, demo; help, completion, and what is imported."""

import asyncio
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from migrawatch.cli.main import _COMMANDS
from migrawatch.store import Store, Transaction
from tests.cli.conftest import Town
from tests.tell.stories import incident, resolved

COMMANDS = (
    "run",
    "probe",
    "discover",
    "check-config",
    "gate",
    "kinds",
    "incidents",
    "ack",
    "maintenance",
    "schema",
    "demo",
)


# -- usage ------------------------------------------------------------------------------------------------------------


def test_help_lists_every_command_and_the_exit_codes(run: Any) -> None:
    ran = run("--help")

    assert ran.code == 0
    assert all(f"  {command} " in ran.out for command in COMMANDS)
    assert "3 unknown" in ran.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Any, command: str) -> None:
    ran = run(command, "-h")

    assert (ran.code, ran.out.startswith(f"Usage: migrawatch {command}")) == (0, True)


def test_the_version_is_told(run: Any) -> None:
    from migrawatch import __version__

    assert run("--version").out == f"migrawatch {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("prob",), "did you mean 'probe'?"),
        (("chekc-config",), "did you mean 'check-config'?"),
        (("xyzzy",), "no such command 'xyzzy'"),
        ((), "Usage: migrawatch"),
        (("incidents", "--limit", "0"), "0 is not in the range"),
        (("demo", "--for", "soon"), "wanted a length such as 60s"),
        (("kinds", "htpt"), "did you mean 'http'?"),
    ],
)
def test_bad_usage_is_3(run: Any, arguments: tuple[str, ...], said: str) -> None:
    ran = run(*arguments)

    assert (ran.code, said in ran.err) == (3, True)


def test_a_mistake_of_ours_is_3_with_its_traceback(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own exit code, 1, would be read as a warning about a service."""
    monkeypatch.setitem(_COMMANDS, "broken", ("no.such.module", "broken", "A command that cannot be imported."))

    ran = run("broken")

    assert (ran.code, "ModuleNotFoundError" in ran.err) == (3, True)


# -- check-config -----------------------------------------------------------------------------------------------------


def test_check_config_counts_what_it_found_and_what_is_not_watched(run: Any, town: Town) -> None:
    ran = run("check-config", town=town)

    assert ran.code == 0
    assert "not watched: unset: the address of later is CHANGE_ME" in ran.out
    assert f"{town.config}: 5 checks on 3 hosts, " in ran.out
    assert ran.out.endswith(": ok\n")


def test_check_config_lists_what_is_watched_on_each_host(run: Any, town: Town) -> None:
    ran = run("check-config", town=town)
    whole = run("check-config", "-v", town=town)

    watched = [line for line in ran.out.splitlines() if line.startswith("watched on ")]
    assert watched == ["watched on edge: 3 tcp, 1 http, 1 host", "watched on panel: 1 http, 1 host"]
    assert "watched on panel: 1 http, 1 host\n  backend\n  host/panel\n" in whole.out


def test_check_config_can_do_without_the_secrets(run: Any, town: Town) -> None:
    """On the machine where it is written there is the configuration and, rightly, no secret of it."""
    text = town.config.read_text()
    town.config.write_text(text.replace('1:1/"}', '1:1/", secret: {credential: nowhere}}'))

    strict = run("check-config", town=town)
    lenient = run("check-config", "--without-secrets", town=town)

    assert (strict.code, "nowhere cannot be read" in strict.err) == (3, True)
    assert (lenient.code, "warning: " in lenient.err, "nowhere cannot be read" in lenient.err) == (0, True, True)


# -- kinds and schema -------------------------------------------------------------------------------------------------


def test_kinds_lists_them_and_tells_all_of_one(run: Any) -> None:
    listed = run("kinds").out
    told = run("kinds", "postgres").out

    assert {line.split()[0] for line in listed.splitlines()} >= {"http", "tcp", "tls", "postgres", "pm2", "unit"}
    assert "  user: text, must be set" in told
    assert "  password: secret" in told
    assert "remedies:" in told
    assert "class" not in told


@pytest.mark.parametrize("kind", ["http", "host", "nginx_config", "nginx_proxy", "port_closed", "ssh", "tls"])
def test_every_kind_can_be_told(run: Any, kind: str) -> None:
    ran = run("kinds", kind)

    assert (ran.code, f"{kind}: " in ran.out, "settings:" in ran.out) == (0, True, True)


def test_the_schema_holds_for_a_real_configuration(run: Any, town: Town) -> None:
    schema = json.loads(run("schema").out)

    jsonschema.validate(yaml.safe_load(town.config.read_text()), schema)


# -- incidents --------------------------------------------------------------------------------------------------------


async def _filled(path: Path) -> None:
    async with Store.open(path) as store:
        await store.commit(Transaction(incidents=(incident("aaaa1111"), resolved("bbbb2222"))))


@pytest.fixture
def state(town: Town) -> Path:
    """A state file with one open incident and one that is over, in its configured place."""
    path = town.folder / "state.db"
    asyncio.run(_filled(path))
    town.config.write_text("daemon: {state: state.db}\n" + town.config.read_text())
    return path


def test_incidents_lists_the_open_ones_first(run: Any, town: Town, state: Path) -> None:
    ran = run("incidents", town=town)

    assert ran.code == 0
    assert [line.split()[:2] for line in ran.out.splitlines()] == [["aaaa1111", "open"], ["bbbb2222", "resolved"]]
    assert "mpanel-backend is stopped on mpanel-core" in ran.out


def test_incidents_can_be_limited_to_open_ones_and_told_as_json(run: Any, state: Path) -> None:
    [told] = json.loads(run("incidents", "--state", str(state), "--open", "--format", "json").out)

    assert (told["id"], told["state"], told["cause"]["check"]) == ("aaaa1111", "open", "pm2/mpanel-backend")


def test_one_incident_is_told_whole_by_the_beginning_of_its_id(run: Any, state: Path) -> None:
    ran = run("incidents", "--state", str(state), "aaaa")

    assert 'ssh mpanel-core "pm2 restart mpanel-backend"' in ran.out
    assert "bbbb2222" not in ran.out


def test_an_unknown_incident_and_a_state_that_is_not_there_are_said(run: Any, state: Path) -> None:
    unknown = run("incidents", "--state", str(state), "cccc")
    nowhere = run("incidents", "--state", str(state) + ".not")

    assert (unknown.code, "there is no incident 'cccc'" in unknown.err) == (3, True)
    assert (nowhere.code, "cannot be read" in nowhere.err, "Traceback" in nowhere.err) == (3, True, False)


def test_no_incidents_is_said(run: Any, town: Town, state: Path) -> None:
    asyncio.run(_emptied(town.folder / "empty.db"))

    assert run("incidents", "--state", str(town.folder / "empty.db")).out == "no incidents\n"


async def _emptied(path: Path) -> None:
    async with Store.open(path):
        pass


def test_incidents_reads_the_state_while_a_daemon_holds_it(run: Any, town: Town, state: Path) -> None:
    """It has the file open and locked against a second daemon; readers are welcome."""

    async def held() -> str:
        async with Store.open(state) as store:
            await store.commit(Transaction(incidents=(incident("dddd4444"),)))
            argv = [sys.executable, "-m", "migrawatch.cli.main", "incidents", "--state", str(state)]
            reader = await asyncio.create_subprocess_exec(*argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            out, err = await reader.communicate()
            assert (reader.returncode, err) == (0, b"")
            return out.decode()

    assert "dddd4444" in asyncio.run(held())


# -- run --------------------------------------------------------------------------------------------------------------


def test_run_refuses_a_bad_configuration_with_3(run: Any, town: Town) -> None:
    town.config.write_text("checks: {a: {probe: nothing}}")

    ran = run("run", town=town)

    assert (ran.code, "problem" in ran.err, "Traceback" in ran.err) == (3, True, False)


# -- what is imported -------------------------------------------------------------------------------------------------

HEAVY = ("asyncssh", "cryptography", "OpenSSL", "psycopg", "uvicorn", "starlette", "prometheus_client", "httpx", "dns")


def imported(*arguments: str) -> set[str]:
    """Which of the heavy libraries a command imports."""
    code = f"""
        import sys
        from migrawatch.cli.main import main
        try:
            main({arguments!r})
        except SystemExit as ended:
            assert not ended.code, ended.code
        print(*({{*{HEAVY!r}, "rich", "pydantic", "yaml"}} & sys.modules.keys()), file=sys.stderr)
    """
    argv = [sys.executable, "-c", textwrap.dedent(code)]
    return set(subprocess.run(argv, capture_output=True, text=True, check=True).stderr.splitlines()[-1].split())


def test_help_imports_nothing_that_it_does_not_need() -> None:
    """Starting up is most of what a one-shot costs."""
    assert imported("--help") == set()


@pytest.mark.parametrize("command", ["probe", "run", "incidents", "check-config", "simulate", "demo"])
def test_the_help_of_a_command_needs_no_network(command: str) -> None:
    assert imported(command, "--help").isdisjoint(HEAVY)


def test_a_configuration_of_web_checks_is_read_without_ssh_tls_and_postgres(town: Town) -> None:
    assert imported("check-config", "-c", str(town.config)).isdisjoint({*HEAVY, "rich"})


def test_what_is_only_supposed_needs_no_ssh_tls_and_postgres(town: Town) -> None:
    assert imported("simulate", "-c", str(town.config), "--down", "page").isdisjoint(HEAVY)


# -- completion -------------------------------------------------------------------------------------------------------


def completed(town: Town, words: str) -> list[str]:
    environ = {
        **os.environ,
        "_MIGRAWATCH_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "MIGRAWATCH_CONFIG": str(town.config),
    }
    argv = [sys.executable, "-m", "migrawatch.cli.main"]
    out = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False).stdout
    return [line.partition(",")[2] for line in out.splitlines() if line]


def test_the_shell_completes_commands_options_and_checks(town: Town) -> None:
    assert completed(town, "migrawatch ch") == ["check-config"]
    assert completed(town, "migrawatch probe --fo") == ["--format"]
    assert completed(town, "migrawatch probe oth") == ["other/a", "other/b"]
    assert completed(town, "migrawatch simulate --down pa") == ["page", "panel"]


def test_completing_with_a_broken_configuration_is_silent(town: Town) -> None:
    town.config.write_text("checks: [")

    assert completed(town, "migrawatch probe oth") == []
