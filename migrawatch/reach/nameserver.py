"""One name server that is asked one question: over UDP with TCP behind it, over TCP, or over TLS."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Literal, NoReturn, Protocol

from migrawatch.model import Down, Seconds
from migrawatch.parse.place import place_of
from migrawatch.reach.answer import Answer, read_answer
from migrawatch.reach.message import Message
from migrawatch.reach.query import NoAnswer, ask_by_stream, ask_by_udp
from migrawatch.reach.question import Question, make_question
from migrawatch.reach.tls import Tls
from migrawatch.reach.vantage import HERE, Vantage
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason

Over = Literal["udp", "tcp", "tls"]


class Way(Protocol):
    """How a question travels, and who times it: a visit is one, and so is `Plain`."""

    vantage: Vantage

    def step(self, name: str, late: Reason = ..., closed: Reason = ...) -> AbstractContextManager[None]:
        """Time a step; *late* and *closed* say what its overrun and its sudden end mean."""
        ...

    def open(
        self, address: str, port: int, tls: Tls | None = None, family: int = 0
    ) -> AbstractAsyncContextManager[Wire]:
        """A connected wire, closed at the end."""
        ...

    def evidence(self, source: str, text: str) -> None:
        """Take a piece of what was seen."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Nameserver:
    """A name server at a literal *address*; after *patience* without an answer over UDP it is tried over TCP once.

    From a vantage that only connects, UDP is TCP.
    """

    address: str
    port: int = 53
    over: Over = "udp"
    tls: Tls | None = None
    patience: Seconds = 2.0

    def __str__(self) -> str:
        return place_of(self.address, self.port)

    async def ask(self, name: str, kind: str, way: Way, *, recursion: bool = False, dnssec: bool = False) -> Answer:
        """The server's answer, whatever it says (`fault_of` judges it). Raise Down when none came, or no DNS.

        `connect_refused`: nothing serves DNS there. `dns_timeout`: something does, and is silent. The steps are
        `request`, and `connect` and `tls` of a stream. Raise ValueError for what is no name or no type.
        """
        question = make_question(name, kind, recursion=recursion, dnssec=dnssec)
        if self.over == "udp" and way.vantage.name == HERE:
            return await self._ask_by_udp(question, way)
        return await self._ask_by_stream(question, way)

    async def _ask_by_udp(self, question: Question, way: Way) -> Answer:
        try:
            with way.step("request", late=Reason.DNS_TIMEOUT):
                message, silence = await self._heard_by_udp(question)
        except Down as refusal:
            silence = refusal
            message = None
        if message is None:
            await self._tell_why(question, way, silence)
        if message.is_cut_short:
            return await self._ask_for_the_rest(question, way)
        return read_answer(question, message, server=str(self), over="udp")

    async def _heard_by_udp(self, question: Question) -> tuple[Message | None, Down]:
        odd: list[bytes] = []
        silence = Down(Reason.DNS_TIMEOUT, f"request: {self} gave no answer over UDP within {self.patience:g} s")
        try:
            return await ask_by_udp(question, self.address, self.port, self.patience, odd), silence
        except TimeoutError:
            if odd:
                return None, Down(Reason.DNS_MALFORMED, f"request: {self} said {odd[0]!r} over UDP, wanted an answer")
            return None, silence

    async def _ask_for_the_rest(self, question: Question, way: Way) -> Answer:
        """The answer over TCP, since it did not fit. Who speaks UDP here must speak TCP too (RFC 7766, section 5)."""
        cut = f"request: the answer of {self} over UDP is cut short"
        try:
            async with asyncio.timeout(self.patience):
                return await self._ask_by_stream(question, way, cut_short=True)
        except TimeoutError:
            raise Down(Reason.DNS_TRUNCATED, f"{cut}, none came over TCP within {self.patience:g} s") from None
        except Down as fault:
            raise Down(Reason.DNS_TRUNCATED, f"{cut}; over TCP: {fault.detail}") from fault
        except (EOFError, ConnectionResetError, BrokenPipeError) as error:
            raise Down(Reason.DNS_TRUNCATED, f"{cut}; over TCP it closes the connection") from error

    async def _tell_why(self, question: Question, way: Way, silence: Down) -> NoReturn:
        """A closed port looks like a lost packet: over TCP it is told whether the host is up and who serves DNS."""
        way.evidence(f"{self} over UDP", silence.detail)
        try:
            await self._ask_by_stream(question, way)
        except Down as fault:
            raise Down(fault.reason, f"{fault.detail}; {silence.detail}") from fault
        raise Down(silence.reason, f"{silence.detail}; over TCP it answers")

    async def _ask_by_stream(self, question: Question, way: Way, cut_short: bool = False) -> Answer:
        try:
            async with way.open(self.address, self.port, self.tls) as wire:
                with way.step("request", late=Reason.DNS_TIMEOUT, closed=Reason.CONNECT_RESET):
                    message = await ask_by_stream(question, wire)
        except NoAnswer as error:
            raise Down(Reason.DNS_MALFORMED, f"request: {self}: {error}") from error
        over = "tls" if self.tls else "tcp"
        return read_answer(question, message, server=str(self), over=over, cut_short=cut_short)


class Plain:
    """A way that times nothing: for who asks many servers at once, each with a limit of its own. For one question."""

    def __init__(self, vantage: Vantage) -> None:
        self.vantage = vantage
        self.seen: list[str] = []
        self._steps = [("request", Reason.DNS_TIMEOUT, Reason.CONNECT_RESET)]

    @contextmanager
    def step(
        self, name: str, late: Reason = Reason.CONNECT_TIMEOUT, closed: Reason = Reason.CONNECT_RESET
    ) -> Iterator[None]:
        """Remember which step we are in."""
        self._steps.append((name, late, closed))
        yield
        self._steps.pop()

    @asynccontextmanager
    async def open(self, address: str, port: int, tls: Tls | None = None, family: int = 0) -> AsyncIterator[Wire]:
        """A connected wire, closed at the end."""
        with self.step("connect"):
            wire = Wire(await self.vantage.connect(address, port))
        try:
            if tls is not None:
                with self.step("tls", late=Reason.TLS_TIMEOUT, closed=Reason.TLS_ALERT):
                    handshake = await wire.start_tls(tls)
                if handshake.problem is not None:
                    raise Down(*handshake.problem)
            yield wire
        finally:
            wire.close()

    def evidence(self, source: str, text: str) -> None:
        """Keep it for who asked."""
        self.seen.append(f"{source}: {text}")

    def fault(self, error: Exception, server: Nameserver | str, limit: Seconds) -> Down:
        """What *error*, a limit or an end of the stream, means in the step we were in."""
        name, late, closed = self._steps[-1]
        said = "; ".join(("", *self.seen))
        if isinstance(error, TimeoutError):
            return Down(late, f"{name}: {server} not done within {limit:g} s{said}")
        return Down(closed, f"{name}: {server} closed the connection{said}")


async def ask_server(
    server: Nameserver, name: str, kind: str, vantage: Vantage, *, recursion: bool = False, dnssec: bool = False
) -> Answer:
    """One question to one server, within twice its patience. Raise Down, Lost or ValueError as `Nameserver.ask` does.

    This is how records are asked for by who needs more than one; hand it down as a function of name and type.
    """
    way = Plain(vantage)
    limit = 2 * server.patience
    try:
        async with asyncio.timeout(limit):
            return await server.ask(name, kind, way, recursion=recursion, dnssec=dnssec)
    except (TimeoutError, EOFError, ConnectionResetError, BrokenPipeError) as error:
        raise way.fault(error, server, limit) from error
