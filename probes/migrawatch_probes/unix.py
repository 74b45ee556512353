"""Connect to a unix socket of this machine, and where asked say something and read what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from migrawatch.parse.place import is_socket
from migrawatch.probe import Contact, Lost, Measure, Probe, Reason, Tls, Visit, Wire
from migrawatch.reach.connection import connect_socket
from migrawatch.reach.tls import Certificate
from migrawatch.reach.vantage import HERE
from migrawatch.talk.conversation import EXPECTED, FAILED_BY_REGEX, Conversation
from migrawatch.talk.dialogue import Turn

_LONGEST = 107
"""Bytes of a socket's path that the kernel takes (unix(7))."""
_BY_HAND = ("ss -xlp src {path}", "socat - UNIX-CONNECT:{path}")


@dataclass(frozen=True, kw_only=True)
class UnixProbe(Probe):
    """Ask whether the unix socket at *path* accepts connections; `@name` is one that has no file.

    *send* is said first, if anything; *expect* is an RE2 expression to find in what comes back (the first 64 KiB).
    *dialogue* is a longer talk, line by line. With *tls* the talk is encrypted: *name* is asked for and verified.
    """

    path: str
    send: str = ""
    expect: str = ""
    dialogue: tuple[Turn, ...] = ()
    tls: bool = False
    name: str = ""
    ca_file: str = ""
    verify: bool = True
    certificate: Certificate = field(default_factory=Certificate)

    contact: ClassVar[Contact] = Contact.SOCKET
    from_here_only: ClassVar[bool] = True
    measures: ClassVar[tuple[Measure, ...]] = (FAILED_BY_REGEX, EXPECTED)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        reason: _BY_HAND for reason in Reason if reason.family in ("connect", "tcp", "tls", "files")
    }

    def __post_init__(self) -> None:
        _ = self._conversation
        if not is_socket(self.path):
            raise ValueError(f"path: wanted a path from the root, or @name, got {self.path!r}")
        if len(self.path.encode()) > _LONGEST:
            raise ValueError(f"path: a socket's path has at most {_LONGEST} bytes, {self.path!r} is longer")
        if self.tls and self.verify and not self.name:
            raise ValueError("name: a path has no name that a certificate could be verified for; say which")

    @property
    def target(self) -> str:
        """The path."""
        return self.path

    @property
    def dialled(self) -> tuple[str, int]:
        """The path; there is no port."""
        return self.path, 0

    @cached_property
    def _conversation(self) -> Conversation:
        return Conversation(send=self.send, expect=self.expect, dialogue=self.dialogue)

    async def observe(self, visit: Visit) -> None:
        """Connect, say, and read until the expected has come. Raise Down; Unsure where we may not connect."""
        visit.measure(FAILED_BY_REGEX, 0)
        tls = Tls(name=self.name, verify=self.verify, ca_file=self.ca_file, warn_before=self.certificate.warn)
        if visit.vantage.name != HERE:
            raise Lost(visit.vantage.name, "unix sockets are asked from here only")
        with visit.step("connect"):
            wire = Wire(await connect_socket(self.path))
        try:
            if self.tls:
                await visit.start_tls(wire, tls)
            await self._conversation.hold(wire, visit, lambda wire: visit.start_tls(wire, tls))
        finally:
            wire.close()
