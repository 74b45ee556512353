"""The kind `exec`, with Debian's plugins and with rude ones, here and through a real sshd."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from migrawatch.config import ConfigError, load
from migrawatch.look import GRACE
from migrawatch.model import Observation, Verdict
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reach.vantage import Vantage
from migrawatch.reason import Reason
from migrawatch_probes.exec import ExecProbe
from tests.reach.ssh_servers import login_of
from tests.servers.looking import look_at
from tests.servers.ports import closed_port
from tests.servers.sshd import sshd

PLUGINS = "/usr/lib/nagios/plugins"


async def seen(*command: str, **look_with: Any) -> Observation:
    return await look_at(ExecProbe(command=command), **look_with)


async def said(script: str, **look_with: Any) -> Observation:
    """What comes of a plugin that is a shell script."""
    return await seen("/bin/sh", "-c", script, **look_with)


def values(observation: Observation) -> dict[str, float]:
    return {f"{reading.measure.name}:{reading.labels[0]}": reading.value for reading in observation.readings}


@pytest.mark.parametrize(("status", "verdict"), [
    ("0", Verdict.OK), ("1", Verdict.WARN), ("2", Verdict.DOWN), ("3", Verdict.UNKNOWN),
])  # fmt: skip
async def test_the_exit_status_is_the_verdict_and_the_first_line_the_detail(status: str, verdict: Verdict) -> None:
    observation = await seen(f"{PLUGINS}/check_dummy", status, "a word | a=1")

    assert observation.verdict is verdict
    if verdict is not Verdict.OK:
        assert observation.reason is Reason.COMMAND_FAILED
        assert observation.detail.endswith(": a word")
    assert values(observation) == {"probe_perfdata_value:a": 1}


async def test_real_plugins_are_measured() -> None:
    load_average = await seen(f"{PLUGINS}/check_load", "-w", "9999,9999,9999", "-c", "9999,9999,9999")
    disk = await seen(f"{PLUGINS}/check_disk", "-w", "0%", "-c", "0%", "-p", "/")

    assert (load_average.verdict, disk.verdict) == (Verdict.OK, Verdict.OK)
    assert {"probe_perfdata_value:load1", "probe_perfdata_value:load15"} <= values(load_average).keys()
    assert values(disk)["probe_perfdata_bytes:/"] > 1_000_000


async def test_a_real_plugin_that_finds_something_wrong() -> None:
    with closed_port() as port:
        observation = await seen(f"{PLUGINS}/check_tcp", "-H", "127.0.0.1", "-p", str(port))

    assert (observation.verdict, observation.reason) == (Verdict.DOWN, Reason.COMMAND_FAILED)
    assert "refused" in observation.detail


async def test_what_is_beyond_its_limits_and_the_lines_after_the_first_are_evidence() -> None:
    observation = await said("printf 'BAD|a=5;1;9 b=1;2\\nsecond\\nthird|c=3;@1:4\\n'; exit 1")

    assert [evidence.text for evidence in observation.evidence] == ["second\nthird", "beyond its limits: a=5, c=3"]


async def test_no_shell_reads_the_arguments() -> None:
    assert (await seen("/bin/echo", "$HOME", "`id`", "; exit 2")).verdict is Verdict.OK
    assert (await seen(f"{PLUGINS}/check_dummy", "2", "$(id); *")).detail == "CRITICAL: $(id); *"


@pytest.mark.parametrize("script", [
    "true", "exit 2", "echo; exit 0", "printf '\\001\\002'", "echo '|a=1'", "echo what >&2; exit 2", "echo OK; exit 4",
    "echo OK; exit 255", "echo OK; kill -9 $$",
])  # fmt: skip
async def test_what_is_no_plugin_is_believed_nothing(script: str) -> None:
    observation = await said(script)

    assert (observation.verdict, observation.reason) == (Verdict.UNKNOWN, Reason.COMMAND_FAILED)


async def test_a_plugin_that_is_not_there_says_nothing_of_the_service() -> None:
    observation = await seen("/nonexistent/check_x")

    assert (observation.verdict, observation.reason) == (Verdict.UNKNOWN, Reason.COMMAND_FAILED)
    assert "no such command" in observation.detail


@pytest.mark.parametrize("command", [(), ("check_load",), ("",)])
def test_a_plugin_is_named_by_its_whole_path(command: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="whole path"):
        ExecProbe(command=command)


def test_a_command_line_in_one_string_is_refused_with_its_place(tmp_path: Path) -> None:
    """It would be a program whose name has spaces."""
    (tmp_path / "a.yaml").write_text(
        "hosts: {a: {address: 127.0.0.1}}\nchecks:\n"
        "  c: {probe: exec, host: a, from: here, command: check_load -w 1}\n"
    )  # fmt: skip

    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "a.yaml", {})

    assert ["whole path" in problem.what for problem in refused.value.problems] == [True]
    assert "a.yaml:3:" in str(refused.value)


# -- rude ones ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=["here", "far"])
async def vantage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Vantage]:
    if request.param == "here":
        yield Here()
        return
    with sshd(tmp_path) as server:
        far = Ssh(login_of(server), Here())
        await far.run(("true",))
        yield far
        await far.close()


@pytest.mark.slow
class TestRudePlugins:
    async def test_a_flood_is_read_up_to_a_limit(self, vantage: Vantage) -> None:
        observation = await said("echo 'OK|a=1'; yes | head -c 20000000; exit 1", vantage=vantage, timeout=20)

        assert (observation.verdict, observation.detail) == (Verdict.WARN, "OK")
        assert max(len(evidence.text) for evidence in observation.evidence) <= 1500
        assert values(observation) == {"probe_perfdata_value:a": 1}

    async def test_a_line_without_end_is_cut(self, vantage: Vantage) -> None:
        observation = await said("head -c 9000000 /dev/zero | tr '\\0' x; exit 2", vantage=vantage, timeout=20)

        assert observation.verdict is Verdict.DOWN
        assert len(observation.detail) == 300

    async def test_an_endless_flood_ends_at_the_deadline(self, vantage: Vantage) -> None:
        observation = await said("exec yes", vantage=vantage, timeout=0.5)

        assert (observation.verdict, observation.reason) == (Verdict.DOWN, Reason.COMMAND_TIMEOUT)
        assert observation.took < 0.5 + GRACE

    async def test_one_that_left_a_child_behind_has_said_its_word(self, vantage: Vantage) -> None:
        """The child holds the output open."""
        observation = await said("echo BAD; sleep 4 & exit 2", vantage=vantage)

        assert (observation.verdict, observation.detail) == (Verdict.DOWN, "BAD")
        assert observation.took < 3

    async def test_one_that_heeds_no_signal_is_killed_with_its_children(self, tmp_path: Path) -> None:
        script = f"trap '' TERM INT HUP; sleep 1000 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/self; wait; wait"
        observation = await said(script, timeout=0.5)

        assert (observation.verdict, observation.reason) == (Verdict.DOWN, Reason.COMMAND_TIMEOUT)
        assert observation.took < 0.5 + GRACE
        for name in ("self", "child"):
            assert is_gone(int((tmp_path / name).read_text()))


def is_gone(pid: int) -> bool:
    """Whether a process has ended, at once or within a moment: an orphan is collected by whoever runs the machine."""
    ends = time.monotonic() + 2
    while time.monotonic() < ends:
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.01)
    return False
