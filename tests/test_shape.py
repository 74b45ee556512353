"""How large functions and files may be, and which words no name of ours contains (architecture.md, style.md)."""

import ast
import re
import statistics
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeGuard

import pytest

ROOT = Path(__file__).parents[1]
BANNED = {"manager", "handler", "util", "utils", "data", "info", "result", "results", "do", "process"}

# Names that are somebody else's to choose: methods that a library calls, and their arguments.
INTERFACES = {"data_received", "process_exited", "get_extra_info", "__get_pydantic_json_schema__"}
# What is watched has these names: a system's processes, and the setting of the kind `pm2`.
WATCHED = re.compile(r"process|PROCESS_[A-Z_]+")


@cache
def files() -> tuple[Path, ...]:
    return tuple(
        path
        for folder in ("migrawatch", "probes")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.stat().st_size  # an empty __init__ has no shape
    )


@cache
def functions() -> tuple[tuple[str, int], ...]:
    """Every function and its lines."""
    return tuple(
        (f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", length_of(node))
        for path in files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def length_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines from `def` to the end, decorators left out."""
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def lines_of(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_most_functions_are_short() -> None:
    lengths = sorted(length for _, length in functions())

    assert statistics.median(lengths) <= 10
    assert lengths[int(len(lengths) * 0.95)] <= 45


def test_no_function_is_long() -> None:
    assert [found for found in functions() if found[1] > 80] == []


def test_no_file_is_long() -> None:
    assert [(str(path.relative_to(ROOT)), lines_of(path)) for path in files() if lines_of(path) > 300] == []


def test_most_files_are_short() -> None:
    assert statistics.median(lines_of(path) for path in files()) <= 150


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_contains_a_word_that_says_nothing(path: Path) -> None:
    """They fit everything, so they name nothing (style.md, "Words")."""
    assert [f"{path.name}:{line} {name}" for line, name in names_in(path) if banned_in(name)] == []


def banned_in(name: str) -> set[str]:
    """The banned words among the words of *name*, whatever its case."""
    if WATCHED.fullmatch(name):
        return set()
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return BANNED & {word.lower() for word in words}


def names_in(path: Path) -> Iterator[tuple[int, str]]:
    """Every name that *path* itself gives: its own, its classes', functions', arguments', variables' and fields'."""
    yield 0, path.stem
    tree = ast.parse(path.read_text())
    given = {id(part) for node in ast.walk(tree) if is_given(node) for part in (node, *ast.walk(node.args))}
    for node in ast.walk(tree):
        if id(node) in given:
            continue
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
            case ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)):
                yield node.lineno, name


def is_given(node: ast.AST) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Whether *node* is a method that a library calls by this name."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in INTERFACES


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("parse_data", {"data"}),
        ("DataHandler", {"data", "handler"}),
        ("updated", set()),
        ("HTTPInfo", {"info"}),
        ("undo", set()),
        ("domain", set()),
        ("process_rows", {"process"}),
        ("process", set()),
    ],
)
def test_a_banned_word_is_found_as_a_whole_word(name: str, found: set[str]) -> None:
    assert banned_in(name) == found
