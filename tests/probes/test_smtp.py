"""smtp: every step of the dialogue with a real Postfix, and what only a scripted peer can be asked for."""

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from migrawatch.look import GRACE
from migrawatch.model import Observation, Secret, Verdict
from migrawatch.reach.tls import Certificate
from migrawatch.reason import Reason
from migrawatch_probes.smtp import SmtpProbe
from tests.servers.certificates import DAY, Authority, Issued
from tests.servers.looking import look_at
from tests.servers.peers import Peer, closing_peer, dripping_peer, garbage_peer, peer, resetting_peer, silent_peer
from tests.servers.ports import closed_port
from tests.servers.postfix import PASSWORD, USER, PostfixServer, Smtpd, postfix

OUTSIDE = "somebody@example.com"
NO_LOGIN = {"smtpd_sasl_auth_enable": "no"}
AT_ONCE = {"smtpd_delay_reject": "no"}
OFF = "check_client_access static:{421 4.3.2 off}"
NO_KEY = {"smtpd_tls_chain_files": "", **dict.fromkeys(("smtpd_tls_cert_file", "smtpd_tls_key_file"), "/nonexistent")}


def presenting(issued: Issued, *, whole_chain: bool = True) -> Smtpd:
    chain = issued.chain_file if whole_chain else issued.leaf_file
    return Smtpd(settings={"smtpd_tls_chain_files": f"{issued.key_file}, {chain}"})


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Path]:
    """Where one Postfix expects Dovecot's authentication server; nobody is there unless a test is."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "auth"


@pytest.fixture(scope="module")
def server(authority: Authority, dovecot: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostfixServer]:
    good = authority.issue("localhost")
    stranger = Authority(folder=tmp_path_factory.mktemp("stranger"), label="stranger")
    smtpds = {
        "good": Smtpd(),
        "wrapped": Smtpd(wrapped=True),
        "exchanger": Smtpd(settings=NO_LOGIN),
        "refuses us": Smtpd(settings=AT_ONCE | {"smtpd_client_restrictions": "reject"}),
        "refuses our name": Smtpd(settings=AT_ONCE | {"smtpd_helo_restrictions": "reject"}),
        "refuses our sender at once": Smtpd(settings=AT_ONCE | {"smtpd_sender_restrictions": "reject"}),
        "shuts down": Smtpd(settings=AT_ONCE | {"smtpd_client_restrictions": OFF}),
        "shuts down later": Smtpd(settings={"smtpd_sender_restrictions": OFF}),
        "no tls": Smtpd(settings=NO_LOGIN | {"smtpd_tls_security_level": "none"}),
        "no key": Smtpd(settings=NO_KEY),
        "no chain": Smtpd(settings={"smtpd_tls_chain_files": "/nonexistent"}),
        "login in the clear": Smtpd(settings={"smtpd_tls_auth_only": "no"}),
        "clear only": Smtpd(settings={"smtpd_tls_auth_only": "no", "smtpd_tls_security_level": "none"}),
        "open relay": Smtpd(
            settings={"mynetworks": "0.0.0.0/0", "smtpd_relay_restrictions": "permit_mynetworks, reject"}
        ),
        "full": Smtpd(settings={"queue_minfree": "9000000000000000", "message_size_limit": "1000"}),
        # Without Dovecot an smtpd ends, and its master holds the service back: it has one of its own.
        "no dovecot": Smtpd(settings={"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "/nonexistent"}),
        "dovecot": Smtpd(settings={"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": str(dovecot), "max_use": "1"}),
        "expired": presenting(authority.issue("localhost", starts_in=-30 * DAY, lasts=27 * DAY)),
        "expiring": presenting(authority.issue("localhost", lasts=5 * DAY)),
        "other name": presenting(authority.issue("other.example")),
        "leaf alone": presenting(good, whole_chain=False),
        "stranger": presenting(stranger.issue("localhost")),
    }  # fmt: skip
    with postfix(good.key_file, good.chain_file, smtpds) as running:
        yield running


@pytest.fixture
def smtp(server: PostfixServer, authority: Authority) -> Any:
    """A look at one of the server's smtpds."""

    async def look(smtpd: str, *, timeout: float = 5.0, **settings: Any) -> Observation:
        return await look_at(probe(server.ports[smtpd], authority, **settings), timeout=timeout)

    return look


