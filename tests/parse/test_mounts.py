"""/proc/mounts and /etc/fstab."""

import pytest

from migrawatch.parse.mounts import Mount, covering, number_of, parse_mounts

PVE = r"""sysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0
/dev/mapper/pve-root / ext4 rw,relatime,errors=remount-ro 0 0
clients-main /clients-main zfs rw,xattr,noacl 0 0
systemd-1 /mnt/windows-backup autofs rw,relatime,fd=47,pgrp=1,timeout=0,minproto=5,maxproto=5,direct 0 0
//10.1.10.50/back\040up /mnt/windows-backup cifs ro,relatime,vers=3.0,username=pve,password=hunter2 0 0
/dev/sdb1 /mnt/windows-backup/srv2 ext4 rw 0 0
"""
MOUNTS = parse_mounts(PVE)


@pytest.mark.parametrize(
    ("path", "place", "kind"),
    [
        ("/mnt/windows-backup", "/mnt/windows-backup", "cifs"),
        ("/mnt/windows-backup/", "/mnt/windows-backup", "cifs"),
        ("/mnt/windows-backup/srv1/", "/mnt/windows-backup", "cifs"),
        ("/mnt/windows-backup/srv2", "/mnt/windows-backup/srv2", "ext4"),
        ("/mnt/windows-backup-old", "/", "ext4"),
        ("/", "/", "ext4"),
    ],
)
def test_a_path_lies_on_the_deepest_mount_and_the_last_hides_the_first(path: str, place: str, kind: str) -> None:
    found = covering(path, MOUNTS)

    assert found is not None
    assert (found.place, found.kind) == (place, kind)


MOUNTINFO = r"""29 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
41 29 0:37 / /mnt/windows-backup rw,relatime shared:20 - autofs systemd-1 rw,fd=47
96 41 0:52 / /mnt/windows-backup rw,relatime shared:55 - cifs //10.1.10.50/backup rw,vers=3.0
97 29 0:53 / /mnt/with\040blank rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "number"),
    [("/mnt/windows-backup/srv1", "96"), ("/mnt/with blank", "97"), ("/mnt/windows", "29"), ("/", "29")],
)
def test_each_mount_has_its_number(path: str, number: str) -> None:
    assert number_of(path, MOUNTINFO) == number


@pytest.mark.parametrize("text", ["", "garbage\n", "\x01\xff [{\n\n}=\n"])
def test_a_host_that_tells_no_mounts_has_no_numbers(text: str) -> None:
    assert number_of("/mnt", text) == ""


def test_without_a_root_nothing_covers() -> None:
    assert covering("/mnt", ()) is None


def test_names_are_plain_and_no_option_is_kept_but_one() -> None:
    """The options of CIFS hold its password."""
    share = MOUNTS[4]

    assert share == Mount(source="//10.1.10.50/back up", place="/mnt/windows-backup", kind="cifs", read_only=True)
    assert "hunter2" not in repr(MOUNTS)


def test_errors_remount_ro_is_not_read_only() -> None:
    assert not MOUNTS[1].read_only


def test_fstab_has_comments_and_empty_lines() -> None:
    assert parse_mounts("# <file system> ...\n\nUUID=1-2 /boot vfat defaults 0 1\n") == (
        Mount(source="UUID=1-2", place="/boot", kind="vfat"),
    )


@pytest.mark.parametrize("text", ["garbage\n", "\x01\xff [{\n\n}=\n", "a b c\n"])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a table"):
        parse_mounts(text)
