"""imap: each reason provoked on a real Dovecot, or on a peer where no real server can be asked for it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from migrawatch.model import Observation, Secret, Verdict
from migrawatch.reach.tls import Certificate
from migrawatch.reason import Reason
from migrawatch_probes.imap import ImapProbe
from tests.servers.certificates import DAY, Authority
from tests.servers.dovecot import (
    ADDRESS,
    FOREIGN,
    FOREIGN_PASSWORD,
    NAME,
    PASSWORD,
    USER,
    DovecotServer,
    dovecot,
    unprivileged,
)
from tests.servers.looking import look_at
from tests.servers.peers import closing_peer, garbage_peer, peer, silent_peer
from tests.servers.ports import closed_port
from tests.servers.tls import server_context, tls_server

SHORT = 0.4
GRACE = 0.25

STEPS = ["resolve", "connect", "tls", "greeting", "capability", "login", "mailbox", "logout"]


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[DovecotServer]:
    """A healthy Dovecot with three messages; no test of it changes anything that stays."""
    with dovecot(authority) as running:
        running.deliver(3)
        yield running


def at(port: int, authority: Authority, **settings: Any) -> ImapProbe:
    given: dict[str, Any] = {
        "address": ADDRESS,
        "port": port,
        "name": NAME,
        "ca_file": str(authority.root_file),
        "user": USER,
        "password": Secret(PASSWORD),
    }
    return ImapProbe(**given | settings)


async def looked(server: DovecotServer, authority: Authority, timeout: float = 5.0, **settings: Any) -> Observation:
    port = server.port if settings.get("starttls") else server.tls_port
    return await look_at(at(port, authority, **settings), timeout=timeout)


def told(seen: Observation) -> tuple[Verdict, Reason | None]:
    return seen.verdict, seen.reason


def down(reason: Reason) -> tuple[Verdict, Reason]:
    return Verdict.DOWN, reason


def unfinished(seen: Observation) -> str:
    """The innermost step that did not end."""
    return [step.name for step in seen.steps if not step.finished][-1]


# -- health ---------------------------------------------------------------------------------------------------------


async def test_a_healthy_server_is_ok_step_by_step(server: DovecotServer, authority: Authority) -> None:
    seen = await looked(server, authority)

    facts = {reading.measure.name: reading for reading in seen.readings}
    phases = {reading.labels[0] for reading in seen.readings if reading.measure.name == "probe_imap_duration_seconds"}
    assert told(seen) == (Verdict.OK, None), seen.detail
    assert [step.name for step in seen.steps] == STEPS
    assert phases == {*STEPS, "starttls"}
    assert facts["probe_imap_messages"].value == 3
    assert facts["probe_ssl_last_chain_info"].labels[2] == f"CN={NAME}"
    assert facts["probe_tls_version_info"].labels == ("TLS 1.3",)


async def test_starttls_leads_to_the_same(server: DovecotServer, authority: Authority) -> None:
    seen = await looked(server, authority, starttls=True)

    facts = {reading.measure.name: reading.value for reading in seen.readings}
    assert told(seen) == (Verdict.OK, None), seen.detail
    assert [step.name for step in seen.steps] == [
        "resolve", "connect", "greeting", "capability", "starttls", "tls", "login", "mailbox", "logout",
    ]  # fmt: skip
    assert facts["probe_imap_messages"] == 3
    assert "probe_ssl_earliest_cert_expiry" in facts


async def test_looking_changes_nothing_in_the_mailbox(server: DovecotServer, authority: Authority) -> None:
    """SELECT would take the messages' "recent" away from the mail program of whoever reads it next."""
    new = sorted(path.name for path in (server.home / "mail" / USER / "new").iterdir())

    await looked(server, authority)

    assert sorted(path.name for path in (server.home / "mail" / USER / "new").iterdir()) == new
    assert len(new) == 3


async def test_a_password_that_is_not_ascii_logs_in(server: DovecotServer, authority: Authority) -> None:
    seen = await looked(server, authority, user=FOREIGN, password=Secret(FOREIGN_PASSWORD))

    assert told(seen) == (Verdict.OK, None), seen.detail


async def test_without_a_user_nobody_logs_in(server: DovecotServer, authority: Authority) -> None:
    seen = await looked(server, authority, user="")

    assert told(seen) == (Verdict.OK, None), seen.detail
    assert [step.name for step in seen.steps] == ["resolve", "connect", "tls", "greeting", "capability", "logout"]


async def test_a_slow_session_warns(server: DovecotServer, authority: Authority) -> None:
    seen = await looked(server, authority, slow_after=0.001)

    assert told(seen) == (Verdict.WARN, Reason.SLOW)


