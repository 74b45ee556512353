"""What is said over a fresh wire, and what must come back: once, or in a dialogue of several turns."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from migrawatch.model import Down, Measure
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason
from migrawatch.talk.dialogue import Dialogue, Heard, Mismatch, Turn
from migrawatch.talk.expression import expression

FAILED_BY_REGEX = Measure("probe_failed_due_to_regex", "Indicates if probe failed due to regex")
EXPECTED = Measure("probe_expect_info", "Explicit content matched", "info")
"""Its labels are the check's own: `labels` of its turns."""

_LIMIT = 65_536
_SHOWN = 200


class Noted(Heard, Protocol):
    """Who times the conversation, and takes down what was seen: a visit, for the kinds."""

    def measure(self, measure: Measure, value: float, **labels: str) -> None:
        """Note one value."""
        ...

    def evidence(self, source: str, text: str) -> None:
        """Note a piece of what was seen for people."""
        ...


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """*send* is said first, then *expect* must be found in what comes back; or all turns of *dialogue* must go well."""

    send: str = ""
    expect: str = ""
    dialogue: tuple[Turn, ...] = ()

    def __post_init__(self) -> None:
        expression(self.expect)
        if self.dialogue and (self.send or self.expect):
            raise ValueError("a dialogue says by itself what is sent and expected: leave send and expect out")

    async def hold(self, wire: Wire, visit: Noted, start_tls: Callable[[Wire], Awaitable[object]]) -> None:
        """Hold it, and note what was found. *start_tls* turns the wire into TLS. Raise Down."""
        if self.dialogue:
            await self._in_turns(wire, visit, start_tls)
        if self.send:
            await wire.write(self.send.encode())
        if self.expect:
            await self._hear(wire, visit)

    async def _in_turns(self, wire: Wire, visit: Noted, start_tls: Callable[[Wire], Awaitable[object]]) -> None:
        failed = False
        try:
            for labels in await Dialogue(turns=self.dialogue, start_tls=start_tls).hold(wire, visit):
                visit.measure(replace(EXPECTED, labels=tuple(labels)), 1, **labels)
        except Mismatch as error:
            failed = True
            if error.heard:
                visit.evidence(f"heard from {wire.peer}", error.heard[:_SHOWN].decode("utf-8", "backslashreplace"))
            raise
        finally:
            visit.measure(FAILED_BY_REGEX, failed)

    async def _hear(self, wire: Wire, visit: Noted) -> None:
        wanted = expression(self.expect)
        with visit.step("answer", late=Reason.TCP_SILENT, closed=Reason.CONNECT_RESET):
            heard = await wire.read()
            if not heard:
                raise Down(Reason.CONNECT_RESET, f"answer: {wire.peer} closed without a word, wanted {self.expect!r}")
        found = wanted.is_in(heard)
        # From here on silence means that what came is not what was wanted: the rest may still be under way.
        with visit.step("expect", late=Reason.TCP_MISMATCH, closed=Reason.TCP_MISMATCH):
            try:
                while not found and len(heard) < _LIMIT and (more := await wire.read()):
                    heard += more
                    found = wanted.is_in(heard)
            finally:
                visit.measure(FAILED_BY_REGEX, not found)
                if not found:
                    visit.evidence(f"heard from {wire.peer}", heard[:_SHOWN].decode("utf-8", "backslashreplace"))
            if not found:
                raise Down(Reason.TCP_MISMATCH, f"expect: heard {_shown(heard)}, wanted {self.expect!r}")


def _shown(heard: bytes) -> str:
    return repr(heard[:_SHOWN])[1:] + (" ..." if len(heard) > _SHOWN else "")
