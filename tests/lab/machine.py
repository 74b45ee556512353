"""One host of the lab: a systemd-nspawn container over its root's layers, with a disk of its own in memory."""

import errno
import os
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from tests.lab.network import entered, namespace_of, path_of
from tests.lab.plan import RUNTIME, WORDS_PATH, Host
from tests.lab.shell import PATH, LabError, run, succeeds

DISK = "size=2g,nr_inodes=500k"
CLEAN = ("env", "-i", f"PATH={PATH}", "HOME=/root", "LC_ALL=C.UTF-8")


@cache
def hierarchies() -> tuple[Path, ...]:
    """Where groups of ours go: the unified hierarchy first, then systemd's own where that is apart."""
    rows = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    unified = [Path(row[1]) for row in rows if row[2] == "cgroup2"]
    named = [Path(row[1]) for row in rows if row[2] == "cgroup" and "name=systemd" in row[3]]
    if not unified:
        raise LabError("this machine has no unified cgroup hierarchy: hosts could not be frozen or ended whole")
    return (*unified[:1], *named[:1])


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A host of the lab *lab*, running or not."""

    lab: str
    host: Host

    @property
    def home(self) -> Path:
        """The memory file system of this host."""
        return RUNTIME / self.lab / "hosts" / self.host.name

    @property
    def disk(self) -> Path:
        """The host's root as the machine sees it."""
        return self.home / "root"

    @property
    def namespace(self) -> str:
        """The host's network namespace."""
        return namespace_of(self.lab, self.host.name)

    @property
    def groups(self) -> tuple[Path, ...]:
        """The host's control groups."""
        return tuple(top / f"mwlab-{self.lab}" / self.host.name for top in hierarchies())

    def lay_disk(self, layers: list[Path]) -> Self:
        """Mount a fresh disk over *layers*, topmost first."""
        self.home.mkdir(parents=True)
        run("mount", "-t", "tmpfs", "-o", f"{DISK},mode=755", f"mwlab-{self.lab}", str(self.home))
        upper, index = self.home / "changes", self.home / "index"
        for folder in (upper, index, self.disk):
            folder.mkdir()
        below = ":".join(map(str, layers))
        run(
            "mount",
            "-t",
            "overlay",
            "overlay",
            "-o",
            f"lowerdir={below},upperdir={upper},workdir={index}",
            str(self.disk),
        )
        return self

    def resize_disk(self, options: str) -> None:
        """Change the size of the host's disk while it runs, by *options* of tmpfs."""
        run("mount", "-o", f"remount,{options}", str(self.home))

    def boot(self) -> None:
        """Start the container; return at once."""
        for group in self.groups:
            group.mkdir(parents=True, exist_ok=True)
        join = "".join(f"echo $$ > {group}/cgroup.procs; " for group in self.groups)
        name = self.host.name
        # Without --register and --keep-unit nspawn asks a systemd outside, and this machine may have none.
        nspawn = [
            "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot", "--console=pipe",
            f"--network-namespace-path={path_of(self.namespace)}", f"--directory={self.disk}",
            f"--machine=mwlab-{self.lab}-{name}", f"--hostname={name}",
            "--resolv-conf=off", "--timezone=off", "--link-journal=no",
            *(f"--bind={device}" for device in self.host.devices),
        ]  # fmt: skip
        # The shell leaves it in the background: a lab outlives whoever upped it.
        start = f'{join}exec >"$1" 2>&1; shift; setsid "$@" </dev/null &'
        run("sh", "-euc", start, "sh", str(self.home / "console"), *nspawn)

    def leader(self) -> int:
        """The host's PID 1, as the machine counts."""
        for group in reversed(self.groups):
            try:
                return int((group / "payload/init.scope/cgroup.procs").read_text().split()[0])
            except (OSError, IndexError):
                continue
        raise LabError(f"{self.host.name} is not running: {self._console()}")

    def _console(self) -> str:
        said = self.home / "console"
        return said.read_text(errors="replace")[-500:].strip() if said.exists() else "never booted"

    def entered(self) -> AbstractContextManager[None]:
        """Stand in this host's network inside the block: the calling thread, threads and children it starts there."""
        return entered(self.namespace)

    def inside(self, *argv: str) -> tuple[str, ...]:
        """What to run on the machine so that *argv* runs as root on this host."""
        return ("nsenter", f"--target={self.leader()}", "--all", *CLEAN, *argv)

    def run(self, *argv: str, stdin: str = "", timeout: float = 30) -> str:
        """Run *argv* on this host as root; give back what it printed, or raise LabError."""
        # The limit stands inside: ending nsenter alone would leave what it started running on the host.
        limited = ("timeout", "--kill-after=1", f"{timeout:g}", *argv)
        return run(*self.inside(*limited), stdin=stdin, timeout=timeout + 5)

    def sh(self, script: str, timeout: float = 60) -> str:
        """Run a shell script on this host as root; its first failing command raises LabError."""
        return self.run("sh", "-euc", script, timeout=timeout)

    def answers(self) -> bool:
        """Whether this host's services are up."""
        try:
            return succeeds(*self.inside("sh", "-c", f". /{WORDS_PATH}; {self.host.ready}"), timeout=10)
        except LabError:
            return False

    def wait(self, until: float) -> None:
        """Return once this host's services answer; raise LabError at the monotonic time *until*."""
        while not self.answers():
            if time.monotonic() > until:
                raise LabError(f"{self.host.name} did not come up: {self._console()}")
            time.sleep(0.1)

    def freeze(self, frozen: bool) -> None:
        """Stop every process of this host where it stands, as a hypervisor out of breath does; or let them go on."""
        group = self.groups[0]
        (group / "cgroup.freeze").write_text("1" if frozen else "0")
        until = time.monotonic() + 5
        while f"frozen {frozen:d}" not in (group / "cgroup.events").read_text():
            if time.monotonic() > until:
                raise LabError(f"{self.host.name} would not {'freeze' if frozen else 'thaw'}")
            time.sleep(0.01)


def end_groups(lab: str) -> None:
    """Kill everything that runs in *lab*, frozen or not, and take its control groups away."""
    for top in hierarchies():
        group = top / f"mwlab-{lab}"
        if not group.exists():
            continue
        if (group / "cgroup.kill").exists():
            (group / "cgroup.kill").write_text("1")
        until = time.monotonic() + 10
        while any(procs.read_text().strip() for procs in group.rglob("cgroup.procs")):
            if time.monotonic() > until:
                raise LabError(f"processes of {group} would not end")
            time.sleep(0.02)
        for folder, _, _ in os.walk(group, topdown=False):
            _remove_group(Path(folder), until)


def _remove_group(group: Path, until: float) -> None:
    # A process that is ending is in no list any more, and holds its group a moment longer.
    while True:
        try:
            group.rmdir()
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > until:
                raise LabError(f"{group} would not go: {error}") from error
            time.sleep(0.02)
        else:
            return