def probe(port: int, authority: Authority, **settings: Any) -> SmtpProbe:
    given: dict[str, Any] = {"name": "localhost", "ca_file": str(authority.root_file)}
    return SmtpProbe(address="127.0.0.1", port=port, **(given | settings))


LOGIN: dict[str, Any] = {"user": USER, "password": Secret(PASSWORD)}
WHOLE: dict[str, Any] = LOGIN | {"sender": USER, "recipient": USER, "relay_test": OUTSIDE}
EXCHANGER: dict[str, Any] = {"auth": "optional", "starttls": "optional"}


def told(seen: Observation) -> tuple[Verdict, Reason | None]:
    return seen.verdict, seen.reason


# -- in health --------------------------------------------------------------------------------------------------


async def test_the_whole_dialogue_is_walked_and_each_step_timed(smtp: Any, server: PostfixServer) -> None:
    seen = await smtp("good", **WHOLE)

    assert told(seen) == (Verdict.OK, None), seen.detail
    assert [step.name for step in seen.steps] == [
        "resolve", "connect", "banner", "ehlo", "starttls", "tls", "ehlo after tls", "relay", "login", "recipient",
        "quit",
    ]  # fmt: skip
    facts = {reading.measure.name: reading for reading in seen.readings}
    assert facts["probe_smtp_banner_info"].labels == ("mail.example.org",)
    assert facts["probe_ssl_earliest_cert_expiry"].value > seen.at.timestamp() + 80 * 86400
    phases = {reading.labels[0] for reading in seen.readings if reading.measure.name == "probe_smtp_duration_seconds"}
    assert phases == {
        "resolve", "connect", "banner", "ehlo", "starttls", "tls", "ehlo_after_tls", "relay", "login", "recipient",
        "quit",
    }  # fmt: skip
    # Postfix takes what was only begun away a moment after the client has left.
    until = time.monotonic() + 10
    while server.queued and time.monotonic() < until:  # noqa: ASYNC110 - it is a folder
        await asyncio.sleep(0.05)
    assert server.queued == [], "a mail must never be sent"


async def test_tls_from_the_first_byte_needs_no_starttls(smtp: Any) -> None:
    seen = await smtp("wrapped", tls=True, **WHOLE)

    assert told(seen) == (Verdict.OK, None), seen.detail
    assert [step.name for step in seen.steps][:5] == ["resolve", "connect", "tls", "banner", "ehlo"]


async def test_a_mail_exchanger_need_not_offer_a_login(smtp: Any) -> None:
    encrypted = await smtp("exchanger", recipient="postmaster@example.org", relay_test=OUTSIDE, **EXCHANGER)
    clear = await smtp("no tls", recipient="postmaster@example.org", relay_test=OUTSIDE, **EXCHANGER)

    assert told(encrypted) == told(clear) == (Verdict.OK, None), encrypted.detail + clear.detail
    assert "tls" in {step.name for step in encrypted.steps}
    assert "tls" not in {step.name for step in clear.steps}


async def test_to_be_reached_at_all_a_greeting_is_enough(smtp: Any) -> None:
    """The way out of mail-core on port 25: whatever stranger's server it is, no more is asked of it."""
    seen = await smtp("exchanger", starttls="off", auth="optional")

    assert told(seen) == (Verdict.OK, None)
    assert [step.name for step in seen.steps] == ["resolve", "connect", "banner", "ehlo", "quit"]


# -- ten situations, told apart ---------------------------------------------------------------------------------


