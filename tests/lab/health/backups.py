"""Whether backups are well, by find and mountpoint on pve itself."""

import shlex
import time
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.lab.plan import SERVERS
from tests.lab.shell import LabError

if TYPE_CHECKING:
    from tests.lab.lab import Lab

SHARE = "/mnt/windows-backup"
KEPT = 10
EVERY = 7200.0
GRACE = 1800.0
FULL = 90
"""Per cent."""

# First how full the share is, then each dump, then what is left of rounds that did not go well.
LOOK = f"""
mountpoint -q {SHARE}
df --output=pcent {SHARE} | tail -n 1
find {SHARE} -name '*.zst' -printf '%h %T@ %s\\n'
find {SHARE} -name '*.dat'
grep -rL --include='*.log' 'INFO: Finished Backup' {SHARE} || true
"""


def backups(lab: "Lab") -> list[str]:
    """Mounted, with room left; ten of each server, two hours apart, none small, none failed."""
    try:
        used, *lines = lab.ssh("pve", f"timeout 3 sh -euc {shlex.quote(LOOK)}", timeout=6).splitlines()
    except LabError:
        return [f"pve: {SHARE} is not mounted or does not answer"]
    said = [f"pve: {SHARE} is {used.strip()} full"] if int(used.strip().rstrip("%")) >= FULL else []
    said += [f"{line}: failed" for line in lines if line.endswith((".log", ".dat"))]
    for server in SERVERS:
        folder = f"{SHARE}/{server}"
        rows = [line.split() for line in lines if line.startswith(f"{folder} ")]
        said += [f"{folder}: {wrong}" for wrong in _wrong([(float(row[1]), int(row[2])) for row in rows])]
    return said


def _wrong(dumps: list[tuple[float, int]]) -> list[str]:
    """What is wrong with one server's dumps, each with its time and size."""
    if len(dumps) != KEPT:
        return [f"{len(dumps)} kept, wanted {KEPT}"]
    times, sizes = sorted(at for at, _ in dumps), [size for _, size in dumps]
    wrong = {
        "the newest is too old": time.time() - times[-1] > EVERY + GRACE,
        "the newest comes from the future": times[-1] > time.time() + 60,
        "one is missing": any(abs(later - one - EVERY) > GRACE for one, later in pairwise(times)),
        "one is small": min(sizes) < 0.8 * max(sizes),
    }
    return [said for said, so in wrong.items() if so]
