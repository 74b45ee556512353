"""The IMAP dialogue, byte by byte: what servers say that no real one can be asked for."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from migrawatch.model import Down, Secret
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason
from migrawatch.talk.imap import ANSWER_LIMIT, LINE_LIMIT, Imap
from tests.talk.scripted import Scripted

PASSWORD = 'hidden "3f9c1d"'

Step = Callable[[Imap], Awaitable[Any]]


def greet(talk: Imap) -> Awaitable[Any]:
    return talk.greet()


def capability(talk: Imap) -> Awaitable[Any]:
    return talk.capability()


def login(talk: Imap) -> Awaitable[Any]:
    return talk.login("monitor@example.org", Secret(PASSWORD))


def examine(talk: Imap) -> Awaitable[Any]:
    return talk.examine("INBOX")


def logout(talk: Imap) -> Awaitable[Any]:
    return talk.logout()


async def hear(step: Step, *pieces: bytes | Exception, limit: int = ANSWER_LIMIT) -> tuple[Any, bytes]:
    """What *step* gives back when the server says *pieces*, and what was said to it."""
    duplex = Scripted(pieces)
    return await step(Imap(Wire(duplex), limit=limit)), duplex.sent


async def fault(step: Step, *pieces: bytes | Exception, limit: int = ANSWER_LIMIT) -> tuple[Reason, str]:
    with pytest.raises(Down) as raised:
        await hear(step, *pieces, limit=limit)
    return raised.value.finding.reason, raised.value.finding.detail


# -- the greeting ---------------------------------------------------------------------------------------------------


async def test_a_greeting_may_come_in_any_pieces() -> None:
    for at in range(1, 14):
        greeting, _ = await hear(greet, b"* OK ready\r\n"[:at], b"* OK ready\r\n"[at:])
        assert (greeting.word, greeting.text) == ("OK", "ready")


@pytest.mark.parametrize(
    "said",
    [b"220 mail.example.org ESMTP\r\n", b"+OK POP3\r\n", b"SSH-2.0-OpenSSH\r\n", b"\x80\xff\r\n", b"\r\n",
     b"* NO no\r\n", b"*OK\r\n", b"* 3 EXISTS\r\n", b"no line end"],
)  # fmt: skip
async def test_another_protocol_is_no_greeting(said: bytes) -> None:
    assert (await fault(greet, said))[0] is Reason.IMAP_MALFORMED


async def test_garbage_without_a_line_end_is_told_at_once() -> None:
    """Who waits for the line's end would call a server silent that says nonsense."""
    reason, detail = await fault(greet, b"\x80\x81", asyncio.CancelledError())  # type: ignore[arg-type]

    assert reason is Reason.IMAP_MALFORMED
    assert '"\\x80\\x81"' in detail


async def test_a_server_that_says_bye_is_quoted() -> None:
    reason, detail = await fault(greet, b"* BYE Auth \x1b[31mprocess broken\r\n")

    assert (reason, detail) == (Reason.IMAP_BYE, "ended the session: BYE Auth \\x1b[31mprocess broken")


# -- answers --------------------------------------------------------------------------------------------------------


async def test_what_is_announced_is_read_whatever_else_is_said() -> None:
    found, sent = await hear(
        capability,
        b"* OK still here\r\n* CAPABILITY imap4rev1 AUTH=plain\r\n* CAPABILITY LOGINDISABLED\r\nm1 OK done\r\n",
    )

    assert found == {"IMAP4REV1", "AUTH=PLAIN", "LOGINDISABLED"}
    assert sent == b"m1 CAPABILITY\r\n"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"m1 OK done\r\n", "announces nothing"),
        (b"* CAPABILITY XYZ\r\nm1 OK done\r\n", "announces XYZ"),
        (b"* CAPABILITY IMAP4rev1\r\nm1 BAD what\r\n", "answered BAD what"),
        (b"* CAPABILITY IMAP4rev1\r\nm2 OK done\r\n", "wanted an answer tagged m1"),
        (b"* CAPABILITY IMAP4rev1\r\nm1 MAYBE done\r\n", "wanted an answer tagged m1"),
        (b"+ go on\r\n", "said + go on"),
        (b"garbage!\r\n", 'heard "garbage!"'),
    ],
)
async def test_an_answer_that_is_none_is_quoted(said: bytes, told: str) -> None:
    reason, detail = await fault(capability, said)

    assert reason is Reason.IMAP_MALFORMED
    assert told in detail