@pytest.mark.slow
async def test_ten_situations_have_ten_reasons(smtp: Any, server: PostfixServer) -> None:
    """To blackbox_exporter's example module smtp_starttls five of them are one failure, and the others are health."""
    situations = {
        "in health": ("good", {}, None),
        "greets with a refusal": ("refuses us", {}, Reason.SMTP_REJECTED),
        "STARTTLS is not offered": ("no tls", {}, Reason.SMTP_NO_STARTTLS),
        "STARTTLS is refused": ("no key", {}, Reason.SMTP_STARTTLS_REFUSED),
        "the certificate has expired": ("expired", {}, Reason.TLS_EXPIRED),
        "a login is offered before TLS": ("login in the clear", {}, Reason.SMTP_PLAINTEXT_AUTH),
        "the password is refused": ("good", {"password": Secret("another")}, Reason.SMTP_AUTH),
        "relays for strangers": ("open relay", {}, Reason.SMTP_OPEN_RELAY),
        "a mailbox of ours is unknown": ("good", {"recipient": "nobody@example.org"}, Reason.SMTP_RECIPIENT),
    }

    seen = {name: await smtp(smtpd, **(WHOLE | changed)) for name, (smtpd, changed, _) in situations.items()}
    with server.frozen():
        seen["does not greet"] = await smtp("good", timeout=0.2, **WHOLE)

    wanted = {name: reason for name, (_, _, reason) in situations.items()} | {"does not greet": Reason.SMTP_NO_BANNER}
    assert {name: look.reason for name, look in seen.items()} == wanted
    assert len(set(wanted.values())) == 10
    assert {name for name, look in seen.items() if look.verdict is Verdict.OK} == {"in health"}
    assert not [name for name, look in seen.items() if len(look.findings) > 1], "one fault, one finding"


# -- faults of the server ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("smtpd", "reason", "words"),
    [
        ("refuses us", Reason.SMTP_REJECTED, "banner: 554 5.7.1 <unknown[127.0.0.1]>: Client host rejected"),
        ("refuses our name", Reason.SMTP_REJECTED, "ehlo: 554 5.7.1 <[127.0.0.1]>: Helo command rejected"),
        ("shuts down", Reason.SMTP_REJECTED, "banner: 421 4.3.2"),
        ("shuts down later", Reason.SMTP_REJECTED, "relay: 421 4.3.2"),
        ("no tls", Reason.SMTP_NO_STARTTLS, "ehlo: offers PIPELINING SIZE"),
        ("no key", Reason.SMTP_STARTTLS_REFUSED, "starttls: 454 4.7.0 TLS not available due to local"),
        ("no chain", Reason.TLS_ALERT, "refused the handshake"),
        ("exchanger", Reason.SMTP_AUTH_UNAVAILABLE, "ehlo: offers PIPELINING SIZE"),
        ("refuses our sender at once", Reason.SMTP_SENDER, "recipient: MAIL: 554 5.7.1 <monitor@example.org>: Sender"),
        ("full", Reason.SMTP_STORAGE, "recipient: MAIL: 452 4.3.1 Insufficient system storage, wanted 250"),
        ("open relay", Reason.SMTP_OPEN_RELAY, f"relay: took mail for {OUTSIDE} from a stranger: 250 2.1.5 Ok"),
        ("no dovecot", Reason.CONNECT_RESET, "ehlo after tls: "),
        ("expired", Reason.TLS_EXPIRED, "localhost"),
        ("other name", Reason.TLS_NAME_MISMATCH, "other.example"),
        ("leaf alone", Reason.TLS_INCOMPLETE_CHAIN, "the intermediate is missing"),
        ("stranger", Reason.TLS_UNTRUSTED, "CN=stranger root"),
    ],
)  # fmt: skip
async def test_a_fault_has_its_reason_and_its_words(smtp: Any, smtpd: str, reason: Reason, words: str) -> None:
    seen = await smtp(smtpd, **WHOLE)

    assert told(seen) == (Verdict.DOWN, reason), seen.detail
    assert words in seen.detail


async def test_the_certificates_facts_are_told_although_it_does_not_verify(smtp: Any) -> None:
    seen = await smtp("expired")

    assert seen.reason is Reason.TLS_EXPIRED
    assert {"probe_ssl_earliest_cert_expiry", "probe_tls_version_info"} <= {r.measure.name for r in seen.readings}


