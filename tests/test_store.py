"""The store: whole transactions on disk, and what a start finds there."""

import asyncio
import resource
import sqlite3
import stat
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from migrawatch.decide.incident import Change
from migrawatch.decide.knowledge import Known, Turn
from migrawatch.decide.maintenance import Window
from migrawatch.decide.streak import Clear, Suspect
from migrawatch.decide.watch import FilePlace, Position
from migrawatch.model import Finding, Verdict
from migrawatch.reason import Reason
from migrawatch.store import Fate, Remembered, Saved, Store, StoreInUse, Transaction, read_incidents
from migrawatch.store import store as store_module
from tests.tell.stories import AT, delivery, incident, resolved

SUSPECT = Suspect(recent=(True,), bad=1, first_bad=AT, finding=Finding(Verdict.DOWN, Reason.HTTP_GATEWAY, "HTTP 502"))
WINDOW = Window(name="n", at=AT, duration=60.0, hosts=("web",), tags=("a",), by="ann", note="a new disk", made_at=AT)


@dataclass(frozen=True)
class Restarts:
    count: int


@dataclass(frozen=True)
class Settings:
    name: str


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.db"


def written(path: Path, junk: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(junk)


def scribbled_over(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * (size - 100))


def aside(path: Path) -> list[Path]:
    return [found for found in path.parent.iterdir() if "set-aside" in found.name]


async def saved_at(path: Path) -> Saved:
    async with Store.open(path) as store:
        return store.saved


async def test_a_start_finds_all_of_the_last_transaction(path: Path) -> None:
    """Phase and notice are on disk in one commit before the first attempt."""
    async with Store.open(path) as store:
        assert store.saved == Saved()
        await store.commit(
            Transaction(
                streaks={"api": SUSPECT},
                incidents=(incident(),),
                deliveries=(delivery(),),
                memory={"api": Remembered.of(Restarts, Restarts(3), Settings("x"))},
            )
        )

    saved = await saved_at(path)

    assert saved.streaks == {"api": SUSPECT}
    assert saved.incidents == (incident(),)
    assert [pending.delivery for pending in saved.outbox] == [delivery()]
    assert saved.memory["api"].value(Restarts, Settings("x")) == Restarts(3)


async def test_how_far_a_log_was_read_is_stored_and_dropped_with_its_watch(path: Path) -> None:
    place = FilePlace(path="/l", offset=7, head="ab", head_size=3)
    position = Position(at=AT, log="web: /l", files=(place,), journal=5)
    async with Store.open(path) as store:
        await store.commit(Transaction(positions={"w": position, "gone": position}))
        await store.commit(Transaction(positions={"gone": None}))

    assert (await saved_at(path)).positions == {"w": position}


async def test_a_file_of_an_earlier_version_is_brought_up_to_date(path: Path) -> None:
    """Before watches, maintenance windows and facts there was no table of theirs."""
    async with Store.open(path) as store:
        await store.commit(Transaction(streaks={"api": SUSPECT}))
    with sqlite3.connect(path) as old:
        old.executescript("DROP TABLE watches; DROP TABLE windows; DROP TABLE facts; PRAGMA user_version = 1")
    old.close()

    async with Store.open(path) as store:
        await store.commit(Transaction(positions={"w": Position(at=AT)}, windows={"n": WINDOW}))

    saved = await saved_at(path)
    assert (saved.streaks, saved.positions) == ({"api": SUSPECT}, {"w": Position(at=AT)})
    assert saved.windows == (WINDOW,)


async def test_a_file_of_version_2_keeps_what_it_has_and_learns_of_windows(path: Path) -> None:
    async with Store.open(path) as store:
        await store.commit(Transaction(incidents=(incident(),), positions={"w": Position(at=AT)}))
    with sqlite3.connect(path) as old:
        old.executescript("DROP TABLE windows; DROP TABLE facts; PRAGMA user_version = 2")
    old.close()

    async with Store.open(path) as store:
        found = store.saved
        await store.commit(Transaction(windows={"n": WINDOW}))

    assert (found.incidents, found.positions, found.windows) == ((incident(),), {"w": Position(at=AT)}, ())
    assert (await saved_at(path)).windows == (WINDOW,)


async def test_a_maintenance_window_is_stored_until_it_is_dropped(path: Path) -> None:
    async with Store.open(path) as store:
        await store.commit(Transaction(windows={"n": WINDOW, "gone": replace(WINDOW, name="gone")}))
        await store.commit(Transaction(windows={"gone": None}))

    assert (await saved_at(path)).windows == (WINDOW,)


async def test_what_is_known_of_a_check_is_stored_and_goes_with_it(path: Path) -> None:
    """A certificate that was exchanged while the daemon was down is another one all the same."""
    known = {"certificate of web": Known(value="new", since=AT, turns=(Turn(at=AT, before="old", held_at=AT),))}
    async with Store.open(path) as store:
        await store.commit(Transaction(facts={"api": known, "gone": known}))
        await store.commit(Transaction(removed=("gone",)))

    assert (await saved_at(path)).facts == {"api": known}


async def test_memory_is_dropped_when_the_settings_change(path: Path) -> None:
    """A restart count of another process would look like a crash loop."""
    kept = Remembered.of(Restarts, Restarts(3), Settings("x"))

    assert kept.value(Restarts, Settings("y")) is None


async def test_the_outbox_keeps_its_order_and_only_what_is_pending(path: Path) -> None:
    """Notices of one incident must not overtake each other across a restart."""
    letters = [delivery(n, of=incident(name)) for n in (1, 2, 3) for name in ("a", "b")]
    async with Store.open(path) as store:
        for each in letters:
            await store.commit(Transaction(deliveries=(each,)))
    async with Store.open(path) as store:
        first = store.saved.outbox[0]
        await store.commit(Transaction(posted=(replace(first, fate=Fate.SENT),)))

    saved = await saved_at(path)

    assert [pending.delivery for pending in saved.outbox] == letters[1:]


async def test_a_delivery_that_was_sent_is_not_pending_again_when_it_is_stored_twice(path: Path) -> None:
    """A commit may be repeated; the page must not be."""
    async with Store.open(path) as store:
        await store.commit(Transaction(deliveries=(delivery(),)))
    async with Store.open(path) as store:
        await store.commit(Transaction(posted=(replace(store.saved.outbox[0], fate=Fate.SENT),)))
        await store.commit(Transaction(deliveries=(delivery(),)))

    assert (await saved_at(path)).outbox == ()


async def test_a_try_is_remembered(path: Path) -> None:
    """The back-off goes on after a restart."""
    async with Store.open(path) as store:
        await store.commit(Transaction(deliveries=(delivery(),)))
    async with Store.open(path) as store:
        tried = replace(store.saved.outbox[0], tries=4, next_at=AT + timedelta(minutes=5), trouble="HTTP 500")
        await store.commit(Transaction(posted=(tried,)))

    assert (await saved_at(path)).outbox == (tried,)


async def test_a_removed_check_leaves_nothing_and_a_renamed_one_takes_its_streak_along(path: Path) -> None:
    """`was: old-name` is one transaction: the old name goes, the new one comes."""
    memory = Remembered.of(Restarts, Restarts(1), Settings("x"))
    async with Store.open(path) as store:
        await store.commit(Transaction(streaks={"old": SUSPECT, "b": Clear()}, memory={"old": memory}))
        await store.commit(Transaction(removed=("old", "new"), streaks={"new": SUSPECT}))

    saved = await saved_at(path)

    assert (dict(saved.streaks), dict(saved.memory)) == ({"new": SUSPECT, "b": Clear()}, {})


async def test_a_resolved_incident_is_history_for_90_days(path: Path) -> None:
    """A start needs only what is open; people want to read what was."""
    async with Store.open(path) as store:
        await store.commit(Transaction(incidents=(resolved("old"),), deliveries=(delivery(of=resolved("old")),)))
        await store.commit(Transaction(incidents=(incident("open"), resolved("new", timedelta(days=89)))))

        assert [found.id for found in read_incidents(path)] == ["open", "new", "old"]
        await store.commit(Transaction(incidents=(resolved("newest", timedelta(days=91)),)))
        assert [found.id for found in read_incidents(path)] == ["open", "newest", "new"]
    saved = await saved_at(path)

    assert [found.id for found in saved.incidents] == ["open"]
    # A notice that nobody got yet outlives its incident.
    assert [pending.incident for pending in saved.outbox] == ["old"]


async def test_commits_that_come_together_are_written_together_and_in_order(path: Path) -> None:
    """A storm of failures must not wait for one disk write each; the last word of a check is its last."""
    async with Store.open(path) as store:
        began = asyncio.get_running_loop().time()
        await asyncio.gather(
            *(store.commit(Transaction(streaks={"c": replace(SUSPECT, bad=n)})) for n in range(1, 1001))
        )
        took = asyncio.get_running_loop().time() - began

    saved = await saved_at(path)

    assert saved.streaks == {"c": replace(SUSPECT, bad=1000)}
    assert took < 2.0


async def test_a_cancelled_commit_is_written_all_the_same(path: Path) -> None:
    """Shutting down in the middle of a commit must not lose what the commit said."""
    async with Store.open(path) as store:
        task = asyncio.create_task(store.commit(Transaction(streaks={"a": SUSPECT})))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert "a" in (await saved_at(path)).streaks


async def test_the_file_is_for_its_owner_only(path: Path) -> None:
    """Evidence is for those on call."""
    async with Store.open(path) as store:
        await store.commit(Transaction(streaks={"a": SUSPECT}))
        modes = {found.name: stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()}

    assert set(modes.values()) == {0o600}, modes


async def test_a_second_daemon_on_the_same_file_is_refused(path: Path) -> None:
    """Two would page twice and overwrite each other's streaks."""
    async with Store.open(path):
        with pytest.raises(StoreInUse):
            async with Store.open(path):
                pass


@pytest.mark.parametrize("junk", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
async def test_a_damaged_file_is_set_aside_and_the_daemon_starts(path: Path, junk: bytes) -> None:
    """A crash loop would watch nothing."""
    written(path, junk)

    async with Store.open(path) as store:
        assert store.saved == Saved()
        [kept] = store.set_aside
    assert {str(found): found.read_bytes() for found in aside(path)} == {kept: junk}


async def test_what_was_set_aside_is_known_until_it_is_taken_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And over restarts, since the next start finds nothing wrong."""
    monkeypatch.setattr(store_module, "RETRY", 0.02)
    written(path, b"not a database at all" * 100)
    await saved_at(path)
    async with Store.open(path) as store:
        [kept] = store.set_aside
        [lies] = aside(path)
        # SQLite's own files go with it, and are none of it.
        lies.with_name(lies.name + "-wal").touch()
        tending = asyncio.create_task(store.tend())
        await asyncio.sleep(0.1)
        assert store.set_aside == (kept,)
        lies.unlink()
        async with asyncio.timeout(10):
            while store.set_aside:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        tending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await tending


async def test_a_file_of_a_newer_migrawatch_is_set_aside(path: Path) -> None:
    """What we cannot read we do not write to."""
    await saved_at(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    assert await saved_at(path) == Saved()
    assert any("set-aside" in found.name for found in path.parent.iterdir())


async def test_a_file_that_is_damaged_while_we_run_is_replaced_by_one_with_all_that_is_live(path: Path) -> None:
    """What the memory still knows is not lost with the file."""
    async with Store.open(path) as store:
        await store.commit(
            Transaction(
                streaks={f"c{n}": SUSPECT for n in range(200)}, incidents=(incident(),), deliveries=(delivery(),)
            )
        )
        # Merge the log into the file, then scribble over all of its pages but the first.
        with sqlite3.connect(path) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()
        scribbled_over(path)
        for number in range(200):
            await store.commit(Transaction(streaks={f"c{number}": replace(SUSPECT, bad=2)}))
        assert store.trouble == ""
        assert len(store.set_aside) == 1

    saved = await saved_at(path)

    assert saved.streaks == {f"c{n}": replace(SUSPECT, bad=2) for n in range(200)}
    assert (len(saved.incidents), len(saved.outbox)) == (1, 1)


async def test_a_row_that_does_not_read_is_passed_over(path: Path) -> None:
    """One bad row must not keep the daemon from starting."""
    async with Store.open(path) as store:
        await store.commit(Transaction(streaks={"good": SUSPECT, "bad": SUSPECT}))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE streaks SET body = '{}' WHERE check_name = 'bad'")
    connection.close()

    assert list((await saved_at(path)).streaks) == ["good"]


async def test_a_full_disk_does_not_stop_us_and_what_it_refused_is_written_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paging must not wait for somebody to clear the monitor's own disk."""
    monkeypatch.setattr(store_module, "RETRY", 0.02)
    async with Store.open(path) as store:
        await store.commit(Transaction(streaks={"before": SUSPECT}))
        with file_size_limit(path):
            for number in range(50):
                await store.commit(Transaction(streaks={f"during-{number}": SUSPECT}))
            assert store.trouble
            assert store.backlog > 0
        tending = asyncio.create_task(store.tend())
        while store.trouble:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        tending.cancel()
        assert store.backlog == 0
        with pytest.raises(asyncio.CancelledError):
            await tending

    saved = await saved_at(path)

    assert len(saved.streaks) == 51


async def test_a_disk_that_hangs_does_not_hold_up_a_commit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No disk tells us when it comes back; the page must go out meanwhile."""
    monkeypatch.setattr(store_module, "PATIENCE", 0.05)
    async with Store.open(path) as store:
        await store.commit(Transaction(streaks={"before": SUSPECT}))
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            await store.commit(Transaction(streaks={"during": SUSPECT}))
            await store.commit(Transaction(streaks={"later": SUSPECT}))
            assert store.trouble == "the disk does not answer"
            other.execute("ROLLBACK")
        other.close()
        while store.trouble:
            await asyncio.sleep(0.01)
            await store.flush()

    assert set((await saved_at(path)).streaks) == {"before", "during", "later"}


class file_size_limit:  # noqa: N801
    """No file of this process may grow beyond the size that the log has now: the kernel's own full disk."""

    def __init__(self, path: Path) -> None:
        self._log = path.with_name(path.name + "-wal")

    def __enter__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._log.stat().st_size + 6000, self._before[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


async def test_another_process_may_read_the_history_while_we_run_and_when_we_do_not(path: Path) -> None:
    """`migrawatch incidents` works beside the daemon."""
    async with Store.open(path) as store:
        await store.commit(Transaction(incidents=(incident(),)))
        script = (
            "import sys, pathlib; from migrawatch.store import read_incidents;"
            "print([i.id for i in read_incidents(pathlib.Path(sys.argv[1]))])"
        )
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, str(path), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await other.communicate()
        await store.commit(Transaction(incidents=(resolved(),)))

    assert said.decode().strip() == "['i1']"
    path.parent.chmod(0o500)
    assert [found.state for found in read_incidents(path)] == ["resolved"]
    path.parent.chmod(0o700)


def test_a_history_that_does_not_exist_is_said(tmp_path: Path) -> None:
    """A wrong path must not look like a quiet year."""
    with pytest.raises(FileNotFoundError):
        read_incidents(tmp_path / "nothing.db")


def test_change_and_fate_are_the_words_that_the_rows_use() -> None:
    """The partial index of pending deliveries is written with the word itself."""
    assert (Fate.PENDING, Change.RESOLVED) == ("pending", "resolved")
