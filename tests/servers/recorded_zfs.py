# ruff: noqa: E101 - zpool indents by a tab and then by spaces
"""What zpool printed of pools in health and in trouble, on old and on new ZFS: no pool can be made where tests run."""

from datetime import UTC, datetime, timedelta

TIB = 1024**4

CLEAN = "No known data errors"
MIRROR = """\
	NAME                                            STATE     READ WRITE CKSUM
	{pool}                                    ONLINE       0     0     0
	  mirror-0                                      ONLINE       0     0     0
	    ata-WDC_WD40EFRX-68N32N0_WD-WCC7K0AAAAA1    ONLINE       0     0     0
	    ata-WDC_WD40EFRX-68N32N0_WD-WCC7K0AAAAA2    ONLINE       0     0     0
"""

# OpenZFS 2.1: a disk was pulled from a mirror.
DEGRADED = """\
  pool: clients-main
 state: DEGRADED
status: One or more devices could not be used because the label is missing or
	invalid.  Sufficient replicas exist for the pool to continue
	functioning in a degraded state.
action: Replace the device using 'zpool replace'.
   see: https://openzfs.github.io/openzfs-docs/msg/ZFS-8000-4J
  scan: scrub repaired 0B in 01:12:09 with 0 errors on Sun Nov  8 01:36:12 2026
config:

	NAME                                            STATE     READ WRITE CKSUM
	clients-main                                    DEGRADED     0     0     0
	  mirror-0                                      DEGRADED     0     0     0
	    ata-WDC_WD40EFRX-68N32N0_WD-WCC7K0AAAAA1    ONLINE       0     0     0
	    9273645120917364512                         UNAVAIL      0     0     0  was /dev/disk/by-id/ata-WDC_2-part1

errors: No known data errors
"""

# ZFS on Linux 0.7: the scan's length has no seconds, the link is an older one; checksums were mended.
MENDED = """\
  pool: clients-main
 state: ONLINE
status: One or more devices has experienced an unrecoverable error.  An
	attempt was made to correct the error.  Applications are unaffected.
action: Determine if the device needs to be replaced, and clear the errors
	using 'zpool clear' or replace the device with 'zpool replace'.
   see: http://zfsonlinux.org/msg/ZFS-8000-9P
  scan: scrub repaired 192K in 50h42m with 0 errors on Sun Nov  8 02:42:21 2026
config:

	NAME                               STATE     READ WRITE CKSUM
	clients-main                       ONLINE       0     0     0
	  raidz1-0                         ONLINE       0     0     0
	    ata-ST8000AS0002-1NA17Z_AAAAA1 ONLINE       0     0     3
	    ata-ST8000AS0002-1NA17Z_AAAAA2 ONLINE       0     0     0
	    ata-ST8000AS0002-1NA17Z_AAAAA3 ONLINE       0     0     0
	logs
	  nvme0n1p4                        ONLINE       0     0     0
	cache
	  nvme0n1p5                        ONLINE       0     0     0
	spares
	  ata-ST8000AS0002-1NA17Z_AAAAA4   AVAIL

errors: No known data errors
"""

# OpenZFS 2.2: data is lost.
CORRUPT = """\
  pool: clients-main
 state: ONLINE
status: One or more devices has experienced an error resulting in data
	corruption.  Applications may be affected.
action: Restore the file in question if possible.  Otherwise restore the
	entire pool from backup.
   see: https://openzfs.github.io/openzfs-docs/msg/ZFS-8000-8A
  scan: scrub repaired 0B in 4 days 11:37:41 with 7 errors on Sun Nov  8 18:56:33 2026
config:

	NAME          STATE     READ WRITE CKSUM
	clients-main  ONLINE       0     0     0
	  mirror-0    ONLINE       0     0     0
	    sda       ONLINE       0     0   226
	    sdb       ONLINE       0     0 3.14K

errors: 7 data errors, use '-v' for a list
"""

# The external drive was unplugged: the pool waits for it, and whoever writes to it waits too.
SUSPENDED = """\
  pool: clients-backup
 state: SUSPENDED
status: One or more devices are faulted in response to IO failures.
action: Make sure the affected devices are connected, then run 'zpool clear'.
   see: https://openzfs.github.io/openzfs-docs/msg/ZFS-8000-HC
  scan: none requested
config:

	NAME              STATE     READ WRITE CKSUM
	clients-backup    UNAVAIL      0     0     0  insufficient replicas
	  usb-Seagate-0:0 UNAVAIL      3    14     0

errors: 3 data errors, use '-v' for a list
"""

RESILVERING = """\
  pool: clients-main
 state: DEGRADED
status: One or more devices is currently being resilvered.  The pool will
	continue to function, possibly in a degraded state.
action: Wait for the resilver to complete.
  scan: resilver in progress since Thu Nov 26 01:00:00 2026
	1.49T / 1.81T scanned at 500M/s, 500G / 1.81T issued at 250M/s
	500G resilvered, 26.98% done, 01:03:20 to go
config:

	NAME               STATE     READ WRITE CKSUM
	clients-main       DEGRADED     0     0     0
	  mirror-0         DEGRADED     0     0     0
	    sda            ONLINE       0     0     0
	    replacing-1    DEGRADED     0     0     0
	      old          UNAVAIL      0     0     0  was /dev/sdb1
	      sdc          ONLINE       0     0     0  (resilvering)

errors: No known data errors
"""


def pool_line(name: str, *, used: int = 41, health: str = "ONLINE") -> str:
    """A line of `zpool list -Hp`."""
    return f"{name}\t{4 * TIB}\t{4 * TIB * used // 100}\t{4 * TIB * (100 - used) // 100}\t{used}\t{health}\n"


def scrubbed(days: float) -> str:
    """The line of a scrub that ended so long ago."""
    at = datetime.now(UTC) - timedelta(days=days)
    return f"scrub repaired 0B in 00:42:09 with 0 errors on {at:%a %b} {at.day:2} {at:%H:%M:%S %Y}"


def status(pool: str, scan: str | None = "", errors: str = CLEAN) -> str:
    """A mirror in health; *scan* None leaves the line out, as OpenZFS 2 does for a pool that was never scrubbed."""
    line = "" if scan is None else f"  scan: {scan or scrubbed(10)}\n"
    return f"  pool: {pool}\n state: ONLINE\n{line}config:\n\n{MIRROR.format(pool=pool)}\nerrors: {errors}\n"
