"""One DNS question to one server: the exchange over UDP, and the one over a stream."""

import asyncio
import socket
import struct
from contextlib import suppress

import dns.flags

from migrawatch.parse.place import place_of
from migrawatch.reach.connection import Connection, connect, raise_unconnected
from migrawatch.reach.message import Message, read_message
from migrawatch.reach.question import Question
from migrawatch.reach.wire import Wire

_LARGEST = 65535
_HEADER = 12
_KEPT, _SHOWN = 3, 40


class NoAnswer(Exception):
    """The server gave no usable answer; the text says what happened instead."""


async def ask(question: Question, server: str, port: int, patience: float) -> Message:
    """The server's answer, asked again over TCP when it was cut short. Raise NoAnswer after *patience* seconds."""
    try:
        async with asyncio.timeout(patience):
            answer = await ask_by_udp(question, server, port, patience)
            if answer.is_cut_short:
                connection = await connect(server, port)
                try:
                    answer = await ask_by_stream(question, Wire(connection))
                finally:
                    connection.close()
    except TimeoutError:
        raise NoAnswer(f"no answer within {patience:g} s") from None
    except EOFError as error:
        raise NoAnswer("closed the connection") from error
    except ConnectionError as error:
        raise NoAnswer((error.strerror or "closed the connection").lower()) from error
    return answer


async def ask_by_udp(
    question: Question, server: str, port: int, patience: float, passed_over: list[bytes] | None = None
) -> Message:
    """The answer over UDP, from a fresh port; strangers', stale and garbled packets are *passed_over*, into that list.

    It is asked once more after half of the *patience* in seconds: a packet may be lost. Raise TimeoutError after all of
    it, Down (`connect_*`) when the address refuses or cannot be reached.
    """
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    peer = place_of(server, port)
    loop = asyncio.get_running_loop()
    fresh = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    exchange = Connection(fresh, peer, loop, is_tcp=False)
    began = loop.time()
    try:
        if code := fresh.connect_ex((server, port)):
            raise_unconnected(code, peer)
        await exchange.send(question.content)
        try:
            return await _fitting(question, exchange, began + patience / 2, passed_over)
        except TimeoutError:
            await exchange.send(question.content)
        return await _fitting(question, exchange, began + patience, passed_over)
    finally:
        exchange.close()


async def _fitting(question: Question, exchange: Connection, until: float, passed_over: list[bytes] | None) -> Message:
    while True:
        received = await exchange.receive(_LARGEST, until)
        if question.is_answered_by(received):
            with suppress(ValueError):
                return read_message(received)
        if passed_over is not None and len(passed_over) < _KEPT:
            passed_over.append(received[:_SHOWN])
        # Who floods us with nonsense neither holds up the others nor stretches the time.
        await asyncio.sleep(0)
        if asyncio.get_running_loop().time() >= until:
            raise TimeoutError


async def ask_by_stream(question: Question, wire: Wire) -> Message:
    """The answer over a connected stream (RFC 7766). Raise EOFError when it is closed early, NoAnswer for nonsense."""
    content = question.content
    await wire.write(struct.pack("!H", len(content)) + content)
    length, number, flags = struct.unpack("!HHH", await wire.readexactly(6))
    # Told from its first bytes: what is no DNS announces any length, and would be waited for.
    if length < _HEADER or number != question.number or not flags & dns.flags.QR:
        raise NoAnswer("the answer is not DNS, or to another question")
    received = struct.pack("!HH", number, flags) + await wire.readexactly(length - 4)
    try:
        answer = read_message(received)
    except ValueError as error:
        raise NoAnswer(f"the answer is not DNS: {error}") from error
    if not question.is_answered_by(received):
        raise NoAnswer("the answer is to another question")
    return answer
