"""Commands on a terminal and in a pipe: colours and a bar of progress for a person, plain lines for a program."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread

import pytest

from tests.cli.conftest import Town

pytestmark = pytest.mark.slow

ESCAPE = "\x1b"
RED_BOLD, RED = "\x1b[1;31m", "\x1b[31m"
FICKLE = re.compile(r"\d+(\.\d+)? m?s\b|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Said:
    """How a command ended, and what came out of its two ends."""

    code: int
    out: str
    err: str

    @property
    def plain(self) -> list[str]:
        """Its lines as a person reads them, without what differs from run to run."""
        text = SEQUENCE.sub("", self.out).replace("\r\n", "\n")
        return [FICKLE.sub("SOME", line).rstrip() for line in text.splitlines()]


@contextmanager
def end(is_terminal: bool) -> Iterator[tuple[int, list[bytes]]]:
    """Where a command may write to, a terminal or a pipe, and what was written there once the block is left."""
    reading, writing = pty.openpty() if is_terminal else os.pipe()
    pieces: list[bytes] = []

    def read() -> None:
        try:
            while piece := os.read(reading, 65536):
                pieces.append(piece)
        except OSError:
            pass  # so a terminal ends whose last writer has left

    thread = Thread(target=read)
    thread.start()
    try:
        yield writing, pieces
    finally:
        os.close(writing)
        thread.join(timeout=30)
        os.close(reading)


def typed(town: Town, *words: str, out: bool = True, err: bool = True) -> Said:
    """Run a command whose stdout (*out*) and stderr (*err*) each are a terminal, or a pipe."""
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    environ = {**clean, "TERM": "xterm-256color", "MIGRAWATCH_CONFIG": str(town.config)}
    with end(out) as (to_out, said), end(err) as (to_err, complained):
        command = [sys.executable, "-m", "migrawatch.cli.main", *words]
        code = subprocess.run(command, stdout=to_out, stderr=to_err, env=environ, timeout=60, check=False).returncode
    return Said(code, b"".join(said).decode(), b"".join(complained).decode())


def test_a_probe_is_coloured_on_a_terminal_and_counts_its_looks(town: Town) -> None:
    """The page is up although its backend is down: green, red, and the cause in bold."""
    seen = typed(town, "probe", "page")

    assert seen.code == 0
    assert re.search(r"\x1b\[32mok +\x1b\[0m", seen.out), seen.out
    assert re.search(r"\x1b\[31mdown +\x1b\[0m", seen.out), seen.out
    assert f"{RED_BOLD}CAUSE" in seen.out
    counted = [int(count) for count in re.findall(r"(\d+)/\?", SEQUENCE.sub("", seen.err))]
    assert counted[-1] >= 3, "the page, nginx and the backend"
    assert seen.err.endswith(f"{ESCAPE}[2K"), "the bar is wiped away at the end"


def test_a_probe_in_a_pipe_is_plain_and_says_the_same(town: Town) -> None:
    piped = typed(town, "probe", "page", out=False, err=False)

    assert ESCAPE not in piped.out + piped.err
    assert piped.err == ""
    assert piped.plain == typed(town, "probe", "page").plain


def test_each_end_is_judged_by_itself(town: Town) -> None:
    """`migrawatch probe page | grep down`: who waits sees the bar, what is grepped is plain."""
    grepped = typed(town, "probe", "page", out=False)
    logged = typed(town, "probe", "page", err=False)

    assert ESCAPE not in grepped.out
    assert "looking" in grepped.err
    assert RED in logged.out
    assert logged.err == ""


@pytest.mark.parametrize("style", ["json", "nagios"])
def test_what_is_for_machines_is_plain_on_a_terminal_too(town: Town, style: str) -> None:
    seen = typed(town, "probe", "page", "--format", style)

    assert ESCAPE not in seen.out + seen.err
    assert seen.err == ""


def test_a_supposition_is_coloured_on_a_terminal_and_plain_in_a_pipe(town: Town) -> None:
    seen = typed(town, "simulate", "--down", "backend")
    piped = typed(town, "simulate", "--down", "backend", out=False, err=False)

    assert RED in seen.out
    assert ESCAPE not in piped.out + piped.err
    assert seen.plain == piped.plain
    assert (seen.code, piped.code) == (0, 0)