# -- logins and mailboxes -------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_wrong_password_is_a_refused_login(server: DovecotServer, authority: Authority) -> None:
    seen = await looked(server, authority, password=Secret("not-it-3f9c1d"))

    assert told(seen) == down(Reason.IMAP_AUTH)
    assert unfinished(seen) == "login"
    assert "AUTHENTICATIONFAILED" in seen.detail
    assert "3f9c1d" not in repr(seen)


@pytest.mark.slow
async def test_passwords_that_cannot_be_looked_up_are_not_called_wrong(authority: Authority) -> None:
    """The database behind the logins is gone: everybody's outage, not an old copy of ours."""
    with dovecot(authority, passdb="driver = checkpassword\n  args = /bin/sh -c 'exit 111'") as server:
        seen = await looked(server, authority)

    assert told(seen) == down(Reason.IMAP_UNAVAILABLE), seen.detail
    assert "[UNAVAILABLE]" in seen.detail


@pytest.mark.slow
async def test_an_auth_service_that_hangs_is_told_as_the_login(authority: Authority) -> None:
    with dovecot(authority, logins="0") as server:
        healthy = await looked(server, authority)
        server.freeze_service("auth")
        seen = await looked(server, authority, timeout=SHORT)

    assert healthy.verdict is Verdict.OK, healthy.detail
    assert told(seen) == down(Reason.IMAP_UNAVAILABLE), seen.detail
    assert unfinished(seen) == "login"
    assert SHORT <= seen.took < SHORT + GRACE


@pytest.mark.slow
async def test_an_auth_service_that_is_dead_ends_every_session_and_its_word_is_told(authority: Authority) -> None:
    """Dovecot greets with BYE, later and later. A session dropped in the moment that auth starts anew hears none."""
    with dovecot(authority, auth="/bin/false") as server:
        for _ in range(3):
            seen = await looked(server, authority, timeout=30)
            if seen.detail != "greeting: closed by the peer":
                break

    assert told(seen) == down(Reason.IMAP_BYE), seen.detail
    assert seen.detail == "ended the session: BYE Auth process broken"


async def test_a_session_that_dies_after_the_login_is_told(authority: Authority) -> None:
    with dovecot(authority, imap="/bin/false") as server:
        seen = await looked(server, authority)

    assert told(seen) == down(Reason.IMAP_BYE), seen.detail
    assert seen.detail == "login: closed by the peer"


async def test_a_missing_mailbox_is_told(server: DovecotServer, authority: Authority) -> None:
    seen = await looked(server, authority, mailbox="Not there")

    assert told(seen) == down(Reason.IMAP_MAILBOX)
    assert seen.detail.startswith('EXAMINE "Not there": answered NO')


async def test_mail_that_cannot_be_read_is_told(authority: Authority) -> None:
    """As after a chown of the mail folder that went too far."""
    with dovecot(authority) as server:
        server.deliver(1)
        folder = server.home / "mail" / USER
        folder.chmod(0)
        seen = await looked(server, authority)
        folder.chmod(0o700)

    assert told(seen) == down(Reason.IMAP_MAILBOX), seen.detail


@pytest.mark.slow
async def test_mail_that_hangs_is_told_as_the_mailbox(authority: Authority) -> None:
    """Another program holds Dovecot's own lock, as a disk that hangs would."""
    account = unprivileged()
    with dovecot(authority) as server:
        server.deliver(1)
        healthy = await looked(server, authority)
        lock = server.home / "mail" / USER / "dovecot-uidlist.lock"
        lock.touch()
        os.chown(lock, account.pw_uid, account.pw_gid)
        server.deliver(2)
        seen = await looked(server, authority, timeout=SHORT)

    assert healthy.verdict is Verdict.OK, healthy.detail
    assert told(seen) == down(Reason.IMAP_MAILBOX), seen.detail
    assert unfinished(seen) == "mailbox"
    assert SHORT <= seen.took < SHORT + GRACE


# -- TLS ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("starttls", [False, True])
@pytest.mark.parametrize(
    ("issue", "reason"),
    [
        ({"names": ["other.example"]}, Reason.TLS_NAME_MISMATCH),
        ({"names": [NAME], "starts_in": timedelta(days=-90), "lasts": timedelta(days=80)}, Reason.TLS_EXPIRED),
        ({"names": [NAME], "starts_in": DAY}, Reason.TLS_NOT_YET_VALID),
        ({"names": [NAME], "self_signed": True}, Reason.TLS_UNTRUSTED),
    ],
)
async def test_a_certificate_s_faults_are_told_with_its_facts_and_nobody_logs_in(
    issue: dict[str, Any], reason: Reason, starttls: bool, authority: Authority
) -> None:
    names = issue["names"]
    rest = {key: value for key, value in issue.items() if key not in ("names", "self_signed")}
    issued = authority.self_signed(*names) if "self_signed" in issue else authority.issue(*names, **rest)
    with dovecot(authority, issued) as server:
        seen = await looked(server, authority, starttls=starttls)

        assert USER not in server.log

    assert told(seen) == down(reason), seen.detail
    assert "probe_ssl_last_chain_info" in {reading.measure.name for reading in seen.readings}


