"""File systems that are full, out of inodes, or filling: real ones in memory, from here and through a real sshd."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from migrawatch.model import Observation, Verdict
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reason import Reason
from migrawatch_probes.disk import DiskProbe
from tests.servers.looking import look_at
from tests.servers.mounts import dead, hung, in_memory, needs_mount

MIB = 1024**2
AT = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
WARN, DOWN, UNKNOWN = Verdict.WARN, Verdict.DOWN, Verdict.UNKNOWN


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB and 100 inodes."""
    with in_memory(tmp_path, "size=16m,nr_inodes=100"):
        yield tmp_path


def findings(seen: Observation) -> list[tuple[Verdict, Reason]]:
    return [(finding.verdict, finding.reason) for finding in seen.findings]


def write(disk: Path, mib: float, name: str = "file") -> None:
    (disk / name).write_bytes(bytes(round(mib * MIB)))


class Days:
    """Looks one after the other, each remembering the one before, as the daemon makes them."""

    def __init__(self, disk: Path) -> None:
        self.disk = disk
        self.at = AT
        self.last: Any = None

    async def look(self, mib: float, after: timedelta) -> Observation:
        """One look, *after* the one before, at so much that is used."""
        write(self.disk, mib)
        self.at += after
        probe = DiskProbe(path=str(self.disk))
        return await look_at(probe, at=self.at, last=self.last, remember=lambda value: setattr(self, "last", value))


@needs_mount
@pytest.mark.parametrize(
    ("mib", "found", "detail"),
    [
        (8, [], ""),
        (13, [], ""),
        (14, [(WARN, Reason.DISK_FILLING)], " is 87 % full, 2 MiB are free, wanted less than 85 %"),
        (15.5, [(DOWN, Reason.DISK_FULL)], " is 96 % full, 512 KiB are free"),
        (16, [(DOWN, Reason.DISK_FULL)], " is 100 % full, 0 B are free"),
    ],
)
async def test_what_is_used_is_judged_at_once(
    disk: Path, far: Ssh, mib: float, found: list[tuple[Verdict, Reason]], detail: str
) -> None:
    write(disk, mib)
    for vantage in (Here(), far):
        seen = await look_at(DiskProbe(path=str(disk)), vantage=vantage)

        assert findings(seen) == found, seen.detail
        assert seen.detail.endswith(detail)
        told = {reading.measure.name: reading.value for reading in seen.readings}
        assert (told["probe_disk_size_bytes"], told["probe_disk_inodes"]) == (16 * MIB, 100)
        assert told["probe_disk_free_bytes"] == (16 - mib) * MIB


@needs_mount
async def test_a_disk_with_room_but_no_inodes_is_full_too(disk: Path, far: Ssh) -> None:
    """Sessions, mail queues and caches make millions of tiny files: `No space left on device` at half the bytes."""
    for number in range(96):
        (disk / f"sess_{number}").touch()
    for vantage in (Here(), far):
        seen = await look_at(DiskProbe(path=str(disk)), vantage=vantage)

        assert findings(seen) == [(DOWN, Reason.DISK_FULL)]
        assert "% out of inodes" in seen.detail


@needs_mount
async def test_a_disk_that_fills_within_two_hours_is_down_before_it_is_full(disk: Path) -> None:
    days = Days(disk)
    seen = [await days.look(1 + number, timedelta(minutes=5)) for number in range(5)]

    assert [findings(each) for each in seen] == [
        [],
        [],
        [],
        [(DOWN, Reason.DISK_FILLING)],
        [(DOWN, Reason.DISK_FILLING)],
    ]
    # 11 MiB are left, of which one goes every five minutes.
    assert seen[-1].detail == (
        f"{disk} will be full in 55 min at the last hour's rate: {AT + timedelta(minutes=80):%Y-%m-%d %H:%M:%S} UTC"
    )
    told = {reading.measure.name: reading.value for reading in seen[-1].readings}
    assert told["probe_disk_full_timestamp_seconds"] == pytest.approx((AT + timedelta(minutes=80)).timestamp(), abs=1)


@needs_mount
async def test_a_disk_that_fills_within_three_days_warns_after_a_day(disk: Path) -> None:
    days = Days(disk)
    seen = [await days.look(4 + number / 4, timedelta(hours=1)) for number in range(22)]

    assert {tuple(findings(each)) for each in seen[:20]} == {()}
    assert findings(seen[-1]) == [(WARN, Reason.DISK_FILLING)]
    assert "will be full in 27 h at the last day's rate" in seen[-1].detail


@needs_mount
async def test_a_disk_that_does_not_grow_tells_no_date(disk: Path) -> None:
    days = Days(disk)
    seen = [await days.look(8, timedelta(hours=1)) for _ in range(25)]

    assert findings(seen[-1]) == []
    assert "probe_disk_full_timestamp_seconds" not in {reading.measure.name for reading in seen[-1].readings}


@needs_mount
async def test_a_disk_that_hangs_or_is_dead_is_told_as_what_it_is(tmp_path: Path, far: Ssh) -> None:
    for vantage in (Here(), far):
        with hung(tmp_path):
            seen = await look_at(DiskProbe(path=str(tmp_path)), vantage=vantage, timeout=0.4)
        assert findings(seen) == [(DOWN, Reason.MOUNT_HUNG)]

        with dead(tmp_path):
            seen = await look_at(DiskProbe(path=str(tmp_path)), vantage=vantage)
        assert findings(seen) == [(DOWN, Reason.MOUNT_HUNG)]


@pytest.mark.parametrize(("path", "why"), [("/nowhere", "/nowhere is not there"), ("/proc", "tells no size")])
async def test_what_has_no_size_cannot_be_judged(far: Ssh, path: str, why: str) -> None:
    for vantage in (Here(), far):
        seen = await look_at(DiskProbe(path=path), vantage=vantage)

        assert findings(seen) == [(UNKNOWN, Reason.FILES_UNREADABLE)]
        assert why in seen.detail


def test_a_warning_above_the_alarm_is_refused() -> None:
    with pytest.raises(ValueError, match="full_warn must not be over full_down"):
        DiskProbe(full_warn=0.96)
