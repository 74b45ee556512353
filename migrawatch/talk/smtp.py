"""The client's side of SMTP over a wire: one command at a time, and what each answer means (RFC 5321, 3207, 4954)."""

from base64 import b64encode
from contextlib import suppress

from migrawatch.model import Down, Secret
from migrawatch.parse.excerpt import without
from migrawatch.parse.smtp import (
    LINES_LIMIT,
    Line,
    Offers,
    Reply,
    may_be_line,
    parse_line,
    parse_offers,
    parse_reply,
    stuffed,
)
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason

GOING = 421
"""The code by which a server ends the session, in answer to anything or to nothing."""

_READ = 65_536
_UNKNOWN_COMMAND = (500, 502)


class Dialogue:
    """A client that waits for each whole reply before it says anything more. Every fault is raised as Down.

    A peer that ends the connection between two replies raises EOFError or ConnectionResetError, as the wire does.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._heard = b""
        self._secrets: tuple[str, ...] = ()

    # -- the session --------------------------------------------------------------------------------------------

    async def greeting(self) -> Reply:
        """The server's first words."""
        reply = await self._reply("banner")
        if reply.code == 220:
            return reply
        reason = Reason.SMTP_REJECTED if reply.code >= 400 else Reason.SMTP_MALFORMED
        raise Down(reason, f"banner: {reply}, wanted 220")

    async def hello(self, name: str) -> Offers:
        """Say EHLO as *name*; what the server offers."""
        reply = await self.ask(f"EHLO {name}", "ehlo")
        if reply.code == 250:
            return parse_offers(reply)
        is_known = reply.code >= 400 and reply.code not in _UNKNOWN_COMMAND
        raise Down(Reason.SMTP_REJECTED if is_known else Reason.SMTP_MALFORMED, f"ehlo: {reply}, wanted 250")

    async def ready_for_tls(self) -> None:
        """Ask for TLS; the handshake comes next. Not a byte may follow the reply (RFC 3207, section 6)."""
        reply = await self.ask("STARTTLS", "starttls")
        if reply.code != 220:
            raise Down(Reason.SMTP_STARTTLS_REFUSED, f"starttls: {reply}, wanted 220")
        if self._heard:
            raise self._surplus("starttls", reply)

    async def end(self) -> None:
        """Say QUIT and wait for the farewell. A server that hangs up instead has said as much."""
        try:
            reply = await self._ask("QUIT", "quit")
        except (EOFError, ConnectionResetError, BrokenPipeError):
            return
        if not reply.is_positive and reply.code != GOING:
            raise Down(Reason.SMTP_MALFORMED, f"quit: {reply}, wanted 221")

    # -- logging in ---------------------------------------------------------------------------------------------

    async def log_in(self, user: str, password: Secret, offers: Offers) -> None:
        """Log in by PLAIN (RFC 4616) or LOGIN, whichever is offered. Never call it before TLS."""
        whole, name, word = (_coded(text) for text in (f"\0{user}\0{password.reveal()}", user, password.reveal()))
        said = (whole, word, password.reveal())
        self._secrets = (*said, *(one.upper() for one in said))  # some servers echo a command as they understood it
        if "PLAIN" in offers.mechanisms:
            reply = await self.ask(f"AUTH PLAIN {whole}", "login")
        elif "LOGIN" in offers.mechanisms:
            reply = await self._log_in_by_steps(name, word)
        else:
            offered = " ".join(offers.mechanisms) or "nothing"
            raise Down(Reason.SMTP_AUTH_UNAVAILABLE, f"login: AUTH offers {offered}, wanted PLAIN or LOGIN")
        if reply.code != 235:
            raise Down(_refusal(reply), f"login: {reply}, wanted 235")

    async def _log_in_by_steps(self, *answers: str) -> Reply:
        reply = await self.ask("AUTH LOGIN", "login")
        for answer in answers:
            if reply.is_positive:
                # Nobody logs anybody in who has said but half of it.
                raise Down(Reason.SMTP_MALFORMED, f"login: {reply}, wanted 334")
            if reply.code != 334:
                break
            reply = await self.ask(answer, "login")
        return reply

    # -- mail that is never sent --------------------------------------------------------------------------------

    async def offer(self, sender: str, recipient: str, step: str) -> tuple[str, Reply]:
        """Offer a mail from *sender* to *recipient*, and take it back; the command that decided (MAIL, RCPT), and how.

        Accepted means that DATA could follow. It never does.
        """
        reply = await self.ask(f"MAIL FROM:<{sender}>", step)
        if not reply.is_positive:
            return "MAIL", reply
        reply = await self.ask(f"RCPT TO:<{recipient}>", step)
        taken_back = await self.ask("RSET", step)
        if not taken_back.is_positive:
            raise Down(Reason.SMTP_MALFORMED, f"{step}: RSET: {taken_back}, wanted 250")
        return "RCPT", reply

    # -- mail that is sent --------------------------------------------------------------------------------------

    async def send(self, sender: str, recipient: str, mail: str, offers: Offers, step: str) -> Reply:
        """Send *mail* (ASCII, lines ended by CRLF); what the server says once it has it. Raise Down where it refuses.

        Where the server can be told so, no bounce is to come back (RFC 3461, section 4.1).
        """
        quietly = " NOTIFY=NEVER" if "DSN" in offers.keywords else ""
        commands = ((f"MAIL FROM:<{sender}>", 250), (f"RCPT TO:<{recipient}>{quietly}", 250), ("DATA", 354))
        for command, wanted in commands:
            self._must(command[:4], await self.ask(command, step), wanted, step)
        reply = await self.ask(stuffed(mail), step)
        self._must("the mail", reply, 250, step)
        return reply

    def _must(self, command: str, reply: Reply, wanted: int, step: str) -> None:
        if reply.code == wanted or (wanted == 250 and reply.is_positive):
            return
        reason = refusal_of(command, reply) if reply.code >= 400 else Reason.SMTP_MALFORMED
        raise Down(reason, f"{step}: {command}: {reply}, wanted {wanted}")

    # -- commands and replies -----------------------------------------------------------------------------------

    async def ask(self, command: str, step: str) -> Reply:
        """Say one command line and hear the whole reply. Raise Down when it is that the server ends the session."""
        reply = await self._ask(command, step)
        if reply.code == GOING:
            raise Down(Reason.SMTP_REJECTED, f"{step}: {reply}")
        return reply

    async def _ask(self, command: str, step: str) -> Reply:
        # A server may say why and hang up before it has heard us: what it said is told by the read, and so is the end.
        with suppress(ConnectionResetError, BrokenPipeError):
            await self._wire.write(command.encode() + b"\r\n")
        return await self._reply(step)

    async def _reply(self, step: str) -> Reply:
        lines: list[Line] = []
        try:
            while not lines or not lines[-1].is_last:
                if len(lines) == LINES_LIMIT:
                    raise ValueError(f"a reply of more than {LINES_LIMIT} lines")
                lines.append(parse_line(await self._line()))
            reply = parse_reply(lines)
        except ValueError as error:
            # What is no reply may be our own words, cut anywhere.
            told = "not SMTP" if self._secrets else str(error)
            raise Down(Reason.SMTP_MALFORMED, f"{step}: {told}") from (None if self._secrets else error)
        reply = Reply(reply.code, tuple(without(text, self._secrets) for text in reply.texts))
        # A server that ends the session says so whenever it likes (section 3.8).
        if self._heard and not self._heard.startswith(b"%d" % GOING):
            raise self._surplus(step, reply)
        return reply

    def _surplus(self, step: str, reply: Reply) -> Down:
        more = "more" if self._secrets else repr(self._heard[:80])
        return Down(Reason.SMTP_MALFORMED, f"{step}: {more} came right after {reply}, wanted nothing yet")

    async def _line(self) -> bytes:
        while (end := self._heard.find(b"\n")) < 0:
            if not may_be_line(self._heard):
                raise ValueError(f"not a line of SMTP: {self._heard[:80]!r}")
            more = await self._wire.read(_READ)
            if not more and self._heard:
                raise ValueError(f"closed within a line, after {self._heard[:80]!r}")
            if not more:
                raise EOFError
            self._heard += more
        line, self._heard = self._heard[: end + 1], self._heard[end + 1 :]
        return line


def refusal_of(command: str, reply: Reply) -> Reason:
    """What a refused mail means. 452 without an enhanced code is the code for no room (RFC 5321, section 4.2.3)."""
    if reply.enhanced[1:] == ".3.1" or (reply.code == 452 and not reply.enhanced):
        return Reason.SMTP_STORAGE
    return {"MAIL": Reason.SMTP_SENDER, "RCPT": Reason.SMTP_RECIPIENT}.get(command, Reason.SMTP_MESSAGE)


def _coded(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")


def _refusal(reply: Reply) -> Reason:
    """Whether the server refused the password, or could not check any (RFC 4954, section 6).

    504 and 534 refuse the mechanism, 538 wants TLS first, and 4xx says that nobody can log in just now, 432 (the
    password must be changed) excepted.
    """
    if reply.code in (504, 534, 538) or (reply.is_transient and reply.code != 432):
        return Reason.SMTP_AUTH_UNAVAILABLE
    return Reason.SMTP_AUTH if reply.code >= 400 else Reason.SMTP_MALFORMED