async def test_a_literal_is_read_as_bytes_whatever_is_in_it() -> None:
    """A message may hold lines that look like the end of the answer."""
    said = b"* 1 FETCH (BODY[] {14}\r\nm1 OK a\r\nm1 OK FLAGS ())\r\n* 2 FETCH (FLAGS ())\r\nm1 OK fetched\r\n"
    duplex = Scripted(said[at : at + 5] for at in range(0, len(said), 5))

    answer = await Imap(Wire(duplex)).ask("FETCH 1 BODY[]")

    assert [response.literals for response in answer.untagged] == [(b"m1 OK a\r\nm1 OK",), ()]
    assert [response.number for response in answer.untagged] == [1, 2]
    assert answer.ended_by.text == "fetched"


async def test_a_server_that_babbles_does_not_hold_the_loop() -> None:
    """All that one command may be answered with is read in one go where it has come already."""
    babble = (b"* 1 FETCH (X {0}\r\n" + b" {0}\r\n" * 900, b"* OK [X (" + b"[{(" * 20_000 + b")] x\r\n")
    began = time.process_time()

    for said in babble:
        await fault(capability, said + b")\r\ngarbage\r\n")

    assert time.process_time() - began < 0.1


async def test_a_literal_of_ours_waits_until_the_server_says_to_go_on() -> None:
    duplex = Scripted([b"* OK a moment\r\n+ go on\r\n", b"m1 OK in\r\n"])

    await Imap(Wire(duplex)).login("joe", Secret("é"))

    assert duplex.sent == b'm1 LOGIN "joe" {2}\r\n\xc3\xa9\r\n'


async def test_a_literal_of_ours_that_is_refused_is_not_sent() -> None:
    duplex = Scripted([b"m1 NO [PRIVACYREQUIRED] not here\r\n"])

    with pytest.raises(Down):
        await Imap(Wire(duplex)).login("joe", Secret("é"))

    assert b"\xc3" not in duplex.sent


async def test_a_login_of_which_half_is_unsaid_is_no_login() -> None:
    with pytest.raises(Down) as raised:
        await Imap(Wire(Scripted([b"m1 OK welcome\r\n"]))).login("joe", Secret("é"))

    assert raised.value.finding.reason is Reason.IMAP_MALFORMED


async def test_what_a_server_said_before_it_hung_up_is_heard() -> None:
    """Sending fails then; its last words say why it left."""

    class HungUp(Scripted):
        async def send(self, content: bytes) -> None:
            raise BrokenPipeError

    with pytest.raises(Down) as raised:
        await Imap(Wire(HungUp([b"* BYE idle for too long\r\n"]))).capability()
    with pytest.raises(EOFError):
        await Imap(Wire(HungUp([]))).capability()

    assert raised.value.finding.reason is Reason.IMAP_BYE


# -- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"* " + b"x" * (LINE_LIMIT + 10), "does not end"),
        (b"* OK " + b"x" * LINE_LIMIT + b"\r\nm1 OK\r\n", "bytes, wanted at most"),
        (b"* OK x\r\n" * 2000, "more than 1000 lines"),
        (b"* 1 FETCH (" + b"{0}\r\n" * 200_000, "more than 1000 lines"),
        (b"* 1 FETCH (BODY[] {9999999999}\r\n", "bytes answer one command"),
        (b"* 1 FETCH (BODY[] {600000}\r\n" + b"x" * 600_000 + b"{600000}\r\n", "bytes answer one command"),
        ((b"* OK " + b"x" * 60_000 + b"\r\n") * 20, "bytes answer one command"),
    ],
)
async def test_a_server_that_never_stops_is_stopped(said: bytes, told: str) -> None:
    reason, detail = await fault(capability, said)

    assert reason is Reason.IMAP_MALFORMED
    assert told in detail
    assert len(detail) < 400


