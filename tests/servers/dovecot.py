"""A real Dovecot with a configuration of its own in a temporary folder, run by an unprivileged user.

It listens on 127.0.0.2: a client on 127.0.0.1 comes from another address then. Dovecot takes one from its own address
for safe, and would let it log in without TLS whatever its settings say.
"""

import grp
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.certificates import Authority, Issued
from tests.servers.ports import free_port, wait_for_port
from tests.servers.processes import descendants, name_of

ADDRESS = "127.0.0.2"
USER = "monitor@example.org"
PASSWORD = 'of "mail"\\'
FOREIGN = "etranger@example.org"
FOREIGN_PASSWORD = 'é of "mail"'
NAME = "mail.example.org"

CONFIG = """\
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap
listen = {address}
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_location = maildir:{home}/mail/%u
disable_plaintext_auth = {disable_plaintext_auth}
auth_failure_delay = 0
login_greeting = {greeting}
ssl = {ssl}
ssl_cert = <{chain_file}
ssl_key = <{key_file}
service anvil {{
  chroot =
  # Without it one refused login would delay all that follow, up to 15 s each.
  unix_listener anvil-auth-penalty {{
    mode = {penalty}
  }}
}}
service stats {{
  chroot =
}}
service auth {{
  executable = {auth}
}}
service imap {{
  executable = {imap}
}}
service imap-login {{
  chroot =
  service_count = {logins}
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = {tls_listener}
  }}
}}
passdb {{
  {passdb}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
"""


@dataclass(kw_only=True)
class DovecotServer:
    """A running Dovecot: IMAP with TLS from the start on *tls_port*, with STARTTLS on *port*. *home* has its files."""

    home: Path
    issued: Issued
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=lambda: free_port(ADDRESS))
    tls_port: int = field(default_factory=lambda: free_port(ADDRESS))
    _running: "subprocess.Popen[bytes] | None" = None

    # -- living -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Write its files and start it; it is ready once it accepts."""
        account = unprivileged()
        for folder in ("run", "state", "mail"):
            (self.home / folder).mkdir()
        self.write("users", f"{USER}:{{PLAIN}}{PASSWORD}\n{FOREIGN}:{{PLAIN}}{FOREIGN_PASSWORD}\n")
        self.write("chain.pem", self.issued.chain_file.read_text())
        self.write("key.pem", self.issued.key_file.read_text())
        self.write("dovecot.conf", self._config(account))
        for path in (self.home, *self.home.iterdir()):
            os.chown(path, account.pw_uid, account.pw_gid)
        started_as: dict[str, Any] = {}
        if os.geteuid() == 0:
            started_as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        command = [_program(), "-F", "-c", str(self.home / "dovecot.conf")]
        self._running = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=self.home, **started_as)
        wait_for_port(self.port, ADDRESS)

    def stop(self) -> None:
        """Stop it with all that it started, at once: in good order it takes a second."""
        if self._running is None:
            return
        self._signal_all(signal.SIGKILL)
        self._running.wait(timeout=10)
        self._running = None

    def _config(self, account: pwd.struct_passwd) -> str:
        usual = {
            "disable_plaintext_auth": "yes", "ssl": "yes", "tls_listener": "yes", "auth": "auth", "imap": "imap",
            "greeting": "ready", "penalty": "0", "logins": "1",
            "passdb": f"driver = passwd-file\n  args = scheme=PLAIN username_format=%u {self.home}/users",
        }  # fmt: skip
        return CONFIG.format(
            home=self.home, address=ADDRESS, user=account.pw_name, group=_group(account.pw_gid), uid=account.pw_uid,
            gid=account.pw_gid, chain_file=self.home / "chain.pem", key_file=self.home / "key.pem", port=self.port,
            tls_port=self.tls_port, **usual | self.settings,
        )  # fmt: skip

    # -- filling, hurting and asking ----------------------------------------------------------------------------

    def write(self, name: str, text: str) -> None:
        """Write one of its files."""
        (self.home / name).write_text(text)

    def deliver(self, count: int) -> None:
        """Put *count* messages into the mailbox of USER, as a delivery agent would."""
        account = unprivileged()
        mailbox = self.home / "mail" / USER
        for folder in (mailbox, *(mailbox / name for name in ("cur", "new", "tmp"))):
            folder.mkdir(exist_ok=True)
            os.chown(folder, account.pw_uid, account.pw_gid)
        for number in range(count):
            message = mailbox / "new" / f"{1_700_000_000 + number}.M{number}P1.example"
            message.write_text(f"Subject: {number}\r\n\r\nhello\r\n")
            os.chown(message, account.pw_uid, account.pw_gid)

    def freeze(self) -> None:
        """SIGSTOP everything: the kernel still accepts connections, nobody answers them."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo `freeze`."""
        self._signal_all(signal.SIGCONT)

    def freeze_service(self, name: str) -> None:
        """SIGSTOP the running programs called *name* (`auth`, `imap`), and nothing else."""
        assert self._running is not None
        found = [pid for pid in descendants(self._running.pid) if name_of(pid) == name]
        assert found, f"no {name} runs"
        for pid in found:
            os.kill(pid, signal.SIGSTOP)

    @property
    def log(self) -> str:
        """What it logged."""
        return (self.home / "log").read_text()

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._running is not None
        self._running.send_signal(signal.SIGSTOP)  # it must not start more meanwhile
        for pid in (*descendants(self._running.pid), self._running.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, number)


@contextmanager
def dovecot(authority: Authority, issued: Issued | None = None, **settings: str) -> Iterator[DovecotServer]:
    """Run Dovecot with a certificate for NAME, unless *issued* is another, and with some *settings* changed."""
    home = Path(tempfile.mkdtemp(prefix="migrawatch-dovecot-"))
    server = DovecotServer(home=home, issued=issued or authority.issue(NAME), settings=settings)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home)


def unprivileged() -> pwd.struct_passwd:
    """Who Dovecot runs as: nobody for root, else whoever we are."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def _group(gid: int) -> str:
    return grp.getgrgid(gid).gr_name


def _program() -> str:
    program = shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    assert program is not None, "the tests need a real Dovecot: apt-get install dovecot-imapd"
    return program
