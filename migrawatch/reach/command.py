"""Commands on this machine, each in a process group of its own that ends with whoever waits for it."""

import asyncio
import os
import signal
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process, SubprocessStreamProtocol
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from migrawatch.model import Down
from migrawatch.parse.log_line import Cutter
from migrawatch.reach.vantage import Completed
from migrawatch.reason import Reason

_LINE_LIMIT = 1_048_576

KEPT = 4_194_304
"""Bytes of output that are kept; what a command prints past it is read and dropped."""


LINGER = 1.0
"""Seconds for which the output of a command that has ended is waited for, while somebody else holds it open."""


async def run(argv: Sequence[str], stdin: bytes = b"") -> Completed:
    """Run *argv* without a shell and wait for its end. Raise Down (`command_failed`) when it cannot be started."""
    command = await _start(argv, stdin=PIPE if stdin else DEVNULL, stderr=PIPE)
    stdout, stderr = bytearray(), bytearray()
    try:
        async with asyncio.TaskGroup() as talk:
            talks = [
                talk.create_task(_keep(command.process.stdout, stdout)),
                talk.create_task(_keep(command.process.stderr, stderr)),
                talk.create_task(_feed(command.process.stdin, stdin)),
            ]
            await command.ended.wait()
            # What it started and left behind holds its output open: its own group ends with it, and for who has left
            # the group nobody waits.
            _kill(command)
            await asyncio.wait(talks, timeout=LINGER)
            for each in talks:
                each.cancel()
    finally:
        await _end(command)
    status = command.transport.get_returncode()
    status = -signal.SIGKILL if status is None else status
    return Completed(status, stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace"))


async def _keep(stream: StreamReader | None, kept: bytearray) -> None:
    while stream is not None and (chunk := await stream.read(65536)):
        kept += chunk[: KEPT - len(kept)]


async def _feed(stream: StreamWriter | None, content: bytes) -> None:
    if stream is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):  # a command may end without reading it all
        stream.write(content)
        await stream.drain()
        stream.close()
        await stream.wait_closed()


@asynccontextmanager
async def follow(argv: Sequence[str]) -> AsyncIterator[AsyncIterator[str]]:
    """The lines of a long-running command without their ends, errors included; over when it ends.

    A line that is too long is cut. Leaving ends the command.
    """
    command = await _start(argv, stdin=DEVNULL, stderr=STDOUT)
    try:
        yield _lines(command.process)
    finally:
        await _end(command)


async def _lines(command: Process) -> AsyncIterator[str]:
    assert command.stdout is not None
    cutter = Cutter()
    while chunk := await command.stdout.read(65536):
        for line in cutter.cut(chunk):
            yield line.decode("utf-8", "replace")
    for line in cutter.end():
        yield line.decode("utf-8", "replace")


class _Ending(SubprocessStreamProtocol):
    """Tells when the command itself has ended; `Process.wait` waits for everybody who holds one of its pipes, too."""

    def __init__(self) -> None:
        super().__init__(limit=_LINE_LIMIT, loop=asyncio.get_running_loop())
        self.ended = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.ended.set()


@dataclass(frozen=True, slots=True)
class _Command:
    process: Process
    transport: asyncio.SubprocessTransport
    ended: asyncio.Event


async def _start(argv: Sequence[str], *, stdin: int, stderr: int) -> _Command:
    loop = asyncio.get_running_loop()
    try:
        transport, protocol = await loop.subprocess_exec(
            _Ending,
            *argv,
            stdin=stdin,
            stdout=PIPE,
            stderr=stderr,
            process_group=0,
            env={**os.environ, "LC_ALL": "C.UTF-8"},  # what we parse must not depend on who started us
        )
    except FileNotFoundError as error:
        raise Down(Reason.COMMAND_FAILED, f"{argv[0]}: no such command") from error
    except OSError as error:
        raise Down(Reason.COMMAND_FAILED, f"{argv[0]}: cannot be started: {error.strerror}") from error
    return _Command(Process(transport, protocol, loop), transport, protocol.ended)


async def _end(command: _Command) -> None:
    """End what is left of the command's process group, and wait until the command is gone."""
    _kill(command)
    await command.ended.wait()
    command.transport.close()  # somebody who has left the group may still hold a pipe


def _kill(command: _Command) -> None:
    with suppress(ProcessLookupError):
        os.killpg(command.process.pid, signal.SIGKILL)
