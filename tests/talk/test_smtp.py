"""The SMTP dialogue, byte by byte: what servers say that no real one can be asked for."""

from base64 import b64encode

import pytest

from migrawatch.model import Down, Secret
from migrawatch.parse.smtp import Offers
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason
from migrawatch.talk.smtp import Dialogue
from tests.talk.scripted import Scripted

PASSWORD = "hidden-3f9c1d-Word"
USER = "monitor@example.org"


def coded(text: str) -> bytes:
    return b64encode(text.encode())


WHOLE = coded(f"\0{USER}\0{PASSWORD}")
ECHOED = [WHOLE, WHOLE.upper(), coded(PASSWORD), PASSWORD.encode(), PASSWORD.upper().encode()]


def offering(*mechanisms: str) -> Offers:
    return Offers(keywords={"AUTH": mechanisms})


async def log_in(duplex: Scripted, *mechanisms: str) -> None:
    await Dialogue(Wire(duplex)).log_in(USER, Secret(PASSWORD), offering(*mechanisms))


async def refused(duplex: Scripted, *mechanisms: str) -> Down:
    with pytest.raises(Down) as told:
        await log_in(duplex, *mechanisms)
    return told.value


async def test_plain_is_said_in_one_line() -> None:
    duplex = Scripted([b"235 2.7.0 yes\r\n"])

    await log_in(duplex, "LOGIN", "PLAIN")

    assert duplex.sent == b"AUTH PLAIN " + WHOLE + b"\r\n"


async def test_login_is_said_step_by_step() -> None:
    duplex = Scripted([b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n", b"235 2.7.0 yes\r\n"])

    await log_in(duplex, "LOGIN")

    assert duplex.sent == b"AUTH LOGIN\r\n" + coded(USER) + b"\r\n" + coded(PASSWORD) + b"\r\n"


@pytest.mark.parametrize("before", [0, 1])
async def test_nobody_logs_in_who_has_said_half_of_it(before: int) -> None:
    told = await refused(Scripted([b"334 x\r\n"] * before + [b"235 yes\r\n"]), "LOGIN")

    assert (told.reason, told.detail) == (Reason.SMTP_MALFORMED, "login: 235 yes, wanted 334")


async def test_a_way_to_log_in_that_we_do_not_know_is_named() -> None:
    duplex = Scripted([])

    told = await refused(duplex, "GSSAPI", "XOAUTH2")

    assert told.reason is Reason.SMTP_AUTH_UNAVAILABLE
    assert told.detail == "login: AUTH offers GSSAPI XOAUTH2, wanted PLAIN or LOGIN"
    assert duplex.sent == b""


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"535 5.7.8 no\r\n", Reason.SMTP_AUTH),
        (b"550 disabled\r\n", Reason.SMTP_AUTH),
        (b"432 4.7.12 change it\r\n", Reason.SMTP_AUTH),
        (b"454 4.7.0 later\r\n", Reason.SMTP_AUTH_UNAVAILABLE),
        (b"504 5.5.4 what\r\n", Reason.SMTP_AUTH_UNAVAILABLE),
        (b"534 5.7.9 too weak\r\n", Reason.SMTP_AUTH_UNAVAILABLE),
        (b"538 5.7.11 not without TLS\r\n", Reason.SMTP_AUTH_UNAVAILABLE),
        (b"421 4.3.2 off\r\n", Reason.SMTP_REJECTED),
        (b"334 more\r\n", Reason.SMTP_MALFORMED),
        (b"250 yes\r\n", Reason.SMTP_MALFORMED),
    ],
)
async def test_what_an_answer_to_a_login_means(reply: bytes, reason: Reason) -> None:
    assert (await refused(Scripted([reply]), "PLAIN")).reason is reason


@pytest.mark.parametrize("echoed", ECHOED)
@pytest.mark.parametrize("frame", [b"500 what is %s?\r\n", b"500-%s\r\n500 %s\r\n", b"%s\r\n", b"535 no\r\n%s"])
async def test_a_server_that_echoes_the_password_shows_it_to_nobody(echoed: bytes, frame: bytes) -> None:
    told = await refused(Scripted([frame.replace(b"%s", echoed)]), "PLAIN")

    assert echoed.decode() not in told.detail
    assert echoed.decode() not in repr(told.__cause__)


async def test_half_an_echo_is_not_shown_either() -> None:
    """Two packets may cut a password anywhere."""
    told = await refused(Scripted([b"AUTH PLAIN " + WHOLE[:20]]), "PLAIN")

    assert (told.reason, told.detail) == (Reason.SMTP_MALFORMED, "login: not SMTP")


# -- a mail that is sent --------------------------------------------------------------------------------------------

MAIL = "Subject: x\r\n\r\n.\r\n..two\r\n"
TAKEN = [b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n", b"250 2.0.0 queued as 1\r\n"]


async def send(duplex: Scripted, *keywords: str) -> str:
    offers = Offers(keywords=dict.fromkeys(keywords, ()))
    return str(await Dialogue(Wire(duplex)).send("a@example.org", "b@example.org", MAIL, offers, "send"))


async def test_a_line_that_begins_with_a_dot_does_not_end_the_mail() -> None:
    duplex = Scripted(TAKEN)

    assert await send(duplex) == "250 2.0.0 queued as 1"
    assert duplex.sent == (
        b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n...two\r\n.\r\n"
    )


async def test_a_server_that_can_be_told_sends_no_bounce() -> None:
    duplex = Scripted(TAKEN)

    await send(duplex, "DSN")

    assert b"RCPT TO:<b@example.org> NOTIFY=NEVER\r\n" in duplex.sent


@pytest.mark.parametrize(
    ("replies", "reason", "words"),
    [
        ([b"550 5.7.1 no\r\n"], Reason.SMTP_SENDER, "send: MAIL: 550"),
        ([*TAKEN[:1], b"550 5.1.1 no\r\n"], Reason.SMTP_RECIPIENT, "send: RCPT: 550"),
        ([*TAKEN[:2], b"451 4.7.1 no\r\n"], Reason.SMTP_MESSAGE, "send: DATA: 451"),
        ([*TAKEN[:2], b"250 ok\r\n"], Reason.SMTP_MALFORMED, "send: DATA: 250"),
        ([*TAKEN[:3], b"554 5.7.1 spam\r\n"], Reason.SMTP_MESSAGE, "send: the mail: 554"),
        ([*TAKEN[:3], b"452 4.3.1 full\r\n"], Reason.SMTP_STORAGE, "send: the mail: 452"),
        ([*TAKEN[:3], b"354 go on\r\n"], Reason.SMTP_MALFORMED, "send: the mail: 354"),
        ([*TAKEN[:3], b"421 bye\r\n"], Reason.SMTP_REJECTED, "send: 421"),
    ],
)
async def test_each_refusal_is_told_by_what_is_refused(replies: list[bytes], reason: Reason, words: str) -> None:
    with pytest.raises(Down) as told:
        await send(Scripted(replies))

    assert told.value.reason is reason
    assert told.value.detail.startswith(words)