async def test_the_limit_holds_for_each_command_anew() -> None:
    answer = b"* CAPABILITY IMAP4rev1 " + b"x" * 60 + b"\r\n"
    talk = Imap(Wire(Scripted([answer + b"m1 OK\r\n", answer + b"m2 OK\r\n"])), limit=120)

    await talk.capability()
    await talk.capability()


# -- login ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (b"", Reason.IMAP_AUTH),
        (b"[AUTHENTICATIONFAILED] ", Reason.IMAP_AUTH),
        (b"[AUTHORIZATIONFAILED] ", Reason.IMAP_AUTH),
        (b"[EXPIRED] ", Reason.IMAP_AUTH),
        (b"[UNAVAILABLE] ", Reason.IMAP_UNAVAILABLE),
        (b"[unavailable] ", Reason.IMAP_UNAVAILABLE),
        (b"[SERVERBUG] ", Reason.IMAP_UNAVAILABLE),
        (b"[LIMIT] ", Reason.IMAP_UNAVAILABLE),
        (b"[INUSE] ", Reason.IMAP_UNAVAILABLE),
    ],
)
async def test_a_refused_password_is_told_from_a_login_that_nobody_gets(code: bytes, reason: Reason) -> None:
    """The first may be our old copy; the second is everybody's outage."""
    assert (await fault(login, b"m1 NO " + code + b"no\r\n"))[0] is reason


@pytest.mark.parametrize(
    "said",
    [
        b'm1 BAD unknown: LOGIN "monitor@example.org" "hidden \\"3f9c1d\\""\r\n',
        b'm1 NO hidden "3f9c1d" is wrong\r\n',
        b'* BYE hidden "3f9c1d"\r\n',
        b'hidden "3f9c1d"\r\n',
        b"m1 NO " + b"x" * 190 + b'hidden "3f9c1d"\r\n',
        b'm7 OK hidden "3f9c1d"\r\n',
    ],
)
async def test_a_password_that_is_echoed_is_hidden(said: bytes) -> None:
    _, detail = await fault(login, said)

    assert "3f9c1d" not in detail
    assert "hidden" not in detail


async def test_a_password_that_is_echoed_as_a_code_is_hidden() -> None:
    """Codes and words are told in capitals."""
    talk = Imap(Wire(Scripted([b"m1 NO [never-to-be-seen] no\r\n"])))

    with pytest.raises(Down) as raised:
        await talk.login("joe", Secret("never-to-be-seen"))

    assert "never" not in raised.value.finding.detail.lower()


# -- mailbox and end ------------------------------------------------------------------------------------------------


async def test_the_last_count_is_the_mailbox_s() -> None:
    count, sent = await hear(
        examine, b"* 3 EXISTS\r\n* FLAGS (\\Seen)\r\n* 4 EXISTS\r\nm1 OK [READ-ONLY] Examine completed.\r\n"
    )

    assert (count, sent) == (4, b'm1 EXAMINE "INBOX"\r\n')


async def test_a_mailbox_without_a_count_is_no_answer() -> None:
    for said in (b"m1 OK done\r\n", b"* EXISTS\r\nm1 OK done\r\n"):
        assert (await fault(examine, said))[0] is Reason.IMAP_MALFORMED


async def test_a_goodbye_needs_no_more_than_bye() -> None:
    """Some servers close right after it."""
    for said in (b"* BYE bye\r\nm1 OK done\r\n", b"* BYE bye\r\n", b"m1 OK done\r\n"):
        await hear(logout, said)

    with pytest.raises(EOFError):
        await hear(logout, b"* OK still here\r\n")


# -- finding, reading and deleting ----------------------------------------------------------------------------------


