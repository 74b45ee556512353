"""The kind `postgres` against a real PostgreSQL that is really hurt."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from migrawatch.model import Observation, Secret, Verdict
from migrawatch.reach.dialled import DIALLED_MEASURES
from migrawatch.reason import Reason
from migrawatch_probes.postgres import DURATION, PostgresProbe
from tests.servers.certificates import Authority
from tests.servers.looking import facts_of, look_at
from tests.servers.peers import closing_peer, garbage_peer, replying_peer, resetting_peer, silent_peer
from tests.servers.ports import closed_port
from tests.servers.postgres import PASSWORD, USABLE, PostgresServer


def probe_of(server: PostgresServer, **settings: Any) -> PostgresProbe:
    return probe_at(server.port, **settings)


def probe_at(port: int, **settings: Any) -> PostgresProbe:
    """As mpanel's own check, unless *settings* say otherwise."""
    ours: dict[str, Any] = {"address": "127.0.0.1", "port": port, "user": "mpanel_app", "database": "mpanel",
            "password": Secret(PASSWORD)}  # fmt: skip
    return PostgresProbe(**(ours | settings))


def told(seen: Observation) -> tuple[Verdict, Reason | None]:
    return seen.verdict, seen.reason


def readings_of(seen: Observation) -> dict[str, float]:
    others = (DURATION, *DIALLED_MEASURES)
    return {reading.measure.name: reading.value for reading in seen.readings if reading.measure not in others}


# -- health ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", ["disable", "prefer", "require"])
async def test_a_healthy_database_is_ok_in_every_way_of_speaking(postgres: PostgresServer, tls: str) -> None:
    seen = await look_at(probe_of(postgres, tls=tls))

    assert told(seen) == (Verdict.OK, None), seen.detail
    assert all(step.finished for step in seen.steps)
    assert ("tls" in {step.name for step in seen.steps}) == (tls != "disable")


async def test_the_phases_are_told_apart(postgres: PostgresServer) -> None:
    """Slow to accept, slow to log in and slow to answer are three different faults."""
    seen = await look_at(probe_of(postgres, query="select pg_sleep(0.05)"))

    spent = {step.name: step.seconds for step in seen.steps}
    assert list(spent) == ["resolve", "connect", "startup", "tls", "state", "query"]
    assert spent["query"] >= 0.05
    assert sum(spent.values()) <= seen.took
    exported = {reading.labels[0]: reading.value for reading in seen.readings if reading.measure is DURATION}
    assert exported == spent


async def test_a_phase_that_was_not_come_to_is_exported_as_nothing() -> None:
    """A series that is absent cannot be told from one that is not scraped."""
    with closed_port() as port:
        seen = await look_at(probe_at(port))

    exported = {reading.labels[0]: reading.value for reading in seen.readings if reading.measure is DURATION}
    assert exported["connect"] > 0
    assert exported["query"] == 0


async def test_the_servers_own_state_is_measured(postgres: PostgresServer) -> None:
    seen = await look_at(probe_of(postgres))

    assert readings_of(seen) == {
        "probe_postgres_connections": 1,
        "probe_postgres_connections_max": USABLE,
        "probe_postgres_in_recovery": 0,
        "probe_postgres_read_only": 0,
        "probe_postgres_lock_wait_seconds": 0,
        "probe_tls_version_info": 1,
        "probe_tls_cipher_info": 1,
    }


async def test_release_and_role_are_a_fact(postgres: PostgresServer) -> None:
    """A failover and an upgrade are both seen by it."""
    seen = await look_at(probe_of(postgres))

    release, _, role = facts_of(seen)["PostgreSQL on host"].partition(", ")
    assert release.replace(".", "").isdigit()
    assert role == "primary"


async def test_our_session_cannot_write(postgres: PostgresServer) -> None:
    """A probe with a typing error in its query must not be able to harm production."""
    seen = await look_at(probe_of(postgres, query="create table harm (id int)"))

    assert told(seen) == (Verdict.DOWN, Reason.PG_ERROR)
    assert "25006" in seen.detail


