"""Mounts that are there, are not, hang, or are dead: real ones, from here and through a real sshd."""

import asyncio
from pathlib import Path

import pytest

from migrawatch.look import GRACE
from migrawatch.model import Observation, Verdict
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reason import Reason
from migrawatch_probes.mount import MountProbe
from tests.reach.ssh_servers import login_of
from tests.servers.looking import look_at
from tests.servers.mounts import dead, hung, in_memory, needs_mount, waiting
from tests.servers.sshd import SshServer, sshd


def said(seen: Observation) -> tuple[Verdict, Reason | None]:
    return seen.verdict, seen.reason


@needs_mount
async def test_what_is_mounted_and_answers_is_well(tmp_path: Path, far: Ssh) -> None:
    with in_memory(tmp_path):
        (tmp_path / "srv1").mkdir()
        for path in (tmp_path, tmp_path / "srv1"):
            for vantage in (Here(), far):
                seen = await look_at(MountProbe(path=str(path), kinds=("tmpfs",)), vantage=vantage)

                assert said(seen) == (Verdict.OK, None), seen.detail
                assert {reading.measure.name: reading.value for reading in seen.readings} == {"probe_mounted": 1.0}


async def test_an_empty_directory_where_a_share_should_be_is_not_mounted(far: Ssh) -> None:
    """Backups written into it would fill the root file system. /etc lies on that, wherever tests run."""
    for vantage in (Here(), far):
        seen = await look_at(MountProbe(path="/etc"), vantage=vantage)

        assert said(seen) == (Verdict.DOWN, Reason.NOT_MOUNTED), seen.detail
        assert seen.detail == "nothing is mounted at /etc on host"
        assert [(each.source, each.text) for each in seen.evidence] == [("host: /etc/fstab", "nothing belongs at /etc")]


@needs_mount
async def test_another_file_system_than_wanted_is_not_the_share(tmp_path: Path) -> None:
    with in_memory(tmp_path):
        seen = await look_at(MountProbe(path=str(tmp_path), kinds=("cifs", "nfs4")))

    assert said(seen) == (Verdict.DOWN, Reason.NOT_MOUNTED)
    assert seen.detail == f"tmpfs is mounted at {tmp_path}, wanted cifs or nfs4"


@needs_mount
async def test_autofs_alone_is_not_mounted(tmp_path: Path) -> None:
    """systemd's automount stands in /proc/mounts at the very place, whether or not it ever mounts the share."""
    with waiting(tmp_path):
        seen = await look_at(MountProbe(path=str(tmp_path)))

    assert said(seen) == (Verdict.DOWN, Reason.NOT_MOUNTED), seen.detail
    assert seen.detail.startswith("autofs waits, but mounts nothing")


@needs_mount
async def test_a_share_over_its_autofs_is_mounted(tmp_path: Path) -> None:
    with waiting(tmp_path), in_memory(tmp_path):
        seen = await look_at(MountProbe(path=str(tmp_path)))

    assert said(seen) == (Verdict.OK, None), seen.detail


@needs_mount
async def test_a_share_that_hangs_is_told_by_the_deadline_look_after_look(tmp_path: Path, far: Ssh) -> None:
    """More often than sshd allows sessions on one connection: a hung share must never look like a lost vantage."""
    await far.run(("true",))
    with hung(tmp_path):
        for vantage in (Here(), far):
            for _ in range(12):
                seen = await look_at(MountProbe(path=f"{tmp_path}/srv1"), vantage=vantage, timeout=0.4)

                assert said(seen) == (Verdict.DOWN, Reason.MOUNT_HUNG), seen.detail
                assert seen.detail == "touch: not done within 0.4 s"
                assert seen.took < 0.4 + GRACE
        assert (await asyncio.wait_for(far.run(("true",)), 2)).status == 0


@needs_mount
async def test_a_share_that_is_back_after_it_hung_is_well_again(tmp_path: Path, far: Ssh) -> None:
    probe = MountProbe(path=str(tmp_path))
    with hung(tmp_path):
        assert (await look_at(probe, vantage=far, timeout=0.3)).reason is Reason.MOUNT_HUNG
    with in_memory(tmp_path):
        assert (await look_at(probe, vantage=far)).verdict is Verdict.OK


@needs_mount
async def test_a_share_that_was_mounted_anew_is_well_though_the_old_one_hangs_for_ever(
    tmp_path: Path, far: Ssh
) -> None:
    """After `umount -l` and `mount` whoever waits for the old mount waits on: nobody new may wait with him."""
    probe = MountProbe(path=str(tmp_path))
    with hung(tmp_path):
        for vantage in (Here(), far):
            assert (await look_at(probe, vantage=vantage, timeout=0.3)).reason is Reason.MOUNT_HUNG
        with in_memory(tmp_path):
            for vantage in (Here(), far):
                assert (await look_at(probe, vantage=vantage)).verdict is Verdict.OK


@needs_mount
async def test_a_dead_file_system_does_not_answer(tmp_path: Path, far: Ssh) -> None:
    """Its errors come at once: a stale NFS handle, a CIFS server that is gone, an external disk that was pulled."""
    with dead(tmp_path):
        for vantage in (Here(), far):
            seen = await look_at(MountProbe(path=str(tmp_path)), vantage=vantage)

            assert said(seen) == (Verdict.DOWN, Reason.MOUNT_HUNG), seen.detail


@needs_mount
async def test_a_share_that_takes_no_writes_is_down_unless_that_is_meant(tmp_path: Path) -> None:
    """ext4 goes read-only after an error of its disk; every backup to it then fails."""
    with in_memory(tmp_path, "ro"):
        seen = await look_at(MountProbe(path=str(tmp_path)))
        meant = await look_at(MountProbe(path=str(tmp_path), read_only=True))

    assert said(seen) == (Verdict.DOWN, Reason.MOUNT_READ_ONLY)
    assert meant.verdict is Verdict.OK


async def test_a_host_without_a_table_of_mounts_cannot_be_judged(server: SshServer, tmp_path: Path) -> None:
    """sshd may lock an account into a directory, where there is no /proc."""
    (tmp_path / "sub").mkdir()
    with sshd(tmp_path / "sub", {"Subsystem": "sftp internal-sftp", "ChrootDirectory": "/srv"}) as locked:
        vantage = Ssh(login_of(locked), Here())
        seen = await look_at(MountProbe(path="/mnt"), vantage=vantage)
        await vantage.close()

    assert said(seen) == (Verdict.UNKNOWN, Reason.FILES_UNREADABLE), seen.detail


def test_a_path_must_be_whole() -> None:
    with pytest.raises(ValueError, match="begins with /"):
        MountProbe(path="mnt/backup")
