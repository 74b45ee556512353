"""Send a marked mail through 587, find it through 993, verify its signature, and delete it."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from ipaddress import ip_address
from secrets import token_hex
from time import perf_counter
from typing import ClassVar

from migrawatch.parse.marked_mail import Mark, check_mark, write_mail
from migrawatch.parse.place import place_of
from migrawatch.parse.received import delays, parse_hops, spf_told
from migrawatch.parse.smtp import Offers
from migrawatch.parse.spf_outcome import Sender
from migrawatch.probe import Access, Contact, Down, Measure, Probe, Reason, Seconds, Secret, Tls, Visit, access_to
from migrawatch.reach.lookup import Lookups
from migrawatch.talk.dkim import judge_signature
from migrawatch.talk.imap import Imap
from migrawatch.talk.mailbox import Mailbox, open_mailbox
from migrawatch.talk.resolvers import access_to_resolvers, check_resolvers, resolvers_of
from migrawatch.talk.smtp import Dialogue
from migrawatch.talk.spf import evaluate

DELIVERY = Measure(
    "probe_mail_roundtrip_delivery_seconds",
    "From when the mail was taken until it was found in the mailbox.",
    "seconds",
)
HOP = Measure(
    "probe_mail_roundtrip_hop_delay_seconds",
    "How long each server on the way had the mail, by its own clock in whole seconds.",
    "seconds",
    ("hop", "by"),
)
LEFTOVERS = Measure("probe_mail_roundtrip_leftovers", "Mails of earlier looks that were deleted.")
SIGNED = Measure(
    "probe_mail_roundtrip_dkim_info", "The DKIM signature that was verified.", "info", ("domain", "selector")
)
SPF = Measure(
    "probe_mail_roundtrip_spf_info",
    "What SPF says of an address that we send from; without an address, what the mail's server said.",
    "info",
    ("address", "outcome"),
)
DURATION = Measure("probe_mail_roundtrip_duration_seconds", "How long each leg took.", "seconds", ("phase",))

_ADDRESS = re.compile(r"[!-;=?-~]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_LONGEST_TRACE = 2000

LOG = 'ssh {host} "grep postfix /var/log/mail.log | tail -n 30"'
QUEUE = 'ssh {host} "postqueue -p | tail -n 20"'
SIGNER = 'ssh {host} "systemctl status opendkim; grep -i dkim /var/log/mail.log | tail -n 10; postconf smtpd_milters"'
SHOW_SMTP = "openssl s_client -starttls smtp -connect {address}:{port} -servername {asked_name} -showcerts </dev/null"
SHOW_IMAP = "openssl s_client -connect {reading_address}:{imap_port} -servername {reading_name} -showcerts </dev/null"
LISTENS = "ssh {host} \"systemctl status 'postfix*' dovecot; ss -ltn\""
REMEDIES = {
    **{reason: (LISTENS, LOG) for reason in Reason if reason.family in ("connect", "smtp", "imap")},
    **{reason: (SHOW_SMTP, SHOW_IMAP) for reason in Reason if reason.family == "tls"},
    **{reason: ("dig TXT {signing_domain}", "cat /etc/resolv.conf") for reason in Reason if reason.family == "dns"},
    Reason.MAIL_LATE: (QUEUE, LOG),
    Reason.SMTP_RECIPIENT: (LOG, 'ssh {host} "doveadm user {recipient}"'),
    Reason.SMTP_MESSAGE: (LOG, 'ssh {host} "postconf -n | grep -e checks -e milter -e filter -e end_of_data"'),
    Reason.SMTP_STORAGE: ('ssh {host} "df -h /var/spool/postfix; df -i /var/spool/postfix"', QUEUE),
    Reason.IMAP_AUTH: ('ssh -t {host} "doveadm auth test {user}"', LOG),
    Reason.IMAP_MAILBOX: ('ssh {host} "doveadm mailbox status -u {user} messages {mailbox}; df -h; df -i"', LOG),
    Reason.MAIL_NOT_DELIVERED: (QUEUE, LOG, 'once it is mended: ssh {host} "postqueue -f"'),
    Reason.MAIL_DKIM_INVALID: (SIGNER, "migrawatch probe {check} -v"),
}


@dataclass(frozen=True, kw_only=True)
class Signing:
    """Whether the mail must come back signed (*required*), and by whom (`d=`): the sender's *domain* unless said."""

    required: bool = True
    domain: str = ""