async def test_sessions_say_who_they_are(postgres: PostgresServer) -> None:
    seen = await look_at(probe_of(postgres, query="select current_setting('application_name')", expect="migrawatch"))

    assert told(seen) == (Verdict.OK, None), seen.detail


# -- the value ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expect"),
    [("select 1", 1), ("select 'healthy'", "healthy"), ("select true", True), ("select 1.5", 1.5), ("select 1", "1")],
)
async def test_the_expected_value_is_ok(postgres: PostgresServer, query: str, expect: object) -> None:
    seen = await look_at(probe_of(postgres, query=query, expect=expect))

    assert told(seen) == (Verdict.OK, None), seen.detail


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("select 2", "query: gave '2', wanted '1'"),
        ("select null", "query: gave no value, wanted '1'"),
        ("select 1 where false", "query: gave no value, wanted '1'"),
    ],
)
async def test_another_value_is_down(postgres: PostgresServer, query: str, detail: str) -> None:
    seen = await look_at(probe_of(postgres, query=query, expect=1))

    assert (*told(seen), seen.detail) == (Verdict.DOWN, Reason.PG_ERROR, detail)


@pytest.mark.parametrize("query", ["selec 1", "select * from nothing", "copy (select 1) to stdout"])
async def test_a_query_that_fails_is_down(postgres: PostgresServer, query: str) -> None:
    seen = await look_at(probe_of(postgres, query=query))

    assert told(seen) == (Verdict.DOWN, Reason.PG_ERROR)


async def test_a_slow_answer_warns(postgres: PostgresServer) -> None:
    seen = await look_at(probe_of(postgres, query="select pg_sleep(0.05)", slow_after=0.04))

    assert told(seen) == (Verdict.WARN, Reason.SLOW)


# -- the path -------------------------------------------------------------------------------------------------------


async def test_a_closed_port_is_refused() -> None:
    with closed_port() as port:
        seen = await look_at(probe_at(port))

    assert told(seen) == (Verdict.DOWN, Reason.CONNECT_REFUSED)
    assert [step.name for step in seen.steps if not step.finished] == ["connect"]


async def test_an_address_without_a_route_is_unreachable() -> None:
    """The kernel refuses a broadcast address by itself, as it does any address it has no route to: nothing is sent."""
    seen = await look_at(probe_at(5432, address="255.255.255.255"))

    assert told(seen) == (Verdict.DOWN, Reason.CONNECT_UNREACHABLE)
    assert "connect: " in seen.detail


@pytest.mark.parametrize("tls", ["disable", "prefer", "require"])
async def test_a_peer_that_accepts_and_stays_silent_is_a_timeout_of_the_database(tls: str) -> None:
    async with silent_peer() as port:
        seen = await look_at(probe_at(port, tls=tls), timeout=0.1)

    assert told(seen) == (Verdict.DOWN, Reason.PG_TIMEOUT)
    assert "startup" in seen.detail


@pytest.mark.parametrize("tls", ["disable", "prefer", "require"])
async def test_garbage_is_an_error_of_the_database(tls: str) -> None:
    async with garbage_peer() as port:
        seen = await look_at(probe_at(port, tls=tls), timeout=1)

    assert told(seen) == (Verdict.DOWN, Reason.PG_ERROR)


@pytest.mark.parametrize("peer", [closing_peer, resetting_peer])
@pytest.mark.parametrize("tls", ["disable", "prefer"])
async def test_a_peer_that_hangs_up_is_a_broken_connection(peer: Any, tls: str) -> None:
    async with peer(after_first_bytes=True) as port:
        seen = await look_at(probe_at(port, tls=tls), timeout=1)

    assert told(seen) == (Verdict.DOWN, Reason.CONNECT_RESET)