async def test_a_certificate_that_expires_soon_warns(smtp: Any) -> None:
    seen = await smtp("expiring", certificate=Certificate(warn=7 * 86400.0))

    assert told(seen) == (Verdict.WARN, Reason.TLS_EXPIRING)


async def test_without_verify_a_certificate_is_not_judged(smtp: Any) -> None:
    """What sends us mail does not judge it either."""
    seen = await smtp("stranger", verify=False)

    assert told(seen) == (Verdict.OK, None)


async def test_a_login_in_the_clear_is_told_and_the_rest_looked_at_all_the_same(smtp: Any) -> None:
    seen = await smtp("login in the clear", recipient="nobody@example.org")

    assert [finding.reason for finding in seen.findings] == [Reason.SMTP_PLAINTEXT_AUTH, Reason.SMTP_RECIPIENT]
    assert seen.detail == "ehlo: AUTH PLAIN LOGIN is offered before TLS"


async def test_a_server_that_takes_passwords_only_in_the_clear_never_hears_ours(smtp: Any) -> None:
    seen = await smtp("clear only", starttls="optional", **LOGIN)

    assert [finding.reason for finding in seen.findings] == [Reason.SMTP_NO_STARTTLS, Reason.SMTP_PLAINTEXT_AUTH]
    assert [step.name for step in seen.steps] == ["resolve", "connect", "banner", "ehlo"]


async def test_a_refused_password_is_nowhere_to_be_seen(smtp: Any) -> None:
    seen = await smtp("good", user=USER, password=Secret("never-to-be-seen"))

    assert told(seen) == (Verdict.DOWN, Reason.SMTP_AUTH)
    assert seen.detail.startswith("login: 535 5.7.8 Error: authentication failed")
    assert "never-to-be-seen" not in repr(seen)


async def test_a_slow_server_warns(smtp: Any) -> None:
    seen = await smtp("good", slow_after=0.0)

    assert told(seen) == (Verdict.WARN, Reason.SLOW)


# -- Dovecot behind Postfix -------------------------------------------------------------------------------------


@asynccontextmanager
async def authenticating(path: Path, answer: bytes | None) -> Any:
    """Dovecot's side of its authentication protocol; it answers every login with *answer*, None hangs up."""
    connected: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer)
        writer.write(b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\tabc\nDONE\n")
        while line := await reader.readline():
            if line.startswith(b"AUTH\t") and answer is None:
                break
            if line.startswith(b"AUTH\t") and answer:
                writer.write(answer.replace(b"ID", line.split(b"\t")[1]))
        writer.close()

    # Postfix asks as its own user.
    mask = os.umask(0)
    listening = await asyncio.start_unix_server(serve, path)
    os.umask(mask)
    try:
        yield
    finally:
        listening.close()
        for writer in connected:
            writer.close()
        await listening.wait_closed()
        await asyncio.to_thread(path.unlink)


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        (None, Reason.SMTP_AUTH_UNAVAILABLE, "login: 454 4.7.0 Temporary authentication failure"),
        (b"FAIL\tID\tuser=monitor\n", Reason.SMTP_AUTH, "login: 535 5.7.8 Error: authentication failed"),
        (b"", Reason.SMTP_AUTH_UNAVAILABLE, "login: not done within 0.2 s"),
    ],
    ids=["hangs up", "refuses", "is silent"],
)
async def test_a_password_that_nobody_can_check_is_not_a_wrong_password(
    smtp: Any, dovecot: Path, answer: bytes | None, reason: Reason, words: str
) -> None:
    """The one is everybody's trouble, the other may be ours alone."""
    async with authenticating(dovecot, answer):
        seen = await smtp("dovecot", timeout=0.2 if answer == b"" else 5, **LOGIN)

    assert told(seen) == (Verdict.DOWN, reason), seen.detail
    assert words in seen.detail


# -- peers that no real server is -------------------------------------------------------------------------------

GREETING = b"220 mail.example.org ESMTP\r\n"
OFFERS = b"250-mail.example.org\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"
IN_CLEAR: dict[str, Any] = {"starttls": "off", "auth": "optional"}


