"""A real sshd with an account whose one key stands behind the gate, as `migrawatch gate` has it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from migrawatch.decide.gate import PROGRAM, Gate
from migrawatch.model import Access
from tests.servers.sshd import SshServer, sshd

GATE = Path(__file__).parents[2] / "deploy" / "ssh" / "migrawatch-gate"
REFUSED = 126
USER = "migrawatch"
UID = 64_999


def gate_of(access: Access) -> Gate:
    """The gate of a host that is asked for *access*."""
    return Gate(user=USER, public_key="", access=access)


@contextmanager
def gated(access: Access, limit: int = 3600) -> Iterator[tuple[SshServer, Path]]:
    """An sshd that permits *access* and nothing more, and a folder where the account could do harm.

    The gate ends a command after *limit* seconds.
    """
    gate = gate_of(access)
    with tempfile.TemporaryDirectory(prefix="gated-") as place:
        folder, home = Path(place), Path(place) / "home"
        folder.chmod(0o755)
        home.mkdir()
        home.chmod(0o777)
        shutil.copy(GATE, folder / "migrawatch-gate")
        (folder / "list").write_text(gate.commands)
        # sshd accepts what Debian's does: what a client says of its language.
        head, *settings = gate.sshd.splitlines()
        match = {"AcceptEnv": "LANG LC_*", "Match": head.partition(" ")[2]}
        inside = dict(line.split(maxsplit=1) for line in settings)
        options = gate.authorized_keys.strip().replace(
            f'"{PROGRAM}"', f'"{folder}/migrawatch-gate {folder}/list {limit}"'
        )
        (folder / "sudoers").write_text(gate.sudoers)
        with sshd(folder, {**match, **inside}, options, user=USER, within=_with_account(folder, home)) as running:
            yield running, home


def _with_account(folder: Path, home: Path) -> tuple[str, ...]:
    """The command that runs another where there is the account, whom the machine itself does not know."""
    for name, line in (("passwd", f"{USER}:*:{UID}:{UID}::{home}:/bin/sh\n"), ("group", f"{USER}:x:{UID}:\n")):
        (folder / name).write_text(Path("/etc", name).read_text() + line)
    binds = " && ".join(f"mount --bind {folder}/{name} /etc/{name}" for name in ("passwd", "group"))
    binds += (
        f" && mount -t tmpfs -o mode=750 none /etc/sudoers.d && install -m 440 {folder}/sudoers /etc/sudoers.d/gate"
    )
    return ("unshare", "--mount", "sh", "-euc", f'{binds} && exec "$@"', "sh")