@dataclass(frozen=True, kw_only=True)
class MailRoundtripProbe(Probe):
    """Log in on *port* (STARTTLS) and on *imap_port* (TLS), send a mail to ourselves, wait for it, and delete it.

    Both servers are at *address* and have a certificate for *name*, unless *imap_address* and *imap_name* say
    otherwise. *sender* and *recipient* are *user* unless said. A mail that is not in *mailbox* *late_after* seconds
    after it was taken is late (warn), after *lost_after* it is lost; the check's timeout must be longer. Looked for
    every *poll* seconds. Our mails that are older than *leftovers_after* are deleted too, of this check alone.
    What *resolvers* say of DKIM's key is judged (`address[:port]`; those of /etc/resolv.conf unless said), and what SPF
    says of our *sending_addresses* is told.
    """

    contact = Contact.TCP
    measures = (DELIVERY, HOP, LEFTOVERS, SIGNED, SPF)
    phase_measure = DURATION
    steps_as: ClassVar[Mapping[str, str]] = {
        leg: leg for leg in ("submission", "mailbox", "send", "delivery", "fetch", "delete", "verify")
    }
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = REMEDIES

    address: str
    port: int = 587
    name: str = ""
    imap_address: str = ""
    imap_port: int = 993
    imap_name: str = ""
    ca_file: str = ""
    helo: str = "[127.0.0.1]"
    user: str
    password: Secret
    sender: str = ""
    recipient: str = ""
    mailbox: str = "INBOX"
    late_after: Seconds = 20.0
    lost_after: Seconds = 60.0
    poll: Seconds = 0.5
    leftovers_after: Seconds = 3600.0
    dkim: Signing = field(default_factory=Signing)
    resolvers: tuple[str, ...] = ()
    answer_within: Seconds = 2.0
    sending_addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._check_places()
        if any(ord(char) < 32 for char in self.user + self.password.reveal()):
            raise ValueError("user and password must not contain control characters")
        for key, address in (("sender", self.from_address), ("recipient", self.to_address)):
            if not _ADDRESS.fullmatch(address):
                raise ValueError(f"{key} must be a mail address in ASCII, got {address!r}")
        if not 0 < self.late_after < self.lost_after < self.leftovers_after:
            raise ValueError("late_after must be below lost_after, and lost_after below leftovers_after")
        if not 0 < self.poll <= self.late_after:
            raise ValueError("poll must be above 0, and at most late_after")

    def _check_places(self) -> None:
        for key in ("port", "imap_port"):
            if not 0 < (port := getattr(self, key)) < 65536:
                raise ValueError(f"{key} must be from 1 to 65535, got {port}")
        if not self.helo.isascii() or not self.helo.isprintable() or not self.helo or " " in self.helo:
            raise ValueError(f"helo must be a host's name, or its address in brackets, got {self.helo!r}")
        if not self.mailbox.isascii():
            raise ValueError("mailbox: write the name as the server lists it, in ASCII (modified UTF-7)")
        check_resolvers(self.resolvers)
        for address in self.sending_addresses:
            ip_address(address)

    @property
    def target(self) -> str:
        """Where it sends, as `host:port`, and the name if it is another."""
        return place_of(self.address, self.port, self.name)

    @property
    def silence(self) -> Seconds:
        """A mail that has not come for so long is lost."""
        return self.lost_after

    @property
    def asked_name(self) -> str:
        """The name that is asked for and verified where we send."""
        return self.name or self.address

    @property
    def reading_address(self) -> str:
        """Where we read."""
        return self.imap_address or self.address

    @property
    def reading_name(self) -> str:
        """The name that is asked for and verified there."""
        return self.imap_name or self.name or self.reading_address

    @property
    def from_address(self) -> str:
        """Whom the mail comes from."""
        return self.sender or self.user

    @property
    def to_address(self) -> str:
        """Whom it goes to."""
        return self.recipient or self.user

    @property
    def signing_domain(self) -> str:
        """Whose signature it must carry."""
        return (self.dkim.domain or self.from_address.rpartition("@")[2]).lower()

    @property
    def access(self) -> Access:
        """Both mail servers, and the resolvers."""
        return super().access | access_to((self.reading_address, self.imap_port)) | access_to_resolvers(self.resolvers)

    async def observe(self, visit: Visit) -> None:
        """Send nothing before it is seen that it can be read. Raise Down in the step that fails."""
        mark = Mark(check_mark(visit.subject.check), int(visit.at.timestamp()), token_hex(16))
        async with AsyncExitStack() as opened:
            with visit.step("submission", late=Reason.SMTP_TIMEOUT):
                sending, offers = await self._open_submission(visit, opened)
            with visit.step("mailbox", late=Reason.IMAP_TIMEOUT, closed=Reason.IMAP_BYE):
                box = await self._open_mailbox(visit, opened)
            with visit.step("send", late=Reason.SMTP_TIMEOUT):
                mail = write_mail(mark, check=visit.subject.check, sender=self.from_address, recipient=self.to_address)
                taken = await sending.send(self.from_address, self.to_address, mail, offers, "send")
                visit.evidence(f"{self.target} took the mail", str(taken))
                began = perf_counter()
                await sending.end()
            found = await self._await_mail(visit, box, mark, began)
            arrived = await self._take(visit, box, found)
        self._tell_way(visit, arrived)
        with visit.step("verify", late=Reason.DNS_TIMEOUT):
            await self._verify(visit, arrived)

    async def _open_submission(self, visit: Visit, opened: AsyncExitStack) -> tuple[Dialogue, Offers]:
        wire = await opened.enter_async_context(visit.open(self.address, self.port))
        talk = Dialogue(wire)
        with visit.step("banner", late=Reason.SMTP_NO_BANNER):
            await talk.greeting()
        with visit.step("ehlo", late=Reason.SMTP_TIMEOUT):
            offers = await talk.hello(self.helo)
        if not offers.offers_starttls:
            offered = " ".join(offers.keywords) or "nothing"
            raise Down(Reason.SMTP_NO_STARTTLS, f"ehlo: offers {offered[:200]}, wanted STARTTLS")
        with visit.step("starttls", late=Reason.SMTP_TIMEOUT):
            await talk.ready_for_tls()
        await visit.start_tls(wire, Tls(name=self.asked_name, ca_file=self.ca_file))
        with visit.step("ehlo", late=Reason.SMTP_TIMEOUT):
            offers = await talk.hello(self.helo)
        with visit.step("login", late=Reason.SMTP_AUTH_UNAVAILABLE):
            await talk.log_in(self.user, self.password, offers)
        return talk, offers

    async def _open_mailbox(self, visit: Visit, opened: AsyncExitStack) -> Mailbox:
        tls = Tls(name=self.reading_name, ca_file=self.ca_file)
        wire = await opened.enter_async_context(visit.open(self.reading_address, self.imap_port, tls=tls))
        talk = Imap(wire)
        with visit.step("greeting", late=Reason.IMAP_NO_GREETING, closed=Reason.IMAP_NO_GREETING):
            if (await talk.greet()).word == "PREAUTH":
                raise Down(Reason.IMAP_MALFORMED, "greeted with PREAUTH: whoever connects is logged in, wanted OK")
        with visit.step("imap login", late=Reason.IMAP_UNAVAILABLE, closed=Reason.IMAP_BYE):
            await talk.login(self.user, self.password)
        with visit.step("select", late=Reason.IMAP_MAILBOX, closed=Reason.IMAP_BYE):
            box = await open_mailbox(talk, self.mailbox)
        with visit.step("tidy", late=Reason.IMAP_TIMEOUT, closed=Reason.IMAP_BYE):
            age = self.leftovers_after
            visit.measure(LEFTOVERS, await box.tidy(check_mark(visit.subject.check), visit.at, age))
        return box

    async def _await_mail(self, visit: Visit, box: Mailbox, mark: Mark, began: float) -> tuple[int, ...]:
        """The numbers of our mail, more than one if it was delivered more than once."""
        with visit.step("delivery", late=Reason.MAIL_NOT_DELIVERED):
            while not (found := await self._found(visit, box, mark)):
                if perf_counter() - began >= self.lost_after:
                    told = f"not in {self.mailbox} of {self.to_address} {self.lost_after:g} s after it was taken"
                    raise Down(Reason.MAIL_NOT_DELIVERED, f"delivery: {told}")
                await asyncio.sleep(self.poll)
        waited = perf_counter() - began
        visit.measure(DELIVERY, waited)
        if waited > self.late_after:
            visit.warn(Reason.MAIL_LATE, f"delivery: took {waited:.3g} s, wanted {self.late_after:g} s at most")
        return found

    async def _found(self, visit: Visit, box: Mailbox, mark: Mark) -> tuple[int, ...]:
        with visit.step("search", late=Reason.IMAP_TIMEOUT, closed=Reason.IMAP_BYE):
            return await box.find(mark)

    async def _take(self, visit: Visit, box: Mailbox, found: tuple[int, ...]) -> bytes:
        """Fetch the mail, and leave nothing of it behind."""
        with visit.step("fetch", late=Reason.IMAP_TIMEOUT, closed=Reason.IMAP_BYE):
            mail = await box.read(found[0])
        with visit.step("delete", late=Reason.IMAP_TIMEOUT, closed=Reason.IMAP_BYE):
            await box.talk.delete(found, box.announced)
            await box.talk.logout()
        return mail

    def _tell_way(self, visit: Visit, mail: bytes) -> None:
        for number, delay in enumerate(delays(visit.at, parse_hops(mail)), 1):
            visit.measure(HOP, delay.seconds, hop=str(number), by=delay.by)
        if outcome := spf_told(mail):
            visit.measure(SPF, 1.0, address="", outcome=outcome)

    async def _verify(self, visit: Visit, mail: bytes) -> None:
        if not self.dkim.required and not self.sending_addresses:
            return
        lookups = Lookups(visit.vantage, await resolvers_of(self.resolvers, self.answer_within, visit), recursion=True)
        if self.dkim.required:
            await self._judge_signature(visit, mail, lookups)
        for address in self.sending_addresses:
            sender = Sender(address=ip_address(address), mail_from=self.from_address, helo=self.signing_domain)
            seen = await evaluate(sender, lookups)
            visit.measure(SPF, 1.0, address=address, outcome=seen.outcome.value)
            visit.evidence(f"SPF for {address}", "\n".join(seen.trace)[:_LONGEST_TRACE])

    async def _judge_signature(self, visit: Visit, mail: bytes, lookups: Lookups) -> None:
        seen = await judge_signature(mail, self.signing_domain, lookups)
        if seen.verified is not None:
            visit.measure(SIGNED, 1.0, domain=seen.verified.domain, selector=seen.verified.selector)
        if seen.finding is not None:
            visit.down(seen.finding.reason, f"verify: {seen.finding.detail}")
        if seen.record:
            visit.evidence("DKIM key in DNS", seen.record)
