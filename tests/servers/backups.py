"""Directories of backups as vzdump leaves them: real files of real sizes and dates."""

import os
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

LOG = """\
{at:%Y-%m-%d %H:%M:%S} INFO: Starting Backup of VM {guest} (qemu)
{at:%Y-%m-%d %H:%M:%S} INFO: status = running
{at:%Y-%m-%d %H:%M:%S} INFO: creating vzdump archive '{name}'
{ended:%Y-%m-%d %H:%M:%S} {last}
"""
FINISHED = "INFO: Finished Backup of VM {guest} (00:20:00)"
FAILED = "ERROR: Backup of VM {guest} failed - vma_queue_write: write error - No space left on device"


class Dumps:
    """A directory into which vzdump writes, on the clock of *zone*."""

    def __init__(self, folder: Path, now: datetime | None = None, zone: tzinfo = UTC) -> None:
        self.folder = folder
        self.now = now or datetime.now(UTC)
        self.zone = zone

    def add(self, hours: float, size: int = 4096, *, guest: str = "qemu-101", fails: bool = False) -> None:
        """One that was begun so many hours ago, with its log; one that *fails* leaves the log alone."""
        at = self.now - timedelta(hours=hours)
        ended = at + timedelta(minutes=20)
        run = f"vzdump-{guest}-{at.astimezone(self.zone):%Y_%m_%d-%H_%M_%S}"
        archive = self.folder / (run + (".vma.zst" if guest.startswith("qemu") else ".tar.zst"))
        if not fails:
            self.write(archive, size, ended)
        last = (FAILED if fails else FINISHED).format(guest=guest.rpartition("-")[2])
        log = self.folder / f"{run}.log"
        log.write_text(LOG.format(at=at, ended=ended, guest=guest.rpartition("-")[2], name=archive, last=last))
        os.utime(log, (ended.timestamp(), ended.timestamp()))

    def add_many(self, count: int = 10, *, first: float = 1.0, guest: str = "qemu-101", size: int = 4096) -> None:
        """So many, two hours apart, the newest begun *first* hours ago."""
        for number in range(count):
            self.add(first + 2 * number, size, guest=guest)

    def grow(self, hours: float, more: int, *, guest: str = "qemu-101") -> Path:
        """Write *more* bytes, now, to the one that was begun so many hours ago and has not ended; its file."""
        at = self.now - timedelta(hours=hours)
        archive = self.folder / f"vzdump-{guest}-{at.astimezone(self.zone):%Y_%m_%d-%H_%M_%S}.vma.zst"
        with archive.open("ab") as opened:
            opened.write(bytes(more))
        return archive

    def write(self, file: Path, size: int, at: datetime) -> None:
        """A file of *size* bytes that was last written to at *at*; it takes no room on the disk."""
        with file.open("wb") as opened:
            opened.truncate(size)
        os.utime(file, (at.timestamp(), at.timestamp()))
