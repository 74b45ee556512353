"""A miniature MigraTeck: srv1, mpanel-core and db-core on loopback, which can be broken and mended."""

import asyncio
import secrets
from datetime import UTC, datetime
from pathlib import Path

import asyncssh

from migrawatch.demo.database import Database
from migrawatch.demo.machine import App, Machine, Unit, serve_ssh
from migrawatch.demo.web import backend, edge, frontend, serve
from migrawatch.model import Secret

SRV1, MPANEL, DB = "127.71.10.10", "127.71.10.206", "127.71.10.210"
EDGE_PORT, API_PORT, PAGE_PORT, PG_PORT, SSH_PORT = 8080, 2271, 2272, 5432, 2222


class Town:
    """The hosts of config/demo.yaml, with their keys and passwords in *home*."""

    def __init__(self, home: Path) -> None:
        self._home = home
        password = secrets.token_urlsafe(12)
        (home / "mpanel_app").write_text(password)
        self.database = Database(_folder(home / "postgres"), DB, PG_PORT, Secret(password))
        self.machines = (
            Machine("srv1", SRV1, units={"nginx.service": Unit()}),
            Machine(
                "mpanel-core",
                MPANEL,
                processes={"mpanel-backend": App(), "mpanel-frontend": App()},
            ),
            Machine("db-core", DB, units={"postgresql.service": Unit()}),
        )
        self._servers: list[asyncio.Server] = []
        self._ssh: list[asyncssh.SSHAcceptor] = []
        self._backend: asyncio.Server | None = None
        self.edge_log: list[str] = []

    async def open(self) -> None:
        """Start everything. Raise OSError for a port that is taken, CalledProcessError for a database that will not."""
        await self._open_ssh()
        await self.database.make()
        await self.database.start()
        await self.database.make_database()
        proxy = edge(MPANEL, API_PORT, PAGE_PORT, self.edge_log.append)
        self._servers.append(await serve(SRV1, EDGE_PORT, "nginx", proxy))
        self._servers.append(await serve(MPANEL, PAGE_PORT, "vite", frontend))
        await self._serve_backend()

    async def _open_ssh(self) -> None:
        user_key = asyncssh.generate_private_key("ssh-ed25519")
        (self._home / "id_ed25519").touch(mode=0o600)
        user_key.write_private_key(self._home / "id_ed25519")
        known = []
        for machine in self.machines:
            host_key = asyncssh.generate_private_key("ssh-ed25519")
            self._ssh.append(await serve_ssh(machine, SSH_PORT, host_key, user_key))
            known.append(f"[{machine.address}]:{SSH_PORT} {host_key.export_public_key().decode()}")
        (self._home / "known_hosts").write_text("".join(known))

    async def _serve_backend(self) -> None:
        self._backend = await serve(MPANEL, API_PORT, "express", backend(self.database.greet))

    async def close(self) -> None:
        """Stop everything."""
        await self.stop_backend()
        for server in self._servers:
            server.close()
        for acceptor in self._ssh:
            acceptor.close()
        await self.database.stop()

    # -- breaking and mending -----------------------------------------------------------------------------------

    async def stop_backend(self) -> None:
        """As `pm2 stop mpanel-backend` does."""
        self.machines[1].processes["mpanel-backend"].status = "stopped"
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    async def restart_backend(self) -> None:
        """As `pm2 restart mpanel-backend` does."""
        process = self.machines[1].processes["mpanel-backend"]
        process.status, process.since, process.restarts = "online", datetime.now(UTC), process.restarts + 1
        await self._serve_backend()


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
