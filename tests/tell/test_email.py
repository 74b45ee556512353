"""Mail: through a real Postfix, encrypted and logged in; and what its refusals mean."""

import asyncio
import email
import email.policy
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from migrawatch.decide.incident import Change
from migrawatch.model import Evidence, Secret
from migrawatch.talk.submission import Relay
from migrawatch.tell.email import Email
from migrawatch.tell.receiver import Rejected, Retryable
from tests.servers.certificates import Authority
from tests.servers.peers import closing_peer, garbage_peer, silent_peer
from tests.servers.ports import closed_port
from tests.servers.postfix import PASSWORD, USER, PostfixServer, Smtpd, postfix
from tests.tell.stories import AT, incident, letter, resolved

AT_RCPT = "smtpd_recipient_restrictions"


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[PostfixServer]:
    good = authority.issue("localhost", "127.0.0.1")
    stranger = authority.issue("other.example")
    smtpds = {
        "good": Smtpd(),
        "wrapped": Smtpd(wrapped=True),
        "no tls": Smtpd(settings={"smtpd_tls_security_level": "none"}),
        "wants a login": Smtpd(settings={AT_RCPT: "permit_sasl_authenticated, reject"}),
        "greylists": Smtpd(settings={AT_RCPT: "check_recipient_access static:{450 4.2.0 greylisted}"}),
        "greylists one": Smtpd(
            settings={AT_RCPT: "check_recipient_access inline:{{postmaster@example.org=450 4.2.0 later}}"}
        ),
        "small": Smtpd(settings={"message_size_limit": "500"}),
        "another's": Smtpd(settings={"smtpd_tls_chain_files": f"{stranger.key_file}, {stranger.chain_file}"}),
    }
    with postfix(good.key_file, good.chain_file, smtpds) as running:
        yield running


@pytest.fixture
def mail(server: PostfixServer, authority: Authority) -> Iterator[Callable[..., Email]]:
    def make(smtpd: str, to: tuple[str, ...] = ("monitor@example.org",), limit: float = 10.0, **relay: Any) -> Email:
        where = {"host": "127.0.0.1", "port": server.ports[smtpd], "ca_file": str(authority.root_file), **relay}
        return Email("mail", Relay(**where), "watch@example.org", to, lambda: datetime.now(UTC), "https://q", limit)

    yield make
    for folder in ("incoming", "active", "deferred"):
        for path in (server.home / "queue" / folder).rglob("*"):
            if path.is_file():
                path.unlink()


def queued(server: PostfixServer) -> list[tuple[list[str], EmailMessage]]:
    """The mails that Postfix has taken: their recipients, and the mails."""
    files = sorted(path for path in (server.home / "queue/incoming").rglob("*") if path.is_file())
    return [(_recipients(server, path), _message(server, path)) for path in files]


def _recipients(server: PostfixServer, path: Path) -> list[str]:
    told = _postcat(server, "-e", path).decode()
    return [line.partition(": ")[2] for line in told.splitlines() if line.startswith("recipient: ")]


def _message(server: PostfixServer, path: Path) -> EmailMessage:
    return email.message_from_bytes(_postcat(server, "-hb", path), policy=email.policy.default)


