"""What breaks on db-core: the server, who may come in, what it lets them do."""

from typing import TYPE_CHECKING

from tests.lab.act import on
from tests.lab.names import BEHIND_DATABASE, DATABASE_VIEWS, POSTGRES
from tests.lab.truth import Act, Cause, Fault, Severity

if TYPE_CHECKING:
    from tests.lab.lab import Lab

UNIT = "db-unit"
SELECT = "db-select-1@mpanel-core"
CONF = "/etc/postgresql/15/main/postgresql.conf"
HBA = "/etc/postgresql/15/main/pg_hba.conf"
ENV = "/opt/mpanel/.env"
PG = "/var/lib/postgresql/15/main"

RESTART = (
    "systemctl reset-failed postgresql@15-main || true; systemctl restart postgresql@15-main; wait_until answers; "
)
START = "systemctl reset-failed postgresql@15-main || true; systemctl start postgresql@15-main; wait_until answers; "


def cause(reason: str, check: str = SELECT, severity: Severity = Severity.CRITICAL) -> tuple[Cause, ...]:
    return (Cause(check=check, host="db-core", service=POSTGRES, reason=reason, severity=severity),)


def alter(setting: str, value: str, then: str = "sleep 0.2; disconnect") -> Act:
    return on("db-core", f"sql \"ALTER SYSTEM SET {setting} = '{value}'\" 'SELECT pg_reload_conf()' >/dev/null; {then}")


def unalter(setting: str, then: str = "sleep 0.2; disconnect") -> Act:
    return on("db-core", f"sql 'ALTER SYSTEM RESET {setting}' 'SELECT pg_reload_conf()' >/dev/null; {then}")


def rotate(lab: "Lab") -> None:
    """Change the password where it is kept, and where the backend has it; ours stays of last year."""
    # As it is done with no outage: the backend reads the password for each new session.
    on("mpanel-core", f"keep {ENV}; sed -i 's/{lab.password}/rotated/' {ENV}")(lab)
    on("db-core", "sql \"ALTER ROLE mpanel_app PASSWORD 'rotated'\"")(lab)


def rotate_back(lab: "Lab") -> None:
    on("db-core", f"sql \"ALTER ROLE mpanel_app PASSWORD '{lab.password}'\"")(lab)
    on("mpanel-core", f"restore {ENV}; wait_until backend_healthy")(lab)


def set_password(lab: "Lab") -> None:
    """Give mpanel_app the password that everybody knows again."""
    on("db-core", f"sql \"ALTER ROLE mpanel_app PASSWORD '{lab.password}'\"; disconnect")(lab)


def refusal(name: str, breaks: str, reason: str, inject: Act, heal: Act) -> Fault:
    """The server runs and turns everybody away, the backend too."""
    return Fault(
        name=f"database-{name}",
        breaks=breaks,
        causes=cause(reason),
        shows={SELECT: ("down", reason), "db-select-1@here": ("down", reason), UNIT: ("ok", "")},
        symptoms=BEHIND_DATABASE | DATABASE_VIEWS,
        inject=inject,
        heal=heal,
    )


def state(name: str, breaks: str, reason: str, inject: Act, heal: Act) -> Fault:
    """The server answers SELECT 1, so the backend is content; it is not what it should be."""
    return Fault(
        name=f"database-{name}",
        breaks=breaks,
        causes=cause(reason),
        shows={
            SELECT: ("down", reason),
            "db-select-1@here": ("down", reason),
            UNIT: ("ok", ""),
            "backend@srv1": ("ok", ""),
        },
        symptoms=DATABASE_VIEWS,
        inject=inject,
        heal=heal,
    )


