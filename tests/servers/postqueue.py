"""A real Postfix without a port: what is handed to its `sendmail` stays in its queue, and says why.

Its master runs as root, as everywhere; its queue is read as an ordinary user, as the real thing is.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
myhostname = mail.example.org
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
disable_dns_lookups = yes
default_transport = smtp:[127.0.0.1]:{closed}
transport_maps = inline:{{ {{ full.example = retry:4.2.2 <john.doe@full.example>: john.doe is over quota }} }}
"""
MASTER = """\
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n - 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
retry unix - - n - - error
showq unix n - n - - showq
"""
MASTER_PROGRAM = "/usr/lib/postfix/sbin/master"
AS_NOBODY = """\
#!/bin/sh
exec unshare --mount sh -c 'mount --bind "$0" /etc/postfix && exec "$@"' {config} \\
    setpriv --reuid nobody --regid nogroup --clear-groups {program} "$@"
"""


@dataclass(frozen=True, kw_only=True)
class PostfixQueue:
    """A running Postfix. *program* is its `postqueue`, for a user without any privilege."""

    folder: Path
    program: str

    def send(self, *recipients: str, sender: str = "shop@example.org") -> None:
        """Hand a mail over, as a program on the host would; *sender* is empty for a bounce."""
        command = [program("sendmail"), "-C", self.config, "-f", sender, "--", *recipients]
        subprocess.run(command, input=b"Subject: test\n\ntest\n", check=True)

    def wait_until_it_runs(self) -> None:
        """Wait until Postfix answers who asks for its queue."""
        ends = time.monotonic() + 10
        while subprocess.run([self.program, "-p"], capture_output=True, check=False).returncode:
            assert time.monotonic() < ends, (self.folder / "master.log").read_text()[-2000:]
            time.sleep(0.02)

    def wait_for(self, queue: str, mails: int) -> None:
        """Wait until so many mails stand in *queue*."""
        ends = time.monotonic() + 10
        while (found := self.listed().count(queue)) != mails:
            assert time.monotonic() < ends, f"{found} mails in {queue}"
            time.sleep(0.02)

    def listed(self) -> list[str]:
        """The queue that each mail stands in."""
        lines = self.tool("postqueue", "-j").splitlines()
        return [json.loads(line)["queue_name"] for line in lines]

    def hold(self) -> None:
        """Put every deferred mail on hold."""
        self.tool("postsuper", "-h", "ALL", "deferred")

    def multiply(self, times: int) -> None:
        """Have the one deferred mail *times* times: as many files as that many mails are."""
        [file] = [found for found in (self.folder / "spool/deferred").rglob("*") if found.is_file()]
        for number in range(times - 1):
            copy = self.folder / "spool/deferred/F" / f"F{number:09X}"  # the folder is the name's first letter
            copy.parent.mkdir(exist_ok=True)
            shutil.copy2(file, copy)
            shutil.chown(copy, "postfix")

    def forget(self) -> None:
        """Throw every mail away."""
        self.tool("postsuper", "-d", "ALL")

    @property
    def config(self) -> str:
        return str(self.folder / "etc")

    def tool(self, name: str, *arguments: str) -> str:
        """What one of Postfix's own tools prints."""
        command = [program(name), "-c", self.config, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout


def program(name: str) -> str:
    """The path of one of Postfix's programs."""
    found = shutil.which(name, path="/usr/sbin")
    assert found is not None, "the tests need a real Postfix: apt-get install postfix"
    return found


@contextmanager
def postfix_queue(*, closed: int) -> Iterator[PostfixQueue]:
    """Run a Postfix; all its mail goes to the port *closed* of 127.0.0.1, where nobody listens."""
    assert os.geteuid() == 0, "Postfix's master must be root"
    # Not in pytest's own folder: every pytest that starts takes that one away from other users, and so from Postfix.
    with tempfile.TemporaryDirectory(prefix="migrawatch-postfix-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        running = _prepared(folder, closed)
        with (folder / "master.log").open("wb") as log:
            master = subprocess.Popen([MASTER_PROGRAM, "-c", running.config, "-d"], stdout=log, stderr=log)
        try:
            running.wait_until_it_runs()
            yield running
        finally:
            master.terminate()
            master.wait(timeout=10)


def _prepared(folder: Path, closed: int) -> PostfixQueue:
    for name in ("etc", "spool", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    (folder / "etc/main.cf").write_text(MAIN.format(folder=folder, closed=closed))
    (folder / "etc/master.cf").write_text(MASTER)
    asking = folder / "postqueue"
    asking.write_text(AS_NOBODY.format(config=folder / "etc", program=program("postqueue")))
    asking.chmod(0o755)
    prepared = PostfixQueue(folder=folder, program=str(asking))
    prepared.tool("postfix", "check")  # makes the queue's folders
    return prepared
