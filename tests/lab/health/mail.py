"""Whether mail is well, by Python's own SMTP and IMAP clients and by the mail server's own tools."""

import contextlib
import imaplib
import json
import secrets
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.lab.plan import MAIL_NAME, MAILBOX, SELECTOR, SITES, STRANGER
from tests.lab.shell import LabError

if TYPE_CHECKING:
    from tests.lab.lab import Lab

ADDRESS = "10.1.10.101"
LIMIT = 3.0
ARRIVES_WITHIN = 5.0
SOON = 14 * 86400.0
BROKEN = (OSError, smtplib.SMTPException, imaplib.IMAP4.error)


class Tls(ssl.SSLContext):
    """Trusts the lab's authority, and wants the mail server's name whatever address was dialled."""

    def wrap_socket(self, sock: socket.socket, **more: object) -> ssl.SSLSocket:  # type: ignore[override]
        """Ask for the name of the map."""
        more["server_hostname"] = MAIL_NAME
        return super().wrap_socket(sock, **more)  # type: ignore[arg-type]


def submission(lab: "Lab") -> list[str]:
    """587: STARTTLS, no login before it, a login after it, and no word from others' domains to others' domains."""
    try:
        with lab.entered(), smtplib.SMTP(ADDRESS, 587, timeout=LIMIT) as client:
            client.ehlo()
            plain = client.has_extn("auth")
            client.starttls(context=_trusting(lab))
            expires = _expires_at(client.sock)
            client.login(MAILBOX, lab.password)
    except BROKEN as error:
        return [f"587: {error!r}"]
    said = ["587: a login is offered without TLS"] if plain else []
    return [*said, "587: its certificate expires soon"] if expires < time.time() + SOON else said


def _expires_at(sock: object) -> float:
    presented = sock.getpeercert() if isinstance(sock, ssl.SSLSocket) else None
    return ssl.cert_time_to_seconds(str(presented["notAfter"])) if presented else 0.0


def exchanger(lab: "Lab") -> list[str]:
    """25: mail for our domains is taken from strangers, mail for strangers is not, and STARTTLS is offered."""
    said = []
    try:
        with lab.entered(), smtplib.SMTP(ADDRESS, 25, timeout=LIMIT) as client:
            client.ehlo("mx.example.net")
            if not client.has_extn("starttls"):
                said.append("25: STARTTLS is not offered")
            client.mail("somebody@example.net")
            answers = {to: client.rcpt(to)[0] for to in (*_postmasters(), "stranger@example.org")}
    except BROKEN as error:
        return [f"25: {error!r}"]
    relayed = answers.pop("stranger@example.org") < 400
    said += [f"25: {to}: {code}, wanted 250" for to, code in answers.items() if code != 250]
    return [*said, "25: it relays for strangers"] if relayed else said


def _postmasters() -> tuple[str, ...]:
    return tuple(f"postmaster@{domain}" for domain in SITES)


def round_trip(lab: "Lab") -> list[str]:
    """A mail through 587 arrives in the mailbox behind 993, signed by us."""
    token = secrets.token_hex(8)
    try:
        with lab.entered():
            _send(lab, token)
            with _mailbox(lab, imaplib.IMAP4_SSL(ADDRESS, 993, ssl_context=_trusting(lab), timeout=LIMIT)) as box:
                found = _await_mail(box, token)
    except BROKEN as error:
        return [f"round trip: {error!r}"]
    if found is None:
        return [f"round trip: nothing arrived within {ARRIVES_WITHIN:g} s"]
    signed = f"d={MAILBOX.partition('@')[2]};" in found and f"s={SELECTOR};" in found
    return [] if signed else ["round trip: the mail is not signed"]


def _send(lab: "Lab", token: str) -> None:
    with smtplib.SMTP(ADDRESS, 587, timeout=LIMIT) as client:
        client.starttls(context=_trusting(lab))
        client.login(MAILBOX, lab.password)
        client.sendmail(MAILBOX, MAILBOX, f"From: {MAILBOX}\r\nTo: {MAILBOX}\r\nSubject: lab {token}\r\n\r\nwell?\r\n")


@contextlib.contextmanager
def _mailbox(lab: "Lab", client: imaplib.IMAP4) -> Iterator[imaplib.IMAP4]:
    with client:
        client.login(MAILBOX, lab.password)
        client.select()
        yield client


def _await_mail(box: imaplib.IMAP4, token: str) -> str | None:
    """Give the headers of the mail that has *token*, and take it away."""
    until = time.monotonic() + ARRIVES_WITHIN
    while time.monotonic() < until:
        box.noop()
        numbers = box.search(None, "SUBJECT", token)[1][0].split()
        if numbers:
            number = numbers[0].decode()
            headers = box.fetch(number, "(BODY.PEEK[HEADER])")[1][0]
            box.store(number, "+FLAGS", "\\Deleted")
            box.expunge()
            return headers[1].decode() if isinstance(headers, tuple) else ""
        time.sleep(0.1)
    return None


def queue(lab: "Lab") -> list[str]:
    """Nothing waits longer than it takes to deliver it; the own units run; IMAP wants TLS on 143 too."""
    try:
        waiting = [json.loads(line) for line in lab.ssh("mail-core", "/usr/sbin/postqueue -j").splitlines()]
        lab.ssh("mail-core", "systemctl is-active postfix@- dovecot opendkim opendmarc")
    except LabError as error:
        return [f"queue: {str(error)[-200:]}"]
    stuck = [mail for mail in waiting if mail["queue_name"] in ("deferred", "hold")]
    return [*([f"queue: {len(stuck)} stuck"] if stuck else []), *_old_port(lab)]


def _old_port(lab: "Lab") -> list[str]:
    try:
        with lab.entered(), imaplib.IMAP4(ADDRESS, 143, timeout=LIMIT) as client:
            plain = "LOGINDISABLED" not in client.capabilities
            client.starttls(_trusting(lab))
    except BROKEN as error:
        return [f"143: {error!r}"]
    return ["143: a login is offered without TLS"] if plain else []


def outgoing(lab: "Lab") -> list[str]:
    """A stranger's mail server can be reached from ours."""
    try:
        lab.ssh("mail-core", f"timeout 2 bash -c 'exec 3<>/dev/tcp/{STRANGER}/25; read -t 2 -u 3'")
    except LabError:
        return ["mail-core: no way out on port 25"]
    return []


def signer(lab: "Lab") -> list[str]:
    """The key in DNS is the signer's, for every domain: OpenDKIM's own tool says so."""
    ours = f"-s {SELECTOR} -k /etc/opendkim/keys/{SELECTOR}.private"
    asked = " && ".join(f"opendkim-testkey -d {domain} {ours}" for domain in SITES)
    try:
        # It asks for the private key; no one but root may read it.
        lab.machine("mail-core").sh(asked)
    except LabError as error:
        return [f"signer: {str(error)[-160:]}"]
    return []


def _trusting(lab: "Lab") -> Tls:
    context = Tls(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(lab.trusted)
    return context
