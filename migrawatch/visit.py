"""What a probe is handed during one look: where it stands, what it may reach, and where it notes what it sees."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from time import perf_counter
from types import TracebackType
from typing import Any, TypeVar

from migrawatch.model import (
    Down,
    Evidence,
    Fact,
    Fault,
    Finding,
    Measure,
    Observation,
    Reading,
    Seconds,
    Step,
    Subject,
    Verdict,
    worst_first,
)
from migrawatch.reach.dialled import DIALLED_MEASURES, lookup_of, readings_of_address
from migrawatch.reach.name import is_literal
from migrawatch.reach.presented import TLS_MEASURES, readings_of
from migrawatch.reach.tls import Handshake, Tls
from migrawatch.reach.vantage import Completed, Files, Vantage
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason

T = TypeVar("T")

WIRE_MEASURES = (*TLS_MEASURES, *DIALLED_MEASURES)
"""What the visit notes by itself; every kind may note these without declaring them."""


class Timed:
    """One running step: what it is called, and what its overrun and its sudden end mean."""

    __slots__ = ("_visit", "began", "closed", "late", "name")

    def __init__(self, visit: "Visit", name: str, late: Reason, closed: Reason) -> None:
        self._visit = visit
        self.name = name
        self.late = late
        self.closed = closed
        self.began = 0.0

    def __enter__(self) -> None:
        self.began = perf_counter()
        self._visit._open_steps.append(self)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # Only a step that ends well is taken off: the innermost one left names what went wrong.
        if kind is None:
            self._visit._open_steps.remove(self)
            spent = self._visit._spent
            spent[self.name] = spent.get(self.name, 0.0) + perf_counter() - self.began


class Opening:
    """A wire that is about to be opened, and closed at the end of the block."""

    __slots__ = ("_address", "_family", "_port", "_tls", "_visit", "_wire")

    def __init__(self, visit: "Visit", address: str, port: int, tls: Tls | None, family: int) -> None:
        self._visit = visit
        self._address = address
        self._port = port
        self._tls = tls
        self._family = family
        self._wire: Wire | None = None

    async def __aenter__(self) -> Wire:
        visit = self._visit
        dialled = (await visit.resolve(self._address, self._family))[0]
        visit.dialled(dialled)
        with visit.step("connect", Reason.CONNECT_TIMEOUT):
            self._wire = wire = Wire(await visit.vantage.connect(dialled, self._port))
        if self._tls is not None:
            try:
                await visit.start_tls(wire, self._tls)
            except BaseException:
                wire.close()
                raise
        return wire

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._wire is not None:
            self._wire.close()


class Visit:
    """What a probe is handed during one look: where it stands, and where it notes what it sees."""

    __slots__ = ("_at_end", "_break_offs", "_evidence", "_facts", "_findings", "_kept", "_open_steps", "_readings",
                 "_spent", "at", "last", "remembered", "subject", "vantage")  # fmt: skip

    def __init__(
        self,
        subject: Subject,
        vantage: Vantage,
        at: datetime,
        last: Any = None,
        kept: dict[str, Any] | None = None,
    ) -> None:
        self.subject = subject
        self.vantage = vantage
        self.at = at
        self.last = last
        """What the previous look remembered (a small frozen value), or None: the first look, or a one-shot run."""
        self.remembered: Any = None
        self._kept = kept
        self._findings: list[Finding] = []
        self._readings: list[Reading] = []
        self._evidence: list[Evidence] = []
        self._facts: list[Fact] = []
        self._spent: dict[str, float] = {}
        self._open_steps: list[Timed] = []
        self._break_offs: list[Callable[[], None]] = []
        self._at_end: list[Callable[[], Awaitable[None]]] = []

    # -- noting -------------------------------------------------------------------------------------------------

    def down(self, reason: Reason, detail: str) -> None:
        """Note that the service is at fault, and go on looking."""
        self._findings.append(Finding(Verdict.DOWN, reason, detail))

    def warn(self, reason: Reason, detail: str) -> None:
        """Note something that should be mended but fails nobody yet, and go on looking."""
        self._findings.append(Finding(Verdict.WARN, reason, detail))

    def measure(self, measure: Measure, value: float, **labels: str) -> None:
        """Note one value; *labels* must be exactly the measure's."""
        if not labels and not measure.labels:
            self._readings.append(Reading(measure, value))
            return
        if labels.keys() != set(measure.labels):
            raise TypeError(f"{measure.name} has the labels {measure.labels}, was given {tuple(labels)}")
        self._readings.append(Reading(measure, value, tuple([labels[name] for name in measure.labels])))

    def evidence(self, source: str, text: str) -> None:
        """Note a piece of what was seen for people; never a secret."""
        self._evidence.append(Evidence(source, text))

    def fact(self, what: str, value: str, since: datetime | None = None) -> None:
        """Note what seldom changes: when it has, a page tells it. *since* is when it became so, if that is known."""
        self._facts.append(Fact(what, value, since))

    def remember(self, value: Any) -> None:
        """Keep one small frozen value for the next look of this check (`last`)."""
        self.remembered = value

    def step(self, name: str, late: Reason = Reason.CONNECT_TIMEOUT, closed: Reason = Reason.CONNECT_RESET) -> Timed:
        """Time a step. *late* is the reason when the deadline passes in it, *closed* when the peer ends it."""
        return Timed(self, name, late, closed)

    # -- reaching -----------------------------------------------------------------------------------------------

    async def resolve(self, name: str, family: int = 0) -> tuple[str, ...]:
        """The addresses of *name* as the vantage sees them (step `resolve`); an address is its own."""
        if is_literal(name):
            self._spent.setdefault("resolve", 0.0)
            return (name,)
        with self.step("resolve", late=Reason.DNS_TIMEOUT):
            found = await self.vantage.resolve(name, family)
        self.fact(f"addresses of {name}", ", ".join(sorted(found)))
        return found

    def dialled(self, address: str) -> None:
        """Note which address is asked; `open` and `reach` do so by themselves."""
        self._readings += readings_of_address(address)

    def open(self, address: str, port: int, tls: Tls | None = None, family: int = 0) -> Opening:
        """A connected wire (steps `resolve`, `connect`, `tls`), closed at the end. Raise Down with the fault's reason.

        With *tls* the certificate's facts are noted even when it does not verify.
        """
        return Opening(self, address, port, tls, family)

    async def start_tls(self, wire: Wire, tls: Tls) -> Handshake:
        """Turn *wire* into TLS (step `tls`), note the certificate's facts, and judge them. Raise Down."""
        with self.step("tls", late=Reason.TLS_TIMEOUT, closed=Reason.TLS_ALERT):
            handshake = await wire.start_tls(tls)
        self._readings += readings_of(handshake)
        self.fact(f"certificate of {tls.name}", handshake.words)
        if handshake.problem is not None:
            self.evidence(f"certificate of {tls.name}", handshake.words)
            raise Down(*handshake.problem)
        days = (handshake.expires_at - self.at).total_seconds() / 86400
        # Without a warning asked for, one that is not verified may be as old as it likes.
        if tls.warn_before and days < tls.warn_before / 86400:
            when = f"expires in {days:.1f} days" if days > 0 else f"expired {-days:.1f} days ago"
            self.evidence(f"certificate of {tls.name}", handshake.words)
            self.warn(Reason.TLS_EXPIRING, f"the certificate of {tls.name} {when}")
        return handshake

    @asynccontextmanager
    async def reach(self, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
        """An address to dial that leads to the target, for libraries that insist on dialling (step `connect`)."""
        dialled = (await self.resolve(host))[0]
        self.dialled(dialled)
        async with AsyncExitStack() as open_until_left:
            with self.step("connect"):
                address = await open_until_left.enter_async_context(self.vantage.forward(dialled, port))
            yield address

    async def run(self, *argv: str, stdin: bytes = b"") -> Completed:
        """Run a command at the vantage, without a shell (step `command`)."""
        with self.step("command", late=Reason.COMMAND_TIMEOUT, closed=Reason.COMMAND_FAILED):
            return await self.vantage.run(argv, stdin)

    @asynccontextmanager
    async def files(self) -> AsyncIterator[Files]:
        """Read-only files of the vantage (step `files`, until they can be asked for)."""
        async with AsyncExitStack() as open_until_left:
            with self.step("files", late=Reason.COMMAND_TIMEOUT, closed=Reason.COMMAND_FAILED):
                files = await open_until_left.enter_async_context(self.vantage.files())
            yield files

    # -- living on ----------------------------------------------------------------------------------------------

    async def keep(self, name: str, make: Callable[[], Awaitable[T]], close: Callable[[T], Awaitable[None]]) -> T:
        """A live resource that outlives the look where somebody keeps it (the daemon); closed after any failure.

        In a one-shot run it is closed when the look ends.
        """
        if self._kept is not None and name in self._kept:
            return self._kept[name][0]  # type: ignore[no-any-return]
        made = await make()
        if self._kept is not None:
            self._kept[name] = (made, close)
        else:
            self._at_end.append(lambda: close(made))
        return made

    def break_off(self, end: Callable[[], None]) -> None:
        """Have *end* called at the deadline, before the cancellation: for libraries that drain when cancelled."""
        self._break_offs.append(end)

    # -- for look() ---------------------------------------------------------------------------------------------

    def note_phases(self, measure: Measure, phases: Mapping[str, str]) -> None:
        """Note how long the steps took under the names they are exported by, 0 for one that was not come to."""
        took = dict.fromkeys(phases.values(), 0.0)
        for step, seconds in self._spent.items():
            if step in phases:
                took[phases[step]] += seconds
        for timed in self._open_steps:
            if timed.name in phases:
                took[phases[timed.name]] += perf_counter() - timed.began
        self._readings += [Reading(measure, seconds, (phase,)) for phase, seconds in took.items()]

    @property
    def innermost(self) -> Timed | None:
        """The innermost step that did not end, if any."""
        return self._open_steps[-1] if self._open_steps else None

    def broken_off(self) -> list[Exception]:
        """Call what `break_off` registered, all of it; give back what that raised."""
        raised: list[Exception] = []
        for end in self._break_offs:
            try:
                end()
            except Exception as error:  # noqa: BLE001 - the deadline holds whatever a kind registered
                raised.append(error)
        return raised

    @property
    def is_to_close(self) -> bool:
        """Whether `leave` has anything to close."""
        return bool(self._at_end)

    async def leave(self) -> None:
        """Close what only this look kept. That a connection cannot be closed well says nothing of the service."""
        for close in reversed(self._at_end):
            with suppress(OSError, EOFError, Fault):
                await close()

    def observation(self, took: Seconds, ended_by: Finding | None = None) -> Observation:
        """All that was noted as one frozen observation; *ended_by* is the finding that ended the look early."""
        findings = self._findings if ended_by is None else [ended_by, *self._findings]
        now = perf_counter()
        steps = [Step(name, seconds) for name, seconds in self._spent.items()]
        steps += [Step(timed.name, now - timed.began, False) for timed in self._open_steps]
        return Observation(
            subject=self.subject,
            at=self.at,
            took=took,
            findings=worst_first(findings) if len(findings) > 1 else tuple(findings),
            steps=tuple(steps),
            readings=(*self._readings, *lookup_of(steps)),
            evidence=tuple(self._evidence),
            facts=tuple(self._facts),
        )
