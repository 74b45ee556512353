"""What a backup's name says: which series it belongs to, and when it was begun, on the clock of its host."""

import io
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

VZDUMP = (
    r"^vzdump-(?P<series>(?:qemu|lxc|openvz)-[0-9]+)-(?P<at>[0-9]{4}_[0-9]{2}_[0-9]{2}-[0-9]{2}_[0-9]{2}_[0-9]{2})"
    r"\.(?:tgz|(?:vma|tar)(?:\.(?:zst|gz|lzo|bz2|xz))?)$"
)
"""The archives that Proxmox's vzdump writes, of machines and of containers."""

VZDUMP_AT = "%Y_%m_%d-%H_%M_%S"

UNFINISHED = (".dat", ".tmp", ".part", ".partial")
"""How names end while their file is written: vzdump renames its `.dat` when the archive is whole."""

_LONGEST = 80
"""Characters of a time in a name: three times what the longest has."""

SLACK = timedelta(minutes=5)
"""So far two clocks may differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """One backup. *at* is when it was begun, as far as can be told; *oddity* says why its dates cannot be right."""

    name: str
    series: str
    at: datetime
    written_at: datetime
    size_bytes: int
    oddity: str = ""


class _Whole(io.BytesIO):
    """A file that ends with an error: zoneinfo waits for ever for the last newline of one that was cut short."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read *size* bytes. Raise ValueError where nothing is left of them."""
        found = super().read(size)
        if size and size > 0 and not found:
            raise ValueError("cut short")
        return found


def parse_zone(content: bytes) -> tzinfo:
    """Read /etc/localtime (tzfile(5)). Raise ValueError for anything else."""
    try:
        return ZoneInfo.from_file(_Whole(content))
    # What zoneinfo has no error for it asserts.
    except (ValueError, IndexError, AssertionError, struct.error) as error:
        raise ValueError("not the file of a time zone") from error


def moments(text: str, form: str, zone: tzinfo) -> tuple[datetime, ...]:
    """When a name's time was, in UTC: two moments for the hour that is had twice in autumn, earliest first.

    Raise ValueError when *text* is no time of the form *form* (strptime(3)).
    """
    if len(text) > _LONGEST:
        raise ValueError(f"no time of the form {form}: {text[:_LONGEST]!r}...")
    local = datetime.strptime(text, form)
    try:
        if local.tzinfo is not None:
            return (local.astimezone(UTC),)
        return tuple(sorted({local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}))
    except OverflowError as error:
        raise ValueError(f"no clock shows {text[:80]!r}") from error


def dated(told: Iterable[datetime], written_at: datetime, now: datetime) -> tuple[datetime, str]:
    """When a backup was begun, and what is odd about it, by what its name tells and when its file was last written.

    A name is believed unless it lies in the future; then the file is, and the zone of the name must be wrong.
    """
    latest = now + SLACK
    told = tuple(told)
    begun = [moment for moment in told if moment <= written_at + SLACK] or list(told[:1])
    at = begun[-1] if begun else written_at
    if at <= latest:
        return at, ""
    if written_at <= latest:
        return written_at, f"is named for {at:%Y-%m-%d %H:%M:%S} UTC, but was written before: is its time zone right?"
    return at, f"is dated {at:%Y-%m-%d %H:%M:%S} UTC, in the future"
