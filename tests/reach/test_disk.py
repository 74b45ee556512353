"""The files of this machine, read off the loop."""

import asyncio
import os
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from migrawatch.model import Lost
from migrawatch.reach.disk import THREADS
from migrawatch.reach.here import Here


async def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")

    async with Here().files() as files:
        assert await files.read(str(tmp_path / "file")) == b"0123456789"
        assert await files.read(str(tmp_path / "file"), limit=4) == b"0123"


async def test_a_directory_is_told_entry_by_entry(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"xyz")
    (tmp_path / "a").mkdir()
    os.utime(tmp_path / "b", (0, 1_700_000_000))
    (tmp_path / "dangling").symlink_to("nowhere")

    async with Here().files() as files:
        entries = await files.entries(str(tmp_path))

    assert [(entry.name, entry.is_directory) for entry in entries] == [("a", True), ("b", False), ("dangling", False)]
    assert entries[1].size_bytes == 3
    assert entries[1].changed_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


async def test_links_are_followed_for_one_entry(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to("target")

    async with Here().files() as files:
        assert (await files.entry(str(tmp_path / "link"))).is_directory


async def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    async with Here().files() as files:
        for ask in (files.read, files.entries, files.entry):
            with pytest.raises(FileNotFoundError):
                await ask(str(tmp_path / "nothing"))


async def test_reads_that_hang_neither_hang_the_loop_nor_pile_up(tmp_path: Path) -> None:
    """A FIFO without a writer hangs in open() as a dead NFS mount does."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    async with Here().files() as files:
        # One read that hangs is waited for by all who ask for the same; these ask for different parts.
        hanging = [asyncio.ensure_future(files.read(str(fifo), limit + 1)) for limit in range(THREADS)]
        await asyncio.sleep(0.01)
        with pytest.raises(Lost, match="hang already"):
            await files.read(str(fifo))
        for task in hanging:
            task.cancel()
        await asyncio.wait(hanging)

        await asyncio.to_thread(free, fifo)
        (tmp_path / "file").write_bytes(b"again")
        assert await files.read(str(tmp_path / "file")) == b"again"


async def test_a_read_that_hangs_is_asked_once_however_often_we_look(tmp_path: Path) -> None:
    """A share that hangs over a weekend must cost one thread, not one a look, and answer who waits when it is back."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    before = threading.active_count()
    async with Here().files() as files:
        for _ in range(THREADS + 1):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.005):
                    await files.read(str(fifo))
        assert threading.active_count() == before + 1

        waiting = asyncio.ensure_future(files.read(str(fifo)))
        await asyncio.sleep(0)  # it waits by now for the read that hangs, not for one of its own
        await asyncio.to_thread(fifo.write_bytes, b"back")
        assert await waiting == b"back"


async def test_a_part_of_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    async with Here().files() as files:
        assert await files.read(str(tmp_path / "file"), limit=3, offset=7) == b"789"


async def test_the_room_is_told_as_df_tells_it(tmp_path: Path) -> None:
    async with Here().files() as files:
        room = await files.space(str(tmp_path))
    told = await Here().run(("df", "-B1", "--output=size,avail,itotal,pcent", str(tmp_path)))

    *numbers, percent = told.stdout.splitlines()[1].split()
    size, free_bytes, inodes = map(int, numbers)
    assert (room.size_bytes, room.inodes) == (size, inodes)
    assert room.free_bytes == pytest.approx(free_bytes, rel=0.05)
    assert 100 * room.used_share == pytest.approx(int(percent.rstrip("%")), abs=1.5)


def free(fifo: Path) -> None:
    """Open the FIFO for writing until every reader has got away."""
    before = threading.active_count()
    while threading.active_count() > before - THREADS:
        with suppress(OSError):
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