def _postcat(server: PostfixServer, what: str, path: Path) -> bytes:
    command = ["/usr/sbin/postcat", "-c", str(server.home), what, str(path)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


LOGIN = {"user": USER, "password": Secret(PASSWORD)}


async def test_a_mail_arrives_encrypted_and_logged_in(mail: Any, server: PostfixServer) -> None:
    """An address is enough, the certificate is for it; the page is there as text and as HTML."""
    await mail("wants a login", **LOGIN).send(letter())

    ((recipients, message),) = queued(server)
    assert recipients == ["monitor@example.org"]
    assert message["Subject"] == "DOWN: mpanel-backend is stopped on mpanel-core"
    assert message["From"] == "migrawatch <watch@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert 'ssh mpanel-core "pm2 restart mpanel-backend"' in part(message, "plain")
    assert "<h1" in part(message, "html")
    assert "ESMTPSA" in message["Received"]


async def test_tls_from_the_first_byte_and_none_at_all(mail: Any, server: PostfixServer) -> None:
    """465, and a relay on the same machine."""
    await mail("wrapped", tls="implicit", **LOGIN).send(letter())
    await mail("no tls", tls="none").send(letter())

    assert len(queued(server)) == 2


async def test_an_incident_is_one_thread_and_a_repeat_is_the_same_mail(mail: Any, server: PostfixServer) -> None:
    """Mail programs join by References, and drop what they have by Message-ID."""
    sender = mail("good")
    await sender.send(letter())
    await sender.send(letter())
    await sender.send(replace(letter(Change.RESOLVED, resolved()), notice=replace(letter().notice, key="i1-2")))

    mails = [message for _, message in queued(server)]
    assert sorted(message["Message-ID"] for message in mails) == [
        "<i1-1@example.org>",
        "<i1-1@example.org>",
        "<i1-2@example.org>",
    ]
    assert {message["References"] for message in mails} == {"<i1@example.org>"}
    assert {message["In-Reply-To"] for message in mails} == {"<i1@example.org>"}


async def test_greylisting_is_tried_again(mail: Any, server: PostfixServer) -> None:
    """4xx: not now."""
    with pytest.raises(Retryable, match=r"recipient: 450 .*greylisted"):
        await mail("greylists").send(letter())

    assert queued(server) == []


async def test_who_has_it_does_not_get_it_again_while_another_waits(mail: Any, server: PostfixServer) -> None:
    """One of two is greylisted: only that one is tried again."""
    sender = mail("greylists one", ("monitor@example.org", "postmaster@example.org"))
    for _ in range(2):
        with pytest.raises(Retryable, match="450"):
            await sender.send(letter())

    assert [recipients for recipients, _ in queued(server)] == [["monitor@example.org"]]


async def test_an_unknown_mailbox_is_final_and_does_not_keep_it_from_others(mail: Any, server: PostfixServer) -> None:
    """5xx: never."""
    with pytest.raises(Rejected, match="recipient: 550"):
        await mail("good", ("nobody@example.org",)).send(letter())
    await mail("good", ("nobody@example.org", "monitor@example.org")).send(letter())

    assert [recipients for recipients, _ in queued(server)] == [["monitor@example.org"]]


async def test_a_mail_that_is_refused_for_what_it_is_is_final(mail: Any) -> None:
    """Too large: it would be tomorrow, too."""
    with pytest.raises(Rejected, match="message: 552"):
        await mail("small").send(letter())


@pytest.mark.parametrize(
    ("smtpd", "relay", "trouble"),
    [
        ("wants a login", {"user": USER, "password": Secret("wrong-w0rd")}, "smtp_auth: login: 535"),
        ("no tls", {}, "smtp_no_starttls"),
        ("another's", {}, "tls_name_mismatch"),
        ("good", {"ca_file": ""}, "tls_untrusted|tls_incomplete"),
    ],
)
async def test_what_somebody_will_mend_is_tried_again_and_no_secret_is_told(
    smtpd: str, relay: dict[str, Any], trouble: str, mail: Any, server: PostfixServer
) -> None:
    """A wrong password, a certificate that ran out: the page must still be there when that is mended."""
    with pytest.raises(Retryable, match=trouble) as caught:
        await mail(smtpd, **relay).send(letter())

    assert "wrong-w0rd" not in str(caught.value)
    assert queued(server) == []


async def test_a_closed_port_and_a_broken_session_are_tried_again(mail: Any) -> None:
    """Whatever is there instead of a mail server."""
    with closed_port() as port, pytest.raises(Retryable, match="connect_refused"):
        await mail("good", port=port).send(letter())
    async with closing_peer() as port:
        with pytest.raises(Retryable, match="broke the connection off"):
            await mail("good", port=port).send(letter())
    async with garbage_peer() as port:
        with pytest.raises(Retryable):
            await mail("good", port=port).send(letter())


async def test_a_silent_relay_is_let_go_when_the_courier_loses_patience(mail: Any, server: PostfixServer) -> None:
    """Frozen, it accepts connections; the desk's limit ends the attempt, and nothing is left open."""
    with server.frozen(), pytest.raises(TimeoutError):
        await asyncio.wait_for(mail("good").send(letter()), 0.3)
    async with silent_peer() as port:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(mail("good", port=port).send(letter()), 0.2)


async def test_what_was_seen_is_neither_markup_nor_a_terminals_command(mail: Any, server: PostfixServer) -> None:
    """A server that is broken into says what it likes; a header stays one line."""
    nasty = "<script>x</script>\x1b[2J\r\nBcc: all@example.org\u202e"
    cause = replace(incident().cause, summary=nasty, detail=nasty)
    await mail("good").send(letter(of=incident(cause=cause, evidence=(Evidence(nasty, nasty),), remedy=(nasty,))))

    ((recipients, message),) = queued(server)
    whole = message["Subject"] + part(message, "plain") + part(message, "html")
    assert (recipients, message["Bcc"]) == (["monitor@example.org"], None)
    assert "\x1b" not in whole and "\u202e" not in whole
    assert "<script>" not in part(message, "html")
    assert "&lt;script&gt;" in part(message, "html")


async def test_lines_that_begin_with_a_dot_and_letters_of_any_script_arrive(mail: Any, server: PostfixServer) -> None:
    """A lone dot would end the mail."""
    cause = replace(incident().cause, summary="Grüße: 漢字 down")
    await mail("good").send(letter(of=incident(cause=cause, remedy=(".", "..x"))))

    ((_, message),) = queued(server)
    assert message["Subject"] == "DOWN: Grüße: 漢字 down"
    assert "type     .\n         ..x\n" in part(message, "plain")


def test_no_secret_is_in_a_mail_or_a_repr() -> None:
    """The login is of no concern to those who are told."""
    relay = Relay(host="127.0.0.1", port=1, user="us", password=Secret("hunter2"))
    sender = Email("mail", relay, "watch@example.org", ("a@example.org",), lambda: AT)

    assert "hunter2" not in sender.message(letter()).as_string() + repr(sender.__dict__)
