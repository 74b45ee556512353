"""Backups' names and their dates: vzdump writes its host's local time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from migrawatch.parse.backup_name import VZDUMP, VZDUMP_AT, dated, moments, parse_zone
from migrawatch.talk.expression import expression

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("vzdump-qemu-101-2026_11_26-02_00_00.vma.zst", "qemu-101"),
        ("vzdump-qemu-101-2026_11_26-02_00_00.vma.gz", "qemu-101"),
        ("vzdump-qemu-101-2026_11_26-02_00_00.vma.lzo", "qemu-101"),
        ("vzdump-qemu-101-2026_11_26-02_00_00.vma", "qemu-101"),
        ("vzdump-lxc-2207-2026_11_26-02_00_00.tar.zst", "lxc-2207"),
        ("vzdump-lxc-2207-2026_11_26-02_00_00.tgz", "lxc-2207"),
        ("vzdump-openvz-7-2014_01_02-02_00_00.tar.gz", "openvz-7"),
        ("vzdump-qemu-101-2026_11_26-02_00_00.log", None),
        ("vzdump-qemu-101-2026_11_26-02_00_00.vma.zst.notes", None),
        ("vzdump-qemu-101-2026_11_26-02_00_00.vma.zst.protected", None),
        ("vzdump-qemu-101-2026_11_26-02_00_00.vma.dat", None),
        ("vzdump-lxc-2207-2026_11_26-02_00_00.tmp", None),
        ("my-vzdump-qemu-101-2026_11_26-02_00_00.vma.zst", None),
    ],
)
def test_what_vzdump_writes_is_told_from_what_lies_beside_it(name: str, series: str | None) -> None:
    parts = expression(VZDUMP).named_in(name.encode())

    assert (parts["series"] if parts else None) == series


@pytest.mark.parametrize(
    ("zone", "utc"),
    [
        (UTC, [datetime(2026, 11, 26, 2, 0, tzinfo=UTC)]),
        (BERLIN, [datetime(2026, 11, 26, 1, 0, tzinfo=UTC)]),
        (NEW_YORK, [datetime(2026, 11, 26, 7, 0, tzinfo=UTC)]),
    ],
)
def test_a_name_is_on_the_clock_of_its_host(zone: ZoneInfo, utc: list[datetime]) -> None:
    assert list(moments("2026_11_26-02_00_00", VZDUMP_AT, zone)) == utc


def test_the_hour_that_is_had_twice_is_two_moments_and_the_file_tells_which() -> None:
    """On 25 October 2026 it is 02:30 twice in Berlin, at 00:30 and at 01:30 UTC."""
    told = moments("2026_10_25-02_30_00", VZDUMP_AT, BERLIN)
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))

    assert told == (first, second)
    assert dated(told, first + timedelta(minutes=20), NOW) == (first, "")
    assert dated(told, second + timedelta(minutes=20), NOW) == (second, "")


def test_a_name_with_its_own_offset_needs_no_zone() -> None:
    assert moments("20261126T020000+0100", "%Y%m%dT%H%M%S%z", NEW_YORK) == (datetime(2026, 11, 26, 1, tzinfo=UTC),)


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="does not match"):
        moments("2026_99_26-02_00_00", VZDUMP_AT, UTC)


def test_a_copy_is_as_old_as_its_name_says() -> None:
    """rsync without -t gives the copy the date of the copying."""
    begun = NOW - timedelta(days=3)

    assert dated((begun,), NOW - timedelta(hours=1), NOW) == (begun, "")


def test_a_name_of_the_future_gives_way_to_its_file_and_is_told() -> None:
    """The wrong zone: believed, its backups would never be too old; as missing, all would be."""
    written = NOW - timedelta(minutes=30)

    at, oddity = dated((NOW + timedelta(hours=1),), written, NOW)

    assert at == written
    assert oddity == "is named for 2026-11-26 04:00:00 UTC, but was written before: is its time zone right?"


def test_without_a_time_in_the_name_the_file_counts() -> None:
    assert dated((), NOW - timedelta(hours=1), NOW) == (NOW - timedelta(hours=1), "")
    assert dated((), NOW + timedelta(hours=1), NOW)[1] == "is dated 2026-11-26 04:00:00 UTC, in the future"


def test_two_clocks_may_differ_a_little() -> None:
    assert dated((NOW + timedelta(minutes=4),), NOW + timedelta(minutes=4), NOW)[1] == ""


def test_the_hosts_zone_is_read_from_its_file() -> None:
    zone = parse_zone(Path("/usr/share/zoneinfo/Europe/Berlin").read_bytes())

    assert moments("2026_07_01-02_00_00", VZDUMP_AT, zone) == (datetime(2026, 7, 1, 0, tzinfo=UTC),)


@pytest.mark.parametrize("content", [b"", b"Europe/Berlin\n", b"TZif2", b"TZif2" + b"\xff" * 60])
def test_what_is_no_zone_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="not the file of a time zone"):
        parse_zone(content)
