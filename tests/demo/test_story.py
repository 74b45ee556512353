"""The demo, as a newcomer starts it: one page with its cause, one resolve, and a clean end however it ends."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migrawatch.config import load
from migrawatch.demo.story import demo_config, hanging

ROOT = Path(__file__).parents[2]
DEMO = (sys.executable, "-m", "migrawatch.cli.main", "demo")

# Every demo has the same ports: the tests of one file run one after the other.


def demo(*arguments: str, prefix: tuple[str, ...] = (), **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*prefix, *DEMO, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", "PYTHONDONTWRITEBYTECODE": "1", **environ},
    )


def assert_told(ran: "subprocess.CompletedProcess[str]") -> None:
    """All of the story, and nothing else."""
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stderr == ""
    assert re.findall(r"^│ (DOWN|RESOLVED|[A-Z ]+): (.*?) +│$", ran.stdout, re.MULTILINE) == [
        ("DOWN", "mpanel-backend is stopped on mpanel-core"),
        ("RESOLVED", "mpanel-backend is stopped on mpanel-core"),
    ]
    assert '│ type     ssh mpanel-core "pm2 restart mpanel-backend"' in ran.stdout
    assert "http://127.0.0.1:12271/" in ran.stdout
    assert re.search(r"export MIGRAWATCH_CONFIG=/\S+/migrawatch.yaml$", ran.stdout, re.MULTILINE)
    assert max(len(line) for line in ran.stdout.splitlines() if "export" not in line) <= 80


@pytest.mark.slow
def test_the_story_is_told_in_one_page_and_one_resolve() -> None:
    assert_told(demo("--for", "25s"))


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_story_needs_no_root_and_no_writable_checkout() -> None:
    """`nobody`, with a home of its own, on a checkout that is mounted read-only."""
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, 65534, 65534)
        nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        if subprocess.run([*nobody, sys.executable, "-c", ""], check=False, capture_output=True).returncode:
            pytest.skip("this Python lies where only root can read it")
        mounted = f"mount --bind {ROOT} {ROOT} && mount -o remount,ro,bind {ROOT} && cd {ROOT} && exec "
        command = mounted + " ".join((*nobody, *DEMO, "--for", "20s"))
        ran = demo(prefix=("unshare", "--mount", "sh", "-c", command), HOME=home, TMPDIR=home)

    assert_told(ran)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may pass through: for root, PostgreSQL runs as somebody else. pytest's own is private."""
    with tempfile.TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        yield Path(path)


@pytest.fixture(params=[("127.0.0.1", 12271), ("127.0.0.1", 12272), ("127.71.10.206", 2271), ("127.71.10.210", 5432)],
                ids=["the daemon's", "the pager's", "the backend's", "the database's"])  # fmt: skip
def taken(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    with socket.create_server(request.param):
        yield request.param


@pytest.mark.slow
def test_a_port_that_is_taken_is_said_plainly(taken: tuple[str, int]) -> None:
    ran = demo("--for", "1s")

    assert ran.returncode == 3, ran.stdout
    assert "the demo cannot run" in ran.stderr
    assert str(taken[1]) in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.slow
def test_a_port_that_is_taken_in_the_middle_of_the_story_is_said_plainly(folder: Path) -> None:
    """A story that breaks off must not end as one that was told."""
    with started(folder) as running:
        wait_for("Paged", running)
        with socket.create_server(("127.71.10.206", 2271)):
            rest, _ = running.communicate(timeout=30)

    assert running.returncode == 3, rest
    assert "2271" in rest
    assert "Traceback" not in rest
    assert list(folder.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="PostgreSQL runs as somebody else only for root")
def test_a_folder_that_postgresql_cannot_reach_is_named(folder: Path) -> None:
    """Where TMPDIR is root's alone, as libpam-tmpdir makes it."""
    folder.chmod(0o700)

    ran = demo("--for", "1s", TMPDIR=str(folder))

    assert ran.returncode == 3, ran.stdout
    assert re.search(f"the demo cannot run: {folder}/.*: Permission denied", ran.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("after", ["Starting", "The backend dies"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_ended_at_any_moment(after: str, number: signal.Signals, folder: Path) -> None:
    """Ctrl-C goes to all of its processes at once, as a terminal sends it. Nothing stays behind."""
    with started(folder) as running:
        wait_for(after, running)
        os.killpg(running.pid, number)
        rest, _ = running.communicate(timeout=30)

    assert running.returncode in (0, 130), rest
    assert "Traceback" not in rest
    assert list(folder.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)


@contextmanager
def started(folder: Path) -> "Iterator[subprocess.Popen[str]]":
    """The demo, in a group of processes of its own, with its files in *folder*."""
    environ = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        DEMO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ, start_new_session=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def wait_for(words: str, running: "subprocess.Popen[str]") -> None:
    """Read what the demo says until it says *words*."""
    assert running.stdout is not None
    said = ""
    while words not in said:
        line = running.stdout.readline()
        assert line, said
        said += line


def test_the_demos_configuration_is_valid(tmp_path: Path) -> None:
    shutil.copy(demo_config(), tmp_path / "demo.yaml")
    for name in ("id_ed25519", "mpanel_app", "known_hosts"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o600)

    settings = load(tmp_path / "demo.yaml", {})

    assert not settings.not_watched
    assert not settings.warnings
    assert all(host.address.startswith("127.71.") for host in settings.hosts.values())


def test_what_is_wrapped_hangs_below_its_text() -> None:
    page = "DOWN: a is down\nwhy      " + "word " * 10 + "\ntype     ssh a"

    wrapped = hanging(page, 40).splitlines()

    assert max(map(len, wrapped)) <= 40
    assert wrapped[2].startswith(" " * 9 + "word")
    assert wrapped[-1] == "type     ssh a"
