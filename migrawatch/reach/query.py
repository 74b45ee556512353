"""One DNS question to one server: the exchange over UDP, and the one over a stream."""

import asyncio
import socket
import struct

import dns.exception
import dns.flags
import dns.message

from migrawatch.model import Down
from migrawatch.parse.place import place_of
from migrawatch.reach.connection import Connection, connect, raise_unconnected
from migrawatch.reach.name import ascii_name
from migrawatch.reach.wire import Wire

_LARGEST = 65535
_HEADER = 12
_KEPT, _SHOWN = 3, 40
_PAYLOAD = 1232
"""Bytes of an answer over UDP that pass every path whole (DNS flag day 2020)."""


class NoAnswer(Exception):
    """The server gave no usable answer; the text says what happened instead."""


def make_question(name: str, kind: str, *, recursion: bool, dnssec: bool = False) -> dns.message.QueryMessage:
    """The question for records of type *kind* at *name*. Raise ValueError for what is no name or no type.

    *recursion* has a resolver find the answer out; *dnssec* asks for the signatures too.
    """
    try:
        plain = ascii_name(name) or "."
        question = dns.message.make_query(plain, kind, use_edns=0, payload=_PAYLOAD, want_dnssec=dnssec)
    except (dns.exception.DNSException, Down) as error:
        raise ValueError(f"cannot ask for {kind} at {name!r}: {error}") from error
    if not recursion:
        question.flags &= ~dns.flags.RD
    return question


async def ask(question: dns.message.QueryMessage, server: str, port: int, patience: float) -> dns.message.Message:
    """The server's answer, asked again over TCP when it was cut short. Raise NoAnswer after *patience* seconds."""
    try:
        async with asyncio.timeout(patience):
            answer = await ask_by_udp(question, server, port)
            if answer.flags & dns.flags.TC:
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
    question: dns.message.QueryMessage,
    server: str,
    port: int,
    again_after: float | None = None,
    passed_over: list[bytes] | None = None,
) -> dns.message.Message:
    """The answer over UDP, from a fresh port; strangers', stale and garbled packets are *passed_over*, into that list.

    It is asked once more after *again_after* seconds of silence: a packet may be lost. It waits for ever. Raise Down
    (`connect_*`) when the address refuses or cannot be reached.
    """
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    peer = place_of(server, port)
    fresh = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    exchange = Connection(fresh, peer, asyncio.get_running_loop(), is_tcp=False)
    try:
        if code := fresh.connect_ex((server, port)):
            raise_unconnected(code, peer)
        await exchange.send(question.to_wire())
        if again_after is not None:
            try:
                async with asyncio.timeout(again_after):
                    return await _fitting(question, exchange, passed_over)
            except TimeoutError:
                await exchange.send(question.to_wire())
        return await _fitting(question, exchange, passed_over)
    finally:
        exchange.close()


async def _fitting(
    question: dns.message.QueryMessage, exchange: Connection, passed_over: list[bytes] | None
) -> dns.message.Message:
    while True:
        received = await exchange.receive(_LARGEST)
        try:
            answer = parse_message(received)
        except ValueError:
            answer = None
        if answer is not None and question.is_response(answer):
            return answer
        if passed_over is not None and len(passed_over) < _KEPT:
            passed_over.append(received[:_SHOWN])


async def ask_by_stream(question: dns.message.QueryMessage, wire: Wire) -> dns.message.Message:
    """The answer over a connected stream (RFC 7766). Raise EOFError when it is closed early, NoAnswer for nonsense."""
    content = question.to_wire()
    await wire.write(struct.pack("!H", len(content)) + content)
    length, number, flags = struct.unpack("!HHH", await wire.readexactly(6))
    # Told from its first bytes: what is no DNS announces any length, and would be waited for.
    if length < _HEADER or number != question.id or not flags & dns.flags.QR:
        raise NoAnswer("the answer is not DNS, or to another question")
    try:
        rest = await wire.readexactly(length - 4)
        answer = parse_message(struct.pack("!HH", number, flags) + rest)
    except ValueError as error:
        raise NoAnswer(f"the answer is not DNS: {error}") from error
    if not question.is_response(answer):
        raise NoAnswer("the answer is to another question")
    return answer


def parse_message(content: bytes) -> dns.message.Message:
    """Read one message (RFC 1035, section 4.1); what follows its end is passed over. Raise ValueError if it is none."""
    try:
        return dns.message.from_wire(content, ignore_trailing=True)
    except dns.exception.DNSException as error:
        raise ValueError(str(error)) from error