FAULTS = (
    Fault(
        name="database-stopped",
        breaks="systemctl stop postgresql@15-main",
        causes=cause("unit_inactive", UNIT),
        shows={
            UNIT: ("down", "unit_inactive"),
            SELECT: ("down", "connect_refused"),
            "pm2/mpanel-backend": ("ok", ""),
            "login-page": ("ok", ""),
        },
        symptoms=BEHIND_DATABASE | DATABASE_VIEWS,
        inject=on("db-core", "systemctl stop postgresql@15-main"),
        heal=on("db-core", START),
    ),
    Fault(
        name="database-failed",
        breaks="a setting that PostgreSQL does not know, and a restart: the unit has failed",
        causes=cause("unit_failed", UNIT),
        shows={UNIT: ("down", "unit_failed"), SELECT: ("down", "connect_refused")},
        symptoms=BEHIND_DATABASE | DATABASE_VIEWS,
        inject=on(
            "db-core",
            f"keep {CONF}; echo 'nonsense = on' >> {CONF}; systemctl restart postgresql@15-main || true; "
            "wait_until systemctl is-failed --quiet postgresql@15-main",
        ),
        heal=on("db-core", f"restore {CONF}; {START}"),
    ),
    Fault(
        name="database-hung",
        breaks="every process of PostgreSQL stands still (SIGSTOP): the kernel accepts, nobody answers",
        causes=cause("pg_timeout"),
        shows={SELECT: ("down", "pg_timeout"), "db-select-1@here": ("down", "pg_timeout")},
        symptoms=BEHIND_DATABASE | DATABASE_VIEWS,
        inject=on("db-core", "systemctl kill --signal=STOP postgresql@15-main"),
        heal=on("db-core", "systemctl kill --signal=CONT postgresql@15-main; wait_until answers"),
    ),
    refusal(
        "password",
        "mpanel_app's password was changed on db-core and nowhere else",
        "pg_auth",
        on("db-core", "sql \"ALTER ROLE mpanel_app PASSWORD 'changed'\"; disconnect"),
        set_password,
    ),
    refusal(
        "access-rules",
        "pg_hba.conf lets nobody in from 10.1.10.0/24",
        "pg_hba",
        on("db-core", f"keep {HBA}; sed -i '/10.1.10.0/d' {HBA}; reload_postgres; disconnect"),
        on("db-core", f"restore {HBA}; reload_postgres"),
    ),
    refusal(
        "connections-exhausted",
        "a script nobody knows holds every connection",
        "pg_too_many_connections",
        on("db-core", "hold_connections"),
        on("db-core", "end_sessions 'lab-hold-*'"),
    ),
    refusal(
        "renamed",
        "the database mpanel has another name since a failed migration",
        "pg_no_database",
        on("db-core", "rename_database mpanel mpanel_old"),
        on("db-core", "rename_database mpanel_old mpanel"),
    ),
    refusal(
        "shutting-down",
        "the server was asked to stop and waits for a forgotten session: nobody new comes in",
        "pg_starting",
        on("db-core", "shut_down_slowly"),
        on("db-core", f"systemctl stop lab-hold 2>/dev/null || true; {RESTART}"),
    ),
    state(
        "read-only",
        "default_transaction_read_only is on: logins work, nothing can be saved",
        "pg_read_only",
        alter("default_transaction_read_only", "on"),
        unalter("default_transaction_read_only"),
    ),
    state(
        "in-recovery",
        "the server came back as a standby",
        "pg_in_recovery",
        on("db-core", f"touch {PG}/standby.signal; chown postgres: {PG}/standby.signal; {RESTART}"),
        on("db-core", f"rm -f {PG}/standby.signal; {RESTART}"),
    ),
    Fault(
        name="database-locked",
        breaks="a forgotten transaction holds the users table; logins wait for it, and give up after 45 s",
        causes=cause("pg_locked", severity=Severity.WARNING),
        shows={SELECT: ("warn", "pg_locked"), "backend@srv1": ("ok", "")},
        symptoms=DATABASE_VIEWS,
        inject=on("db-core", "lock_users"),
        heal=on("db-core", "end_sessions lab-lock 'lab-wait-*'"),
    ),
    Fault(
        name="database-slow",
        breaks="every new connection takes 3 s",
        causes=cause("slow", severity=Severity.WARNING),
        shows={SELECT: ("warn", "slow"), UNIT: ("ok", "")},
        symptoms=DATABASE_VIEWS,
        inject=alter("post_auth_delay", "3", ""),
        heal=unalter("post_auth_delay", ""),
    ),
    Fault(
        name="password-rotated",
        breaks="the password was changed on db-core and in the backend, and nobody told us: our copy is refused",
        causes=cause("pg_auth", severity=Severity.WARNING),
        shows={SELECT: ("down", "pg_auth"), "db-select-1@here": ("down", "pg_auth"), "backend@srv1": ("ok", "")},
        symptoms=DATABASE_VIEWS,
        inject=rotate,
        heal=rotate_back,
    ),
)
