"""Whether a server's backups are there: new enough, enough of them, of their usual size, and without gaps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from migrawatch.decide.series import Series, Wanted, in_words, judge, series_of, sized
from migrawatch.model import Bytes, Pattern
from migrawatch.parse.backup_name import UNFINISHED, VZDUMP, VZDUMP_AT, Backup, dated, moments, parse_zone
from migrawatch.parse.vzdump_log import TAIL, failure_of
from migrawatch.probe import (
    FILES_REMEDIES,
    Contact,
    Down,
    Files,
    Measure,
    Probe,
    Reason,
    Seconds,
    Unsure,
    Verdict,
    Visit,
)
from migrawatch.reach.vantage import Entry
from migrawatch.talk.expression import expression

NEWEST_AT = Measure("probe_backup_newest_timestamp_seconds", "When the newest backup was begun, in unix time.",
                    "seconds", ("series",))  # fmt: skip
NEWEST_BYTES = Measure("probe_backup_newest_size_bytes", "Size of the newest backup.", "bytes", ("series",))
KEPT = Measure("probe_backup_kept", "Backups that are kept and whole.", "", ("series",))

LOCALTIME = "/etc/localtime"
MOST_SERIES = 200
"""More series than this are no directory of backups, or a pattern that cuts at the wrong place."""

LIST = 'ssh {host} "ls -la --time-style=full-iso {path}"'
TASKS = 'ssh {host} "journalctl -u pvescheduler -n 50 --no-pager; pvenode task list --typefilter vzdump"'


@dataclass(frozen=True, kw_only=True)
class BackupProbe(Probe):
    """Judge the backups in the directory *path* by their names, dates and sizes, and by vzdump's logs beside them.

    A backup is begun *made_every* so often; the newest may be older by *grace*, which must cover how long one takes.
    *keep* of each series should be there. The newest should have *smallest* bytes, and *shrunk_warn* of the median
    size of the ten before it; less than *shrunk_down* of that is down. *gaps* in what is kept warn; say false where
    old ones are thinned out. *room* for one more must be free; say false where what lies there is stored smaller.

    *pattern* tells backups from other files (RE2): its group `series` tells one thing's from another's, its group `at`
    when it was begun, in the form *at* (strptime) on the clock of *zone* (the host's own unless said). Without the
    group the file's date counts. vzdump's names need none of this. *series*, such as `qemu-101`, are those that must be
    there; others are then left alone.
    """

    path: str
    made_every: Seconds
    grace: Seconds = 3600.0
    keep: int = 0
    series: tuple[str, ...] = ()
    smallest: Bytes = 1
    shrunk_warn: float = 0.5
    shrunk_down: float = 0.1
    gaps: bool = True
    room: bool = True
    pattern: Pattern = VZDUMP
    at: str = VZDUMP_AT
    zone: str = ""

    contact: ClassVar[Contact] = Contact.FILES
    measures: ClassVar[tuple[Measure, ...]] = (NEWEST_AT, NEWEST_BYTES, KEPT)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        **FILES_REMEDIES,
        Reason.BACKUP_STALE: (TASKS, LIST),
        Reason.BACKUP_MISSING: (LIST, TASKS),
        Reason.BACKUP_TOO_FEW: (LIST, 'ssh {host} "grep -i -e keep -e prune -e maxfiles /etc/pve/storage.cfg"'),
        Reason.BACKUP_EMPTY: (LIST, TASKS),
        Reason.BACKUP_SHRUNK: (LIST, TASKS),
        Reason.BACKUP_GAP: (TASKS,),
        Reason.BACKUP_FAILED: (TASKS, 'ssh {host} "tail -n 20 {path}/*.log"'),
        Reason.BACKUP_FUTURE: ('ssh {host} "timedatectl"', LIST),
        Reason.DISK_FILLING: ('ssh {host} "df -h {path}"',),
    }

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError(f"path: wanted one that begins with /, got {self.path!r}")
        if self.zone:
            try:
                ZoneInfo(self.zone)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError(f"zone: wanted one such as Europe/Berlin, got {self.zone!r}") from error

    @property
    def target(self) -> str:
        """The directory."""
        return self.path

    async def observe(self, visit: Visit) -> None:
        """Read the directory, and judge each series in it. Raise Down when there is none."""
        async with visit.files() as files:
            zone = await self._zone(visit, files)
            with visit.step("list", late=Reason.MOUNT_HUNG, closed=Reason.MOUNT_HUNG):
                entries = await self._entries(files)
            found = self._sorted(visit, entries, zone)
            for one in found:
                self._judge(visit, one)
            self._judge_leftovers(visit, entries)
            await self._judge_logs(visit, files, entries, found)
            if self.room:
                await self._judge_room(visit, files, found)

    # -- reading ------------------------------------------------------------------------------------------------

    async def _zone(self, visit: Visit, files: Files) -> tzinfo:
        """The clock that names are written by: vzdump's are in the local time of its host."""
        if self.zone:
            return ZoneInfo(self.zone)
        with visit.step("zone", late=Reason.COMMAND_TIMEOUT):
            try:
                return parse_zone(await files.read(LOCALTIME, 65_536))
            except FileNotFoundError:
                return UTC  # which its absence means (localtime(5))
            except (OSError, ValueError) as error:
                raise Unsure(Reason.FILES_UNREADABLE, f"{LOCALTIME}: {error}") from error

    async def _entries(self, files: Files) -> tuple[Entry, ...]:
        try:
            return await files.entries(self.path)
        except FileNotFoundError as error:
            raise Down(Reason.BACKUP_MISSING, f"{self.path} is not there") from error
        except PermissionError as error:
            raise Unsure(Reason.FILES_UNREADABLE, f"{self.path}: we may not read it") from error
        except OSError as error:
            raise Down(Reason.MOUNT_HUNG, f"{self.path}: {error}") from error

    def _sorted(self, visit: Visit, entries: Sequence[Entry], zone: tzinfo) -> list[Series]:
        by_name: dict[str, list[Backup]] = {name: [] for name in self.series}
        for entry in entries:
            backup = self._backup(entry, zone, visit.at)
            if backup is not None and (not self.series or backup.series in by_name):
                by_name.setdefault(backup.series, []).append(backup)
        if not by_name:
            raise Down(Reason.BACKUP_MISSING, f"no backup among {len(entries)} names in {self.path}")
        if len(by_name) > MOST_SERIES:
            raise Unsure(
                Reason.FILES_UNREADABLE, f"{len(by_name)} series in {self.path}: does `pattern` cut them right?"
            )
        return [series_of(name, found, visit.at) for name, found in sorted(by_name.items())]

    def _backup(self, entry: Entry, zone: tzinfo, now: datetime) -> Backup | None:
        parts = expression(self.pattern).named_in(entry.name.encode(errors="replace"))
        if parts is None or entry.name.endswith(UNFINISHED):
            return None
        try:
            told = moments(parts["at"], self.at, zone) if parts.get("at") else ()
        except ValueError:
            return None  # a name that only looks like one: vzdump-qemu-101-2026_99_99-...
        at, oddity = dated(told, entry.changed_at, now)
        series = parts.get("series") or self.path.rstrip("/").rpartition("/")[2]
        return Backup(name=entry.name, series=series, at=at, written_at=entry.changed_at, size_bytes=entry.size_bytes,
                      oddity=oddity)  # fmt: skip

    # -- judging ------------------------------------------------------------------------------------------------

    @property
    def _wanted(self) -> Wanted:
        return Wanted(
            longest=self.made_every + self.grace,
            keep=self.keep,
            smallest=self.smallest,
            shrunk_warn=self.shrunk_warn,
            shrunk_down=self.shrunk_down,
            gaps=self.gaps,
        )

    def _judge(self, visit: Visit, series: Series) -> None:
        visit.measure(KEPT, len(series.whole), series=series.name)
        if (newest := series.newest) is not None:
            visit.measure(NEWEST_AT, newest.at.timestamp(), series=series.name)
            visit.measure(NEWEST_BYTES, newest.size_bytes, series=series.name)
        findings = list(judge(series, self._wanted, visit.at))
        for finding in findings:
            note = visit.down if finding.verdict is Verdict.DOWN else visit.warn
            note(finding.reason, finding.detail)
        if findings:
            for backup in (*series.whole[-2:], *series.growing):
                told = f"{backup.name}: {sized(backup.size_bytes)}, begun {backup.at:%Y-%m-%d %H:%M:%S} UTC"
                visit.evidence(f"{visit.subject.host}: {self.path}", told)

    def _judge_leftovers(self, visit: Visit, entries: Sequence[Entry]) -> None:
        ages = {
            entry.name: (visit.at - entry.changed_at).total_seconds()
            for entry in entries
            if entry.name.endswith(UNFINISHED) and self._is_ours(entry.name)
        }
        left = [name for name, age in ages.items() if age > self.made_every + self.grace]
        if left:
            newest = min(left, key=ages.__getitem__)
            what = f"{newest} was left unfinished {in_words(ages[newest])} ago"
            visit.warn(Reason.BACKUP_FAILED, what + (f", and {len(left) - 1} more" if len(left) > 1 else ""))

    def _is_ours(self, name: str) -> bool:
        if not self.series:
            return True
        return any(f"-{series}-" in name for series in self.series)

    async def _judge_logs(self, visit: Visit, files: Files, entries: Sequence[Entry], found: Sequence[Series]) -> None:
        """The log of each series' newest run: of one that failed nothing else is left."""
        for series in found:
            log = _newest_log(entries, series.name)
            if log is None or (series.newest and _run_of(log.name) < _run_of(series.newest.name)):
                continue
            with visit.step("read logs", late=Reason.MOUNT_HUNG, closed=Reason.MOUNT_HUNG):
                failure = await self._failure(files, log)
            if failure is not None:
                visit.down(Reason.BACKUP_FAILED, f"{log.name}: {failure[:200]}")

    async def _failure(self, files: Files, log: Entry) -> str | None:
        path = f"{self.path.rstrip('/')}/{log.name}"
        try:
            tail = await files.read(path, TAIL, max(0, log.size_bytes - TAIL))
            return failure_of(tail.decode(errors="replace"))
        except FileNotFoundError:
            return None  # removed with its archive meanwhile
        except OSError as error:
            raise Unsure(Reason.FILES_UNREADABLE, f"{path}: {error or 'we may not read it'}") from error

    async def _judge_room(self, visit: Visit, files: Files, found: Sequence[Series]) -> None:
        """vzdump removes old backups after it has written the new one: there must be room for one more."""
        with visit.step("room", late=Reason.MOUNT_HUNG, closed=Reason.MOUNT_HUNG):
            try:
                room = await files.space(self.path)
            except OSError as error:
                visit.evidence(f"{visit.subject.host}: {self.path}", f"the free space is not told: {error}")
                return
        largest = max((series.newest.size_bytes for series in found if series.newest), default=0)
        if room.free_bytes < largest:
            has = f"{sized(room.free_bytes)} are free, the next backup needs about {sized(largest)}"
            visit.warn(Reason.DISK_FILLING, has)


def _run_of(name: str) -> str:
    """What the archive and the log of one run have in common: their name up to its endings."""
    return name.partition(".")[0]


def _newest_log(entries: Sequence[Entry], series: str) -> Entry | None:
    # The time in the names is of fixed width, so that they sort by it.
    logs = [entry for entry in entries if entry.name.startswith(f"vzdump-{series}-") and entry.name.endswith(".log")]
    return max(logs, key=lambda entry: entry.name, default=None)