@pytest.mark.slow
async def test_a_server_frozen_before_the_login_cannot_hold_a_look(postgres: PostgresServer) -> None:
    postgres.freeze()

    seen = await look_at(probe_of(postgres), timeout=0.3)

    assert told(seen) == (Verdict.DOWN, Reason.PG_TIMEOUT)
    assert seen.took < 0.3 + 0.25
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.slow
async def test_a_server_frozen_in_a_query_cannot_hold_a_look(postgres: PostgresServer) -> None:
    """libraries.md: psycopg came back 10 s after its deadline, because it cancels and drains."""
    asking = asyncio.ensure_future(look_at(probe_of(postgres, query="select pg_sleep(5)"), timeout=1))
    asked = "select count(*) = 1 from pg_stat_activity where query ~ '^select pg_sleep'"
    await asyncio.to_thread(postgres.wait_for, asked)
    postgres.freeze()
    seen = await asking

    assert told(seen) == (Verdict.DOWN, Reason.PG_QUERY_TIMEOUT)
    assert seen.took < 1 + 0.25
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.slow
async def test_cancelling_a_look_at_a_frozen_server_goes_through_at_once(postgres: PostgresServer) -> None:
    asking = asyncio.ensure_future(look_at(probe_of(postgres, query="select pg_sleep(5)")))
    asked = "select count(*) = 1 from pg_stat_activity where query ~ '^select pg_sleep'"
    await asyncio.to_thread(postgres.wait_for, asked)
    postgres.freeze()
    began = time.perf_counter()
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    await asyncio.sleep(0)

    assert time.perf_counter() - began < 0.05
    assert len(asyncio.all_tasks()) == 1


# -- the login ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", ["disable", "prefer"])
@pytest.mark.parametrize("password", ["wrong", ""])
async def test_a_refused_password_is_told(postgres: PostgresServer, tls: str, password: str) -> None:
    seen = await look_at(probe_of(postgres, tls=tls, password=Secret(password)))

    assert told(seen) == (Verdict.DOWN, Reason.PG_AUTH)


@pytest.mark.parametrize("tls", ["disable", "prefer"])
async def test_access_rules_that_refuse_us_are_told(postgres: PostgresServer, tls: str) -> None:
    postgres.access_rules("host all all 127.0.0.1/32 reject\n")

    seen = await look_at(probe_of(postgres, tls=tls))

    assert told(seen) == (Verdict.DOWN, Reason.PG_HBA)
    assert "28000" in seen.detail


async def test_rules_that_want_tls_do_not_hide_a_wrong_password(postgres: PostgresServer) -> None:
    """With sslmode=prefer libpq may try again in the clear, and that attempt fails for another reason."""
    postgres.access_rules("hostssl mpanel mpanel_app 127.0.0.1/32 scram-sha-256\n")

    seen = await look_at(probe_of(postgres, password=Secret("wrong")))

    assert told(seen) == (Verdict.DOWN, Reason.PG_AUTH)


async def test_a_missing_database_is_told(postgres: PostgresServer) -> None:
    seen = await look_at(probe_of(postgres, database="nowhere"))

    assert told(seen) == (Verdict.DOWN, Reason.PG_NO_DATABASE)


async def test_no_connection_left_is_told(postgres: PostgresServer) -> None:
    with postgres.exhausted():
        seen = await look_at(probe_of(postgres))

    assert told(seen) == (Verdict.DOWN, Reason.PG_TOO_MANY_CONNECTIONS)


async def test_few_connections_left_warn(postgres: PostgresServer) -> None:
    seen = await look_at(probe_of(postgres, connections_warn=1 / USABLE))

    assert told(seen) == (Verdict.WARN, Reason.PG_TOO_MANY_CONNECTIONS)
    assert f"1 of {USABLE}" in seen.detail


async def test_other_roles_connections_are_counted_without_pg_monitor(postgres: PostgresServer) -> None:
    with postgres.session("mpanel_monitor"):
        seen = await look_at(probe_of(postgres))

    assert readings_of(seen)["probe_postgres_connections"] == 2


# -- the server's own state -----------------------------------------------------------------------------------------


async def test_a_read_only_default_is_down(postgres: PostgresServer) -> None:
    postgres.configure({"default_transaction_read_only": "on"})

    seen = await look_at(probe_of(postgres))

    assert told(seen) == (Verdict.DOWN, Reason.PG_READ_ONLY)
    assert readings_of(seen)["probe_postgres_read_only"] == 1


