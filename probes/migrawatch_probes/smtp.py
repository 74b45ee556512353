"""SMTP step by step: greeting, EHLO, STARTTLS and its certificate, login, a local recipient, no relay for strangers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import ClassVar, Literal

from migrawatch.parse.place import place_of
from migrawatch.parse.smtp import Offers, server_name
from migrawatch.probe import Contact, Down, Measure, Probe, Reason, Seconds, Secret, Tls, Visit, Wire
from migrawatch.reach.tls import Certificate
from migrawatch.talk.smtp import Dialogue, refusal_of

BANNER = Measure("probe_smtp_banner_info", "The name that the mail server greets with.", "info", ("name",))
DURATION = Measure("probe_smtp_duration_seconds", "How long each phase took.", "seconds", ("phase",))

NO_PASSWORD = Secret("")

_HELO = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Za-z.:]{3,64}\]")
_ADDRESS = re.compile(r"[^\s<>@\x00-\x1f\x7f]{1,64}@[^\s<>@\x00-\x1f\x7f]{1,255}")

STATUS = "ssh {host} \"systemctl status 'postfix*'; ss -ltnp sport = :{port}\""
LOG = 'ssh {host} "tail -n 50 /var/log/mail.log"'
SHOW = "openssl s_client {openssl} -connect {address}:{port} -servername {asked_name} -showcerts </dev/null"
TLS_SETTINGS = 'ssh {host} "postconf -n | grep -i tls; postconf -P | grep -i tls"'
LOGIN_SETTINGS = 'ssh {host} "postconf -n | grep -i -e sasl -e tls_auth; postconf -P | grep -i -e sasl -e tls_auth"'
RESTRICTIONS = 'ssh {host} "postconf -n | grep -e restrictions -e mynetworks; postconf -P | grep restrictions"'
REMEDIES = {
    Reason.CONNECT_REFUSED: (STATUS, LOG),
    Reason.CONNECT_TIMEOUT: ("nc -vz -w 5 {address} {port}", "tracepath {address}"),
    Reason.CONNECT_UNREACHABLE: ("nc -vz -w 5 {address} {port}", "tracepath {address}"),
    Reason.CONNECT_RESET: (LOG, STATUS),
    **{reason: (SHOW,) for reason in Reason if reason.family == "tls"},
    Reason.TLS_EXPIRED: (SHOW, 'ssh {host} "certbot certificates"'),
    Reason.TLS_EXPIRING: (SHOW, 'ssh {host} "certbot renew --dry-run"'),
    Reason.SMTP_NO_BANNER: ('ssh {host} "ps -C master,smtpd,postscreen -o pid,stat,wchan:20,args; uptime"', LOG),
    Reason.SMTP_TIMEOUT: (LOG, 'ssh {host} "ps -C smtpd,cleanup,dovecot,auth -o pid,stat,wchan:20,args; uptime"'),
    Reason.SMTP_REJECTED: ("nc -w 10 {address} {port} </dev/null", LOG),
    Reason.SMTP_MALFORMED: ("nc -w 10 {address} {port} </dev/null", STATUS),
    Reason.SMTP_NO_STARTTLS: (TLS_SETTINGS, LOG),
    Reason.SMTP_STARTTLS_REFUSED: (LOG, TLS_SETTINGS),
    Reason.SMTP_AUTH: ('ssh {host} "doveadm user {user}"', LOG),
    Reason.SMTP_AUTH_UNAVAILABLE: ('ssh {host} "systemctl status dovecot; ls -l /var/spool/postfix/private/auth"', LOG),
    Reason.SMTP_PLAINTEXT_AUTH: (LOGIN_SETTINGS,),
    Reason.SMTP_OPEN_RELAY: (RESTRICTIONS,),
    Reason.SMTP_SENDER: (LOG, RESTRICTIONS),
    Reason.SMTP_RECIPIENT: (LOG, 'ssh {host} "doveadm user {recipient}"'),
    Reason.SMTP_STORAGE: (
        'ssh {host} "df -h /var/spool/postfix; df -i /var/spool/postfix"',
        'ssh {host} "mailq | tail -n 1"',
    ),
    Reason.SLOW: (LOG, 'ssh {host} "uptime"'),
}


@dataclass(frozen=True, kw_only=True)
class SmtpProbe(Probe):
    """Talk to a mail server as a client does, up to the point where a mail would be sent; none ever is.

    The defaults are those of submission (587). *starttls* must be offered, may be, or is not asked for; with *tls* the
    connection is encrypted from its first byte (465). *auth* says whether a login must be offered; before TLS it must
    not be. *name* is asked for and verified, the address if it is empty; *helo* is how we name ourselves.
    As *user* we log in. *recipient* is an address the server must take mail for, *sender* the one it would come from
    (empty: a bounce). *relay_test* is an address elsewhere that it must refuse as long as nobody has logged in.
    """

    contact = Contact.TCP
    measures = (BANNER,)
    phase_measure = DURATION
    steps_as: ClassVar[Mapping[str, str]] = {
        "resolve": "resolve", "connect": "connect", "banner": "banner", "ehlo": "ehlo", "starttls": "starttls",
        "tls": "tls", "ehlo after tls": "ehlo_after_tls", "relay": "relay", "login": "login",
        "recipient": "recipient", "quit": "quit",
    }  # fmt: skip
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = REMEDIES

    address: str
    port: int = 587
    name: str = ""
    helo: str = "[127.0.0.1]"
    starttls: Literal["required", "optional", "off"] = "required"
    tls: bool = False
    ca_file: str = ""
    verify: bool = True
    certificate: Certificate = field(default_factory=Certificate)
    auth: Literal["required", "optional"] = "required"
    user: str = ""
    password: Secret = NO_PASSWORD
    sender: str = ""
    recipient: str = ""
    relay_test: str = ""
    slow_after: Seconds | None = None

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ValueError(f"port must be from 1 to 65535, got {self.port}")
        if not _HELO.fullmatch(self.helo):
            raise ValueError(f"helo must be a host's name, or its address in brackets, got {self.helo!r}")
        for key in ("sender", "recipient", "relay_test"):
            if (address := getattr(self, key)) and not _ADDRESS.fullmatch(address):
                raise ValueError(f"{key} must be a mail address, got {address!r}")
        self._check_login()

    def _check_login(self) -> None:
        if not self.user:
            return
        if any(ord(char) < 32 for char in self.user + self.password.reveal()):
            raise ValueError("user and password must not contain control characters")
        if self.starttls == "off" and not self.tls:
            raise ValueError("user needs TLS: a password must not travel in the clear")
        if not self.verify:
            raise ValueError("user needs verify: whoever answers would be given the password")

    @property
    def target(self) -> str:
        """Where it connects, as `host:port`, and the name if it is another."""
        return place_of(self.address, self.port, self.name)

    @property
    def asked_name(self) -> str:
        """The name that is asked for and verified."""
        return self.name or self.address

    @property
    def openssl(self) -> str:
        """How openssl is told to come to TLS."""
        return "-crlf" if self.tls else "-starttls smtp"

    async def observe(self, visit: Visit) -> None:
        """Walk through the dialogue; what does not end it is noted, and it goes on. Raise Down."""
        began = perf_counter()
        async with visit.open(self.address, self.port, tls=self._tls if self.tls else None) as wire:
            talk = Dialogue(wire)
            offers = await self._arrive(visit, wire, talk)
            if self.relay_test:
                await self._test_relay(visit, talk)
            if self.auth == "required" or self.user:
                await self._log_in(visit, talk, offers)
            if self.recipient:
                await self._offer_mail(visit, talk)
            with visit.step("quit", late=Reason.SMTP_TIMEOUT):
                await talk.end()
        took = perf_counter() - began
        if self.slow_after is not None and took > self.slow_after:
            visit.warn(Reason.SLOW, f"took {took:.3g} s, wanted {self.slow_after:g} s at most")

    @property
    def _tls(self) -> Tls:
        return Tls(name=self.asked_name, verify=self.verify, ca_file=self.ca_file, warn_before=self.certificate.warn)

    async def _arrive(self, visit: Visit, wire: Wire, talk: Dialogue) -> Offers:
        """Come to where mail may be offered: greeted, encrypted where that is wanted, and told what is offered."""
        with visit.step("banner", late=Reason.SMTP_NO_BANNER):
            greeting = await talk.greeting()
        visit.measure(BANNER, 1.0, name=server_name(greeting))
        with visit.step("ehlo", late=Reason.SMTP_TIMEOUT):
            offers = await talk.hello(self.helo)
        if self.tls:
            return offers
        if offers.offers_login:
            visit.down(Reason.SMTP_PLAINTEXT_AUTH, f"ehlo: AUTH {' '.join(offers.mechanisms)} is offered before TLS")
        if self.starttls == "off":
            return offers
        if not offers.offers_starttls:
            return self._without_tls(offers)
        with visit.step("starttls", late=Reason.SMTP_TIMEOUT):
            await talk.ready_for_tls()
        await visit.start_tls(wire, self._tls)
        # What was said before TLS may have been anybody's (RFC 3207, section 4.2).
        with visit.step("ehlo after tls", late=Reason.SMTP_TIMEOUT):
            return await talk.hello(self.helo)

    def _without_tls(self, offers: Offers) -> Offers:
        if self.starttls == "required" or self.user:
            offered = " ".join(offers.keywords) or "nothing"
            raise Down(Reason.SMTP_NO_STARTTLS, f"ehlo: offers {offered[:200]}, wanted STARTTLS")
        return offers

    async def _test_relay(self, visit: Visit, talk: Dialogue) -> None:
        with visit.step("relay", late=Reason.SMTP_TIMEOUT):
            _, reply = await talk.offer(self.sender, self.relay_test, "relay")
        if reply.is_positive:
            told = f"relay: took mail for {self.relay_test} from a stranger: {reply}, wanted a refusal"
            visit.down(Reason.SMTP_OPEN_RELAY, told)

    async def _log_in(self, visit: Visit, talk: Dialogue, offers: Offers) -> None:
        if not offers.offers_login:
            offered = " ".join(offers.keywords) or "nothing"
            raise Down(Reason.SMTP_AUTH_UNAVAILABLE, f"ehlo: offers {offered[:200]}, wanted AUTH")
        if self.user:
            with visit.step("login", late=Reason.SMTP_AUTH_UNAVAILABLE):
                await talk.log_in(self.user, self.password, offers)

    async def _offer_mail(self, visit: Visit, talk: Dialogue) -> None:
        with visit.step("recipient", late=Reason.SMTP_TIMEOUT):
            command, reply = await talk.offer(self.sender, self.recipient, "recipient")
        if not reply.is_positive:
            visit.down(refusal_of(command, reply), f"recipient: {command}: {reply}, wanted 250")
