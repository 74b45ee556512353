"""The lab: up, down, and the way into it."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.lab import network
from tests.lab.authority import Authority
from tests.lab.faults import FAULTS
from tests.lab.health import answers, questions
from tests.lab.machine import Machine, end_groups
from tests.lab.outfit import dress
from tests.lab.plan import HOSTS, RUNTIME, Host
from tests.lab.root import password, roots
from tests.lab.shell import LabError, run
from tests.lab.truth import Fault

_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
_ENOUGH = 1024


@dataclass(frozen=True)
class Lab:
    """One lab, by its name; several stand side by side. As a context manager it is up inside and gone after.

    With fewer *hosts* it is up sooner; each of plan.py's groups is well on its own.
    """

    name: str = "lab"
    hosts: tuple[Host, ...] = HOSTS

    @property
    def home(self) -> Path:
        """Keys, known hosts, certificates and passwords of this lab, and its hosts' disks."""
        return RUNTIME / self.name

    @property
    def key(self) -> Path:
        """The private key of the user migrawatch on every host, good for what its gate lets through."""
        return self.home / "id_ed25519"

    @property
    def own_key(self) -> Path:
        """The lab's own private key, which no gate stands before: for looking whether all is well."""
        return self.home / "id_lab"

    @property
    def known_hosts(self) -> Path:
        """The hosts' keys, by address and by name."""
        return self.home / "known_hosts"

    @property
    def authority(self) -> Authority:
        """Who signs this lab's certificates."""
        return Authority(self.home / "authority")

    @property
    def trusted(self) -> Path:
        """The root certificate to trust."""
        return self.authority.root

    @property
    def password_file(self) -> Path:
        """Our copy of mpanel_app's password."""
        return self.home / "mpanel_app"

    @property
    def password(self) -> str:
        """What db-core and the backend take for mpanel_app's password, and mail-core for each mailbox's."""
        return password()

    @property
    def namespace(self) -> str:
        """The network namespace where the daemon stands, at 10.1.10.250."""
        return network.namespace_of(self.name)

    @property
    def machines(self) -> dict[str, Machine]:
        """The hosts by name."""
        return {host.name: Machine(lab=self.name, host=host) for host in self.hosts}

    def machine(self, name: str) -> Machine:
        """One host; LabError if this lab has been put up without it."""
        if name not in self.machines:
            raise LabError(f"the lab {self.name} has no host {name}")
        return self.machines[name]

    def up(self) -> Self:
        """Start every host and wait until its services answer. What an earlier lab of this name left is removed.

        Raise LabError unless all is well then: no fault can be told from a lab that was broken from the start.
        """
        layers = roots(self.hosts)
        deadline = time.monotonic() + 100
        _make_room()
        with self._locked():
            remove(self.name)
            self.home.mkdir(parents=True, mode=0o755)
            network.make(self.name, self.hosts)
            self._make_keys()
            # What the configuration of the drills asks of each host; it is laid out from a lab, so imported late.
            from tests.drills.gates import gates_of

            gates = gates_of(self)
            for machine in self.machines.values():
                gate = gates.get(machine.host.name)
                dress(machine.lay_disk(layers[machine.host.name]), self.home, self.authority, self.hosts, gate)
                machine.boot()
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda machine: machine.wait(deadline), self.machines.values()))
        self._wait_until_well("the start")
        return self

    def _make_keys(self) -> None:
        for key in (self.key, self.own_key):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "migrawatch", "-f", str(key))
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(self.password)
        self.authority.found("Lab")
        self.known_hosts.touch()

    def down(self) -> None:
        """Take everything of this lab away, whatever state it is in."""
        with self._locked():
            remove(self.name)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        RUNTIME.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(RUNTIME / f"{self.name}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def __enter__(self) -> Self:
        try:
            return self.up()
        except BaseException:
            # What is left of it would take the room of the labs beside it.
            self.down()
            raise

    def __exit__(self, *_: object) -> None:
        self.down()

    def entered(self) -> AbstractContextManager[None]:
        """Stand in the lab inside the block: the calling thread, threads and children it starts there."""
        return network.entered(self.namespace)

    def enter(self) -> None:
        """Move the calling thread into the lab for good."""
        network.enter(self.namespace)

    def inside(self, *argv: str) -> tuple[str, ...]:
        """What to run so that *argv* runs where the daemon stands."""
        return ("nsenter", f"--net={network.path_of(self.namespace)}", *argv)

    def run(self, *argv: str, timeout: float = 30) -> str:
        """Run *argv* where the daemon stands; give back what it printed, or raise LabError."""
        return run(*self.inside(*argv), timeout=timeout)

    def ssh(self, host: str, *command: str, timeout: float = 15, key: Path | None = None) -> str:
        """Run *command* on a host by SSH as its user migrawatch, with the lab's own key unless another is given."""
        options = (
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "ConnectTimeout=5",
            "-o",
            f"UserKnownHostsFile={self.known_hosts}",
            # The one it prefers is safe from quantum computers, and takes seven times the CPU.
            "-o",
            "KexAlgorithms=curve25519-sha256",
        )
        place = f"migrawatch@{self.machines[host].host.address}"
        return self.run("ssh", *options, "-i", str(key or self.own_key), place, *command, timeout=timeout)

    @contextmanager
    def fault(self, name: str) -> Iterator[Fault]:
        """Break something for real inside the block; afterwards mend it, and wait until the lab is well again."""
        fault = FAULTS[name]
        try:
            fault.inject(self)
            yield fault
        finally:
            self.heal(name)

    def heal(self, name: str) -> None:
        """Mend the fault *name*, whether it was injected or not, and wait until the lab is well."""
        FAULTS[name].heal(self)
        self._wait_until_well(f"healing {name}")

    def _wait_until_well(self, after: str) -> None:
        deadline = time.monotonic() + 30
        asked = everything = questions(self)
        while (ailing := answers(self, asked)) or asked is not everything:
            if ailing and time.monotonic() > deadline:
                told = "; ".join(said for answer in ailing.values() for said in answer)
                raise LabError(f"not well after {after}: {told}")
            if ailing:
                time.sleep(0.2)
            # What was well is asked again once all is.
            asked = tuple(ailing) or everything

    def status(self) -> dict[str, bool]:
        """Whether each host's services answer."""
        return {name: machine.answers() for name, machine in self.machines.items()}


def _make_room() -> None:
    """Let more than twenty hosts run at once: each takes six inotify instances of root's, and 128 are the default."""
    if int(_INSTANCES.read_text()) < _ENOUGH:
        _INSTANCES.write_text(str(_ENOUGH))


def remove(lab: str, hosts: tuple[Host, ...] = HOSTS) -> None:
    """Take away whatever there is of *lab* and its *hosts*, in whatever state it is."""
    end_groups(lab)
    home = RUNTIME / lab
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for place in reversed([place for place in mounted if place.startswith(f"{home}/")]):
        run("umount", "--lazy", place)
    network.remove(lab, hosts)
    shutil.rmtree(home, ignore_errors=True)


def standing(name: str) -> Lab:
    """The lab *name* with the hosts it was put up with."""
    lab = Lab(name)
    return Lab(name, tuple(machine.host for machine in lab.machines.values() if machine.home.exists()))
