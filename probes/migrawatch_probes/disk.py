"""How full a file system is, of bytes and of inodes, and when it will be full at the present rate."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from migrawatch.decide.filling import Filling
from migrawatch.decide.series import in_words, sized
from migrawatch.probe import FILES_REMEDIES, Contact, Down, Measure, Probe, Reason, Seconds, Unsure, Visit
from migrawatch.reach.vantage import Space

SIZE = Measure("probe_disk_size_bytes", "Size of the file system.", "bytes")
FREE = Measure("probe_disk_free_bytes", "What an ordinary user may still use of it.", "bytes")
INODES = Measure("probe_disk_inodes", "Inodes of the file system; 0 where it does not count them.")
INODES_FREE = Measure("probe_disk_inodes_free", "Inodes that an ordinary user may still use.")
FULL_AT = Measure(
    "probe_disk_full_timestamp_seconds",
    "When it will be full at the present rate, in unix time; absent when it does not fill.",
    "seconds",
)

_DAY = 86_400.0
_YEAR = 365 * _DAY
_DF = 'ssh {host} "df -h {path}; df -i {path}"'
_LARGEST = 'ssh {host} "du -xh --max-depth=3 {path} | sort -h | tail -n 20"'
_DELETED = 'ssh {host} "lsof +L1"'


@dataclass(frozen=True, kw_only=True)
class DiskProbe(Probe):
    """See how much of the file system that *path* lies on is used, as `df` counts it.

    From the shares *full_warn* and *full_down* on, of bytes or of inodes, it is filling and full. At the rate of the
    last day it should last for *warn_within*, at that of the last hour for *down_within*; the rates need as much of
    earlier looks, so that a single look judges only what it sees.
    """

    path: str = "/"
    full_warn: float = 0.85
    full_down: float = 0.95
    warn_within: Seconds = 3 * _DAY
    down_within: Seconds = 2 * 3600.0

    contact: ClassVar[Contact] = Contact.FILES
    memory: ClassVar[type[Any] | None] = Filling
    measures: ClassVar[tuple[Measure, ...]] = (SIZE, FREE, INODES, INODES_FREE, FULL_AT)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        **FILES_REMEDIES,
        Reason.DISK_FULL: (_DF, _LARGEST, _DELETED),
        Reason.DISK_FILLING: (_DF, _LARGEST),
    }

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError(f"path: wanted one that begins with /, got {self.path!r}")
        if not 0 < self.full_warn <= self.full_down:
            raise ValueError(f"full_warn must not be over full_down, got {self.full_warn:g} and {self.full_down:g}")

    @property
    def target(self) -> str:
        """The path."""
        return self.path

    async def observe(self, visit: Visit) -> None:
        """Ask once, compare with earlier looks, and judge."""
        space = await self._space(visit)
        visit.measure(SIZE, space.size_bytes)
        visit.measure(FREE, space.free_bytes)
        visit.measure(INODES, space.inodes)
        visit.measure(INODES_FREE, space.inodes_free)
        self._judge_share(visit, "full", space.used_share, f"{sized(space.free_bytes)} are free")
        self._judge_share(visit, "out of inodes", space.inodes_share, f"{space.inodes_free} inodes are free")
        self._judge_rate(visit, space)

    async def _space(self, visit: Visit) -> Space:
        async with visit.files() as files:
            with visit.step("space", late=Reason.MOUNT_HUNG, closed=Reason.MOUNT_HUNG):
                try:
                    space = await files.space(self.path)
                except FileNotFoundError as error:
                    raise Unsure(Reason.FILES_UNREADABLE, f"{self.path} is not there") from error
                except PermissionError as error:
                    raise Unsure(Reason.FILES_UNREADABLE, f"{self.path}: we may not read it") from error
                except OSError as error:
                    raise Down(Reason.MOUNT_HUNG, f"{self.path}: {error}") from error
        if not space.size_bytes:
            raise Unsure(Reason.FILES_UNREADABLE, f"{self.path}: the file system there tells no size")
        return space

    def _judge_share(self, visit: Visit, what: str, share: float, left: str) -> None:
        # Rounded down: 100 % is for nothing left.
        told = f"{self.path} is {int(100 * share)} % {what}, {left}"
        if share >= self.full_down:
            visit.down(Reason.DISK_FULL, told)
        elif share >= self.full_warn:
            visit.warn(Reason.DISK_FILLING, f"{told}, wanted less than {100 * self.full_warn:g} %")

    def _judge_rate(self, visit: Visit, space: Space) -> None:
        known = visit.last if isinstance(visit.last, Filling) else Filling()
        filling = known.noted(visit.at.timestamp(), space.used_bytes, space.size_bytes)
        if filling is not known:
            visit.remember(filling)
        by_hour, by_day = filling.lasts(space.free_bytes)
        soonest = min((lasts for lasts in (by_hour, by_day) if lasts is not None), default=None)
        if soonest is not None and soonest < _YEAR:
            visit.measure(FULL_AT, visit.at.timestamp() + soonest)
        if by_hour is not None and by_hour < self.down_within:
            visit.down(Reason.DISK_FILLING, self._told(visit, by_hour, "the last hour's rate"))
        elif by_day is not None and by_day < self.warn_within:
            visit.warn(Reason.DISK_FILLING, self._told(visit, by_day, "the last day's rate"))

    def _told(self, visit: Visit, lasts: Seconds, rate: str) -> str:
        full_at = visit.at + timedelta(seconds=lasts)
        return f"{self.path} will be full in {in_words(lasts)} at {rate}: {full_at:%Y-%m-%d %H:%M:%S} UTC"