def select(talk: Imap) -> Awaitable[Any]:
    return talk.select("INBOX")


def search(talk: Imap) -> Awaitable[Any]:
    return talk.search("UID 5:*", "X-Mark", "abc")


def fetch(talk: Imap) -> Awaitable[Any]:
    return talk.fetch((5, 7), "")


async def test_a_mailbox_that_is_opened_tells_which_number_comes_next() -> None:
    opened, sent = await hear(select, b"* 3 EXISTS\r\n* OK [UIDNEXT 9] x\r\nm1 OK [READ-WRITE] done\r\n")

    assert (opened.messages, opened.next_uid) == (3, 9)
    assert sent == b'm1 SELECT "INBOX"\r\n'


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"* 3 EXISTS\r\n* OK [UIDNEXT 9] x\r\nm1 OK [READ-ONLY] done\r\n", Reason.IMAP_MAILBOX),
        (b"m1 NO none\r\n", Reason.IMAP_MAILBOX),
        (b"* OK [UIDNEXT 9] x\r\nm1 OK done\r\n", Reason.IMAP_MALFORMED),
        (b"* 3 EXISTS\r\n* OK [UIDNEXT x] x\r\nm1 OK done\r\n", Reason.IMAP_MALFORMED),
    ],
)
async def test_a_mailbox_that_cannot_be_worked_in_is_told(answer: bytes, reason: Reason) -> None:
    assert (await fault(select, answer))[0] is reason


async def test_what_a_search_finds_is_sorted_and_once() -> None:
    found, sent = await hear(search, b"* SEARCH 9 7\r\n* 4 EXISTS\r\n* SEARCH 7\r\nm1 OK done\r\n")

    assert found == (7, 9)
    assert sent == b'm1 UID SEARCH UID 5:* HEADER "X-Mark" "abc"\r\n'
    assert (await hear(search, b"* SEARCH\r\nm1 OK done\r\n"))[0] == ()
    assert (await fault(search, b"* SEARCH 1 x\r\nm1 OK done\r\n"))[0] is Reason.IMAP_MALFORMED


async def test_a_part_is_fetched_whatever_is_told_beside_it() -> None:
    said = (
        b"* 1 FETCH (FLAGS (\\Seen) UID 3)\r\n* 2 FETCH (UID 5 BODY[] {4}\r\na\r\nb)\r\n"
        b"* 3 FETCH (BODY[] {2}\r\n() UID 7)\r\nm1 OK done\r\n"
    )

    fetched, sent = await hear(fetch, said)

    assert [(one.uid, one.content) for one in fetched] == [(5, b"a\r\nb"), (7, b"()")]
    assert sent == b"m1 UID FETCH 5,7 (UID BODY.PEEK[])\r\n"


async def test_a_part_that_is_no_literal_is_not_guessed() -> None:
    assert (await fault(fetch, b"* 2 FETCH (UID 5 BODY[] NIL)\r\nm1 OK done\r\n"))[0] is Reason.IMAP_MALFORMED


async def test_only_what_is_named_is_ever_expunged() -> None:
    """A plain EXPUNGE would take with it what somebody else has marked."""
    answers = b"m1 OK done\r\n", b"m2 OK done\r\n"

    _, with_it = await hear(lambda talk: talk.delete((5, 7), frozenset({"UIDPLUS"})), *answers)
    _, without = await hear(lambda talk: talk.delete((5, 7), frozenset({"IMAP4REV1"})), *answers)

    marked = b"m1 UID STORE 5,7 +FLAGS.SILENT (\\Deleted)\r\n"
    assert with_it == marked + b"m2 UID EXPUNGE 5,7\r\n"
    assert without == marked


async def test_a_deletion_that_is_refused_is_told() -> None:
    reason, words = await fault(lambda talk: talk.delete((5,), frozenset()), b"m1 NO not yours\r\n")

    assert (reason, words) == (Reason.IMAP_MAILBOX, "STORE: answered NO not yours, wanted OK")
