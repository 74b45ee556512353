"""IMAP over a wire (RFC 9051; RFC 3501 before it): the dialogue of one session, every fault of it told apart."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from migrawatch.model import Bytes, Down, Secret
from migrawatch.parse.excerpt import readable, without
from migrawatch.parse.imap import (
    GO_ON,
    UNTAGGED,
    Fetched,
    Response,
    command_lines,
    holds_literals,
    is_number,
    maybe_literal,
    number_set,
    parse_fetched,
    parse_found,
    parse_response,
    quoted,
)
from migrawatch.parse.url import Malformed
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason

LINE_LIMIT = 65_536
"""Bytes of one line; the longest honest one lists a mailbox's keywords (RFC 7162, section 4, asks for 8 KiB)."""
ANSWER_LIMIT = 1_048_576
"""Bytes of all that answers one command, literals included, unless a session is given another limit."""
LINES_LIMIT = 1000
"""Lines of all that answers one command, those in literals not counted; opening a mailbox takes about ten."""
_SHOWN = 200

# Codes of RFC 5530 that say "not now" of the server, and nothing about the name or the password.
_NOT_NOW = frozenset({"UNAVAILABLE", "SERVERBUG", "INUSE", "LIMIT"})


@dataclass(frozen=True, slots=True)
class Selected:
    """A mailbox that was opened: how many *messages* are in it, and the unique number that the next one gets."""

    messages: int
    next_uid: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What answered one command: the tagged response that ended it, and the untagged ones before, in order."""

    ended_by: Response
    untagged: tuple[Response, ...]

    @property
    def is_ok(self) -> bool:
        """Whether the command was carried out."""
        return self.ended_by.word == "OK"


class Imap:
    """One session, from the greeting to the end. Its methods raise Down (`imap_*`), or EOFError when it is closed.

    No command is sent before the one before is answered. What a server says is shown without the password, whatever it
    echoes.
    """

    def __init__(self, wire: Wire, *, limit: Bytes = ANSWER_LIMIT) -> None:
        self._wire = wire
        self._limit = limit
        self._left = limit
        self._lines_left = LINES_LIMIT
        self._count = 0
        self._hidden: tuple[str, ...] = ()
        self._is_leaving = self._has_left = False

    # -- commands -----------------------------------------------------------------------------------------------

    async def greet(self) -> Response:
        """Wait for the greeting: OK, or PREAUTH, which says that no login is needed. Raise Down for BYE."""
        # Its first byte tells what is no IMAP even if it never ends its line.
        first = await self._wire.readexactly(1)
        if first != b"*":
            more = await self._wire.read(_SHOWN) if self._wire.waiting else b""
            raise self._malformed(first + more, "a greeting such as `* OK`")
        greeting = await self._response(first)
        if greeting.word == "BYE":
            raise self._bye(greeting)
        if greeting.tag != UNTAGGED or greeting.word not in ("OK", "PREAUTH"):
            raise Down(Reason.IMAP_MALFORMED, f"greeted with {self.shown(greeting)}, wanted `* OK`")
        return greeting

    async def capability(self) -> frozenset[str]:
        """What the server announces now, upper-case; it may be other things after STARTTLS and after a login."""
        answer = await self.ask("CAPABILITY")
        self._must(answer, "CAPABILITY", Reason.IMAP_MALFORMED)
        named = [response.text for response in answer.untagged if response.word == "CAPABILITY"]
        found = frozenset(" ".join(named).upper().split())
        if not found & {"IMAP4REV1", "IMAP4REV2"}:
            seen = self._words(" ".join(named)) or "nothing"
            raise Down(Reason.IMAP_MALFORMED, f"announces {seen}, wanted IMAP4rev1 or IMAP4rev2 (CAPABILITY)")
        return found

    async def starttls(self) -> None:
        """Have the server wait for a handshake. What it said before counts for nothing afterwards."""
        self._must(await self.ask("STARTTLS"), "STARTTLS", Reason.IMAP_NO_STARTTLS)

    async def login(self, user: str, password: Secret) -> None:
        """Log in; only ever over TLS: that is the caller's to see to. Raise Down with what a refusal says.

        A refusal without a code is about the name or the password (RFC 9051, section 6.2.3).
        """
        revealed = password.reveal()
        self._hidden = _forms(revealed)
        answer = await self.ask("LOGIN", user, revealed)
        reason = Reason.IMAP_UNAVAILABLE if answer.ended_by.code in _NOT_NOW else Reason.IMAP_AUTH
        self._must(answer, "LOGIN", reason)

    async def examine(self, mailbox: str) -> int:
        """Open *mailbox* for reading only, which changes nothing in it; give back how many messages are in it."""
        answer = await self.ask("EXAMINE", mailbox)
        self._must(answer, f"EXAMINE {quoted(mailbox)}", Reason.IMAP_MAILBOX)
        counts = [response.number for response in answer.untagged if response.word == "EXISTS"]
        if not counts or counts[-1] < 0:
            raise Down(Reason.IMAP_MALFORMED, f"EXAMINE {quoted(mailbox)}: opened without a count (EXISTS)")
        return counts[-1]

    async def select(self, mailbox: str) -> Selected:
        """Open *mailbox* for reading and writing. Raise Down where it may only be read."""
        answer = await self.ask("SELECT", mailbox)
        command = f"SELECT {quoted(mailbox)}"
        self._must(answer, command, Reason.IMAP_MAILBOX)
        if answer.ended_by.code == "READ-ONLY":
            raise Down(Reason.IMAP_MAILBOX, f"{command}: may only be read, wanted to delete in it too")
        counts = [response.number for response in answer.untagged if response.word == "EXISTS"]
        codes = {response.code: response.code_text for response in answer.untagged if response.code}
        next_uid = codes.get("UIDNEXT", "")
        if not counts or not is_number(next_uid):
            raise Down(Reason.IMAP_MALFORMED, f"{command}: opened without EXISTS and UIDNEXT")
        return Selected(counts[-1], int(next_uid))

    async def search(self, within: str, header: str, text: str) -> tuple[int, ...]:
        """The unique numbers of the messages of the set *within* whose *header* holds *text*."""
        answer = await self.ask(f"UID SEARCH {within} HEADER", header, text)
        self._must(answer, "SEARCH", Reason.IMAP_MAILBOX)
        try:
            return parse_found(answer.untagged)
        except Malformed as error:
            raise Down(Reason.IMAP_MALFORMED, f"SEARCH: {error}") from error

    async def fetch(self, numbers: Iterable[int], part: str) -> tuple[Fetched, ...]:
        """*part* (as in `BODY.PEEK[part]`, which leaves a message unread) of those messages that are still there."""
        answer = await self.ask(f"UID FETCH {number_set(numbers)} (UID BODY.PEEK[{part}])")
        self._must(answer, "FETCH", Reason.IMAP_MAILBOX)
        try:
            return tuple(found for found in map(parse_fetched, answer.untagged) if found is not None)
        except Malformed as error:
            raise Down(Reason.IMAP_MALFORMED, f"FETCH: {error}") from error

    async def delete(self, numbers: Iterable[int], capabilities: frozenset[str]) -> None:
        """Delete messages for good; nobody else's go with them, so without UIDPLUS (RFC 4315) they are only marked."""
        chosen = number_set(numbers)
        self._must(await self.ask(rf"UID STORE {chosen} +FLAGS.SILENT (\Deleted)"), "STORE", Reason.IMAP_MAILBOX)
        if capabilities & {"UIDPLUS", "IMAP4REV2"}:
            self._must(await self.ask(f"UID EXPUNGE {chosen}"), "EXPUNGE", Reason.IMAP_MAILBOX)

    async def refresh(self) -> None:
        """Have the server look for new messages (NOOP)."""
        self._must(await self.ask("NOOP"), "NOOP", Reason.IMAP_MALFORMED)

    async def logout(self) -> None:
        """Say goodbye, and wait until the server has."""
        self._is_leaving = True
        try:
            answer = await self.ask("LOGOUT")
        except EOFError:
            # Some close after their BYE without the tagged OK that should follow it.
            if self._has_left:
                return
            raise
        self._must(answer, "LOGOUT", Reason.IMAP_MALFORMED)

    # -- asking and hearing -------------------------------------------------------------------------------------

    async def ask(self, command: str, *strings: str) -> Answer:
        """Send *command* with *strings* as its last arguments, quoted or as literals, and hear the whole answer.

        What is refused (NO) is an answer; BAD is none that a right command gets.
        """
        self._count += 1
        self._left, self._lines_left = self._limit, LINES_LIMIT
        tag, untagged = f"m{self._count}", list[Response]()
        pieces = command_lines(tag, command, *strings)
        for number, piece in enumerate(pieces, 1):
            ended = await self._say(piece, tag, untagged, goes_on=number < len(pieces))
            if ended.tag != GO_ON:
                break  # before a literal is sent it may be refused
        return Answer(ended_by=ended, untagged=tuple(untagged))

    async def _say(self, content: bytes, tag: str, untagged: list[Response], *, goes_on: bool) -> Response:
        """Send *content*; hear up to the tagged response, or up to `+` where the command *goes_on*."""
        # What a server said before it hung up is told by the read, and so is that it hung up.
        with suppress(ConnectionResetError, BrokenPipeError):
            await self._wire.write(content)
        while True:
            response = await self._response()
            if response.tag == GO_ON and goes_on:
                return response
            # Nobody has carried out a command of which half is still unsaid.
            if response.tag == tag and response.word in (("NO", "BAD") if goes_on else ("OK", "NO", "BAD")):
                return response
            if response.tag != UNTAGGED:
                raise Down(Reason.IMAP_MALFORMED, f"said {self.shown(response)}, wanted an answer tagged {tag}")
            if response.word == "BYE":
                if not self._is_leaving:
                    raise self._bye(response)
                self._has_left = True
            untagged.append(response)

    async def _response(self, begun: bytes = b"") -> Response:
        """One whole response with its literals."""
        line = begun + await self._line()
        content, literals = [line], list[bytes]()
        if holds_literals(line):
            # Each line is looked at once: of a response of many literals nothing is read twice.
            while (size := maybe_literal(content[-1])) is not None:
                self._spend(size)
                literals.append(await self._wire.readexactly(size))
                content[-1] = content[-1].rstrip(b"\r\n")
                content.append(await self._line())
        whole = b"".join(content).rstrip(b"\r\n")
        try:
            return parse_response(whole, tuple(literals))
        except Malformed as error:
            raise self._malformed(whole, "an IMAP response") from error

    async def _line(self) -> bytes:
        try:
            line = await self._wire.readline(LINE_LIMIT)
        except ValueError as error:
            raise Down(Reason.IMAP_MALFORMED, f"a line does not end within {LINE_LIMIT} bytes") from error
        if len(line) > LINE_LIMIT:
            raise Down(Reason.IMAP_MALFORMED, f"a line has {len(line)} bytes, wanted at most {LINE_LIMIT}")
        self._spend(len(line))
        self._lines_left -= 1
        if self._lines_left < 0:
            raise Down(Reason.IMAP_MALFORMED, f"more than {LINES_LIMIT} lines answer one command")
        return line

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise Down(Reason.IMAP_MALFORMED, f"more than {self._limit} bytes answer one command")

    # -- telling ------------------------------------------------------------------------------------------------

    def shown(self, response: Response) -> str:
        """*response* for people, without the password."""
        code = f"[{response.code}]" if response.code else ""
        return self._words(" ".join(filter(None, (response.word or response.tag, code, response.text))))

    def _words(self, text: str) -> str:
        # Hidden before it is cut: half a password is one too.
        return without(readable_text(text), self._hidden)[:_SHOWN]

    def _must(self, answer: Answer, command: str, reason: Reason) -> None:
        if answer.is_ok:
            return
        ended = answer.ended_by
        reason = Reason.IMAP_MALFORMED if ended.word == "BAD" else reason
        raise Down(reason, f"{command}: answered {self.shown(ended)}, wanted OK")

    def _bye(self, response: Response) -> Down:
        return Down(Reason.IMAP_BYE, f"ended the session: {self.shown(response)}")

    def _malformed(self, content: bytes, wanted: str) -> Down:
        heard = self._words(content.decode("utf-8", "backslashreplace").rstrip())
        return Down(Reason.IMAP_MALFORMED, f'heard "{heard}", wanted {wanted}')


def _forms(password: str) -> tuple[str, ...]:
    """All that *password* may look like where it is echoed: as it is, quoted, escaped, or read as a code."""
    said = {password, quoted(password)[1:-1]}
    said |= {readable_text(one) for one in said}
    return tuple(said | {one.upper() for one in said})


def readable_text(text: str) -> str:
    """*text* in one line, safe for a terminal."""
    return readable(text.encode("utf-8", "backslashreplace")).replace("\n", " ")
