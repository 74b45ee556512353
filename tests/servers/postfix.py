"""A real Postfix with a queue and a configuration of its own: an smtpd for each fault, each on its own port."""

import grp
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers.ports import free_port, wait_for_port

USER = "monitor@example.org"
PASSWORD = "s3cret-of-monitor"
OUTSIDER = "outsider@example.org"
"""Whoever may send with the same password and is unknown where mail is read."""

DAEMONS = Path("/usr/lib/postfix/sbin")
# Each with the rights that postfix check would give it: what is public may be entered by the group.
FOLDERS = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace")
GROUP_FOLDERS = {"public": 0o710, "maildrop": 0o730}

MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/state
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.org
mydestination = example.org
mynetworks =
local_recipient_maps = inline:{{ {{monitor=x}} {{postmaster=x}} }}
alias_maps =
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions =
smtpd_tls_security_level = may
smtpd_tls_chain_files = {key}, {chain}
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
in_flow_delay = 0
"""

SASL = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {home}/sasldb2
mech_list: PLAIN LOGIN
"""

MASTER = """\
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
"""
# No log of its own: once in many runs nobody read what was to be logged, and every daemon waited for that for ever.


@dataclass(frozen=True, kw_only=True)
class Smtpd:
    """One smtpd: settings that differ from main.cf. *wrapped* speaks TLS from the first byte."""

    settings: Mapping[str, str] = field(default_factory=dict)
    wrapped: bool = False


@dataclass(frozen=True, kw_only=True)
class PostfixServer:
    """A running Postfix: the ports of its smtpds by name, where it lives, and its master."""

    ports: Mapping[str, int]
    home: Path
    master: "subprocess.Popen[bytes]"

    @property
    def queued(self) -> list[Path]:
        """The mails it has taken and not given on."""
        return [
            mail
            for folder in ("incoming", "active")
            for mail in (self.home / "queue" / folder).rglob("*")
            if mail.is_file()
        ]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all of it for the block: the kernel goes on to accept connections."""
        os.killpg(self.master.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.master.pid, signal.SIGCONT)


@contextmanager
def postfix(
    key: Path, chain: Path, smtpds: Mapping[str, Smtpd], *, main: str = "", master: str = ""
) -> Iterator[PostfixServer]:
    """Run Postfix with the certificate *chain* and its *key*; it is ready once each of *smtpds* accepts.

    *main* and *master* are further lines of its two files.
    """
    if os.geteuid() != 0:
        pytest.skip("Postfix's master is reserved for root")
    home = Path(tempfile.mkdtemp(prefix="migrawatch-postfix-"))
    try:
        ports = {name: free_port() for name in smtpds}
        _lay_out(home, MAIN.format(home=home, key=key, chain=chain) + main)
        services = [_service(ports[name], smtpd) for name, smtpd in smtpds.items()]
        (home / "master.cf").write_text(MASTER + master + "\n".join(services) + "\n")
        # Every daemon waits until a main.cf that was just written has settled: two seconds, from start to ready.
        os.utime(home / "main.cf", (0, 0))
        _add_users(home)
        with _running(home) as master:
            for port in ports.values():
                wait_for_port(port)
            assert master.poll() is None, "Postfix's master has ended; somebody else listens on its ports"
            yield PostfixServer(ports=ports, home=home, master=master)
    finally:
        shutil.rmtree(home)


def _lay_out(home: Path, main: str) -> None:
    home.chmod(0o755)
    owner, postdrop = pwd.getpwnam("postfix").pw_uid, grp.getgrnam("postdrop").gr_gid
    (home / "main.cf").write_text(main)
    (home / "sasl").mkdir()  # where Debian's Postfix looks, beside main.cf
    (home / "sasl/smtpd.conf").write_text(SASL.format(home=home))
    for folder in ("queue", "queue/pid"):
        (home / folder).mkdir(mode=0o755)
    for folder in ("state", *(f"queue/{name}" for name in FOLDERS)):
        (home / folder).mkdir(mode=0o700)
        os.chown(home / folder, owner, 0)
    for folder, mode in GROUP_FOLDERS.items():
        (home / "queue" / folder).mkdir()
        os.chown(home / "queue" / folder, owner, postdrop)
        (home / "queue" / folder).chmod(mode)


def _service(port: int, smtpd: Smtpd) -> str:
    settings = dict(smtpd.settings) | ({"smtpd_tls_wrappermode": "yes"} if smtpd.wrapped else {})
    lines = [f"127.0.0.1:{port} inet n - n - - smtpd"]
    lines += [f"  -o {{ {name} = {value} }}" for name, value in settings.items()]
    return "\n".join(lines)


def _add_users(home: Path) -> None:
    for user in (USER, OUTSIDER):
        name, _, realm = user.partition("@")
        subprocess.run(
            ["/usr/sbin/saslpasswd2", "-p", "-c", "-f", str(home / "sasldb2"), "-u", realm, name],
            input=PASSWORD.encode(), check=True,
        )  # fmt: skip
    os.chown(home / "sasldb2", pwd.getpwnam("postfix").pw_uid, 0)


@contextmanager
def _running(home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    # Its own session: at its end the master signals its whole process group.
    master = subprocess.Popen([DAEMONS / "master", "-c", home, "-d"], start_new_session=True)
    try:
        yield master
    finally:
        master.terminate()
        master.wait(timeout=10)
        _wait_for_children(master.pid)


def _wait_for_children(group: int, limit: float = 10.0) -> None:
    """Until the last of the daemons is gone, so that its folder may go too."""
    until = time.monotonic() + limit
    while _has_members(group):
        if time.monotonic() > until:
            raise TimeoutError(f"daemons of the Postfix in session {group} do not end")
        time.sleep(0.01)


def _has_members(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
