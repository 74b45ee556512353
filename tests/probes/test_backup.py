"""Directories of backups on a real disk, from here and through a real sshd, with each fault that backups have."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from migrawatch.model import Observation, Verdict
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reason import Reason
from migrawatch_probes.backup import BackupProbe
from tests.servers.backups import Dumps
from tests.servers.looking import look_at
from tests.servers.mounts import hung, in_memory, needs_mount

BERLIN = ZoneInfo("Europe/Berlin")
KIB = 1024


@pytest.fixture
def dumps(tmp_path: Path) -> Dumps:
    return Dumps(tmp_path)


def probe(dumps: Dumps, **changed: object) -> BackupProbe:
    settings: dict[str, object] = {"path": str(dumps.folder), "made_every": 7200.0, "keep": 10, "zone": "UTC"}
    return BackupProbe(**(settings | changed))  # type: ignore[arg-type]


def findings(seen: Observation) -> list[tuple[Verdict, Reason]]:
    return [(finding.verdict, finding.reason) for finding in seen.findings]


async def test_ten_every_two_hours_are_well(dumps: Dumps, far: Ssh) -> None:
    dumps.add_many()
    (dumps.folder / "vzdump-qemu-101-2026_11_26-02_00_00.vma.zst.notes").write_text("srv1")
    (dumps.folder / "lost+found").mkdir()
    for vantage in (Here(), far):
        seen = await look_at(probe(dumps), vantage=vantage)

        assert findings(seen) == [], seen.detail
        assert {(each.measure.name, each.labels): each.value for each in seen.readings} == {
            ("probe_backup_kept", ("qemu-101",)): 10.0,
            ("probe_backup_newest_size_bytes", ("qemu-101",)): 4096.0,
            ("probe_backup_newest_timestamp_seconds", ("qemu-101",)): pytest.approx(
                dumps.now.timestamp() - 3600, abs=1
            ),
        }


def a_stale_one(dumps: Dumps) -> None:
    dumps.add_many(first=5.0)


def none_at_all(dumps: Dumps) -> None:
    (dumps.folder / "notes.txt").write_text("nothing here")


def too_few(dumps: Dumps) -> None:
    dumps.add_many(4)


def an_empty_newest(dumps: Dumps) -> None:
    dumps.add_many(first=3.0)
    dumps.add(1.0, 0)


def a_shrunken_newest(dumps: Dumps) -> None:
    dumps.add_many(first=3.0, size=400 * KIB)
    dumps.add(1.0, 100 * KIB)


def a_gap(dumps: Dumps) -> None:
    dumps.add_many(5)
    dumps.add_many(5, first=15.0)


def a_failed_run(dumps: Dumps) -> None:
    dumps.add_many(first=2.5)
    dumps.add(0.5, fails=True)


def one_in_the_future(dumps: Dumps) -> None:
    dumps.add_many()
    dumps.add(-30.0)


def one_left_unfinished(dumps: Dumps) -> None:
    dumps.add_many()
    dumps.write(dumps.folder / "vzdump-qemu-101-2026_11_20-02_00_00.vma.dat", 17, dumps.now - timedelta(days=6))


DOWN, WARN = Verdict.DOWN, Verdict.WARN


@pytest.mark.parametrize(
    ("fault", "found", "detail"),
    [
        (a_stale_one, [(DOWN, Reason.BACKUP_STALE)], "qemu-101: the newest is 5 h old, wanted 3 h at most"),
        (none_at_all, [(DOWN, Reason.BACKUP_MISSING)], "no backup among 1 names in"),
        (too_few, [(WARN, Reason.BACKUP_TOO_FEW)], "qemu-101: 4 are kept, wanted 10"),
        (an_empty_newest, [(DOWN, Reason.BACKUP_EMPTY)], "has 0 bytes"),
        (a_shrunken_newest, [(WARN, Reason.BACKUP_SHRUNK)], "has 100 KiB, 25 % of the usual 400 KiB"),
        (a_gap, [(WARN, Reason.BACKUP_GAP)], "qemu-101: a gap of 6 h after"),
        (a_failed_run, [(DOWN, Reason.BACKUP_FAILED)], "write error - No space left on device"),
        (one_in_the_future, [(WARN, Reason.BACKUP_FUTURE)], "in the future"),
        (one_left_unfinished, [(WARN, Reason.BACKUP_FAILED)], "vma.dat was left unfinished 6 days ago"),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
async def test_each_fault_has_its_word(
    dumps: Dumps, far: Ssh, fault: Callable[[Dumps], None], found: list[tuple[Verdict, Reason]], detail: str
) -> None:
    fault(dumps)
    for vantage in (Here(), far):
        seen = await look_at(probe(dumps), vantage=vantage)

        assert findings(seen) == found, seen.findings
        assert detail in seen.detail


async def test_one_that_is_still_being_written_is_not_judged_yet(dumps: Dumps, far: Ssh) -> None:
    """It is neither empty nor shrunken, nor is it the newest; but the oldest is gone already to make room for it."""
    dumps.add_many(9, first=2.3, size=400 * KIB)
    for vantage in (Here(), far):
        for more in (0, KIB):
            dumps.grow(0.3, more)
            seen = await look_at(probe(dumps), vantage=vantage)

            assert findings(seen) == [], seen.detail
            told = {each.measure.name: each.value for each in seen.readings}
            assert told["probe_backup_kept"] == 9
            assert told["probe_backup_newest_size_bytes"] == 400 * KIB
            assert told["probe_backup_newest_timestamp_seconds"] == pytest.approx(
                dumps.now.timestamp() - 2.3 * 3600, abs=1
            )


async def test_one_that_is_still_being_written_makes_the_last_one_no_younger(dumps: Dumps, far: Ssh) -> None:
    """One that takes hours leaves nothing fresh to go back to; who reads of it sees that it is under way."""
    dumps.add_many(first=5.0)
    for vantage in (Here(), far):
        growing = dumps.grow(3.0, 400 * KIB)
        seen = await look_at(probe(dumps), vantage=vantage)

        assert findings(seen) == [(DOWN, Reason.BACKUP_STALE)]
        assert seen.detail.endswith(f"; {growing.name} is still being written")
        assert [piece for piece in seen.evidence if growing.name in piece.text]


async def test_one_that_is_no_longer_written_to_is_judged(dumps: Dumps, far: Ssh) -> None:
    """It was broken off: there will be no more of it."""
    dumps.add_many(first=2.3, size=400 * KIB)
    ended = dumps.grow(0.3, KIB)
    last = dumps.now.timestamp() - 180
    os.utime(ended, (last, last))
    for vantage in (Here(), far):
        seen = await look_at(probe(dumps), vantage=vantage)

        assert findings(seen) == [(DOWN, Reason.BACKUP_SHRUNK)]
        assert ended.name in seen.detail


async def test_all_that_is_wrong_with_a_directory_is_one_observation_worst_first(dumps: Dumps) -> None:
    dumps.add_many(3, first=9.0)
    dumps.add(21.0)
    dumps.add(4.0, fails=True)

    assert findings(await look_at(probe(dumps))) == [
        (DOWN, Reason.BACKUP_STALE),
        (DOWN, Reason.BACKUP_FAILED),
        (WARN, Reason.BACKUP_TOO_FEW),
        (WARN, Reason.BACKUP_GAP),
    ]


async def test_each_machine_and_container_in_a_directory_is_judged_by_itself(dumps: Dumps) -> None:
    """One that is fresh must not stand in for one that stopped days ago."""
    dumps.add_many()
    dumps.add_many(first=50.0, guest="lxc-207")

    seen = await look_at(probe(dumps))
    assert findings(seen) == [(DOWN, Reason.BACKUP_STALE)]
    assert seen.detail == "lxc-207: the newest is 2.08 days old, wanted 3 h at most"

    assert findings(await look_at(probe(dumps, series=("qemu-101",)))) == []
    missing = await look_at(probe(dumps, series=("qemu-101", "qemu-102")))
    assert [(each.reason, each.detail) for each in missing.findings] == [
        (Reason.BACKUP_MISSING, "qemu-102: there is no backup")
    ]


async def test_a_failed_run_is_told_until_the_next_that_finishes(dumps: Dumps) -> None:
    dumps.add_many(first=2.9)
    dumps.add(2.0, fails=True)
    assert findings(await look_at(probe(dumps, gaps=False))) == [(DOWN, Reason.BACKUP_FAILED)]

    dumps.add(0.9)
    assert findings(await look_at(probe(dumps, gaps=False))) == []


async def test_of_a_long_log_the_end_is_read(dumps: Dumps, far: Ssh) -> None:
    """A log of many lines of progress: its last word stands far behind what is read at once."""
    dumps.add_many(first=2.5)
    dumps.add(0.5, fails=True)
    log = max(dumps.folder.glob("*.log"))
    log.write_text("2026-11-26 02:00:03 INFO:  1% (2.0 GiB of 200.0 GiB) in 3s\n" * 3000 + log.read_text())
    for vantage in (Here(), far):
        assert (await look_at(probe(dumps), vantage=vantage)).reason is Reason.BACKUP_FAILED


async def test_names_are_read_on_the_clock_of_their_host(tmp_path: Path) -> None:
    """Read as UTC, the newest of a host in Berlin lies an hour or two in the future, and never gets old."""
    summer = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    dumps = Dumps(tmp_path, summer, BERLIN)
    dumps.add_many(first=3.5)

    assert findings(await look_at(probe(dumps, zone="Europe/Berlin"), at=summer)) == [(DOWN, Reason.BACKUP_STALE)]
    # In the wrong zone the names lie; the newest is named for the past by then, so that only its file could tell.
    dumps.add(1.0)
    wrong = await look_at(probe(dumps, zone="UTC", gaps=False), at=summer)
    assert findings(wrong) == [(WARN, Reason.BACKUP_FUTURE)]
    assert "is its time zone right?" in wrong.detail


async def test_without_a_zone_the_hosts_own_is_read(tmp_path: Path) -> None:
    """This machine is the host: whatever its zone is, its names are right."""
    dumps = Dumps(tmp_path, zone=datetime.now().astimezone().tzinfo or UTC)
    dumps.add_many()

    seen = await look_at(probe(dumps, zone=""))

    assert findings(seen) == [], seen.findings


async def test_other_names_are_told_by_a_pattern(dumps: Dumps) -> None:
    for number in range(3):
        at = dumps.now - timedelta(hours=30 + 24 * number)
        dumps.write(dumps.folder / f"mpanel-{at:%Y%m%dT%H%M%S}.sql.gz", 4096, at)
    (dumps.folder / "other-20261126T020000.sql.gz").touch()
    settings = {"pattern": r"^(?P<series>mpanel)-(?P<at>\d+T\d+)\.sql\.gz$", "at": "%Y%m%dT%H%M%S", "keep": 3}

    daily = await look_at(probe(dumps, made_every=86400.0, **settings))

    assert [(each.reason, each.detail) for each in daily.findings] == [
        (Reason.BACKUP_STALE, "mpanel: the newest is 30 h old, wanted 25 h at most")
    ]


async def test_without_a_time_in_the_name_the_files_date_counts(dumps: Dumps) -> None:
    dumps.write(dumps.folder / "base.tar", 4096, dumps.now - timedelta(hours=4))

    seen = await look_at(probe(dumps, pattern=r"\.tar$", keep=1))

    assert findings(seen) == [(DOWN, Reason.BACKUP_STALE)]
    assert seen.detail.startswith(f"{dumps.folder.name}: the newest is 4 h old")


async def test_a_directory_that_is_not_there_holds_no_backup(dumps: Dumps, far: Ssh) -> None:
    for vantage in (Here(), far):
        seen = await look_at(probe(dumps, path=f"{dumps.folder}/srv9"), vantage=vantage)

        assert findings(seen) == [(DOWN, Reason.BACKUP_MISSING)]
        assert seen.detail == f"{dumps.folder}/srv9 is not there"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_directory_that_we_may_not_read_cannot_be_judged(dumps: Dumps) -> None:
    dumps.folder.chmod(0)
    seen = await look_at(probe(dumps))
    dumps.folder.chmod(0o700)

    assert findings(seen) == [(Verdict.UNKNOWN, Reason.FILES_UNREADABLE)]


@needs_mount
async def test_a_share_without_room_for_one_more_warns(tmp_path: Path) -> None:
    """vzdump removes an old one only after the new one is written."""
    with in_memory(tmp_path, "size=4m"):
        dumps = Dumps(tmp_path)
        dumps.add_many(size=8 * KIB * KIB)

        seen = await look_at(probe(dumps))
        assert findings(await look_at(probe(dumps, room=False))) == []

    assert findings(seen) == [(WARN, Reason.DISK_FILLING)]
    assert seen.detail.endswith("the next backup needs about 8 MiB")


@needs_mount
async def test_a_share_that_hangs_is_told_as_what_it_is(tmp_path: Path, far: Ssh) -> None:
    with hung(tmp_path):
        for vantage in (Here(), far):
            seen = await look_at(probe(Dumps(tmp_path)), vantage=vantage, timeout=0.4)

            assert findings(seen) == [(DOWN, Reason.MOUNT_HUNG)]
            assert seen.detail == "list: not done within 0.4 s"


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="wanted one such as Europe/Berlin"):
        BackupProbe(path="/x", made_every=7200.0, zone="Mars/Olympus")
