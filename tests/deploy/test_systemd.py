"""The units: what systemd itself says of them, and how long a daemon that fails again and again waits."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.deploy.packages import ROOT

pytestmark = pytest.mark.slow

UNITS = ROOT / "deploy/systemd"
SERVICES = ("migrawatch.service", "migrawatch@shard.service", "migrawatch-probe@api-public.service")
MOST = 1.2


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units on a machine that has the commands which they run; instances as they are when started."""
    for unit in UNITS.glob("migrawatch*.*"):
        if unit.suffix in (".service", ".socket", ".timer"):
            text = (
                unit.read_text()
                .replace("/usr/bin/migrawatch", "/bin/true")
                .replace("/usr/lib/migrawatch/", "/bin/true ")
            )
            (tmp_path / unit.name).write_text(text)
    for name in SERVICES[1:]:
        shutil.copy(tmp_path / re.sub("@.*[.]", "@.", name), tmp_path / name)
    return tmp_path


def systemd(*argv: str | Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    argv = ("systemd-analyze", "--no-pager", *argv)
    return subprocess.run(argv, env={**os.environ, **environ}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", [*SERVICES, "migrawatch.socket", "migrawatch-probe@.timer"])
def test_systemd_finds_nothing_wrong(name: str, units: Path) -> None:
    """An unknown or wrong setting is a warning that nobody reads, and is then not in force."""
    verified = systemd("verify", "--man=no", units / name, SYSTEMD_UNIT_PATH=f"{units}:")

    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


@pytest.mark.parametrize("name", SERVICES)
def test_the_exposure_is_small(name: str, units: Path) -> None:
    judged = systemd("security", "--offline=yes", f"--threshold={MOST * 10:.0f}", units / name)
    exposure = re.search(r"exposure level for \S+: ([\d.]+)", judged.stdout)

    assert exposure, judged.stderr
    assert float(exposure[1]) <= MOST


def test_both_daemons_are_confined_alike() -> None:
    """A shard differs in its places, and in having no socket."""
    ours = {"migrawatch@.service": {}, "migrawatch.service": {}}
    for name, kept in ours.items():
        section = (UNITS / name).read_text().partition("[Service]")[2].partition("[Install]")[0]
        for line in section.splitlines():
            key, is_setting, value = line.partition("=")
            if is_setting and not line.startswith("#"):
                kept.setdefault(key, []).append(value)
    different = {key for key in ours["migrawatch.service"] if len({str(kept.get(key)) for kept in ours.values()}) > 1}

    assert ours["migrawatch.service"].keys() == ours["migrawatch@.service"].keys()
    assert different == {"ExecStart", "ExecReload", "LoadCredential", "StateDirectory", "RuntimeDirectory"}


def test_the_socket_listens_where_the_configuration_does() -> None:
    socket, config = (UNITS / "migrawatch.socket").read_text(), (ROOT / "config/migrawatch.yaml").read_text()
    [there] = re.findall(r"^ListenStream=(.*)$", socket, re.MULTILINE)

    assert re.findall(r"^  listen: (\S+)", config, re.MULTILINE) == [there]


# -- back-off -------------------------------------------------------------------------------------------------------


def back_off(folder: Path, word: str, ended: str = "success") -> str:
    """Run it as systemd does; give for how long it sleeps, without sleeping."""
    commands = folder / "bin"
    commands.mkdir(exist_ok=True)
    (commands / "sleep").write_text('#!/bin/sh\necho "$1" >"$SLEPT"\n')
    (commands / "sleep").chmod(0o755)
    told = folder / "slept"
    told.unlink(missing_ok=True)
    environ = {
        "RUNTIME_DIRECTORY": str(folder),
        "SERVICE_RESULT": ended,
        "SLEPT": str(told),
        "PATH": f"{commands}:/usr/bin:/bin",
    }
    subprocess.run([UNITS / "back-off", word], env=environ, check=True, capture_output=True)
    return told.read_text().strip() if told.exists() else ""


def test_each_failure_doubles_the_wait_up_to_a_minute(tmp_path: Path) -> None:
    waits = []
    for _ in range(10):
        back_off(tmp_path, "note", "signal")
        waits.append(back_off(tmp_path, "wait"))

    assert waits == ["", "2", "4", "8", "16", "32", "60", "60", "60", "60"]


def test_a_first_start_waits_for_nothing(tmp_path: Path) -> None:
    assert back_off(tmp_path, "wait") == ""


def test_an_end_in_order_forgives_the_failures_before_it(tmp_path: Path) -> None:
    """Whoever types `systemctl restart` does not wait."""
    for _ in range(5):
        back_off(tmp_path, "note", "watchdog")
    back_off(tmp_path, "note", "success")

    assert back_off(tmp_path, "wait") == ""


def test_what_failed_long_ago_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "failures").write_text(f"{int(time.time()) - 700}\n" * 5)

    assert back_off(tmp_path, "wait") == ""