async def test_a_certificate_that_expires_soon_warns(authority: Authority) -> None:
    with dovecot(authority, authority.issue(NAME, lasts=14 * DAY)) as server:
        seen = await looked(server, authority)
        soon_enough = await looked(server, authority, certificate=Certificate(warn=DAY.total_seconds()))

    assert told(seen) == (Verdict.WARN, Reason.TLS_EXPIRING)
    assert soon_enough.verdict is Verdict.OK


async def test_a_port_without_tls_from_the_start_is_told(server: DovecotServer, authority: Authority) -> None:
    seen = await look_at(at(server.port, authority))

    assert told(seen) == down(Reason.TLS_NOT_TLS)


async def test_starttls_that_is_not_offered_is_told(authority: Authority) -> None:
    with dovecot(authority, ssl="no") as server:
        seen = await looked(server, authority, starttls=True)

        assert USER not in server.log

    assert told(seen) == down(Reason.IMAP_NO_STARTTLS)
    assert len(seen.findings) == 1, seen.findings


async def test_a_login_that_is_taken_without_tls_is_told_and_the_look_goes_on(authority: Authority) -> None:
    with dovecot(authority, disable_plaintext_auth="no") as server:
        seen = await looked(server, authority, starttls=True)

    assert told(seen) == down(Reason.IMAP_PLAINTEXT_AUTH)
    assert "LOGIN, AUTH=PLAIN" in seen.detail
    assert all(step.finished for step in seen.steps)
    assert {step.name for step in seen.steps} == {*STEPS, "starttls"}


async def test_without_starttls_and_with_open_logins_both_are_told(authority: Authority) -> None:
    with dovecot(authority, disable_plaintext_auth="no", ssl="no") as server:
        seen = await looked(server, authority, starttls=True)

        assert USER not in server.log

    assert [finding.reason for finding in seen.findings] == [Reason.IMAP_NO_STARTTLS, Reason.IMAP_PLAINTEXT_AUTH]


# -- silence and the door -------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_frozen_server_is_told_by_the_step_it_is_silent_in(authority: Authority) -> None:
    with dovecot(authority) as server:
        server.freeze()
        implicit = await looked(server, authority, timeout=SHORT)
        starttls = await looked(server, authority, timeout=SHORT, starttls=True)

    assert told(implicit) == down(Reason.TLS_TIMEOUT)
    assert told(starttls) == down(Reason.IMAP_NO_GREETING)
    assert SHORT <= implicit.took < SHORT + GRACE
    assert SHORT <= starttls.took < SHORT + GRACE


async def test_a_closed_port_is_refused(authority: Authority) -> None:
    with closed_port(ADDRESS) as port:
        seen = await look_at(at(port, authority))

    assert told(seen) == down(Reason.CONNECT_REFUSED)


@pytest.mark.slow
async def test_what_is_no_imap_server_is_told_apart() -> None:
    seen = {}
    for name, make in {
        "silent": silent_peer(),
        "garbage": garbage_peer(),
        "smtp": garbage_peer(b"220 mail.example.org ESMTP\r\n"),
        "closing": closing_peer(),
        "bye": garbage_peer(b"* BYE too many connections\r\n"),
        "open to all": garbage_peer(b"* PREAUTH welcome\r\n"),
    }.items():
        async with make as port:
            probe = ImapProbe(address="127.0.0.1", port=port, starttls=True)
            seen[name] = (await look_at(probe, timeout=0.15)).reason

    assert seen == {
        "silent": Reason.IMAP_NO_GREETING,
        "garbage": Reason.IMAP_MALFORMED,
        "smtp": Reason.IMAP_MALFORMED,
        "closing": Reason.IMAP_NO_GREETING,
        "bye": Reason.IMAP_BYE,
        "open to all": Reason.IMAP_NO_STARTTLS,
    }


# -- what no real server can be asked for ---------------------------------------------------------------------------

OPENING = (b"* OK ready\r\n", b"* CAPABILITY IMAP4rev1\r\nm1 OK\r\n")


