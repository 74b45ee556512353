"""Mail servers that fall silent at one command of one session, inside TLS: no real server can be asked for that."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.servers.tls import tls_server

OFFERS = b"250-mail.example.org\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"
REPLIES = {
    "EHLO": OFFERS, "STARTTLS": b"220 go on\r\n", "AUTH": b"235 welcome\r\n", "DATA": b"354 go on\r\n",
    ".": b"250 queued as 1\r\n", "QUIT": b"221 bye\r\n",
}  # fmt: skip


class Silence:
    """Begins when *command* is said for the *nth* time, and lasts."""

    def __init__(self, command: str, nth: int = 1) -> None:
        self._command = command
        self._left = nth

    def begins_with(self, line: bytes) -> bool:
        """Whether *line* is the one that is never answered."""
        self._left -= self._command.encode() in line.upper().split()
        return self._left <= 0


@asynccontextmanager
async def falling_silent_smtp(context: ssl.SSLContext, silence: Silence, stranger: str = "") -> AsyncIterator[int]:
    """The port of a mail server with STARTTLS that takes mail for everybody but *stranger*, until its *silence*."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        in_mail = False
        while (line := await reader.readline()) and not silence.begins_with(line):
            verb = line.decode().split()[0].upper() if line.strip() else ""
            if in_mail and verb != ".":
                continue
            refused = bool(stranger) and stranger.encode() in line
            writer.write(b"554 no relay\r\n" if refused else REPLIES.get(verb, b"250 ok\r\n"))
            in_mail = verb == "DATA"
            if verb == "STARTTLS":
                await writer.start_tls(context)
        await reader.read()

    async with tls_server(None, serve) as port:
        yield port


@asynccontextmanager
async def falling_silent_imap(context: ssl.SSLContext, address: str, port: int, silence: Silence) -> AsyncIterator[int]:
    """The port of whoever passes each line on to the real server with TLS at *address*, until its *silence*."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far, near = await asyncio.open_connection(address, port, ssl=trusting)

        async def answer() -> None:
            while piece := await far.read(65536):
                writer.write(piece)

        answering = asyncio.create_task(answer())
        try:
            while (line := await reader.readline()) and not silence.begins_with(line):
                near.write(line)
            await reader.read()
        finally:
            answering.cancel()
            near.close()

    async with tls_server(context, serve) as ours:
        yield ours
