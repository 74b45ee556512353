"""An ICMP echo, without privileges where the kernel allows it."""

import asyncio
import os
import socket
import struct
from ipaddress import ip_address

from migrawatch.model import Down
from migrawatch.reason import Reason

_REQUEST = {4: 8, 6: 128}
_REPLY = {4: 0, 6: 129}
_PROTOCOL = {4: socket.IPPROTO_ICMP, 6: socket.IPPROTO_ICMPV6}

TRIES = 3
PAUSE = 1.0
"""Seconds after which an unanswered echo is asked again: one lost packet proves nothing."""


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
            spent = await _ask(waiting, version, number)
            if spent is not None:
                return spent
    return None


async def echoes(address: str, count: int, pause: float, within: float) -> tuple[float | None, ...]:
    """For each of *count* echoes, the seconds until it was answered, or None if it was not *within* so many.

    The next one is sent *pause* seconds after the last was answered. Raise EchoForbidden, or Down
    (`connect_unreachable`) when our own kernel knows no way there.
    """
    version = ip_address(address).version
    spent = []
    with _socket(version) as waiting:
        waiting.setblocking(False)
        try:
            waiting.connect((address, 0))
        except OSError as error:
            raise Down(Reason.CONNECT_UNREACHABLE, f"echo to {address}: {error.strerror}") from error
        for number in range(count):
            if number:
                await asyncio.sleep(pause)
            spent.append(await _ask(waiting, version, number, within))
    return tuple(spent)


def _socket(version: int) -> socket.socket:
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(family, kind, _PROTOCOL[version])
        except PermissionError:
            continue
    raise EchoForbidden


async def _ask(waiting: socket.socket, version: int, number: int, within: float = PAUSE) -> float | None:
    loop = asyncio.get_running_loop()
    token = os.urandom(16)
    began = loop.time()
    try:
        async with asyncio.timeout(within):
            await loop.sock_sendall(waiting, _request(version, number, token))
            while True:
                answer = await loop.sock_recv(waiting, 2048)
                # A raw socket sees every ICMP message of its peer, with the IPv4 header before it.
                if token in answer and _REPLY[version] in (answer[0], answer[20]):
                    return loop.time() - began
    except TimeoutError:
        return None
    except OSError:
        await asyncio.sleep(within - (loop.time() - began))
        return None


def _request(version: int, number: int, token: bytes) -> bytes:
    head = struct.pack("!BBHHH", _REQUEST[version], 0, 0, os.getpid() & 0xFFFF, number)
    # The kernel fills in the checksum but for raw IPv4 sockets; a right one harms nowhere.
    return struct.pack("!BBHHH", _REQUEST[version], 0, _checksum(head + token), os.getpid() & 0xFFFF, number) + token


def _checksum(content: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(content) // 2}H", content))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 65_535