async def test_a_standby_is_in_recovery(postgres: PostgresServer) -> None:
    postgres.become_standby(answering=True)

    seen = await look_at(probe_of(postgres))

    assert told(seen) == (Verdict.DOWN, Reason.PG_IN_RECOVERY)
    assert readings_of(seen)["probe_postgres_in_recovery"] == 1


async def test_a_server_that_still_starts_is_told(postgres: PostgresServer) -> None:
    postgres.become_standby(answering=False)

    seen = await look_at(probe_of(postgres))

    assert told(seen) == (Verdict.DOWN, Reason.PG_STARTING)


async def test_a_session_that_the_administrator_ends_is_told_as_a_shutdown(postgres: PostgresServer) -> None:
    asking = asyncio.ensure_future(look_at(probe_of(postgres, query="select pg_sleep(5)")))
    ended = "select bool_or(pg_terminate_backend(pid)) from pg_stat_activity where query ~ '^select pg_sleep'"
    await asyncio.to_thread(postgres.wait_for, ended)
    seen = await asking

    assert told(seen) == (Verdict.DOWN, Reason.PG_STARTING)
    assert "57P01" in seen.detail


# -- time and locks -------------------------------------------------------------------------------------------------


async def test_a_query_that_takes_too_long_is_ended_by_the_server(postgres: PostgresServer) -> None:
    seen = await look_at(probe_of(postgres, query="select pg_sleep(5)", query_timeout=0.1))

    assert told(seen) == (Verdict.DOWN, Reason.PG_QUERY_TIMEOUT)
    assert "57014" in seen.detail


@contextlib.contextmanager
def locked(server: PostgresServer, *, and_waited_for: bool) -> Iterator[None]:
    """A table `busy` that one session holds, and for which another waits if said."""
    server.sql("create table if not exists busy (id int)", "grant all on busy to mpanel_app")
    with (
        contextlib.closing(server.session(database="postgres")) as holding,
        contextlib.closing(server.session("mpanel_app", "postgres")) as waiting,
    ):
        holding.execute("begin; lock table busy")
        if and_waited_for:
            waiting.pgconn.send_query(b"select * from busy")
            server.wait_for("select count(*) = 1 from pg_locks where not granted and waitstart is not null")
        yield


async def test_a_query_that_waits_for_a_lock_is_told_as_locked(postgres: PostgresServer) -> None:
    with locked(postgres, and_waited_for=False):
        postgres.access_rules("host all all 127.0.0.1/32 scram-sha-256\n")
        seen = await look_at(
            probe_of(postgres, database="postgres", query="select count(*) from busy", query_timeout=0.1)
        )

    assert told(seen) == (Verdict.DOWN, Reason.PG_LOCKED)
    assert "55P03" in seen.detail


@pytest.mark.parametrize(("down", "verdict"), [(60.0, Verdict.WARN), (0.001, Verdict.DOWN)])
async def test_a_lock_that_others_wait_for_is_told_with_who_holds_it(
    postgres: PostgresServer, down: float, verdict: Verdict
) -> None:
    """Our own query touches no table: the wait of the application is the fault, and its holder the evidence."""
    with locked(postgres, and_waited_for=True):
        seen = await look_at(probe_of(postgres, lock_wait_warn=0.0005, lock_wait_down=down))

    assert told(seen) == (verdict, Reason.PG_LOCKED)
    assert readings_of(seen)["probe_postgres_lock_wait_seconds"] > 0
    [evidence] = seen.evidence
    assert "mpanel_app" in evidence.text
    assert "waits for" in evidence.text
    assert "postgres" in evidence.text
    assert "select" not in evidence.text


# -- TLS ------------------------------------------------------------------------------------------------------------


def verifying(server: PostgresServer, **settings: Any) -> PostgresProbe:
    trust = {"tls": "verify-full", "name": "localhost", "ca_file": str(server.authority.root_file)}
    return probe_of(server, **(trust | settings))


