"""PostgreSQL: connect, log in, read the server's own state, run a query, and look at the value it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import ClassVar, Literal

from migrawatch.parse.postgres import UNTOLD, State, parse_state
from migrawatch.probe import (
    TLS_CIPHER,
    TLS_VERSION,
    Contact,
    Down,
    Measure,
    Probe,
    Reason,
    Seconds,
    Secret,
    Tls,
    Visit,
    Wire,
)
from migrawatch.reach.connection import connect
from migrawatch_probes._libpq import Session, TlsFailed

CONNECTIONS = Measure("probe_postgres_connections", "Connections of clients now.")
CONNECTIONS_MAX = Measure(
    "probe_postgres_connections_max", "Connections that clients may have, the reserved ones not counted."
)
LOCK_WAIT = Measure(
    "probe_postgres_lock_wait_seconds",
    "How long the oldest wait for a lock has lasted; 0 when nobody waits.",
    "seconds",
)
IN_RECOVERY = Measure("probe_postgres_in_recovery", "Whether the server is a standby or replays its log.")
READ_ONLY = Measure("probe_postgres_read_only", "Whether new transactions are read-only by default.")
DURATION = Measure("probe_postgres_duration_seconds", "How long each phase took.", "seconds", ("phase",))

# First of all, so that what the server's defaults are is read before our own session is made read-only.
# pg_locks shows everybody's waits to everybody (waitstart since PostgreSQL 14); of pg_stat_activity other roles'
# sessions show at least that they exist, which is enough to count them.
STATE = """\
set statement_timeout = {query_timeout}; set lock_timeout = {lock_timeout};
select pg_is_in_recovery(), current_setting('default_transaction_read_only'),
  (select count(*) from pg_stat_activity where datid is not null and usesysid is not null),
  current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true)::int, 0),
  {lock_wait}, tls.version, tls.cipher
from (select pg_backend_pid() as pid) me left join pg_stat_ssl tls using (pid);
set default_transaction_read_only = on
"""
# Only what an application's statements wait for: who asks for an advisory lock may mean to wait, and one who builds an
# index concurrently waits for old transactions.
WAITS = "pg_locks where not granted and locktype in ('relation', 'tuple', 'transactionid')"
LOCK_WAIT_TOLD = f"(select extract(epoch from clock_timestamp() - min(waitstart)) from {WAITS})"

# Who holds up the one that waits longest: names and ages, never the text of a query, which may hold anything.
BLOCKERS = f"""\
select waiting.pid, waiting.usename, waiting.application_name, holding.pid, holding.usename, holding.application_name,
  age(clock_timestamp(), holding.xact_start)
