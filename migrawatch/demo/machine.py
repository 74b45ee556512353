"""The demo's machines: an SSH server each, which migrawatch asks for units and processes as in production."""

import json
import shlex
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, cast

import asyncssh

PM2_SOCKET = "/root/.pm2/rpc.sock"


@dataclass
class Unit:
    """A systemd unit."""

    active: bool = True
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def shown(self) -> str:
        """What `systemctl show` prints of it."""
        state = ("active", "running") if self.active else ("inactive", "dead")
        since = self.since.strftime("%a %Y-%m-%d %H:%M:%S UTC")
        return (
            f"LoadState=loaded\nActiveState={state[0]}\nSubState={state[1]}\nResult=success\nNRestarts=0\n"
            f"ExecMainStatus=0\nActiveEnterTimestamp={since if self.active else ''}\nStateChangeTimestamp={since}\n"
        )


@dataclass
class App:
    """An application under PM2."""

    status: str = "online"
    restarts: int = 0
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def listed(self, name: str) -> dict[str, Any]:
        """What `pm2 jlist` prints of it."""
        since = int(self.since.timestamp() * 1000)
        environment = {"status": self.status, "restart_time": self.restarts, "pm_uptime": since}
        return {"name": name, "pid": 0, "pm2_env": environment, "monit": {"memory": 64_000_000, "cpu": 0}}


@dataclass
class Machine:
    """One host: what runs on it, and how it answers the commands that migrawatch may run there."""

    name: str
    address: str
    units: dict[str, Unit] = field(default_factory=dict)
    processes: dict[str, App] = field(default_factory=dict)

    def answer(self, argv: list[str]) -> tuple[int, str]:
        """The exit status and the output of a command."""
        if argv[:2] == ["systemctl", "show"] and argv[-1] in self.units:
            return 0, self.units[argv[-1]].shown()
        if argv[:1] in (["true"], ["journalctl"]):
            return 0, ""
        if argv[:1] == ["cat"] and argv[-1] in self.files():
            return 0, self.files()[argv[-1]].decode()
        if argv[-1:] == ["jlist"]:
            return 0, json.dumps([process.listed(name) for name, process in self.processes.items()])
        return 127, ""

    def files(self) -> Mapping[str, bytes]:
        """The files that SFTP shows."""
        listening = f"0: 00000002 00000000 00010000 0001 01 1 {PM2_SOCKET}\n" if self.processes else ""
        return {"/proc/net/unix": b"Num RefCount Protocol Flags Type St Inode Path\n" + listening.encode()}


async def serve_ssh(
    machine: Machine, port: int, host_key: asyncssh.SSHKey, user_key: asyncssh.SSHKey
) -> asyncssh.SSHAcceptor:
    """Let whoever has *user_key* run *machine*'s commands and connect onwards to loopback. Raise OSError."""
    allowed = asyncssh.import_authorized_keys(user_key.export_public_key().decode())

    async def run(process: "asyncssh.SSHServerProcess[str]") -> None:
        status, output = machine.answer(shlex.split(process.command or ""))
        process.stdout.write(output)
        process.exit(status)

    return await asyncssh.listen(
        machine.address,
        port,
        server_factory=_Onwards,
        server_host_keys=[host_key],
        authorized_client_keys=allowed,
        process_factory=run,
        sftp_factory=lambda channel: _Files(channel, machine),
    )


class _Onwards(asyncssh.SSHServer):
    """Lets a client connect onwards, to loopback only."""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Remember the connection that onward ones belong to."""
        self._connection = conn

    def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> "bool | Awaitable[asyncssh.SSHTCPSession[bytes]]":
        """An onward connection, if it may be opened."""
        return dest_host.startswith("127.") and self._onward(dest_host, dest_port)

    async def _onward(self, host: str, port: int) -> "asyncssh.SSHTCPSession[bytes]":
        try:
            onward = await self._connection.forward_connection(host, port)
        except asyncssh.ChannelOpenError as error:
            # As OpenSSH says it, not as Python does; on loopback nothing else happens.
            raise asyncssh.ChannelOpenError(error.code, "Connection refused") from error
        # asyncssh hands its own forwarder over as a session, too.
        return cast("asyncssh.SSHTCPSession[bytes]", onward)


class _Files(asyncssh.SFTPServer):
    """A few files that exist only here."""

    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", machine: Machine) -> None:
        super().__init__(channel)
        self._files = {path.encode(): content for path, content in machine.files().items()}

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open a file for reading."""
        return BytesIO(self._content(path))

    def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Its size and date."""
        return asyncssh.SFTPAttrs(size=len(self._content(path)), permissions=0o100444, mtime=0, atime=0)

    lstat = stat

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        """The size of an open file."""
        assert isinstance(file_obj, BytesIO)
        return asyncssh.SFTPAttrs(size=file_obj.getbuffer().nbytes, permissions=0o100444, mtime=0, atime=0)

    def _content(self, path: bytes) -> bytes:
        if path not in self._files:
            raise asyncssh.SFTPNoSuchFile(path.decode())
        return self._files[path]
