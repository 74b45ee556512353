"""What is mounted where: /proc/mounts, and what /etc/fstab says should be."""

import re
from dataclasses import dataclass

_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    """One line: what is mounted, where, its type. Of the options only whether it is read-only: they hold passwords."""

    source: str
    place: str
    kind: str
    read_only: bool = False


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """Read /proc/mounts or /etc/fstab (fstab(5)), in order; blanks in names are written in octal, as `\\040`.

    Raise ValueError for a line that is no mount.
    """
    lines = (line.split() for line in text.splitlines())
    return tuple(_mount(fields) for fields in lines if fields and not fields[0].startswith("#"))


def _mount(fields: list[str]) -> Mount:
    if len(fields) < 4:
        raise ValueError("not a table of mounts")
    source, place, kind, options = fields[:4]
    return Mount(source=_plain(source), place=_plain(place), kind=kind, read_only="ro" in options.split(","))


def _plain(name: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), name)


def covering(path: str, mounts: tuple[Mount, ...]) -> Mount | None:
    """The mount that *path* lies on: the deepest, and of several at one place the last, which hides the others."""
    over = [mount for mount in mounts if _is_below(path, mount.place)]
    return max(reversed(over), key=lambda mount: len(mount.place), default=None)


def _is_below(path: str, place: str) -> bool:
    return place == "/" or path.rstrip("/") == place or path.startswith(place + "/")


MOUNTINFO = "/proc/self/mountinfo"


def number_of(path: str, mountinfo: str) -> str:
    """The number of the mount that *path* lies on, by /proc/self/mountinfo (proc(5)); empty where none is told.

    What is mounted anew has a number of its own, also at the same place.
    """
    lines = (line.split(maxsplit=5) for line in mountinfo.splitlines())
    found = [(_plain(fields[4]), fields[0]) for fields in lines if len(fields) == 6]
    over = [(len(place), number) for place, number in found if _is_below(path, place)]
    return max(reversed(over), key=lambda one: one[0], default=(0, ""))[1]
