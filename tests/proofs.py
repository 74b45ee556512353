"""What tests prove of reasons, read from their source: which ones they see, and of whom.

A test proves a reason if it looks, compares what it saw with it, and asks somebody who is there: a server, or a peer of
ours with one fault. What answers in a host's stead proves what is made of its words, not the words.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from migrawatch.reason import Reason

STAND_INS = frozenset({
    "Recorded", "Measured", "Instead", "Reads", "Gone", "Unreachable", "Resetting", "BehindTheEdge", "TwoFaced",
    "Elsewhere", "Played", "Scripted",
})  # fmt: skip
"""Classes of tests that answer in a host's stead."""

PASSED_ON = frozenset({"Door", "Named", "Noting"})
"""Classes of tests that pass on what the host itself answers."""

BY_COMMAND = frozenset({"subprocess", "seen_in_own_network"})
"""By what a test looks that is not async."""

WAITS = frozenset({"says"})
"""What fails unless the reason that it is given is seen."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A test's module."""

    source: str

    @cached_property
    def proven(self) -> set[Reason]:
        """The reasons that its tests see of somebody who is there."""
        return {one for test in self._looking if not self._stand_ins_of(test) for one in self._seen_by(test)}

    @cached_property
    def recorded(self) -> set[Reason]:
        """The reasons that its tests see of a stand-in."""
        return {one for test in self._looking if self._stand_ins_of(test) for one in self._seen_by(test)}

    @cached_property
    def compared(self) -> set[Reason]:
        """The reasons that its tests see, whether they look or only decide."""
        return {one for test in self._tests for one in self._seen_by(test)}

    @cached_property
    def vantages(self) -> set[str]:
        """The classes that it gives tests to look from, or to talk to, instead of a host."""
        classes = (node for node in ast.walk(self._tree) if isinstance(node, ast.ClassDef))
        return {node.name for node in classes if _is_vantage(node)}

    # -- what there is ------------------------------------------------------------------------------------------

    @cached_property
    def _tree(self) -> ast.Module:
        return ast.parse(self.source)

    @cached_property
    def _tests(self) -> list[Function]:
        return [node for node in ast.walk(self._tree) if isinstance(node, Function) and node.name.startswith("test_")]

    @property
    def _looking(self) -> list[Function]:
        return [
            test for test in self._tests if isinstance(test, ast.AsyncFunctionDef) or self._reachable(test) & BY_COMMAND
        ]

    @cached_property
    def _given(self) -> dict[str, ast.AST]:
        """What the module names, by name: functions, fixtures, classes and their methods, tables."""
        classes = [node for node in self._tree.body if isinstance(node, ast.ClassDef)]
        nodes = [*self._tree.body, *(method for found in classes for method in found.body)]
        return {name: node for node in nodes for name in _names_given_by(node)}

    # -- whom a test asks -----------------------------------------------------------------------------------------

    def _stand_ins_of(self, test: Function) -> set[str]:
        return self._reachable(test) & STAND_INS

    def _reachable(self, test: Function) -> set[str]:
        """Every name that *test* uses, by itself or by what of the module it uses."""
        found: set[str] = set()
        waiting = [*_names_in(test)]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += _names_in(self._given[name]) if name in self._given else ()
        return found

    # -- what a test sees -----------------------------------------------------------------------------------------

    def _seen_by(self, test: Function) -> set[Reason]:
        """The reasons in its assertions, in what those compare with, and in the table that it is run with."""
        helpers = [self._given.get(name) for name in self._reachable(test)]
        functions = [test, *(node for node in helpers if isinstance(node, Function))]
        compared = [told for function in functions for told in _compared_in(function)]
        values = _values_in([*functions, *(node for node in helpers if isinstance(node, ast.Assign | ast.AnnAssign))])
        return set(_reached(compared, values))


def _is_vantage(node: ast.ClassDef) -> bool:
    """Whether it is one of this machine, or answers for one: commands, connections, bytes, files, or anything."""
    methods = {part.name for part in node.body if isinstance(part, Function)}
    here = any(isinstance(base, ast.Name) and base.id == "Here" for base in node.bases)
    return here or bool(methods & {"run", "connect", "receive", "files", "__getattr__"})


def _compared_in(function: Function) -> Iterator[ast.AST]:
    """What *function* asserts, waits for, or is run with."""
    yield from function.decorator_list
    for node in ast.walk(function):
        match node:
            case ast.Assert():
                yield node.test
            case ast.Call(func=ast.Attribute(attr=name)) if name in WAITS:
                yield from node.args


def _values_in(nodes: Sequence[ast.AST]) -> dict[str, list[ast.AST]]:
    """The values that names are given in *nodes*, by name."""
    values: dict[str, list[ast.AST]] = {}
    for top in nodes:
        for node in ast.walk(top):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                for name in _names_given_by(node):
                    values.setdefault(name, []).append(node.value)
    return values


def _reached(expressions: Sequence[ast.AST], values: Mapping[str, Sequence[ast.AST]]) -> Iterator[Reason]:
    """The reasons in *expressions*, and in the values of what is named in them."""
    waiting, known = list(expressions), set[str]()
    while waiting:
        expression = waiting.pop()
        yield from _reasons_in(expression)
        fresh = set(_names_in(expression)) - known
        known |= fresh
        waiting += [value for name in fresh for value in values.get(name, ())]


def _names_given_by(node: ast.AST) -> list[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign():
            return [part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


def _names_in(node: ast.AST) -> Iterator[str]:
    """The names used in *node*, those of fixtures and of an object's own methods among them."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.arg):
            yield part.arg
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self":
            yield part.attr


def _reasons_in(node: ast.AST) -> Iterator[Reason]:
    """The members in *node*; not those it says are *not* seen, and not those that it only looks something up by."""
    if isinstance(node, ast.Compare) and any(isinstance(op, ast.IsNot | ast.NotEq | ast.NotIn) for op in node.ops):
        return
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason":
        yield Reason[node.attr]
    looked_up = node.slice if isinstance(node, ast.Subscript) else None
    for child in ast.iter_child_nodes(node):
        if child is not looked_up:
            yield from _reasons_in(child)
