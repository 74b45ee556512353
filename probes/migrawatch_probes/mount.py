"""Whether a file system is really mounted, and answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from migrawatch.parse.mounts import Mount, covering, parse_mounts
from migrawatch.probe import FILES_REMEDIES, Contact, Down, Files, Measure, Probe, Reason, Unsure, Visit

MOUNTED = Measure("probe_mounted", "Whether the file system is mounted.")

TABLE = "/proc/mounts"
FSTAB = "/etc/fstab"
_AUTOFS = "autofs"


@dataclass(frozen=True, kw_only=True)
class MountProbe(Probe):
    """See by /proc/mounts that *path* lies on a file system of its own, and have that answer.

    *path* is the mount point or anything below it; where it lies on the root file system, nothing is mounted there.
    *kinds* are the types that it may have (`cifs`, `nfs4`, `zfs`); any but autofs if none are said. One that is mounted
    read-only is down unless *read_only* says that it should be.
    """

    path: str
    kinds: tuple[str, ...] = ()
    read_only: bool = False

    contact: ClassVar[Contact] = Contact.FILES
    measures: ClassVar[tuple[Measure, ...]] = (MOUNTED,)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        **FILES_REMEDIES,
        Reason.NOT_MOUNTED: (
            "ssh {host} \"findmnt --fstab -o TARGET,SOURCE,FSTYPE; systemctl list-units --all '*.mount'\"",
            'ssh {host} "mount -a"',
        ),
        Reason.MOUNT_HUNG: (
            'ssh {host} "findmnt -rno TARGET,SOURCE,FSTYPE -t cifs,smb3,nfs,nfs4,fuse; dmesg -T | tail -n 30"',
            "ssh {host} \"ps -eo pid,stat,wchan:30,args | grep ' D'\"",
        ),
        Reason.MOUNT_READ_ONLY: ('ssh {host} "dmesg -T | tail -n 50"',),
    }

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError(f"path: wanted one that begins with /, got {self.path!r}")

    @property
    def target(self) -> str:
        """The path."""
        return self.path

    async def observe(self, visit: Visit) -> None:
        """Read the table, touch what is mounted, and judge. Raise Down."""
        async with visit.files() as files:
            await self._look(visit, files)

    async def _look(self, visit: Visit, files: Files) -> None:
        mount = await self._mount(visit, files)
        if mount is not None and mount.kind == _AUTOFS:
            # It mounts what belongs there when somebody comes by, which we do; what stays autofs could not be mounted.
            await self._touch(visit, files, mount)
            mount = await self._mount(visit, files)
        if mount is None or mount.place == "/" or mount.kind == _AUTOFS:
            visit.measure(MOUNTED, 0.0)
            await self._tell_what_should_be(visit, files)
            what = "autofs waits, but mounts nothing" if mount and mount.kind == _AUTOFS else "nothing is mounted"
            raise Down(Reason.NOT_MOUNTED, f"{what} at {self.path} on {visit.subject.host}")
        visit.measure(MOUNTED, 1.0)
        if self.kinds and mount.kind not in self.kinds:
            raise Down(
                Reason.NOT_MOUNTED, f"{mount.kind} is mounted at {mount.place}, wanted {' or '.join(self.kinds)}"
            )
        await self._touch(visit, files, mount)
        if mount.read_only and not self.read_only:
            raise Down(Reason.MOUNT_READ_ONLY, f"{mount.place} ({mount.kind}) is mounted read-only")

    async def _mount(self, visit: Visit, files: Files) -> Mount | None:
        with visit.step("read mounts", late=Reason.COMMAND_TIMEOUT):
            try:
                mounts = parse_mounts((await files.read(TABLE)).decode(errors="replace"))
            except (OSError, ValueError) as error:
                raise Unsure(Reason.FILES_UNREADABLE, f"{TABLE}: {error}") from error
        if not any(mount.place == "/" for mount in mounts):
            raise Unsure(Reason.FILES_UNREADABLE, f"{TABLE} has no root file system in it")
        return covering(self.path, mounts)

    async def _touch(self, visit: Visit, files: Files, mount: Mount) -> None:
        with visit.step("touch", late=Reason.MOUNT_HUNG, closed=Reason.MOUNT_HUNG):
            try:
                # statfs(2) asks the server where stat(2) may be answered from memory, and has autofs mount.
                await files.space(mount.place)
                await files.entry(mount.place)
            except PermissionError as error:
                raise Unsure(Reason.FILES_UNREADABLE, f"{mount.place}: we may not read it") from error
            except OSError as error:
                if mount.kind == _AUTOFS:
                    return  # told by what is mounted afterwards: nothing
                raise Down(Reason.MOUNT_HUNG, f"{mount.place} ({mount.kind}): {error}") from error

    async def _tell_what_should_be(self, visit: Visit, files: Files) -> None:
        with visit.step("read fstab", late=Reason.COMMAND_TIMEOUT):
            try:
                planned = covering(self.path, parse_mounts((await files.read(FSTAB)).decode(errors="replace")))
            except (OSError, ValueError):
                return  # it only lends evidence
        if planned is not None and planned.place != "/":
            told = f"{planned.source} belongs at {planned.place}, as {planned.kind}"
        else:
            told = f"nothing belongs at {self.path}"
        visit.evidence(f"{visit.subject.host}: {FSTAB}", told)