class Script:
    """Says its pieces one after the other, each after another line came; then it stays, or closes."""

    def __init__(self, *pieces: bytes, closes: bool = False) -> None:
        self.pieces = pieces
        self.closes = closes
        self.heard: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, piece in enumerate(self.pieces):
            if number:
                self.heard.append(await reader.readline())
            writer.write(piece)
            await writer.drain()
        if not self.closes:
            while line := await reader.readline():
                self.heard.append(line)


@asynccontextmanager
async def scripted(script: Script, authority: Authority) -> AsyncIterator[ImapProbe]:
    """A probe with a login, pointed at *script* behind TLS."""
    async with tls_server(server_context(authority.issue(NAME)), script) as port:
        yield at(port, authority, address="127.0.0.1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pieces", "step", "reason"),
    [
        ((), "greeting", Reason.IMAP_NO_GREETING),
        (OPENING[:1], "capability", Reason.IMAP_TIMEOUT),
        (OPENING, "login", Reason.IMAP_UNAVAILABLE),
        ((*OPENING, b"m2 OK\r\n"), "mailbox", Reason.IMAP_MAILBOX),
        ((*OPENING, b"m2 OK\r\n", b"* 1 EXISTS\r\nm3 OK\r\n"), "logout", Reason.IMAP_TIMEOUT),
    ],
)
async def test_silence_in_each_step_costs_the_timeout_and_names_the_step(
    pieces: tuple[bytes, ...], step: str, reason: Reason, authority: Authority
) -> None:
    async with scripted(Script(*pieces), authority) as probe:
        began = time.perf_counter()
        seen = await look_at(probe, timeout=SHORT)
        took = time.perf_counter() - began

    assert told(seen) == down(reason), seen.detail
    assert unfinished(seen) == step
    assert step in seen.detail
    assert SHORT <= took < SHORT + GRACE


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ((), Reason.IMAP_NO_GREETING),
        (OPENING[:1], Reason.IMAP_BYE),
        (OPENING, Reason.IMAP_BYE),
        ((*OPENING, b"* BYE shutting down\r\n"), Reason.IMAP_BYE),
        ((*OPENING, b"m2 OK\r\n", b"* BYE shutting down\r\n"), Reason.IMAP_BYE),
        ((*OPENING, b"m2 OK\r\n", b"nonsense\r\n"), Reason.IMAP_MALFORMED),
        ((b"* PREAUTH welcome\r\n",), Reason.IMAP_MALFORMED),
        ((OPENING[0], b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\nm1 OK\r\n"), Reason.IMAP_UNAVAILABLE),
    ],
)
async def test_an_end_in_each_step_has_its_reason(
    pieces: tuple[bytes, ...], reason: Reason, authority: Authority
) -> None:
    async with scripted(Script(*pieces, closes=True), authority) as probe:
        seen = await look_at(probe)

    assert told(seen) == down(reason), seen.detail


async def test_no_password_is_said_where_logins_are_disabled(authority: Authority) -> None:
    script = Script(OPENING[0], b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\nm1 OK\r\n")
    async with scripted(script, authority) as probe:
        await look_at(probe)

    assert not any(b"LOGIN" in line for line in script.heard)


OFFERING = (b"* OK ready\r\n", b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\nm1 OK\r\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"m2 OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", Reason.TLS_NOT_TLS),
        (b"m2 NO not now\r\n", Reason.IMAP_NO_STARTTLS),
        (b"m2 BAD what\r\n", Reason.IMAP_MALFORMED),
        (b"", Reason.IMAP_TIMEOUT),
        (b"m2 OK begin\r\n", Reason.TLS_TIMEOUT),
    ],
)
async def test_after_starttls_there_is_tls_or_nothing(answer: bytes, reason: Reason) -> None:
    """What waits behind the answer was said by somebody in between, and must not be taken for said inside TLS."""
    script = Script(*OFFERING, answer)
    async with peer(script) as port:
        probe = ImapProbe(address="127.0.0.1", port=port, starttls=True, user="joe", password=Secret("never-said"))
        seen = await look_at(probe, timeout=SHORT)

    assert told(seen) == down(reason), seen.detail
    assert not any(b"never-said" in line for line in script.heard)


def test_settings_that_cannot_be_meant_are_refused() -> None:
    for wrong in ({"port": 0}, {"port": 143}, {"mailbox": "Entwürfe"}):
        with pytest.raises(ValueError, match=r"port|mailbox"):
            ImapProbe(address="127.0.0.1", **wrong)


def test_the_target_names_the_certificate_that_is_asked_for() -> None:
    assert ImapProbe(address="10.1.10.101", name=NAME).target == f"{NAME} at 10.1.10.101:993"
    assert ImapProbe(address="::1", port=143, starttls=True).target == "[::1]:143"
