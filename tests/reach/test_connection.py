"""A connection from here: every way it can fail has its word, and waiting costs neither bytes nor descriptors."""

import asyncio
import resource
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from migrawatch.model import Down, Lost
from migrawatch.reach.here import Here
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason
from tests.servers.peers import closing_peer, dripping_peer, peer, resetting_peer, silent_peer
from tests.servers.ports import closed_port


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def connect_fault(address: str, port: int) -> Down:
    with pytest.raises(Down) as raised:
        (await Here().connect(address, port)).close()
    return raised.value


async def test_a_closed_port_refuses() -> None:
    with closed_port() as port:
        fault = await connect_fault("127.0.0.1", port)

    assert (fault.reason, fault.detail) == (
        Reason.CONNECT_REFUSED,
        f"connect: 127.0.0.1:{port} refused the connection",
    )


async def test_a_closed_port_refuses_over_ipv6_too() -> None:
    with closed_port("::1") as port:
        fault = await connect_fault("::1", port)

    assert fault.reason is Reason.CONNECT_REFUSED
    assert f"[::1]:{port}" in fault.detail


async def test_an_address_without_a_route_is_unreachable() -> None:
    """TCP to the broadcast address is turned down by the kernel itself; no packet leaves."""
    fault = await connect_fault("255.255.255.255", 9)

    assert fault.reason is Reason.CONNECT_UNREACHABLE
    assert "network is unreachable" in fault.detail


async def test_a_full_backlog_leaves_the_caller_waiting() -> None:
    """A dropped SYN must be waited for, not spun on; the caller's deadline ends it at once."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await Here().connect(*listener.getsockname())


async def test_running_out_of_descriptors_is_our_own_fault() -> None:
    """The target must not be blamed for our full table."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(Lost, match="too many open files"):
            await Here().connect("127.0.0.1", 9)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_bytes_come_in_order_and_the_end_is_empty() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(1000):
            writer.write(f"{number}\n".encode())
            if number % 100 == 0:
                await writer.drain()
                await asyncio.sleep(0)

    async with peer(serve) as port:
        wire = Wire(await Here().connect("127.0.0.1", port))
        lines = [await wire.readline() for _ in range(1000)]
        end = await wire.read()
        wire.close()

    assert [int(line) for line in lines] == list(range(1000))
    assert end == b""


async def test_a_peer_that_closes_within_a_line_is_at_its_end() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"half a li")

    async with peer(serve) as port:
        wire = Wire(await Here().connect("127.0.0.1", port))
        with pytest.raises(EOFError):
            await wire.readline()
        wire.close()


async def test_a_line_without_an_end_is_not_read_for_ever() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 20000)
        await reader.read()

    async with peer(serve) as port:
        wire = Wire(await Here().connect("127.0.0.1", port))
        with pytest.raises(ValueError, match="no line end within 8192 bytes"):
            await wire.readline()
        wire.close()


async def test_a_reset_is_told_as_one() -> None:
    async with resetting_peer(after_first_bytes=True) as port:
        wire = Wire(await Here().connect("127.0.0.1", port))
        await wire.write(b"hello")
        with pytest.raises(ConnectionResetError):
            await wire.read()
        wire.close()


async def test_writing_to_a_peer_that_is_gone_is_a_broken_pipe() -> None:
    async with closing_peer() as port:
        wire = Wire(await Here().connect("127.0.0.1", port))
        assert await wire.read() == b""
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(100):
                await wire.write(b"hello")
                await asyncio.sleep(0)
        wire.close()


async def test_what_does_not_fit_is_sent_as_the_peer_reads() -> None:
    """Ten megabytes meet a full send buffer many times."""
    read = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        total = 0
        while chunk := await reader.read(65536):
            total += len(chunk)
        read.set_result(total)

    async with peer(serve) as port:
        wire = Wire(await Here().connect("127.0.0.1", port))
        await wire.write(b"x" * 10_000_000)
        wire.close()

        assert await read == 10_000_000


async def test_a_cancelled_read_can_be_followed_by_another() -> None:
    async with dripping_peer(b"ab", pause=0.03) as port:
        wire = Wire(await Here().connect("127.0.0.1", port))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await wire.read()
        await wire.write(b"go")
        both = await wire.readexactly(2)
        wire.close()

    assert both == b"ab"


async def test_closing_wakes_whoever_waits() -> None:
    async with silent_peer() as port:
        connection = await Here().connect("127.0.0.1", port)
        waiting = asyncio.ensure_future(connection.receive(10))
        await asyncio.sleep(0)
        connection.close()
        connection.close()

        with pytest.raises(ConnectionResetError):
            await waiting


async def test_many_at_once_are_not_mixed_up() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())

    async def ask(port: int, number: int) -> bytes:
        wire = Wire(await Here().connect("127.0.0.1", port))
        try:
            await wire.write(f"{number}\n".encode())
            return await wire.readline()
        finally:
            wire.close()

    async with peer(serve) as port:
        answers = await asyncio.gather(*(ask(port, number) for number in range(100)))

    assert [int(answer) for answer in answers] == list(range(100))


async def test_no_descriptor_is_left() -> None:
    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with peer(serve) as port:
        await wait_in_vain(port)  # the loop's one epoll stays
        before = open_descriptors()
        for _ in range(20):
            await wait_in_vain(port)

        assert open_descriptors() <= before


async def wait_in_vain(port: int) -> None:
    connection = await Here().connect("127.0.0.1", port)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await connection.receive(1)
    connection.close()
    await asyncio.sleep(0.005)  # the peer's side of it closes
