"""What an SSH server says in clear text: its banner, and why it could not open a channel."""

import re
from dataclasses import dataclass

from migrawatch.reason import Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Banner:
    """The first words of an SSH server: `SSH-2.0-OpenSSH_9.2p1 Debian-2`."""

    protocol: str
    software: str
    comment: str = ""


_BANNER = re.compile(rb"SSH-([0-9]+\.[0-9]+)-([!-,.-~]+)(?: ([ -~]*))?\r?\n?")


def parse_banner(line: bytes) -> Banner:
    """Read the identification line of a server (RFC 4253, section 4.2).

    Raise ValueError, quoting the line, when it is not one or when the server speaks only SSH 1.
    """
    match = _BANNER.fullmatch(line[:256])
    if match is None:
        raise ValueError(f"not an SSH banner: {line[:80]!r}")
    protocol, software, comment = (part.decode("ascii") if part else "" for part in match.groups())
    # 1.99 says "2.0, and 1.x for old clients" (section 5.1).
    if protocol not in ("2.0", "1.99"):
        raise ValueError(f"speaks SSH {protocol}, wanted 2.0")
    return Banner(protocol=protocol, software=software, comment=comment)


_ERRNO = re.compile(r"\[Errno (\d+)\]")
_BY_ERRNO = {
    "101": Reason.CONNECT_UNREACHABLE,
    "104": Reason.CONNECT_RESET,
    "110": Reason.CONNECT_TIMEOUT,
    "111": Reason.CONNECT_REFUSED,
    "113": Reason.CONNECT_UNREACHABLE,
}
_BY_WORDS = (
    ("refused", Reason.CONNECT_REFUSED),
    ("timed out", Reason.CONNECT_TIMEOUT),
    ("reset", Reason.CONNECT_RESET),
    ("unreachable", Reason.CONNECT_UNREACHABLE),
    ("no route", Reason.CONNECT_UNREACHABLE),
)


def reason_of_open_failure(text: str) -> Reason:
    """Why a far dial failed, by the description that came with code 2 (RFC 4254, section 5.1).

    The RFC gives one code for every failed dial and leaves the rest to the text: OpenSSH puts strerror() there,
    asyncssh Python's `[Errno 111]`. This is the one place where a reason is read out of a message. A text that says
    nothing is told as unreachable, which claims the least.
    """
    number = _ERRNO.search(text)
    if number is not None and number[1] in _BY_ERRNO:
        return _BY_ERRNO[number[1]]
    lowered = text.lower()
    return next((reason for words, reason in _BY_WORDS if words in lowered), Reason.CONNECT_UNREACHABLE)
