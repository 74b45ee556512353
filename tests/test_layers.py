"""Who may import whom: the contracts of pyproject.toml hold, and nothing of ours stands outside them."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("migrawatch", "migrawatch_probes")

# Imported freely: they are what everybody speaks.
EVERYWHERE = {"typing_extensions"}
# The running layer may import all of ours, so no contract names it as a source.
RUNNING = {"daemon", "inquiry", "logs", "cli", "demo", "__main__", "__init__"}
WORDS_AND_DECISIONS = ("model.py", "reason.py", "parse", "decide")
CLOCKS = {"now", "utcnow", "today", "monotonic", "perf_counter", "time", "time_ns"}


@cache
def contracts() -> tuple[dict[str, Any], ...]:
    return tuple(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"])


def modules() -> Iterator[Path]:
    """Every module of ours."""
    for folder in (ROOT / "migrawatch", ROOT / "probes" / "migrawatch_probes"):
        yield from sorted(folder.rglob("*.py"))


def libraries(module: Path) -> set[str]:
    """The third-party packages that *module* imports, by their import name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - set(OURS)


@pytest.mark.slow
def test_every_contract_is_kept() -> None:
    """The layers of architecture.md, as pyproject.toml writes them down."""
    # In a process of its own: it disables the loggers of everything else.
    checked = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout


def test_every_module_stands_in_a_layer() -> None:
    """A new package must say who may import it, or it may import everything."""
    placed = {
        name.removeprefix("migrawatch.") for contract in contracts() for name in contract.get("source_modules", ())
    }
    found = {
        path.relative_to(ROOT / "migrawatch").parts[0].removesuffix(".py")
        for path in modules()
        if path.is_relative_to(ROOT / "migrawatch")
    }

    assert found - placed - RUNNING == set()


def test_every_layer_names_all_the_modules_above_it() -> None:
    """A module of the running layer that no contract forbids could be imported from below."""
    for contract in contracts():
        forbidden = contract.get("forbidden_modules", ())
        if "migrawatch.daemon" in forbidden:
            missing = {f"migrawatch.{name}" for name in RUNNING if not name.startswith("__")} - set(forbidden)
            assert not missing, contract["name"]


def test_every_library_has_a_home() -> None:
    """A library that no contract names could be imported anywhere."""
    at_home = {name for contract in contracts() for name in contract.get("forbidden_modules", ())}
    imported = {library for module in modules() for library in libraries(module)}

    assert imported - at_home - EVERYWHERE == set()


@pytest.mark.parametrize("part", WORDS_AND_DECISIONS)
def test_words_and_decisions_do_not_await_or_read_a_clock(part: str) -> None:
    """What they decide depends on nothing but what they are given, so that every short history can be tested."""
    place = ROOT / "migrawatch" / part
    for module in [place] if place.is_file() else sorted(place.rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text())):
            where = f"{module.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            assert not isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith), where
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in CLOCKS, where


def test_a_kind_reaches_or_opens_but_never_both() -> None:
    """`open` and `reach` are two ways to one network primitive; a kind that used both could contradict itself."""
    for module in sorted((ROOT / "probes" / "migrawatch_probes").glob("*.py")):
        called = {
            node.func.attr
            for node in ast.walk(ast.parse(module.read_text()))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "visit"
        }
        assert not {"open", "reach"} <= called, module.name
