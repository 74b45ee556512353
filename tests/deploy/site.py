"""migrawatch installed on migraguard-quantum as docs/deployment.md says, and what is asked of it there."""

import http.client
import json
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.deploy.quantum import give, shown
from tests.drills.pager import SECRET, Pager
from tests.lab.machine import Machine
from tests.lab.shell import run

CONFIG = "/etc/migrawatch/migrawatch.yaml"
CREDENTIALS = "/etc/migrawatch/credentials"
UNIT = "migrawatch.service"
HERE = "127.0.0.1:12271"


@dataclass
class Site:
    """The machine, who is paged on it, and what its daemon answers."""

    machine: Machine
    pager: Pager

    def get(self, path: str, timeout: float = 20) -> tuple[int, str]:
        with self.machine.entered():
            connection = http.client.HTTPConnection(HERE, timeout=timeout)
            connection.connect()
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def incidents(self) -> dict[str, Any]:
        """What is open, by id; not what the daemon says of itself, which comes and goes with what befalls it."""
        found = json.loads(self.get("/api/v1/incidents")[1])["incidents"]
        watched = (one for one in found if one["cause"]["check"] != "itself")
        return {str(one["id"]): one for one in watched if one["state"] != "resolved"}

    def told_twice(self) -> list[str]:
        """The incidents that were told as new more than once. A repeat has the key of the first, and does not count."""
        opened = [str(page.incident["id"]) for page in self.pager.once("opened")]
        return sorted({one for one in opened if opened.count(one) > 1})

    def told(self, check: str, change: str) -> list[str]:
        """The incidents whose cause is *check* that were told by this *change*, repeats of a page left out."""
        pages = self.pager.once(change)
        return [str(page.incident["id"]) for page in pages if page.incident["cause"]["check"] == check]

    def wait_told(self, check: str, change: str, seconds: float = 120) -> str:
        """Wait for that page; the id of its incident."""
        came = self.pager.wait(lambda: self.told(check, change) != [], seconds)
        assert came, (self.pager.pages, self.journal()[-6000:])
        return self.told(check, change)[0]

    def open_of(self, check: str) -> list[str]:
        """The open incidents whose cause is *check*."""
        found = json.loads(self.get("/api/v1/incidents")[1])["incidents"]
        return [str(one["id"]) for one in found if one["cause"]["check"] == check and one["state"] != "resolved"]

    def look(self, check: str) -> dict[str, Any]:
        """The last look at *check*."""
        found = json.loads(self.get("/api/v1/checks")[1])["checks"]
        return next(one for one in found if one["check"] == check)

    def now(self) -> datetime:
        """The date that the daemon believes in."""
        return datetime.fromisoformat(json.loads(self.get("/api/v1/incidents")[1])["at"])

    def metric(self, name: str) -> float:
        """The sum of a metric's series."""
        series = (line.rsplit(" ", 1) for line in self.get("/metrics")[1].splitlines() if not line.startswith("#"))
        return sum(float(value) for labelled, value in series if labelled.partition("{")[0] == name)

    def main(self) -> str:
        """The daemon's PID."""
        return shown(self.machine, UNIT, "MainPID")["MainPID"]

    def journal(self) -> str:
        return self.machine.run("journalctl", "--no-pager", "--output=cat", f"--unit={UNIT}")

    def until_another(self, pid: str, seconds: float) -> None:
        """Wait for a daemon that is not *pid* and is ready."""
        end = time.monotonic() + seconds
        while True:
            state = shown(self.machine, UNIT, "MainPID", "ActiveState")
            if state["ActiveState"] == "active" and state["MainPID"] not in ("0", pid):
                return
            assert time.monotonic() < end, self.journal()[-3000:]
            time.sleep(0.1)


def install(machine: Machine, package: Path, keys: Path) -> None:
    """Install *package*, and lay keys and passwords where they belong; *keys* is a folder to make them in."""
    give(machine, package, "/root/migrawatch.deb")
    apt_install(machine, "/root/migrawatch.deb")
    key = keys / "ssh_key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    for name, text in (("ssh_key", key.read_text()), ("mpanel_app", "secret"), ("webhook_secret", SECRET.decode())):
        machine.run("sh", "-c", f"umask 077; cat > {CREDENTIALS}/{name}", stdin=text)
    machine.run("touch", "/etc/migrawatch/known_hosts")


def apt_install(machine: Machine, package: str) -> str:
    """Install *package* with nobody there to ask: of a file that both changed the operator's stays."""
    options = "-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
    script = f"DEBIAN_FRONTEND=noninteractive apt-get install -y {options} {package} </dev/null 2>&1"
    return machine.sh(script, timeout=300)


def tell(machine: Machine, url: str) -> None:
    """Have everybody told at *url*: the one line of the shipped configuration that somebody must fill in."""
    machine.run("sed", "-i", f"/kind: webhook/,/secret:/s#url: .*#url: {url}#", CONFIG)


def until(ask: Any, done: Any, seconds: float = 15) -> Any:
    """What *ask* gives once it is *done*."""
    end = time.monotonic() + seconds
    while not done(found := ask()):
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found
