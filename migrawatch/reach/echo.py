"""An ICMP echo, without privileges where the kernel allows it."""

import asyncio
import os
import socket
import struct
import sys
from dataclasses import dataclass
from ipaddress import ip_address

from migrawatch.model import Down
from migrawatch.reason import Reason

_REQUEST = {4: 8, 6: 128}
_REPLY = {4: 0, 6: 129}
_PROTOCOL = {4: socket.IPPROTO_ICMP, 6: socket.IPPROTO_ICMPV6}
# ip(7) and ipv6(7); Python has no names for these.
_MTU_DISCOVER = {4: 10, 6: 23}
_ALWAYS_WHOLE = 2
_LARGEST = 65_535
_LEAST = 16
"""Bytes of payload that tell our own echo from others'."""

_IP_RECVTTL = 12
"""From linux/in.h: Python's socket module does not name it."""

_TELL_HOPS = {4: (socket.IPPROTO_IP, _IP_RECVTTL), 6: (socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT)}
_HOPS = {(socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT)}

TRIES = 3
PAUSE = 1.0
"""Seconds after which an unanswered echo is asked again: one lost packet proves nothing."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answered echo: *seconds* until it was, and the *hop_limit* (IPv4: TTL) that was left of it; None if untold."""

    seconds: float
    hop_limit: int | None = None


class EchoForbidden(Exception):
    """The kernel lets us send no echo (net.ipv4.ping_group_range, or CAP_NET_RAW)."""


async def echo(address: str) -> float | None:
    """Seconds until *address* answered an echo, or None when it answered none of three. Raise EchoForbidden."""
    version = ip_address(address).version
    with _socket(version) as waiting:
        waiting.setblocking(False)
        try:
            waiting.connect((address, 0))
        except OSError:
            return None  # no way there: the same as no answer
        for number in range(TRIES):
            reply = await _ask(waiting, version, number)
            if reply is not None:
                return reply.seconds
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Packet:
    """What an echo's packet is like: *size* bytes of payload, *ttl* hops at most, perhaps never to be fragmented.

    0 leaves it to us and to the kernel. *source* is the address of ours that it leaves from.
    """

    size: int = 0
    ttl: int = 0
    whole: bool = False
    source: str = ""


_PLAIN = Packet()


async def echoes(
    address: str, count: int, pause: float, within: float, packet: Packet = _PLAIN
) -> tuple[Reply | None, ...]:
    """For each of *count* echoes its reply, or None if it was not answered *within* so many seconds.

    The next one is sent *pause* seconds after the last was answered. Raise EchoForbidden, or Down
    (`connect_unreachable`) when our own kernel knows no way there.
    """
    version = ip_address(address).version
    replies = []
    with _socket(version) as waiting:
        waiting.setblocking(False)
        try:
            _shape(waiting, version, packet)
            waiting.connect((address, 0))
        except OSError as error:
            raise Down(Reason.CONNECT_UNREACHABLE, f"echo to {address}: {error.strerror}") from error
        for number in range(count):
            if number:
                await asyncio.sleep(pause)
            replies.append(await _ask(waiting, version, number, within, packet.size))
    return tuple(replies)


def _shape(waiting: socket.socket, version: int, packet: Packet) -> None:
    level = socket.IPPROTO_IPV6 if version == 6 else socket.IPPROTO_IP
    if packet.ttl:
        waiting.setsockopt(level, socket.IPV6_UNICAST_HOPS if version == 6 else socket.IP_TTL, packet.ttl)
    if packet.whole:
        waiting.setsockopt(level, _MTU_DISCOVER[version], _ALWAYS_WHOLE)
    if packet.source:
        waiting.bind((packet.source, 0))


def _socket(version: int) -> socket.socket:
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            opened = socket.socket(family, kind, _PROTOCOL[version])
        except PermissionError:
            continue
        opened.setsockopt(*_TELL_HOPS[version], 1)
        return opened
    raise EchoForbidden


async def _ask(waiting: socket.socket, version: int, number: int, within: float = PAUSE, size: int = 0) -> Reply | None:
    loop = asyncio.get_running_loop()
    token = os.urandom(_LEAST)
    content = token.ljust(size, b"\0")
    began = loop.time()
    try:
        async with asyncio.timeout(within):
            await loop.sock_sendall(waiting, _request(version, number, content))
            while True:
                answer, hops = await _receive(waiting)
                # A raw socket sees every ICMP message of its peer, with the IPv4 header before it.
                if token in answer and _REPLY[version] in (answer[0], answer[20]):
                    return Reply(loop.time() - began, hops)
    except TimeoutError:
        return None
    except OSError:
        await asyncio.sleep(within - (loop.time() - began))
        return None


async def _receive(waiting: socket.socket) -> tuple[bytes, int | None]:
    """The next message, and how many hops it had left. Raise OSError."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            answer, beside, _, _ = waiting.recvmsg(_LARGEST, 64)
        except BlockingIOError:
            readable = loop.create_future()
            loop.add_reader(waiting, _release, readable)
            try:
                await readable
            finally:
                loop.remove_reader(waiting)
            continue
        told = (content for level, kind, content in beside if (level, kind) in _HOPS)
        return answer, next((int.from_bytes(content, sys.byteorder) for content in told), None)


def _release(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


def _request(version: int, number: int, content: bytes) -> bytes:
    head = struct.pack("!BBHHH", _REQUEST[version], 0, 0, os.getpid() & 0xFFFF, number)
    # The kernel fills in the checksum but for raw IPv4 sockets; a right one harms nowhere.
    return (
        struct.pack("!BBHHH", _REQUEST[version], 0, _checksum(head + content), os.getpid() & 0xFFFF, number) + content
    )


def _checksum(content: bytes) -> int:
    content += b"\0" * (len(content) % 2)
    total: int = sum(struct.unpack(f"!{len(content) // 2}H", content))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 65_535