def scripted(*replies: bytes) -> Peer:
    """Says the first of *replies* at once, each of the others to a line of ours, and then nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in replies:
            writer.write(reply)
            await reader.readline()
        await asyncio.Event().wait()

    return peer(serve)


OTHERS = {
    "silence": (silent_peer, Reason.SMTP_NO_BANNER, "banner: not done within"),
    "half a greeting": (lambda: scripted(b"220-mail.example"), Reason.SMTP_NO_BANNER, "banner: not done within"),
    "dripped greeting": (lambda: scripted(b"220-a\r\n220-b\r\n22"), Reason.SMTP_NO_BANNER, "banner: not done within"),
    "hangs up": (closing_peer, Reason.CONNECT_RESET, "banner: closed by the peer"),
    "resets": (resetting_peer, Reason.CONNECT_RESET, "banner: reset by the peer"),
    "garbage": (garbage_peer, Reason.SMTP_MALFORMED, "banner: not a line of SMTP: b'\\x80"),
    "garbage without an end": (lambda: garbage_peer(b"\x00" * 8), Reason.SMTP_MALFORMED, "not a line of SMTP"),
    "a line without an end": (lambda: garbage_peer(b"220 " + b"x" * 9999), Reason.SMTP_MALFORMED, "not a line of SMTP"),
    "a reply without an end": (lambda: garbage_peer(b"220-x\r\n" * 999), Reason.SMTP_MALFORMED, "more than 128 lines"),
    "two codes": (lambda: scripted(b"220-x\r\n554 x\r\n"), Reason.SMTP_MALFORMED, "codes 220, 554"),
    "news": (lambda: scripted(b"200 news.example.org ready\r\n"), Reason.SMTP_MALFORMED, "banner: 200 news"),
    "files": (lambda: scripted(GREETING, b"500 EHLO not understood\r\n"), Reason.SMTP_MALFORMED, "ehlo: 500 EHLO"),
    "cut off": (lambda: peer(cut_off), Reason.SMTP_MALFORMED, "closed within a line, after b'220 mail"),
    "speaks out of turn": (lambda: scripted(GREETING * 2), Reason.SMTP_MALFORMED, "came right after 220 mail"),
    "silence after the greeting": (lambda: scripted(GREETING), Reason.SMTP_TIMEOUT, "ehlo: not done within"),
    "silence after EHLO": (lambda: scripted(GREETING, OFFERS), Reason.SMTP_TIMEOUT, "starttls: not done within"),
    "silence in the handshake": (
        lambda: scripted(GREETING, OFFERS, b"220 go\r\n"), Reason.TLS_TIMEOUT, "tls: not done within",
    ),
    "says it ends": (lambda: scripted(GREETING, b"421 4.4.2 timeout\r\n"), Reason.SMTP_REJECTED, "ehlo: 421 4.4.2"),
    "ends right after": (
        lambda: scripted(GREETING, OFFERS + b"421 4.3.2 off\r\n"), Reason.SMTP_REJECTED, "starttls: 421 4.3.2 off",
    ),
    "refuses STARTTLS": (lambda: scripted(GREETING, OFFERS, b"502 no\r\n"), Reason.SMTP_STARTTLS_REFUSED, "502 no"),
    "injected": (
        lambda: scripted(GREETING, OFFERS, b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n"), Reason.SMTP_MALFORMED,
        "starttls: b'250-evil\\r\\n250 AUTH PLAIN\\r\\n' came right after 220 go, wanted nothing yet",
    ),
    "injected end": (
        lambda: scripted(GREETING, OFFERS, b"220 go\r\n421 off\r\n"), Reason.SMTP_MALFORMED, "starttls: b'421 off",
    ),
    "goes on in the clear": (lambda: peer(goes_on), Reason.TLS_NOT_TLS, "tls: "),
}  # fmt: skip


async def cut_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail")


async def goes_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for reply in (GREETING, OFFERS, b"220 go\r\n", b"250 x\r\n"):
        writer.write(reply)
        await reader.read(65536)


@pytest.mark.parametrize("name", OTHERS)
async def test_a_peer_that_is_no_mail_server_is_told_as_what_it_is(name: str, authority: Authority) -> None:
    make, reason, words = OTHERS[name]
    async with make() as port:
        seen = await look_at(probe(port, authority), timeout=0.15)

    findings = [finding for finding in seen.findings if finding.reason is not Reason.SMTP_PLAINTEXT_AUTH]
    assert [(finding.verdict, finding.reason) for finding in findings] == [(Verdict.DOWN, reason)], seen.findings
    assert words in findings[0].detail
    assert (0.15 if "not done within" in words else 0) <= seen.took < 0.15 + GRACE


async def test_a_closed_port_is_refused(authority: Authority) -> None:
    with closed_port() as port:
        seen = await look_at(probe(port, authority))

    assert told(seen) == (Verdict.DOWN, Reason.CONNECT_REFUSED)


async def test_a_greeting_a_byte_at_a_time_is_no_greeting_by_the_deadline(authority: Authority) -> None:
    async with dripping_peer(GREETING, pause=0.05) as port, peer(_forwarding_to(port)) as dripping:
        seen = await look_at(probe(dripping, authority), timeout=0.2)

    assert told(seen) == (Verdict.DOWN, Reason.SMTP_NO_BANNER)


def _forwarding_to(port: int) -> Any:
    """What speaks first for a peer that waits to be spoken to."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far, near = await asyncio.open_connection("127.0.0.1", port)
        near.write(b"x")
        try:
            while piece := await far.read(1):
                writer.write(piece)
        finally:
            near.close()

    return serve


