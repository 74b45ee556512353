"""The rules that are shipped, and the tools that judge them."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "config/prometheus"
ALERTMANAGER = ROOT / "config/alertmanager"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
CASES = sorted((PROMETHEUS / "tests").glob("*.yml"))

_WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan"}


def tool(name: str, *argv: str | Path, at: Path = ROOT) -> tuple[int, str]:
    """The exit code of promtool or amtool, and all it says."""
    program = shutil.which(name)
    assert program is not None, f"the tests need {name}: apt-get install prometheus prometheus-alertmanager"
    ended = subprocess.run(
        [program, *argv], cwd=at, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return ended.returncode, ended.stdout


@cache
def rules() -> tuple[dict[str, Any], ...]:
    """Every rule of every file, recording and alerting."""
    return tuple(
        rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]
    )


def alerts() -> dict[str, dict[str, Any]]:
    """The alerting rules by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def metrics_in(expression: str) -> set[str]:
    """The names of the series that *expression* asks for, as they stand in it."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    bare = re.sub(r"\{[^}]*\}", "", bare)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", bare)
    bare = re.sub(r"\[[^\]]*\]|\boffset\s+\w+", "", bare)
    names = re.finditer(r"(?<![\w.:])[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])", bare)
    return {name[0] for name in names} - _WORDS


def matched(expression: str) -> Iterator[tuple[str, str]]:
    """Each label that *expression* compares, with each value that it may have."""
    for label, values in re.findall(r'(\w+)\s*=~?\s*"([^"]+)"', expression):
        for value in values.split("|"):
            yield label, value
