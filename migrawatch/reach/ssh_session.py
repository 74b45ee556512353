"""One SSH connection that is logged in, and what it is used for."""

import asyncio
import contextlib
import shlex
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator, Sequence
from typing import Any, Never, TypeVar

import asyncssh

from migrawatch.model import Down, Fault, Lost
from migrawatch.parse.log_line import Cutter
from migrawatch.parse.place import place_of
from migrawatch.parse.ssh import reason_of_open_failure
from migrawatch.reach.ssh_channel import WINDOW, Channel, Execution
from migrawatch.reach.ssh_files import SftpFiles, Unanswered
from migrawatch.reach.ssh_log_files import SshLogFiles
from migrawatch.reach.ssh_login import Login
from migrawatch.reach.ssh_pipe import Pipe
from migrawatch.reach.vantage import Completed

T = TypeVar("T")

KEEPALIVES = 3
"""Keepalives within `lost_after` while an answer is waited for; given up when the last of them had no answer."""

IDLE = 20.0
"""Seconds between keepalives while nobody waits: often enough for what drops idle connections on the way."""


class Session:
    """One logged-in connection. Every method raises Lost when the connection is at fault, never when the target is."""

    def __init__(self, login: Login, connection: asyncssh.SSHClientConnection, pipe: Pipe, lost_after: float) -> None:
        self._login = login
        self._connection = connection
        self._pipe = pipe
        self._lost_after = lost_after
        self._loop = asyncio.get_running_loop()
        self._asked = 0
        self._alert_since: float | None = None
        self._late: set[asyncio.Task[Any]] = set()

    @property
    def is_over(self) -> bool:
        """Whether the connection is gone."""
        return self._connection.is_closed()

    @property
    def fault(self) -> Fault | None:
        """What ended the wire under the connection, if it was more than the server's hanging up."""
        return self._pipe.fault

    @property
    def silence(self) -> float:
        """Seconds for which the server has been silent since an answer is waited for; 0 while none is."""
        if self._alert_since is None:
            return 0.0
        return self._loop.time() - max(self._pipe.heard_at, self._alert_since)

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """Send keepalives in quick succession for as long as an answer is waited for."""
        self._asked += 1
        if self._alert_since is None and not self.is_over:
            self._alert_since = self._loop.time()
            self._connection.set_keepalive(self._lost_after / KEEPALIVES)
        try:
            yield
        finally:
            self._asked -= 1
            # A server that said nothing meanwhile stays under suspicion, or whoever asks next would count anew.
            is_answering = self._alert_since is not None and self._pipe.heard_at >= self._alert_since
            if not self._asked and not self.is_over and is_answering and self.silence < self._lost_after / KEEPALIVES:
                self._alert_since = None
                self._connection.set_keepalive(IDLE)

    def fail(self, doing: str) -> None:
        """Raise Lost if the connection is gone or does not answer; *doing* says what for."""
        if self.is_over:
            self.lose(doing, "the SSH connection is gone")
        if self.silence > self._lost_after / 2:
            self.lose(doing, f"no answer to our keepalives for {self.silence:.1f} s")

    def lose(self, doing: str, why: object) -> Never:
        """Raise Lost."""
        raise Lost(self._login.host, f"{self._login.host} ({self._login.place}), {doing}: {why}")

    async def dial(self, address: str, port: int) -> Channel:
        """Have the host connect to a literal address. Raise Down with a `connect_*` reason."""
        channel = Channel(place_of(address, port), self.fail, self.asking)
        await self._opened(f"connect to {channel.peer}", self._dial(channel, address, port))
        return channel

    async def _dial(self, channel: Channel, address: str, port: int) -> tuple[Any, Any]:
        try:
            return await self._connection.create_connection(lambda: channel, address, port, window=WINDOW)
        except asyncssh.ChannelOpenError as error:
            self.fail(f"connect to {channel.peer}")
            # OpenSSH answers code 1 when it does not forward for us, code 2 when the far dial fails. Only the second
            # says anything about the target.
            if error.code != asyncssh.OPEN_CONNECT_FAILED:
                self.lose(f"connect to {channel.peer}", f"forwarding refused: {error.reason}")
            reason = reason_of_open_failure(error.reason)
            raise Down(reason, f"connect from {self._login.host}: {channel.peer}: {error.reason}") from error

    async def execute(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """Run a command and wait for its end. Cancelling ends it, as far as the server can."""
        doing = f"run {argv[0]}"
        execution = Execution(_ending(argv))
        await self._opened(
            doing,
            self._connection.create_session(lambda: execution, shlex.join(argv), encoding=None, window=WINDOW),
        )
        try:
            execution.start(stdin)
            with self.asking():
                await asyncio.shield(execution.ended)
        except asyncio.CancelledError:
            execution.stop()
            self.fail(doing)
            raise
        except OSError as error:
            self.lose(doing, error)
        if execution.completed is None:
            self.lose(doing, execution.ended.result() or "the session was closed before the command's end")
        return execution.completed

    async def lines(self, argv: Sequence[str]) -> AsyncGenerator[str, None]:
        """What a long-running command prints, errors included, line by line; a line that is too long is cut.

        All the while keepalives ask whether the host is still there: a log may be silent for hours.
        """
        doing, cutter = f"follow {argv[0]}", Cutter()
        try:
            process = await self._connection.create_process(
                shlex.join(argv), stdin=asyncssh.DEVNULL, stderr=asyncssh.STDOUT, encoding=None, window=WINDOW
            )
            try:
                with self.asking():
                    while chunk := await process.stdout.read(65536):
                        for line in cutter.cut(chunk):
                            yield line.decode("utf-8", "replace")
            finally:
                with contextlib.suppress(OSError):  # the channel is closed already
                    process.send_signal(_ending(argv))
            for line in cutter.end():
                yield line.decode("utf-8", "replace")
        except (asyncssh.Error, OSError) as error:
            self.lose(doing, error)
        self.fail(doing)

    @contextlib.asynccontextmanager
    async def log_files(self) -> AsyncIterator[SshLogFiles]:
        """Files of the host that are held open, by SFTP."""
        client = await self._opened("open SFTP", self._start_sftp())
        try:
            yield SshLogFiles(client, self._login.host)
        finally:
            client.exit()

    @contextlib.asynccontextmanager
    async def files(self, unanswered: Unanswered) -> AsyncIterator[SftpFiles]:
        """The files of the host, by SFTP; *unanswered* are the questions that hang already."""
        client = await self._opened("open SFTP", self._start_sftp())
        try:
            with self.asking():
                files = SftpFiles(client, self._login.host, self.fail, unanswered)
                await files.note_mounts()
                yield files
        finally:
            client.exit()

    async def _start_sftp(self) -> asyncssh.SFTPClient:
        return await self._connection.start_sftp_client()

    async def _opened(self, doing: str, opening: Coroutine[Any, Any, T]) -> T:
        """What *opening* opens. asyncssh forgets a channel whose opening is cancelled; this one is closed later."""
        task = asyncio.create_task(opening)
        try:
            with self.asking():
                return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._late.add(task)
            task.add_done_callback(self._drop)
            self.fail(doing)
            raise
        except (asyncssh.Error, OSError) as error:
            self.lose(doing, error)

    def _drop(self, task: asyncio.Task[Any]) -> None:
        self._late.discard(task)
        if task.cancelled() or task.exception() is not None:
            return
        match task.result():
            case _, Execution() as execution:
                execution.stop()
            case channel, _:
                channel.abort()
            case client:
                client.exit()

    async def close(self) -> None:
        """Close the connection and wait until nothing of it runs any more."""
        late = tuple(self._late)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
        self._connection.abort()
        await self._connection.wait_closed()
        self._pipe.close()
        await self._pipe.wait_closed()


def _ending(argv: Sequence[str]) -> str:
    """The signal that ends a command. sudo passes TERM on to what it runs; if it is killed, it leaves that behind."""
    return "TERM" if argv[0].rpartition("/")[2] == "sudo" else "KILL"
