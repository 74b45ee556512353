"""The mail that a round trip sends: written so that a person understands it, and marked so that we know it again."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256

HEADER = "X-Migrawatch"
"""The header that carries the mark."""

_MARK = re.compile(r"check=([0-9a-f]{16}); sent=([0-9]{1,12}); look=([0-9a-f]{32})")

_BODY = """\
This is a test mail. migrawatch sends it to see whether mail arrives:
its check {check!a} sent it at {sent} and is about to read and delete it.

If it is still here much later, it was late. It will be deleted by a later
look of the same check; you may delete it as well. Nobody reads an answer.
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """Which check sent a mail (*check*, of all its looks the same), when (unix time), and in which *look*."""

    check: str
    sent: int
    look: str

    def __str__(self) -> str:
        """The header's value."""
        return f"check={self.check}; sent={self.sent}; look={self.look}"

    def is_leftover(self, of: str, at: datetime, age: float) -> bool:
        """Whether it is a mail of the check with the mark *of* that is older than *age* seconds *at* that time."""
        return self.check == of and at.timestamp() - self.sent > age


def check_mark(name: str) -> str:
    """What all mails of the check *name* have in common, whatever is in its name."""
    return sha256(name.encode()).hexdigest()[:16]


def maybe_mark(headers: bytes) -> Mark | None:
    """The mark in the *headers* of a mail; None where there is none of ours."""
    value = BytesHeaderParser().parsebytes(headers).get(HEADER, "")
    found = _MARK.fullmatch(" ".join(str(value).split()))
    return Mark(found[1], int(found[2]), found[3]) if found else None


def write_mail(mark: Mark, *, check: str, sender: str, recipient: str) -> str:
    """The whole mail with CRLF line ends (RFC 5322), in ASCII; Auto-Submitted keeps absence notes away (RFC 3834)."""
    sent = datetime.fromtimestamp(mark.sent, UTC)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address("migrawatch", addr_spec=sender)
    mail["To"] = Address(addr_spec=recipient)
    mail["Subject"] = f"migrawatch test mail of the check {check!a}"
    mail["Date"] = format_datetime(sent)
    mail["Message-ID"] = f"<{mark.sent}.{mark.look}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail[HEADER] = str(mark)
    mail.set_content(_BODY.format(check=check, sent=f"{sent:%Y-%m-%d %H:%M:%S} UTC"), cte="7bit")
    return mail.as_string()


def leftovers(marks: Iterable[tuple[int, Mark | None]], of: str, at: datetime, age: float) -> tuple[int, ...]:
    """The numbers of those mails that earlier looks of a check left behind."""
    return tuple(number for number, mark in marks if mark is not None and mark.is_leftover(of, at, age))
