"""migraguard-quantum: a Debian 12 with nothing of ours, booted with systemd as PID 1 on a bridge that leads nowhere."""

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab import network
from tests.lab.lab import remove
from tests.lab.machine import Machine
from tests.lab.plan import RUNTIME, WORDS_PATH, Host
from tests.lab.root import bare, locked
from tests.lab.shell import LabError

QUANTUM = Host(name="quantum", address="10.1.10.240", ready="systemctl is-active --quiet multi-user.target")


@contextmanager
def quantum(lab: str) -> Iterator[Machine]:
    """The machine, up; nothing of it is left afterwards, nor of an earlier one of this name.

    Who rehearses at the same time waits: two of one name would take each other's away.
    """
    root = bare()
    RUNTIME.mkdir(parents=True, exist_ok=True)
    with locked(RUNTIME / f"{lab}.lock"), _booted(Machine(lab=lab, host=QUANTUM), root) as machine:
        yield machine


@contextmanager
def _booted(machine: Machine, root: Path) -> Iterator[Machine]:
    lab = machine.lab
    remove(lab, (QUANTUM,))
    try:
        network.make(lab, (QUANTUM,))
        machine.lay_disk([root])
        (machine.disk / "etc/hostname").write_text("migraguard-quantum\n")
        (machine.disk / "etc/machine-id").write_text(f"{secrets.token_hex(16)}\n")
        (machine.disk / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 migraguard-quantum\n")
        words = machine.disk / WORDS_PATH
        words.parent.mkdir(parents=True, exist_ok=True)
        words.touch()
        _boot(machine)
        yield machine
    finally:
        remove(lab, (QUANTUM,))


def _boot(machine: Machine) -> None:
    machine.boot()
    machine.wait(time.monotonic() + 120)
    # nspawn shows the kernel's settings read-only; those of its own network are this machine's to change.
    settings = "/proc/sys/net"
    machine.sh(f"mount --bind {settings} {settings}; mount -o remount,bind,rw {settings}")


def reboot(machine: Machine) -> None:
    """Have systemd end everything in its order, and boot what lies on the disk."""
    machine.sh("systemctl --no-block reboot")
    _boot_again(machine)


def cut_power(machine: Machine) -> None:
    """End everything at once, and boot what lies on the disk."""
    for group in machine.groups:
        if (group / "cgroup.kill").exists():
            (group / "cgroup.kill").write_text("1")
    _boot_again(machine)


def _boot_again(machine: Machine) -> None:
    # Without a systemd outside nspawn ends at a reboot, and leaves it to whoever started it to do so again.
    until = time.monotonic() + 120
    while any(procs.read_text().strip() for group in machine.groups for procs in group.rglob("cgroup.procs")):
        if time.monotonic() > until:
            raise LabError(f"{machine.host.name} would not go down")
        time.sleep(0.1)
    _boot(machine)


def give(machine: Machine, source: Path, target: str) -> None:
    """Copy a file onto the machine."""
    shutil.copy(source, machine.disk / target.lstrip("/"))


def shown(machine: Machine, unit: str, *names: str) -> dict[str, str]:
    """What `systemctl show` says of *unit*."""
    said = machine.run("systemctl", "show", f"--property={','.join(names)}", unit)
    return dict(line.split("=", 1) for line in said.splitlines())


def refused(machine: Machine, *argv: str) -> str:
    """What *argv* says when it fails, as it must."""
    try:
        said = machine.run(*argv)
    except LabError as error:
        return str(error)
    raise AssertionError(f"{argv} should have failed; it said {said}")
