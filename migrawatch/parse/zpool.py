"""What `zpool list -Hp` and `zpool status` say of pools, of ZFS on Linux 0.6 to OpenZFS 2.3."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

COLUMNS = "name,size,allocated,free,capacity,health"
"""What `parse_list` reads, for `-o`."""
_DIGITS = 20
"""A pool has fewer bytes than 2^64."""

MOST_LINES = 5_000
"""So much of a status is read: a pool of a thousand disks has fewer lines."""

_IDLE = frozenset({"ONLINE", "AVAIL", "INUSE"})
_CLEAN = "No known data errors"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pool:
    """One line of the list."""

    name: str
    size_bytes: int
    free_bytes: int
    used_share: float
    health: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """One line of a status: a disk, or what disks are joined to. *errors* counts as it prints them, `0 0 226`."""

    name: str
    state: str
    errors: tuple[str, ...] = ()
    note: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it is in use, or ready to be, without an error."""
        return self.state in _IDLE and not any(count != "0" for count in self.errors)


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """*scan* is what was last asked for (`scrub`, `resilver`, or nothing) and how it stands; *scan_at* since when.

    *losses* are zpool's words for data that cannot be read any more.
    """

    scan: str
    scan_is: str
    scan_at: datetime | None
    losses: str
    devices: tuple[Device, ...]


def parse_list(text: str) -> tuple[Pool, ...]:
    """Read `zpool list -Hp -o` COLUMNS: a pool a line, by tabs. A pool that is FAULTED has `-` for its sizes.

    Raise ValueError for a line that is none.
    """
    return tuple(_pool(line.split("\t")) for line in text.splitlines()[:MOST_LINES] if line)


def _pool(fields: list[str]) -> Pool:
    if len(fields) != 6 or not fields[5].isupper():
        raise ValueError(f"not a line of zpool list: {' '.join(fields)[:80]!r}")
    name, size, _, free, capacity, health = fields
    return Pool(
        name=name,
        size_bytes=_count(size),
        free_bytes=_count(free),
        used_share=_count(capacity.rstrip("%")) / 100,  # before 0.8 the sign is there in spite of -p
        health=health,
    )


def _count(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else 0


def parse_status(text: str) -> Status:
    """Read `zpool status POOL`. Raise ValueError when it has no state in it: then it was something else that spoke."""
    lines = text.splitlines()[:MOST_LINES]
    told = {key: value for key, value in map(_pair, lines) if key}
    if "state" not in told:
        raise ValueError("zpool status told no state")
    scan, is_now, at = _scan(told.get("scan", "none requested"))
    errors = told.get("errors", _CLEAN)
    return Status(
        scan=scan,
        scan_is=is_now,
        scan_at=at,
        losses="" if errors == _CLEAN else errors,
        devices=tuple(_devices(lines)),
    )


def _pair(line: str) -> tuple[str, str]:
    found = re.match(r" {0,2}([a-z]+): ?(.*)", line)
    return (found[1], found[2].strip()) if found else ("", "")


_SCANS = (
    (re.compile(r"(scrub) repaired .* on (.*)"), "done"),
    (re.compile(r"(resilver)ed .* on (.*)"), "done"),
    (re.compile(r"(scrub|resilver) in progress since (.*)"), "going on"),
    (re.compile(r"(scrub) paused since (.*)"), "paused"),
    (re.compile(r"(scrub|resilver) canceled on (.*)"), "canceled"),
)


def _scan(text: str) -> tuple[str, str, datetime | None]:
    for pattern, is_now in _SCANS:
        if found := pattern.match(text):
            return found[1], is_now, _moment(found[2])
    return "", "", None


def _moment(text: str) -> datetime | None:
    """A time as ctime(3) writes it: on the host's clock, in English whatever its language.

    It is taken for UTC: half a day more or less does not matter where weeks are counted.
    """
    try:
        return datetime.strptime(text, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        return None


def _devices(lines: list[str]) -> list[Device]:
    found: list[Device] = []
    is_table = False
    for line in lines:
        fields = line.split()
        if fields[:2] == ["NAME", "STATE"]:
            is_table = True
        elif not fields or (line[0] not in "\t " and is_table):
            is_table = is_table and not found
        elif is_table and len(fields) > 1:
            found.append(Device(name=fields[0], state=fields[1], errors=tuple(fields[2:5]), note=" ".join(fields[5:])))
    return found
