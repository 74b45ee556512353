"""A talk in lines, turn by turn: what is waited for and what is said (`query_response` of blackbox_exporter)."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from migrawatch.model import Down, Pattern
from migrawatch.parse.filled import filled
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason
from migrawatch.talk.expression import expression

_LONGEST = 65_536
"""Bytes of one line; more is no talk in lines."""
_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One turn: lines are read until one matches *expect*, or the very bytes *expect_hex* come; then something is said.

    *send* is said with a line feed at its end, *send_hex* as it is. In *send* and *labels* `${1}` is what the first
    group of *expect* matched. With *starttls* both sides speak TLS from then on.
    """

    expect: Pattern = ""
    expect_hex: str = ""
    send: str = field(default="", repr=False)
    send_hex: str = field(default="", repr=False)
    starttls: bool = False
    labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        expression(self.expect)
        bytes.fromhex(self.expect_hex + self.send_hex)


class Heard(Protocol):
    """Who times the talk and takes what was found: a visit, for the kinds."""

    def step(self, name: str, late: Reason = ..., closed: Reason = ...) -> AbstractContextManager[None]:
        """Time a step; *late* and *closed* say what its overrun and its sudden end mean."""
        ...


class Mismatch(Down):
    """The talk ended, or went on, without what was waited for. *heard* is the last that came."""

    def __init__(self, detail: str, heard: bytes) -> None:
        super().__init__(Reason.TCP_MISMATCH, detail)
        self.heard = heard


@dataclass(frozen=True, kw_only=True)
class Dialogue:
    """Its *turns* over one wire. *start_tls* turns the wire into TLS."""

    turns: tuple[Turn, ...]
    start_tls: Callable[[Wire], Awaitable[object]]

    async def hold(self, wire: Wire, way: Heard) -> list[Mapping[str, str]]:
        """Hold it, and give back the labels that were found. Raise Mismatch, Down."""
        found: list[Mapping[str, str]] = []
        last = b""
        for turn in self.turns:
            groups: Mapping[str, bytes] = {}
            if turn.expect_hex:
                last = await _exactly(wire, way, bytes.fromhex(turn.expect_hex))
            if turn.expect:
                last, groups = await _matching(wire, way, turn.expect, last)
                if turn.labels:
                    values = {name: filled(text.encode(), groups) for name, text in turn.labels.items()}
                    found.append({name: value.decode("utf-8", "replace") for name, value in values.items()})
            if said := _said(turn, groups):
                await wire.write(said)
            if turn.starttls:
                await self.start_tls(wire)
        return found


def _said(turn: Turn, groups: Mapping[str, bytes]) -> bytes:
    if turn.send_hex:
        return bytes.fromhex(turn.send_hex)
    if not turn.send:
        return b""
    text = turn.send.encode("utf-8", "surrogateescape")
    return (filled(text, groups) if turn.expect else text) + b"\n"


async def _exactly(wire: Wire, way: Heard, wanted: bytes) -> bytes:
    with way.step("answer", late=Reason.TCP_SILENT, closed=Reason.TCP_MISMATCH):
        heard = await wire.readexactly(len(wanted))
    if heard != wanted:
        raise Mismatch(f"answer: heard {heard!r}, wanted {wanted!r}", heard)
    return heard


async def _matching(wire: Wire, way: Heard, wanted: str, last: bytes) -> tuple[bytes, Mapping[str, bytes]]:
    """The first line that matches *wanted*, without its end, and what its groups matched."""
    while True:
        # Once something has come, silence means that it was not what was wanted.
        with way.step("answer", late=Reason.TCP_MISMATCH if last else Reason.TCP_SILENT):
            line = await _line(wire)
        if line is None:
            raise Mismatch(f"answer: {wire.peer} closed, wanted {wanted!r}{_after(last)}", last)
        groups = expression(wanted).groups_in(line)
        if groups is not None:
            return line, groups
        last = line


async def _line(wire: Wire) -> bytes | None:
    """One line without its end, the last one perhaps cut; None when nothing more comes."""
    try:
        line = await wire.readline(_LONGEST)
    except EOFError:
        line = await wire.read() if wire.waiting else b""
        return line or None
    except ValueError as error:
        raise Mismatch(f"answer: {error}", b"") from error
    return line.removesuffix(b"\n").removesuffix(b"\r")


def _after(last: bytes) -> str:
    return f" after {last[:_SHOWN]!r}" if last else ""
