"""Run a command of the machine, or stop with what it said."""

import os
import shutil
import subprocess
from collections.abc import Sequence

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class LabError(Exception):
    """The lab could not be made, entered or broken as asked."""


def run(*argv: str, stdin: str = "", timeout: float = 60) -> str:
    """Give back what *argv* printed; raise LabError with its last words if it failed."""
    asked = " ".join(argv)[-300:]
    try:
        ended = subprocess.run(argv, input=stdin, text=True, capture_output=True, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{asked}: still running after {timeout:g} s") from error
    if ended.returncode != 0:
        raise LabError(f"{asked}: exit {ended.returncode}: {(ended.stderr or ended.stdout)[-2000:].strip()}")
    return ended.stdout


def succeeds(*argv: str, timeout: float = 60) -> bool:
    """Whether *argv* exits 0 within *timeout* seconds."""
    try:
        return subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def require(programs: Sequence[tuple[str, str]]) -> None:
    """Install the package of every (program, package) that this machine lacks."""
    if os.geteuid() != 0:
        raise LabError("the lab needs root: it makes network namespaces and containers")
    missing = [package for program, package in programs if not shutil.which(program)]
    if missing:
        run("apt-get", "update", "--quiet", timeout=300)
        run("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing, timeout=600)
