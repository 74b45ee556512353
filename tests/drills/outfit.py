"""migrawatch as it stands in the lab: the production configuration, with the lab's keys and quicker decisions."""

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.lab import Lab

PROJECT = Path(__file__).parents[2]
PARTS = ("database", "edge", "panel")
"""The files of config/conf.d whose hosts the lab has."""

USER = "nobody"
"""The daemon needs no privilege; what it is given in the lab is no more than this."""

MAIN = """\
include: [conf.d/*.yaml]
daemon: {{listen: 127.0.0.1:12271, state: {state}}}
ssh: {{user: migrawatch, key: {{credential: ssh_key}}, known_hosts: {home}/known_hosts}}
hosts:
  srv1: {{address: 10.1.10.10, public: 73.139.18.218}}
  mpanel-core: {{address: 10.1.10.206}}
  db-core: {{address: 10.1.10.210}}
defaults: {{every: 10s, timeout: 4s, open_after: 3, resolve_after: 2, resolve_for: 2s, settle: 10s, confirm: 500ms}}
receivers:
  pager: {{kind: webhook, url: "http://127.0.0.1:{port}/pager", secret: {{credential: webhook_secret}}}}
routes:
  - {{to: [pager]}}
"""


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
        user = pwd.getpwnam(USER)
        drop = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--inh-caps=-all")
        return self.lab.inside(*drop, str(PROJECT / ".venv/bin/python"), "-m", "migrawatch", *arguments)

    def lay(self) -> None:
        """Write everything out anew; the state is kept."""
        shutil.rmtree(self.home / "conf.d", ignore_errors=True)
        for folder in ("state", "credentials", "conf.d"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            # Debian 12 has PostgreSQL 15, MigraTeck's db-core runs 16; the lab's PM2 belongs to an ordinary user.
            text = (
                (PROJECT / f"config/conf.d/{part}.yaml").read_text().replace("postgresql@16-main", "postgresql@15-main")
            )
            text = text.replace("probe: pm2\n", "probe: pm2\n    owner: mpanel\n    timeout: 8s\n")
            (self.home / "conf.d" / f"{part}.yaml").write_text(text)
        credentials = self.home / "credentials"
        (credentials / "ssh_key").write_text(self.lab.key.read_text())
        (credentials / "mpanel_app").write_text(self.lab.password_file.read_text())
        (credentials / "webhook_secret").write_text("drill")
        shutil.copy(self.lab.known_hosts, self.home / "known_hosts")
        shutil.copy(self.lab.trusted, self.home / "root.pem")
        self.config.write_text(MAIN.format(state=self.state, home=self.home, port=self.port))
        self._hand_over()

    def _hand_over(self) -> None:
        user = pwd.getpwnam(USER)
        for place in (self.home, *self.home.rglob("*")):
            os.chown(place, user.pw_uid, user.pw_gid)
            place.chmod(0o700 if place.is_dir() else 0o600)
