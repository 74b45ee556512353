"""One PostgreSQL session through psycopg's libpq, waited for by ourselves so that its stages can be told apart.

psycopg's own `AsyncConnection` hides three things we must know: at which stage a connection failed, its errno, and the
SQLSTATE of a refusal. And when cancelled in a query it asks the server to cancel and waits for that, up to ten seconds
past the deadline. Here a cancelled wait is over at once, and the socket is closed.
"""

import asyncio
import ctypes
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Never

from psycopg import OperationalError, pq
from psycopg.conninfo import make_conninfo

from migrawatch.parse.postgres import Refusal, parse_refusal
from migrawatch.probe import Down, Reason, Secret, Visit
from migrawatch.reach.connection import raise_unconnected

Row = tuple[str | None, ...]

_ENOUGH = 20  # rows
_VERBOSE = 2  # PQERRORS_VERBOSE of libpq-fe.h
# BAD before the first poll: the attempt failed before it began.
_CONNECTING = (pq.ConnStatus.STARTED, pq.ConnStatus.NEEDED, pq.ConnStatus.BAD)
_ANSWERS = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.EMPTY_QUERY)


class TlsFailed(Exception):
    """The TLS handshake failed, in libpq's words; what exactly is wrong is for a look at the certificate to say."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """A stage of a connection: its step, and what its overrun and its sudden end mean."""

    step: str
    late: Reason
    closed: Reason = Reason.CONNECT_RESET


_CONNECT = _Stage("connect", Reason.CONNECT_TIMEOUT)
_OFFER = _Stage("startup", Reason.PG_TIMEOUT)  # TLS is asked for and the server has not said a word
_TLS = _Stage("tls", Reason.TLS_TIMEOUT, Reason.TLS_ALERT)
_STARTUP = _Stage("startup", Reason.PG_TIMEOUT)
_READY = _Stage("query", Reason.PG_QUERY_TIMEOUT)


class Session:
    """A connection to one server. `open` it, ask `rows`, and `close` it whatever happened."""

    def __init__(self, settings: Mapping[str, str | int], password: Secret) -> None:
        # In one expression: no name here holds the revealed password, where a traceback with variables would show it.
        self._pgconn = pq.PGconn.connect_start(make_conninfo("", **settings, password=password.reveal()).encode())
        self._peer = f"{settings['hostaddr']}:{settings['port']}"
        self._address = (str(settings["hostaddr"]), int(settings["port"]))
        self._polled = pq.PollingStatus.WRITING
        self._first_byte = b""
        self._tls_is_offered = False
        _speak_verbosely(self._pgconn)

    @property
    def server_version(self) -> int:
        """The server's version as libpq counts, such as 150018."""
        return self._pgconn.server_version

    async def open(self, visit: Visit) -> None:
        """Connect and log in (steps connect, tls, startup). Raise Down, or TlsFailed."""
        while (stage := self._stage) is not _READY:
            with visit.step(stage.step, late=stage.late, closed=stage.closed):
                while self._stage is stage:
                    await self._advance(stage)
        self._pgconn.nonblocking = 1

    async def rows(self, sql: str) -> list[Row]:
        """Run *sql*, one statement or several, and give back the last of them to have rows: the first ones, as text.

        Raise Down with its reason.
        """
        try:
            self._pgconn.send_query(sql.encode())
            while self._pgconn.flush():
                await self._until(writable=True)
            found: list[Row] = []
            while (answer := await self._answer()) is not None:
                if answer.status not in _ANSWERS:
                    raise _failed_query(answer)
                found = _rows_of(answer) if answer.ntuples else found
        except OperationalError as error:
            raise ConnectionResetError(str(error)) from error
        return found

    def close(self) -> None:
        """Close the socket at once. A query that still runs is ended by its statement_timeout."""
        self._pgconn.finish()

    # -- inside -------------------------------------------------------------------------------------------------

    @property
    def _stage(self) -> _Stage:
        status = self._pgconn.status
        if status == pq.ConnStatus.OK:
            return _READY
        if status in _CONNECTING:
            return _CONNECT
        if status == pq.ConnStatus.SSL_STARTUP:
            return _TLS if self._tls_is_offered else _OFFER
        return _STARTUP

    async def _advance(self, stage: _Stage) -> None:
        if self._pgconn.status == pq.ConnStatus.BAD:
            self._raise_unconnected()
        await self._until(writable=self._polled == pq.PollingStatus.WRITING)
        if stage is _CONNECT:
            self._raise_if_unconnected()
            self._tls_is_offered = False
        elif stage is _OFFER and self._first_byte == b"S":
            # Left unread: libpq would go on with the handshake in the same call, whose time belongs to the next step.
            self._tls_is_offered = True
            return
        self._polled = pq.PollingStatus(self._pgconn.connect_poll())
        if self._polled == pq.PollingStatus.FAILED:
            raise self._refused(stage)

    async def _answer(self) -> "pq.abc.PGresult | None":
        while self._pgconn.is_busy():
            await self._until(writable=False)
            self._pgconn.consume_input()
        return self._pgconn.get_result()

    async def _until(self, *, writable: bool) -> None:
        """Wait for the socket. Raise EOFError or ConnectionResetError when the peer ended it with nothing unread."""
        descriptor, loop = self._pgconn.socket, asyncio.get_running_loop()
        ready = loop.create_future()
        watch, forget = (loop.add_writer, loop.remove_writer) if writable else (loop.add_reader, loop.remove_reader)
        watch(descriptor, _wake, ready)
        try:
            await ready
        finally:
            forget(descriptor)
        if not writable:
            self._first_byte = self._peek()

    def _peek(self) -> bytes:
        with _borrowed(self._pgconn.socket) as held:
            first = held.recv(1, socket.MSG_PEEK)
        if not first:
            raise EOFError
        return first

    def _raise_if_unconnected(self) -> None:
        """Take the error of the connection attempt before libpq does, which would tell it only in words."""
        with _borrowed(self._pgconn.socket) as held:
            code = held.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise_unconnected(code, self._peer)

    def _raise_unconnected(self) -> Never:
        """Name the error of an attempt that failed before it began: our own routes refuse it, nothing is sent.

        libpq keeps the number to itself, so the kernel is asked once more.
        """
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as attempt:
                code = attempt.connect_ex(self._address)
        except OSError as error:
            raise_unconnected(error.errno, self._peer)
        raise_unconnected(code, self._peer)

    def _refused(self, stage: _Stage) -> Exception:
        message = self._pgconn.get_error_message()
        if said := parse_refusal(message):
            return Down(said.reason, f"{stage.step}: {said}")
        if self._pgconn.needs_password:
            return Down(Reason.PG_AUTH, "startup: the server wants a password, none is set")
        last = message.strip().rpartition("\n")[2]
        if stage is _OFFER and self._first_byte == b"N":
            return Down(Reason.TLS_NOT_TLS, "tls: the server offers no TLS, and TLS is wanted")
        if stage is _TLS:
            return TlsFailed(last)
        return Down(Reason.PG_ERROR, f"{stage.step}: {last}")