from (select pid from {WAITS} order by waitstart limit 1) oldest
join pg_stat_activity waiting using (pid)
left join pg_stat_activity holding on holding.pid = any(pg_blocking_pids(waiting.pid))
"""

# Debian's postgresql.service only starts the clusters' own units and ends: its status says nothing of them.
STATUS = "ssh {host} \"pg_lsclusters; systemctl status 'postgresql*'\""
LOG = 'ssh {host} "tail -n 50 /var/log/postgresql/*.log"'
LISTENS = 'ssh {host} "ss -ltn sport = :{port}"'
ACTIVITY = (
    "ssh {host} \"sudo -u postgres psql -c 'select pid, usename, application_name, state, wait_event_type,"
    " now() - xact_start as age, pg_blocking_pids(pid) from pg_stat_activity order by xact_start'\""
)
RULES = "ssh {host} \"sudo -u postgres psql -c 'select * from pg_hba_file_rules'\""
REMEDIES = {
    Reason.CONNECT_REFUSED: (STATUS, LISTENS, LOG),
    Reason.CONNECT_TIMEOUT: ("nc -zv {address} {port}", LISTENS),
    Reason.CONNECT_UNREACHABLE: ("ip route get {address}", "nc -zv {address} {port}"),
    Reason.CONNECT_RESET: (STATUS, LOG),
    **{
        reason: ("openssl s_client -starttls postgres -connect {address}:{port} -showcerts </dev/null",)
        for reason in Reason
        if reason.family == "tls"
    },
    Reason.TLS_NOT_TLS: ("ssh {host} \"sudo -u postgres psql -c 'show ssl'\"", LOG),
    Reason.PG_TIMEOUT: ('ssh {host} "ps -C postgres -o pid,stat,wchan:20,args; uptime"', STATUS, LOG),
    Reason.PG_AUTH: ("ssh {host} \"sudo -u postgres psql -c '\\du {user}'\"", LOG),
    Reason.PG_HBA: (RULES, LOG),
    Reason.PG_NO_DATABASE: ('ssh {host} "sudo -u postgres psql -l"',),
    Reason.PG_TOO_MANY_CONNECTIONS: (ACTIVITY,),
    Reason.PG_READ_ONLY: (
        "ssh {host} \"sudo -u postgres psql -c 'show default_transaction_read_only' -c '\\drds'\"",
        'ssh {host} "df -h"',
    ),
    Reason.PG_IN_RECOVERY: ("ssh {host} \"sudo -u postgres psql -c 'select pg_last_wal_replay_lsn()'\"", LOG),
    Reason.PG_STARTING: (LOG, STATUS),
    Reason.PG_QUERY_TIMEOUT: (ACTIVITY, 'ssh {host} "uptime; df -h"'),
    Reason.PG_LOCKED: (ACTIVITY,),
    Reason.PG_ERROR: (LOG,),
    Reason.SLOW: (ACTIVITY, 'ssh {host} "uptime"'),
}

NO_PASSWORD = Secret("")
SSL_REQUEST = bytes.fromhex("00000008 04d2162f")  # PostgreSQL manual, 55.7: length, and 80877103


@dataclass(frozen=True, kw_only=True)
class PostgresProbe(Probe):
    """Log in as an application does, and run its kind of query in a read-only session.

    *query* runs with `statement_timeout` (*query_timeout*, which should end before the check's timeout), and waits for
    a lock at most four fifths of it. The first column of its first row must read *expect*, where one is set.
    *connections_warn* is the share of the connections open to clients that may be in use. *lock_wait_warn* and
    *lock_wait_down* judge the oldest wait of anybody on the server for a table, a row or a transaction. *name* is what
    the certificate must be for, the address unless said.
    """

    contact = Contact.TCP
    measures = (CONNECTIONS, CONNECTIONS_MAX, LOCK_WAIT, IN_RECOVERY, READ_ONLY)
    phase_measure = DURATION
    steps_as: ClassVar[Mapping[str, str]] = {
        "resolve": "resolve", "connect": "connect", "tls": "tls", "startup": "startup", "state": "state",
        "query": "query",
    }  # fmt: skip
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = REMEDIES

    address: str
    port: int = 5432
    user: str
    database: str
    password: Secret = NO_PASSWORD
    query: str = "SELECT 1"
    expect: str | int | float | bool | None = None
    tls: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = "prefer"
    name: str = ""
    ca_file: str = ""
    query_timeout: Seconds = 5.0
    slow_after: Seconds | None = None
    connections_warn: float = 0.9
    lock_wait_warn: Seconds = 10.0
    lock_wait_down: Seconds = 60.0

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ValueError(f"port must be from 1 to 65535, got {self.port}")
        if self.tls == "verify-ca" and not self.ca_file:
            raise ValueError("tls: verify-ca needs ca_file; without one, any public authority could vouch for any name")

    @property
    def target(self) -> str:
        """Where the database is: `host:port/database`."""
        return f"{self.address}:{self.port}/{self.database}"

    async def observe(self, visit: Visit) -> None:
        """Connect, log in, judge the server's state, run the query."""
        try:
            async with visit.reach(self.address, self.port) as dialled:
                await self._visit_server(visit, *dialled)
        except TlsFailed as error:
            await self._name_tls_fault(visit, error)

    async def _visit_server(self, visit: Visit, address: str, port: int) -> None:
        began = perf_counter()
        session = Session(self._settings(address, port), self.password)
        try:
            await session.open(visit)
            with visit.step("state", late=Reason.PG_QUERY_TIMEOUT):
                await self._judge_state(visit, session)
            with visit.step("query", late=Reason.PG_QUERY_TIMEOUT):
                rows = await session.rows(self.query)
        finally:
            session.close()
        self._judge_value(rows[0][0] if rows else None)
        took = perf_counter() - began
        if self.slow_after is not None and took > self.slow_after:
            visit.warn(Reason.SLOW, f"took {took:.3g} s, wanted {self.slow_after:g} s at most")

    def _settings(self, address: str, port: int) -> dict[str, str | int]:
        """libpq's settings, so complete that it looks up neither names nor a password file."""
        settings: dict[str, str | int] = {
            "host": self.name or self.address,
            "hostaddr": address,
            "port": port,
            "user": self.user,
            "dbname": self.database,
            "passfile": "/nonexistent",
            "sslmode": self.tls,
            "gssencmode": "disable",
            "application_name": "migrawatch",
            "client_encoding": "UTF8",
        }
        if self.tls.startswith("verify"):
            settings["sslrootcert"] = self.ca_file or "system"
        return settings

    async def _judge_state(self, visit: Visit, session: Session) -> None:
        state = parse_state((await session.rows(self._state_query(session.server_version)))[0])
        _note(visit, state)
        release = ".".join(map(str, divmod(session.server_version, 10_000)))
        role = "standby" if state.in_recovery else "primary"
        visit.fact(f"PostgreSQL on {visit.subject.host}", f"{release}, {role}")
        if state.in_recovery:
            raise Down(Reason.PG_IN_RECOVERY, "pg_is_in_recovery() is true, wanted a primary")
        if state.read_only:
            raise Down(Reason.PG_READ_ONLY, "default_transaction_read_only is on, wanted off")
        if state.connections >= self.connections_warn * state.connections_max:
            used = f"{state.connections} of {state.connections_max}"
            visit.warn(Reason.PG_TOO_MANY_CONNECTIONS, f"{used} connections are in use")
        await self._judge_locks(visit, session, state.lock_wait)

    def _state_query(self, server_version: int) -> str:
        milliseconds = round(self.query_timeout * 1000)
        return STATE.format(
            query_timeout=milliseconds,
            lock_timeout=milliseconds * 4 // 5,
            lock_wait=LOCK_WAIT_TOLD if server_version >= 140000 else str(UNTOLD),
        )

    async def _judge_locks(self, visit: Visit, session: Session, waited: Seconds | None) -> None:
        if waited is None:
            visit.evidence("postgres", "how long locks are waited for is not told before PostgreSQL 14")
            return
        if waited < self.lock_wait_warn:
            return
        note, limit = (visit.down, self.lock_wait_down) if waited >= self.lock_wait_down else (
            visit.warn, self.lock_wait_warn)  # fmt: skip
        note(Reason.PG_LOCKED, f"a lock has been waited for {waited:.0f} s, wanted less than {limit:g} s")
        for row in await session.rows(BLOCKERS):
            waiting, holding = (" ".join(filter(None, part)) for part in (row[:3], row[3:6]))
            visit.evidence(
                "postgres: pg_locks", f"{waiting} waits for {holding or 'nobody seen'} ({row[6] or 'age unseen'})"
            )

    def _judge_value(self, value: str | None) -> None:
        if self.expect is None:
            return
        wanted = {True: "t", False: "f"}.get(self.expect) if isinstance(self.expect, bool) else str(self.expect)
        if value != wanted:
            raise Down(Reason.PG_ERROR, f"query: gave {_shown(value)}, wanted {_shown(wanted)}")

    async def _name_tls_fault(self, visit: Visit, error: TlsFailed) -> None:
        """Shake hands once more by our own TLS, whose verdict is a reason, and note the certificate's facts.

        libpq tells only in words what it did not like, and words differ from version to version.
        """
        async with visit.reach(self.address, self.port) as dialled:
            wire = Wire(await connect(*dialled))
            try:
                await wire.write(SSL_REQUEST)
                await wire.readexactly(1)
                wanted = Tls(name=self.name or self.address, ca_file=self.ca_file, any_name=self.tls == "verify-ca")
                await visit.start_tls(wire, wanted)
            finally:
                wire.close()
        raise Down(Reason.TLS_ALERT, f"tls: {error}")


def _note(visit: Visit, state: State) -> None:
    visit.measure(IN_RECOVERY, float(state.in_recovery))
    visit.measure(READ_ONLY, float(state.read_only))
    visit.measure(CONNECTIONS, state.connections)
    visit.measure(CONNECTIONS_MAX, state.connections_max)
    if state.lock_wait is not None:
        visit.measure(LOCK_WAIT, state.lock_wait)
    if state.tls_version:
        visit.measure(TLS_VERSION, 1.0, version=state.tls_version.replace("TLSv", "TLS "))
        visit.measure(TLS_CIPHER, 1.0, cipher=state.tls_cipher)


def _shown(value: str | None) -> str:
    return "no value" if value is None else repr(value[:80])
