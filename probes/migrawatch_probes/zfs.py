"""Whether a ZFS pool is whole, has room, and is scrubbed from time to time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from migrawatch.parse.zpool import COLUMNS, Device, Pool, Status, parse_list, parse_status
from migrawatch.probe import Access, Contact, Down, Measure, Probe, Reason, Seconds, Unsure, Visit

SIZE = Measure("probe_zfs_size_bytes", "Size of the pool.", "bytes")
FREE = Measure("probe_zfs_free_bytes", "What is free in the pool.", "bytes")
SCRUBBED_AT = Measure(
    "probe_zfs_scrub_timestamp_seconds", "When the last scrub ended, in unix time on the host's clock.", "seconds"
)

STATUS = 'ssh {host} "zpool status -v {pool}"'
_DAY = 86_400.0


@dataclass(frozen=True, kw_only=True)
class ZfsProbe(Probe):
    """Ask for the state of *pool* by `zpool list` and `zpool status`; neither needs any privilege.

    A pool that is not ONLINE is down, also a degraded one: the next disk takes the data with it. *full_warn* and
    *full_down* are the shares that may be in use; ZFS slows down long before it is full. *scrub_within* is how long
    ago the last scrub may have ended: Debian and Proxmox scrub on the second Sunday of each month.
    """

    pool: str
    full_warn: float = 0.8
    full_down: float = 0.9
    scrub_within: Seconds = 40 * _DAY
    program: str = "/usr/sbin/zpool"

    contact: ClassVar[Contact] = Contact.COMMANDS
    measures: ClassVar[tuple[Measure, ...]] = (SIZE, FREE, SCRUBBED_AT)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.POOL_MISSING: ('ssh {host} "zpool import"', 'ssh {host} "lsblk -o NAME,SIZE,MODEL,SERIAL,STATE"'),
        Reason.POOL_DEGRADED: (STATUS, 'ssh {host} "dmesg -T | tail -n 50"'),
        Reason.POOL_ERRORS: (STATUS, 'ssh {host} "dmesg -T | tail -n 50"'),
        Reason.POOL_FULL: ('ssh {host} "zfs list -o space -r {pool}"', 'ssh {host} "zfs list -t snapshot -r {pool}"'),
        Reason.POOL_SCRUB: (STATUS, 'ssh {host} "zpool scrub {pool}"'),
        Reason.COMMAND_TIMEOUT: ("ssh {host} \"uptime; ps -eo pid,stat,wchan:30,args | grep ' D'\"",),
        Reason.COMMAND_FAILED: ('ssh {host} "ls -l {program} /dev/zfs"',),
    }

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.:-]*", self.pool):
            raise ValueError(f"pool: wanted a name such as rpool, got {self.pool!r}")
        if not 0 < self.full_warn <= self.full_down:
            raise ValueError(f"full_warn must not be over full_down, got {self.full_warn:g} and {self.full_down:g}")

    @property
    def target(self) -> str:
        """The pool's name."""
        return self.pool

    @property
    def access(self) -> Access:
        """zpool, of this pool."""
        listing = (self.program, "list", "-Hp", "-o", COLUMNS)
        return Access(commands=(listing, (self.program, "status", self.pool)))

    async def observe(self, visit: Visit) -> None:
        """Ask for the pool, then for its status, and judge both. Raise Down."""
        pool = await self._pool(visit)
        visit.measure(SIZE, pool.size_bytes)
        visit.measure(FREE, pool.free_bytes)
        status = await self._status(visit)
        self._judge_health(visit, pool, status)
        self._judge_room(visit, pool)
        self._judge_scrub(visit, status)

    async def _pool(self, visit: Visit) -> Pool:
        # All of them: zpool itself knows none that is missing but by an error in words.
        try:
            pools = parse_list(await self._told(visit, "list", "-Hp", "-o", COLUMNS))
        except ValueError as error:
            raise Unsure(Reason.COMMAND_FAILED, str(error)) from error
        mine = [pool for pool in pools if pool.name == self.pool]
        if not mine:
            names = ", ".join(pool.name for pool in pools) or "none"
            raise Down(Reason.POOL_MISSING, f"{self.pool} is not imported on {visit.subject.host}; there: {names}")
        return mine[0]

    async def _status(self, visit: Visit) -> Status:
        try:
            return parse_status(await self._told(visit, "status", self.pool))
        except ValueError as error:
            raise Unsure(Reason.COMMAND_FAILED, str(error)) from error

    async def _told(self, visit: Visit, *argv: str) -> str:
        answer = await visit.run(self.program, *argv)
        if answer.status != 0:
            words = answer.stderr.strip().splitlines()
            what = f"zpool {argv[0]} ended with {answer.status}: {''.join(words[:1])[:200]}"
            raise Unsure(Reason.COMMAND_FAILED, what)
        return answer.stdout

    def _judge_health(self, visit: Visit, pool: Pool, status: Status) -> None:
        bad = [device for device in status.devices if not device.is_well and device.name != self.pool]
        if pool.health != "ONLINE":
            names = ", ".join(f"{each.name} {each.state}" for each in _disks(bad, status))
            visit.down(Reason.POOL_DEGRADED, f"{self.pool} is {pool.health}" + (f": {names[:300]}" if names else ""))
        if status.losses:
            visit.down(Reason.POOL_ERRORS, f"{self.pool}: {status.losses[:200]}")
        elif any(count != "0" for device in bad for count in device.errors):
            worst = next(device for device in bad if any(count != "0" for count in device.errors))
            told = "read {}, write {}, checksum {}".format(*worst.errors, *"---"[len(worst.errors) :])
            visit.warn(Reason.POOL_ERRORS, f"{self.pool}: {worst.name} had errors ({told}), which were mended")
        for device in bad[:10]:
            told = " ".join((device.name, device.state, *device.errors, device.note)).strip()
            visit.evidence(f"{visit.subject.host}: zpool status", told)

    def _judge_room(self, visit: Visit, pool: Pool) -> None:
        if pool.used_share < self.full_warn:
            return
        note, limit = (visit.down, self.full_down) if pool.used_share >= self.full_down else (
            visit.warn, self.full_warn)  # fmt: skip
        note(Reason.POOL_FULL, f"{self.pool} is {pool.used_share:.0%} full, wanted less than {limit:.0%}")

    def _judge_scrub(self, visit: Visit, status: Status) -> None:
        if not status.scan:
            visit.warn(Reason.POOL_SCRUB, f"{self.pool} was never scrubbed")
            return
        if status.scan_at is None or status.scan == "resilver":
            # A new disk was filled since: when the last scrub ended is not told any more.
            visit.evidence(f"{visit.subject.host}: zpool status", f"{status.scan} {status.scan_is}; no scrub is told")
            return
        if status.scan_is == "done":
            visit.measure(SCRUBBED_AT, status.scan_at.timestamp())
        age = (visit.at - status.scan_at).total_seconds()
        if age > self.scrub_within:
            days = f"{age / _DAY:.0f} days ago, wanted {self.scrub_within / _DAY:g} at most"
            visit.warn(Reason.POOL_SCRUB, f"{self.pool}: the last scrub is {status.scan_is} since {days}")


def _disks(bad: list[Device], status: Status) -> list[Device]:
    """The disks among *bad*: what disks are joined to is bad because of them."""
    joined = re.compile(r"(mirror|raidz\d?|draid\d?.*|spare|replacing|indirect)-\d+$")
    return [device for device in bad if not joined.match(device.name)] or list(status.devices[:1])