@contextmanager
def _borrowed(descriptor: int) -> Iterator[socket.socket]:
    """A socket object over libpq's descriptor, which stays libpq's to close."""
    held = socket.socket(fileno=descriptor)
    try:
        yield held
    finally:
        held.detach()


def _wake(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)


def _failed_query(answer: "pq.abc.PGresult") -> Down:
    code = answer.error_field(pq.DiagnosticField.SQLSTATE)
    if code is None:
        return Down(Reason.PG_ERROR, f"query: answered with {pq.ExecStatus(answer.status).name}, wanted rows")
    message = answer.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
    said = Refusal(code.decode(), message.decode(errors="replace"))
    return Down(said.reason, f"query: {said}")


def _rows_of(answer: "pq.abc.PGresult") -> list[Row]:
    rows, columns = range(min(answer.ntuples, _ENOUGH)), range(answer.nfields)
    return [tuple(_text(answer.get_value(row, column)) for column in columns) for row in rows]


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


def _speak_verbosely(pgconn: "pq.abc.PGconn") -> None:
    """Have libpq write SQLSTATEs into its messages, the only place where a refused connection's code is told."""
    set_verbosity = _libpq().PQsetErrorVerbosity
    set_verbosity.argtypes = [ctypes.c_void_p, ctypes.c_int]
    set_verbosity(pgconn.pgconn_ptr, _VERBOSE)  # type: ignore[attr-defined]  # every implementation has it


@cache
def _libpq() -> ctypes.CDLL:
    """The very libpq that psycopg uses: its extension module's symbols are searched with those it depends on."""
    extension = sys.modules[pq.PGconn.__module__].__file__
    if pq.__impl__ == "python":
        from psycopg.pq.misc import find_libpq_full_path

        extension = find_libpq_full_path()
    return ctypes.CDLL(extension)
