"""Handing a mail to a relay: greeted, encrypted, logged in, and each recipient's fate (RFC 5321, 6409)."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from migrawatch.model import Down, Secret
from migrawatch.parse.smtp import Reply, stuffed
from migrawatch.reach.here import Here
from migrawatch.reach.tls import Tls
from migrawatch.reach.wire import Wire
from migrawatch.reason import Reason
from migrawatch.talk.smtp import Dialogue


@dataclass(frozen=True, kw_only=True)
class Relay:
    """Where mail is handed over. *name* is whom the certificate must be for, *host* if it is empty.

    *tls* is `starttls` (which must then be offered), `implicit` (from the first byte) or `none`.
    """

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    name: str = ""
    verify: bool = True
    ca_file: str = ""
    user: str = ""
    password: Secret | None = None
    helo: str = "[127.0.0.1]"


class Refused(Exception):
    """The relay refused the mail as a whole; *reply* says why."""

    def __init__(self, step: str, reply: Reply) -> None:
        super().__init__(f"{step}: {reply}")
        self.reply = reply


async def submit(relay: Relay, sender: str, recipients: Iterable[str], message: str) -> Mapping[str, Reply]:
    """Hand *message* over (ASCII, lines ending in CRLF); the replies to those of *recipients* who were refused.

    Raise Refused, Down (no connection, no TLS, no login), EOFError or OSError (the connection broke).
    """
    async with _session(relay) as talk:
        await _must(talk, f"MAIL FROM:<{sender}>", "sender")
        replies = {to: await talk.ask(f"RCPT TO:<{to}>", "recipient") for to in recipients}
        refused = {to: reply for to, reply in replies.items() if not reply.is_positive}
        if len(refused) == len(replies):
            return refused
        reply = await talk.ask("DATA", "data")
        if reply.code != 354:
            raise Refused("data", reply)
        await _must(talk, stuffed(message), "message")
        # It is theirs now: how the session ends changes nothing, and a second attempt would be a second mail.
        return refused


@asynccontextmanager
async def _session(relay: Relay) -> AsyncIterator[Dialogue]:
    wire = await _connected(relay)
    try:
        tls = Tls(name=relay.name or relay.host, verify=relay.verify, ca_file=relay.ca_file)
        if relay.tls == "implicit":
            await _encrypt(wire, tls)
        talk = Dialogue(wire)
        await talk.greeting()
        offers = await talk.hello(relay.helo)
        if relay.tls == "starttls":
            if not offers.offers_starttls:
                raise Down(Reason.SMTP_NO_STARTTLS, "ehlo: STARTTLS is not offered")
            await talk.ready_for_tls()
            await _encrypt(wire, tls)
            offers = await talk.hello(relay.helo)
        if relay.user:
            await talk.log_in(relay.user, relay.password or Secret(""), offers)
        yield talk
    finally:
        wire.close()


async def _connected(relay: Relay) -> Wire:
    here = Here()
    addresses = await here.resolve(relay.host)
    for address in addresses[:-1]:
        try:
            return Wire(await here.connect(address, relay.port))
        except Down:
            continue
    return Wire(await here.connect(addresses[-1], relay.port))


async def _encrypt(wire: Wire, tls: Tls) -> None:
    handshake = await wire.start_tls(tls)
    if handshake.problem is not None:
        raise Down(*handshake.problem)


async def _must(talk: Dialogue, command: str, step: str) -> None:
    reply = await talk.ask(command, step)
    if not reply.is_positive:
        raise Refused(step, reply)
