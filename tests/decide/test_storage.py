"""What lies behind a backup that is missing, old or empty: the place it should lie on, and nothing else."""

import pytest

from migrawatch.decide.blame import explains
from migrawatch.decide.standing import Standing
from migrawatch.model import Subject
from migrawatch.reason import Reason
from tests.decide.boards import START, observation, subject

BACKUP = subject("backup/srv1", "pve", "backups of srv1", probe="backup", vantage="pve", needs=["mount/srv1"])
MOUNT = subject("mount/srv1", "pve", "backup share", probe="mount", vantage="pve")
DISK = subject("disk/root@pve", "pve", "disk", probe="disk", vantage="pve")


def standing(one: Subject, reason: Reason) -> Standing:
    return Standing(subject=one, seen=observation(one, START, reason))


@pytest.mark.parametrize("reason", [Reason.BACKUP_MISSING, Reason.BACKUP_STALE, Reason.BACKUP_EMPTY])
@pytest.mark.parametrize("behind", [Reason.NOT_MOUNTED, Reason.MOUNT_HUNG, Reason.MOUNT_READ_ONLY])
def test_a_share_that_is_gone_explains_what_is_wrong_with_the_backups_on_it(reason: Reason, behind: Reason) -> None:
    """Else an unmounted share would page once for itself and once for every server's directory."""
    assert explains(standing(MOUNT, behind), standing(BACKUP, reason))


@pytest.mark.parametrize("behind", [Reason.DISK_FULL, Reason.POOL_FULL, Reason.POOL_DEGRADED, Reason.POOL_MISSING])
def test_no_room_explains_backups_that_fail(behind: Reason) -> None:
    assert explains(standing(DISK, behind), standing(BACKUP, Reason.BACKUP_FAILED))


@pytest.mark.parametrize("behind", [Reason.UNIT_INACTIVE, Reason.BACKUP_STALE, Reason.FILES_UNREADABLE])
def test_nothing_else_explains_a_backup(behind: Reason) -> None:
    assert not explains(standing(DISK, behind), standing(BACKUP, Reason.BACKUP_STALE))
