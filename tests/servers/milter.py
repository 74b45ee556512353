"""A milter that signs mail as OpenDKIM does, or changes it afterwards; Postfix speaks to it as to any other."""

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

# What it may do: add headers, change the body. What it need not hear: CONNECT, HELO, MAIL, RCPT, unknown, DATA.
_ACTIONS = 0x01 | 0x02
_NOT_HEARD = 0x01 | 0x02 | 0x04 | 0x08 | 0x100 | 0x200
_SILENT = frozenset(b"DAQK")


@dataclass(frozen=True)
class Signer:
    """Signs with *key* for *domain*; with *and_changes* something is added to the body once it is signed."""

    key: rsa.RSAPrivateKey
    domain: str = "example.org"
    selector: str = "mail"
    and_changes: bool = False

    def sign(self, mail: bytes) -> bytes:
        """The value of the DKIM-Signature header, folded by LF."""
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        headers = [b"from", b"to", b"subject", b"date", b"message-id", b"auto-submitted"]
        signed = dkim.sign(
            mail, self.selector.encode(), self.domain.encode(), pem, include_headers=headers,
            canonicalize=(b"relaxed", b"simple"),
        )  # fmt: skip
        value: bytes = signed.partition(b":")[2].strip().replace(b"\r\n", b"\n")
        return value


@dataclass
class _Mail:
    headers: list[bytes] = field(default_factory=list)
    body: bytes = b""

    @property
    def whole(self) -> bytes:
        return b"".join(self.headers) + b"\r\n" + self.body


@contextmanager
def milter(signer: Signer) -> Iterator[int]:
    """The port on 127.0.0.1 at which *signer* is a milter, as long as the block lasts."""

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            mail = _Mail()
            while len(begun := self.rfile.read(4)) == 4:
                packet = self.rfile.read(int.from_bytes(begun))
                for reply in _answers(packet[:1], packet[1:], mail, signer):
                    self.wfile.write(struct.pack(">I", len(reply)) + reply)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def _answers(command: bytes, content: bytes, mail: _Mail, signer: Signer) -> list[bytes]:
    if command == b"O":
        return [b"O" + struct.pack(">III", 6, _ACTIONS, _NOT_HEARD)]
    if command == b"L":
        name, value = content.split(b"\0")[:2]
        mail.headers.append(name + b": " + value.replace(b"\n", b"\r\n") + b"\r\n")
    elif command == b"B":
        mail.body += content
    elif command == b"E":
        changed = [b"b" + mail.body + b"seen by a content filter\r\n"] if signer.and_changes else []
        answers = [b"hDKIM-Signature\0" + signer.sign(mail.whole) + b"\0", *changed, b"a"]
        mail.headers, mail.body = [], b""
        return answers
    elif command == b"A":
        mail.headers, mail.body = [], b""
    return [] if command[0] in _SILENT else [b"c"]
