"""migrawatch as it stands in the lab: the production configuration, with the lab's keys and quicker decisions."""

import json
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.drills.pager import SECRET
from tests.drills.rewritten import QUICK, hosts_of, in_the_lab, watches_in_the_lab
from tests.lab.lab import Lab

PROJECT = Path(__file__).parents[2]

USER = "nobody"
"""The daemon needs no privilege; what it is given in the lab is no more than this."""


@contextmanager
def laid_out(lab: Lab, port: int) -> Iterator["Outfit"]:
    """An outfit in *lab* whose pages go to *port*, in a folder that is there inside the block."""
    with tempfile.TemporaryDirectory(prefix=f"migrawatch-{lab.name}-") as place:
        # Made for root alone; migrawatch runs as somebody else.
        Path(place).chmod(0o755)
        outfit = Outfit(lab, Path(place) / "migrawatch", port)
        outfit.home.mkdir()
        outfit.lay()
        yield outfit


@dataclass(frozen=True)
class Outfit:
    """A folder with the configuration, the credentials and the state of one migrawatch in *lab*."""

    lab: Lab
    home: Path
    port: int

    @property
    def config(self) -> Path:
        """The main configuration file."""
        return self.home / "migrawatch.yaml"

    @property
    def state(self) -> Path:
        """The daemon's state file."""
        return self.home / "state" / "state.db"

    @property
    def environ(self) -> dict[str, str]:
        """The environment that migrawatch is started with: no more than it needs."""
        return {
            "PATH": os.environ["PATH"],
            "CREDENTIALS_DIRECTORY": str(self.home / "credentials"),
            "MIGRAWATCH_CONFIG": str(self.config),
            "SSL_CERT_FILE": str(self.home / "root.pem"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def argv(self, *arguments: str) -> tuple[str, ...]:
        """How `migrawatch ARGUMENTS` is run: inside the lab, as an ordinary user."""
        return self.running("-m", "migrawatch", *arguments)

    def running(self, *arguments: str) -> tuple[str, ...]:
        """How `python ARGUMENTS` is run there, by the same user."""
        user = pwd.getpwnam(USER)
        drop = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--inh-caps=-all")
        return self.lab.inside(*drop, str(PROJECT / ".venv/bin/python"), *arguments)

    def lay(self) -> None:
        """Write everything out anew; the state is kept."""
        shutil.rmtree(self.home / "conf.d", ignore_errors=True)
        for folder in ("state", "credentials", "conf.d"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        for part in sorted((PROJECT / "config/conf.d").glob("*.yaml")):
            sections = _read(part)
            checks = in_the_lab(sections.get("checks", {}), self.lab)
            watches = watches_in_the_lab(sections.get("watch", {}))
            _write(self.home / "conf.d" / part.name, {"checks": checks, "watch": watches})
        for name, secret in self._secrets().items():
            (self.home / "credentials" / name).write_text(secret)
        shutil.copy(self.lab.known_hosts, self.home / "known_hosts")
        shutil.copy(self.lab.trusted, self.home / "root.pem")
        _write(self.config, self._main())
        self._hand_over()

    def _secrets(self) -> dict[str, str]:
        return {
            "ssh_key": self.lab.key.read_text(),
            "mpanel_app": self.lab.password_file.read_text(),
            "mailbox": self.lab.password,
            "webhook_secret": SECRET.decode(),
        }

    def _main(self) -> dict[str, Any]:
        """The production file with the lab's places, one receiver, and quicker decisions."""
        pager = {
            "kind": "webhook",
            "url": f"http://127.0.0.1:{self.port}/pager",
            "secret": {"credential": "webhook_secret"},
        }
        written = _read(PROJECT / "config/migrawatch.yaml")
        return written | {
            "daemon": {"listen": "127.0.0.1:12271", "state": str(self.state)},
            "ssh": {"user": "migrawatch", "key": {"credential": "ssh_key"}, "known_hosts": f"{self.home}/known_hosts"},
            "hosts": hosts_of(self.lab, written["hosts"]),
            "defaults": QUICK,
            "receivers": {"pager": pager},
            "routes": [{"to": ["pager"]}],
        }

    def _hand_over(self) -> None:
        user = pwd.getpwnam(USER)
        for place in (self.home, *self.home.rglob("*")):
            os.chown(place, user.pw_uid, user.pw_gid)
            place.chmod(0o700 if place.is_dir() else 0o600)


def _read(path: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(path.read_text())
    return parsed


def _write(path: Path, content: dict[str, Any]) -> None:
    # JSON is YAML without the anchors that a dump would use, and that migrawatch refuses.
    path.write_text(json.dumps(content, indent=2))
