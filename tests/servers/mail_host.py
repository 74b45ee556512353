"""A whole mail server: a real Postfix that takes mail and puts it where a real Dovecot reads it, signed on the way."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.certificates import Authority
from tests.servers.dovecot import ADDRESS, NAME, DovecotServer, dovecot, unprivileged
from tests.servers.milter import Signer, milter
from tests.servers.postfix import PASSWORD, USER, PostfixServer, Smtpd, postfix

HELD = {"smtpd_end_of_data_restrictions": "check_sender_access static:HOLD"}

MAIN = """\
mydestination =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {mail}
virtual_mailbox_maps = inline:{{ {{{user}={user}/}} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_recipient_restrictions = reject_unlisted_recipient
"""
MASTER = """\
pickup unix n - n 60 1 pickup
qmgr unix n - n 300 1 qmgr
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
"""


@dataclass(frozen=True, kw_only=True)
class MailHost:
    """Where mail is taken in (each of *ports* on 127.0.0.1) and where it is read (*imap_port* on 127.0.0.2)."""

    postfix: PostfixServer
    dovecot: DovecotServer

    @property
    def mailbox(self) -> Path:
        return self.dovecot.home / "mail" / USER

    @property
    def mails(self) -> list[Path]:
        """What is in the mailbox."""
        return [path for folder in ("new", "cur") for path in (self.mailbox / folder).glob("*")]

    def release(self) -> None:
        """Let out what is on hold."""
        subprocess.run(
            ["/usr/sbin/postsuper", "-c", self.postfix.home, "-H", "ALL"], check=True, capture_output=True, timeout=30
        )
        subprocess.run(["/usr/sbin/postqueue", "-c", self.postfix.home, "-f"], check=True, timeout=30)

    def forget(self) -> None:
        """Lose all mail that waits and all that has come."""
        subprocess.run(
            ["/usr/sbin/postsuper", "-c", self.postfix.home, "-d", "ALL"], check=True, capture_output=True, timeout=30
        )
        for mail in self.mails:
            mail.unlink(missing_ok=True)


@contextmanager
def mail_host(authority: Authority, smtpds: Mapping[str, Smtpd], signers: Mapping[str, Signer]) -> Iterator[MailHost]:
    """Run both; the smtpd of each of *signers* has it as its milter. USER and PASSWORD are those of Postfix."""
    account, issued = unprivileged(), authority.issue("localhost", NAME)
    with ExitStack() as running:
        reading = running.enter_context(dovecot(authority, issued))
        reading.write("users", f"{USER}:{{PLAIN}}{PASSWORD}\n")
        reading.deliver(0)
        ports = {name: running.enter_context(milter(signer)) for name, signer in signers.items()}
        signing = {name: Smtpd(settings={"smtpd_milters": f"inet:127.0.0.1:{port}"}) for name, port in ports.items()}
        main = MAIN.format(mail=reading.home / "mail", user=USER, uid=account.pw_uid, gid=account.pw_gid)
        sending = running.enter_context(
            postfix(issued.key_file, issued.chain_file, {**smtpds, **signing}, main=main, master=MASTER)
        )
        yield MailHost(postfix=sending, dovecot=reading)


__all__ = ["ADDRESS", "HELD", "NAME", "PASSWORD", "USER", "MailHost", "mail_host"]
