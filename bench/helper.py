"""A process beside the bench that takes an order a line and answers each with a line, both in JSON."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Helper:
    """The process, running."""

    def __init__(self, name: str, process: "subprocess.Popen[str]") -> None:
        self._name = name
        self._process = process

    def ask(self, order: object = None) -> Any:
        """Its answer to *order*. Raise SystemExit when it gives none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        if not (answer := self._process.stdout.readline()):
            raise SystemExit(f"bench: {self._name} ended over {order}")
        return json.loads(answer)


@contextmanager
def helper(module: str, *arguments: str) -> Iterator[Helper]:
    """`python -m MODULE ARGUMENTS`, which ends when its input is closed."""
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Helper(module, process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=10)
