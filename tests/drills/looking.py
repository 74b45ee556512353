"""A fault met by one look: `migrawatch probe --all` in the lab."""

import json
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.drills.outfit import Outfit

LIMIT = 60.0

# A fork for each line of arguments: importing all of it anew takes longer than the looks.
FORKING = """
import json, os, sys
from pathlib import Path
import asyncssh, migrawatch.cli.probe
from migrawatch.cli.main import main
from migrawatch.config import load
load(Path(os.environ["MIGRAWATCH_CONFIG"]), os.environ)
for line in sys.stdin:
    if not (child := os.fork()):
        for number, name in ((1, "report"), (2, "words")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        main(json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Looker:
    """Looks as a shell on migraguard-quantum would, again and again."""

    outfit: Outfit
    forking: "subprocess.Popen[str]"

    def probe_all(self) -> dict[str, Any]:
        """The JSON report over every check."""
        assert self.forking.stdin is not None and self.forking.stdout is not None
        self.forking.stdin.write(json.dumps(["probe", "--all", "--format", "json"]) + "\n")
        self.forking.stdin.flush()
        if not select.select([self.forking.stdout], [], [], LIMIT)[0]:
            raise TimeoutError(f"migrawatch probe --all did not end within {LIMIT:g} s")
        code = self.forking.stdout.readline().strip()
        return _read((self.outfit.home / "report").read_text(), code, (self.outfit.home / "words").read_text())


@contextmanager
def looker(outfit: Outfit) -> Iterator[Looker]:
    """What looks by *outfit*, until the end of the block."""
    argv = outfit.running("-c", FORKING)
    with subprocess.Popen(
        argv, env=outfit.environ, cwd=outfit.home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as forking:
        yield Looker(outfit, forking)
        assert forking.stdin is not None
        forking.stdin.close()


def probe_all(outfit: Outfit) -> dict[str, Any]:
    """The JSON report over every check, by a process of its own from its start to its end."""
    done = subprocess.run(
        outfit.argv("probe", "--all", "--format", "json"),
        env=outfit.environ,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    return _read(done.stdout, str(done.returncode), done.stderr)


def _read(said: str, code: str, words: str) -> dict[str, Any]:
    if not said.startswith("{"):
        raise AssertionError(f"migrawatch probe ended with {code}: {words}")
    report: dict[str, Any] = json.loads(said)
    return report
