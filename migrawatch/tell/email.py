"""E-mail: a page as text and as HTML, one thread an incident, through a relay that may be a mere address."""

from collections.abc import Callable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import structlog

from migrawatch.model import Fault, Seconds, Severity
from migrawatch.parse.smtp import Reply
from migrawatch.talk.submission import Refused, Relay, submit
from migrawatch.tell.page import headline
from migrawatch.tell.receiver import Letter, Rejected, Retryable
from migrawatch.tell.template import Templates

log = structlog.get_logger(__name__)

POLICY = SMTP.clone(cte_type="7bit")
"""No relay need know more than ASCII."""


class Email:
    """Mails every letter from *sender* to all of *to*."""

    def __init__(
        self, name: str, relay: Relay, sender: str, to: tuple[str, ...], now: Callable[[], datetime],
        link: str = "", limit: Seconds = 30.0, templates: Templates | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.limit = limit
        self._relay = relay
        self._sender = sender
        self._to = to
        self._now = now
        self._link = link
        self._templates = templates or Templates()
        self._have: dict[str, set[str]] = {}
        """Who has a letter already that others are still to get, by its key."""

    async def send(self, letter: Letter) -> None:
        """Mail *letter* to those who do not have it yet. Raise Retryable or Rejected."""
        key = letter.notice.key
        have = self._have.setdefault(key, set())
        lacking = tuple(to for to in self._to if to not in have)
        try:
            refused = await submit(self._relay, self._sender, lacking, self.message(letter).as_string(policy=POLICY))
        except Refused as error:
            raise _judged(error) from error
        except Fault as error:
            # No connection, no TLS, a refused login: somebody will mend it, and the page must still be there then.
            raise Retryable(f"{error.reason}: {error.detail}") from error
        except (EOFError, OSError) as error:
            raise Retryable(f"the relay broke the connection off ({type(error).__name__})") from error
        have.update(to for to in lacking if to not in refused)
        temporary = [reply for reply in refused.values() if not _is_final(reply)]
        if temporary:
            raise Retryable(f"recipient: {temporary[0]}, wanted 250")
        self._have.pop(key)
        for to, reply in refused.items():
            log.error("mail_recipient_refused", receiver=self.name, key=key, recipient=to, trouble=str(reply))
        if not have:
            raise Rejected(f"recipient: {next(iter(refused.values()))}, wanted 250")

    def message(self, letter: Letter) -> EmailMessage:
        """The mail. Its Message-ID is the notice's key: a repeat is the same mail to whoever sorts them."""
        incident = letter.notice.incident
        domain = self._sender.rpartition("@")[2]
        mail = EmailMessage(policy=POLICY)
        mail["From"] = Address("migrawatch", addr_spec=self._sender)
        mail["To"] = ", ".join(self._to)
        mail["Subject"] = headline(letter)
        mail["Date"] = format_datetime(self._now())
        mail["Message-ID"] = f"<{letter.notice.key}@{domain}>"
        # Every mail of an incident answers one that never was: programs join them even if the first is missing.
        mail["In-Reply-To"] = mail["References"] = f"<{incident.id}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        if incident.severity is Severity.CRITICAL and incident.resolved_at is None:
            mail["Importance"] = "high"
        mail.set_content(self._templates.rendered("mail.txt", letter, self._link))
        mail.add_alternative(self._templates.rendered("mail.html", letter, self._link), subtype="html")
        return mail


def _is_final(reply: Reply) -> bool:
    return reply.code // 100 == 5


def _judged(error: Refused) -> Retryable | Rejected:
    return Rejected(str(error)) if _is_final(error.reply) else Retryable(str(error))
