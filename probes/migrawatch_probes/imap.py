"""IMAP: TLS, greeting, what is announced, login, and a mailbox opened for reading, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import ClassVar

from migrawatch.parse.imap import takes_plaintext
from migrawatch.parse.place import place_of
from migrawatch.probe import Contact, Down, Measure, Probe, Reason, Seconds, Secret, Tls, Visit, Wire
from migrawatch.reach.tls import Certificate
from migrawatch.talk.imap import Imap

MESSAGES = Measure("probe_imap_messages", "Messages in the mailbox that was opened.")
DURATION = Measure("probe_imap_duration_seconds", "How long each phase took.", "seconds", ("phase",))

NO_PASSWORD = Secret("")
_WARN_BEFORE = 14 * 86400.0
_STARTTLS_PORT = 143

STATUS = 'ssh {host} "systemctl status dovecot; ps -C dovecot,imap-login,auth,imap -o pid,stat,wchan:20,args"'
LOG = 'ssh {host} "tail -n 50 /var/log/mail.log"'
LISTENS = 'ssh {host} "ss -ltnp sport = :{port}"'
TALK = "openssl s_client -connect {address}:{port}{starttls_option} -servername {asked_name} -crlf"
SHOW = "openssl s_client -connect {address}:{port}{starttls_option} -servername {asked_name} -showcerts </dev/null"
TLS_SETTINGS = 'ssh {host} "doveconf ssl ssl_cert disable_plaintext_auth"'
REMEDIES = {
    Reason.CONNECT_REFUSED: (STATUS, LISTENS, LOG),
    Reason.CONNECT_TIMEOUT: ("nc -vz -w 5 {address} {port}", LISTENS),
    Reason.CONNECT_UNREACHABLE: ("ip route get {address}", "nc -vz -w 5 {address} {port}"),
    Reason.CONNECT_RESET: (STATUS, LOG),
    **{reason: (SHOW,) for reason in Reason if reason.family == "tls"},
    Reason.TLS_EXPIRED: (SHOW, TLS_SETTINGS),
    Reason.TLS_EXPIRING: (SHOW, TLS_SETTINGS),
    Reason.TLS_NOT_TLS: (TLS_SETTINGS, SHOW),
    Reason.TLS_TIMEOUT: (STATUS, LOG),
    Reason.IMAP_NO_GREETING: (STATUS, LOG),
    Reason.IMAP_TIMEOUT: (STATUS, LOG),
    Reason.IMAP_BYE: (LOG, STATUS),
    Reason.IMAP_MALFORMED: (LISTENS, TALK),
    Reason.IMAP_NO_STARTTLS: (TLS_SETTINGS, LOG),
    Reason.IMAP_PLAINTEXT_AUTH: (TLS_SETTINGS,),
    Reason.IMAP_AUTH: ('ssh -t {host} "doveadm auth test {user}"', LOG),
    Reason.IMAP_UNAVAILABLE: (LOG, STATUS),
    Reason.IMAP_MAILBOX: ('ssh {host} "doveadm mailbox list -u {user}; df -h; df -i"', LOG),
    Reason.SLOW: ('ssh {host} "uptime; df -h"', LOG),
}


@dataclass(frozen=True, kw_only=True)
class ImapProbe(Probe):
    """Speak IMAP (RFC 9051) as a mail program does: TLS from the start, or STARTTLS, and nothing secret before it.

    *name* is what the certificate must be for, the address unless said. With a *user* it logs in and opens *mailbox*
    for reading only (EXAMINE), which changes nothing in it; without one it says goodbye after what is announced. With
    *starttls* (port 143) a server that would take a password before TLS is down as well; look at it from another
    machine, because Dovecot takes connections from its own machine for safe.
    """

    address: str
    port: int = 993
    starttls: bool = False
    name: str = ""
    ca_file: str = ""
    certificate: Certificate = field(default_factory=lambda: Certificate(warn=_WARN_BEFORE))
    user: str = ""
    password: Secret = NO_PASSWORD
    mailbox: str = "INBOX"
    slow_after: Seconds = 0.0

    contact: ClassVar[Contact] = Contact.TCP
    measures: ClassVar[tuple[Measure, ...]] = (MESSAGES,)
    phase_measure: ClassVar[Measure | None] = DURATION
    steps_as: ClassVar[Mapping[str, str]] = {
        step: step
        for step in ("resolve", "connect", "tls", "greeting", "capability", "starttls", "login", "mailbox", "logout")
    }
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = REMEDIES

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ValueError(f"port must be from 1 to 65535, got {self.port}")
        if self.port == _STARTTLS_PORT and not self.starttls:
            raise ValueError("port 143 speaks TLS only after STARTTLS: say starttls: true, or port: 993")
        if not self.mailbox.isascii():
            raise ValueError("mailbox: write the name as the server lists it, in ASCII (modified UTF-7)")

    @property
    def target(self) -> str:
        """Where it connects, as `host:port`, and the name if it is another."""
        return place_of(self.address, self.port, self.name)

    @property
    def asked_name(self) -> str:
        """The name that is asked for and verified."""
        return self.name or self.address

    @property
    def starttls_option(self) -> str:
        """What the remedies' `openssl s_client` needs to be told, with a space before it."""
        return " -starttls imap" if self.starttls else ""

    @property
    def _tls(self) -> Tls:
        return Tls(name=self.asked_name, ca_file=self.ca_file, warn_before=self.certificate.warn)

    async def observe(self, visit: Visit) -> None:
        """Go through one session. Raise Down in the step that fails."""
        began = perf_counter()
        async with visit.open(self.address, self.port, tls=None if self.starttls else self._tls) as wire:
            talk = Imap(wire)
            await self._hear_greeting(visit, talk)
            announced = await _capability(visit, talk)
            if self.starttls:
                announced = await self._secure(visit, talk, wire, announced)
            # From here on everything is inside TLS whose certificate was found right.
            if self.user:
                await self._log_in(visit, talk, announced)
                await self._open_mailbox(visit, talk)
            with visit.step("logout", late=Reason.IMAP_TIMEOUT, closed=Reason.IMAP_BYE):
                await talk.logout()
        took = perf_counter() - began
        if self.slow_after and took > self.slow_after:
            visit.warn(Reason.SLOW, f"took {took:.3g} s, wanted {self.slow_after:g} s at most")

    async def _hear_greeting(self, visit: Visit, talk: Imap) -> None:
        with visit.step("greeting", late=Reason.IMAP_NO_GREETING, closed=Reason.IMAP_NO_GREETING):
            greeting = await talk.greet()
        if greeting.word == "PREAUTH":
            # No STARTTLS is possible any more (RFC 9051, section 11.1), and whoever connects is logged in.
            reason = Reason.IMAP_NO_STARTTLS if self.starttls else Reason.IMAP_MALFORMED
            raise Down(reason, "greeted with PREAUTH: whoever connects is logged in, wanted OK")

    async def _secure(self, visit: Visit, talk: Imap, wire: Wire, announced: frozenset[str]) -> frozenset[str]:
        """Turn to TLS, and ask anew what is announced: before it anybody in between could have said it."""
        if ways := takes_plaintext(announced):
            visit.down(Reason.IMAP_PLAINTEXT_AUTH, f"takes passwords before TLS by {ways}, wanted LOGINDISABLED only")
        if "STARTTLS" not in announced:
            raise Down(Reason.IMAP_NO_STARTTLS, "STARTTLS is not announced")
        with visit.step("starttls", late=Reason.IMAP_TIMEOUT, closed=Reason.IMAP_BYE):
            await talk.starttls()
        # Refuses whatever waits behind the answer: somebody in between could have put it there.
        await visit.start_tls(wire, self._tls)
        return await _capability(visit, talk)

    async def _log_in(self, visit: Visit, talk: Imap, announced: frozenset[str]) -> None:
        if "LOGINDISABLED" in announced:
            raise Down(Reason.IMAP_UNAVAILABLE, "LOGINDISABLED is announced although TLS runs")
        with visit.step("login", late=Reason.IMAP_UNAVAILABLE, closed=Reason.IMAP_BYE):
            await talk.login(self.user, self.password)

    async def _open_mailbox(self, visit: Visit, talk: Imap) -> None:
        with visit.step("mailbox", late=Reason.IMAP_MAILBOX, closed=Reason.IMAP_BYE):
            visit.measure(MESSAGES, await talk.examine(self.mailbox))


async def _capability(visit: Visit, talk: Imap) -> frozenset[str]:
    with visit.step("capability", late=Reason.IMAP_TIMEOUT, closed=Reason.IMAP_BYE):
        return await talk.capability()