@pytest.mark.parametrize(
    ("farewell", "wanted"),
    [
        (b"221 2.0.0 Bye\r\n", None),
        (b"421 4.4.2 tired\r\n", None),
        (b"500 what?\r\n", Reason.SMTP_MALFORMED),
        (b"", Reason.SMTP_TIMEOUT),
    ],
)
async def test_a_farewell_is_waited_for(farewell: bytes, wanted: Reason | None, authority: Authority) -> None:
    async with scripted(GREETING, b"250 mail.example.org\r\n", farewell) as port:
        seen = await look_at(probe(port, authority, **IN_CLEAR), timeout=0.2)

    assert seen.reason is wanted
    assert wanted is None or seen.detail.startswith("quit: ")


async def test_a_server_that_hangs_up_at_quit_has_said_farewell(authority: Authority) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in (GREETING, b"250 mail.example.org\r\n"):
            writer.write(reply)
            await reader.readline()

    async with peer(serve) as port:
        seen = await look_at(probe(port, authority, **IN_CLEAR))

    assert told(seen) == (Verdict.OK, None)


async def test_what_a_server_says_before_it_hangs_up_is_told(authority: Authority) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        await reader.readline()
        writer.write(b"421 4.7.0 too many connections\r\n")

    async with peer(serve) as port:
        seen = await look_at(probe(port, authority, **IN_CLEAR))

    assert told(seen) == (Verdict.DOWN, Reason.SMTP_REJECTED)
    assert seen.detail == "ehlo: 421 4.7.0 too many connections"


# -- settings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"port": 0}, "port must be from 1 to 65535"),
        ({"helo": "two words"}, "helo must be"),
        ({"helo": "x\r\nRCPT TO:<a@b>"}, "helo must be"),
        ({"helo": ""}, "helo must be"),
        ({"recipient": "no address"}, "recipient must be a mail address"),
        ({"sender": "a@b>\r\nDATA"}, "sender must be a mail address"),
        ({"relay_test": "@example.com"}, "relay_test must be a mail address"),
        ({"user": "a", "password": Secret("b\0c")}, "control characters"),
        ({"user": "a", "password": Secret("b"), "starttls": "off"}, "user needs TLS"),
        ({"user": "a", "password": Secret("b"), "verify": False}, "user needs verify"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        SmtpProbe(address="127.0.0.1", **settings)


def test_the_target_names_the_server_that_is_meant() -> None:
    assert SmtpProbe(address="10.1.10.101", name="mail.example.org").target == "mail.example.org at 10.1.10.101:587"
    assert SmtpProbe(address="::1", port=25).target == "[::1]:25"