@pytest.mark.parametrize("tls", ["verify-ca", "verify-full"])
async def test_a_good_certificate_is_ok(postgres: PostgresServer, tls: str) -> None:
    seen = await look_at(verifying(postgres, tls=tls))

    assert told(seen) == (Verdict.OK, None), seen.detail


@pytest.mark.parametrize(
    ("issue", "reason"),
    [
        ({"starts_in": timedelta(days=-90), "lasts": timedelta(days=80)}, Reason.TLS_EXPIRED),
        ({"starts_in": timedelta(days=1)}, Reason.TLS_NOT_YET_VALID),
    ],
)
async def test_certificate_dates_are_told(postgres: PostgresServer, issue: dict[str, Any], reason: Reason) -> None:
    postgres.present("localhost", **issue)
    postgres.reload()

    seen = await look_at(verifying(postgres))

    assert told(seen) == (Verdict.DOWN, reason)
    assert "probe_ssl_earliest_cert_expiry" in readings_of(seen)


async def test_a_certificate_for_other_names_is_told(postgres: PostgresServer) -> None:
    seen = await look_at(verifying(postgres, name="db.example.org"))

    assert told(seen) == (Verdict.DOWN, Reason.TLS_NAME_MISMATCH)


async def test_where_any_name_will_do_the_fault_is_the_issuers(postgres: PostgresServer, tmp_path: Path) -> None:
    """A wrong name beside it must not hide what verify-ca is about."""
    other = Authority(folder=tmp_path, label="another")

    seen = await look_at(verifying(postgres, tls="verify-ca", name="db.example.org", ca_file=str(other.root_file)))

    assert told(seen) == (Verdict.DOWN, Reason.TLS_UNTRUSTED)


async def test_a_session_that_waits_on_purpose_is_no_fault(postgres: PostgresServer) -> None:
    """Advisory locks are the application's own: a worker that waits for its turn holds nobody up."""
    with (
        contextlib.closing(postgres.session()) as first,
        contextlib.closing(postgres.session()) as second,
    ):
        first.execute("select pg_advisory_lock(1)")
        second.pgconn.send_query(b"select pg_advisory_lock(1)")
        postgres.wait_for("select count(*) = 1 from pg_locks where not granted and waitstart is not null")
        seen = await look_at(probe_of(postgres, lock_wait_warn=0.0005, lock_wait_down=0.001))

    assert told(seen) == (Verdict.OK, None), seen.detail


async def test_an_issuer_that_nobody_trusts_is_told(postgres: PostgresServer) -> None:
    seen = await look_at(verifying(postgres, ca_file=""))

    assert told(seen) == (Verdict.DOWN, Reason.TLS_UNTRUSTED)


async def test_a_server_without_tls_is_told_where_tls_is_wanted(postgres: PostgresServer) -> None:
    postgres.configure({"ssl": "off"})

    seen = await look_at(probe_of(postgres, tls="require"))

    assert told(seen) == (Verdict.DOWN, Reason.TLS_NOT_TLS)


async def test_a_handshake_that_never_ends_is_a_timeout_of_tls() -> None:
    async with replying_peer(b"S") as port:
        seen = await look_at(probe_at(port, tls="require"), timeout=0.1)

    assert told(seen) == (Verdict.DOWN, Reason.TLS_TIMEOUT)


def test_verify_ca_without_an_authority_is_refused() -> None:
    """With the system's roots it would accept a certificate of anybody for anything."""
    with pytest.raises(ValueError, match="ca_file"):
        probe_at(5432, tls="verify-ca")


# -- secrets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["wrong password", "nothing"])
async def test_the_password_is_seen_nowhere(
    postgres: PostgresServer, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    password = PASSWORD if fault == "nothing" else "guessed-and-wrong"
    probe = probe_of(postgres, password=Secret(password))

    seen = await look_at(probe)

    printed = capsys.readouterr()
    assert password not in repr(seen) + repr(probe) + printed.out + printed.err
