"""Pools as zpool tells of them; what it printed was recorded, since no pool can be made where tests run."""

from datetime import UTC, datetime

import pytest

from migrawatch.model import Observation, Verdict
from migrawatch.reach.vantage import Completed
from migrawatch.reason import Reason
from migrawatch_probes.zfs import ZfsProbe
from tests.servers import recorded_zfs as recorded
from tests.servers.looking import look_at
from tests.servers.recorded import Recorded

AT = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
OK, WARN, DOWN = Verdict.OK, Verdict.WARN, Verdict.DOWN
LINE, STATUS = recorded.pool_line, recorded.status


def findings(seen: Observation) -> list[tuple[Verdict, Reason]]:
    return [(finding.verdict, finding.reason) for finding in seen.findings]


async def test_a_pool_in_health_is_well() -> None:
    place = Recorded({"/usr/sbin/zpool": [LINE("clients-backup") + LINE("clients-main"), STATUS("clients-main")]})

    seen = await look_at(ZfsProbe(pool="clients-main"), vantage=place)

    assert findings(seen) == [], seen.detail
    assert place.asked == [
        ("/usr/sbin/zpool", "list", "-Hp", "-o", "name,size,allocated,free,capacity,health"),
        ("/usr/sbin/zpool", "status", "clients-main"),
    ]
    assert [reading.measure.name for reading in seen.readings] == [
        "probe_zfs_size_bytes",
        "probe_zfs_free_bytes",
        "probe_zfs_scrub_timestamp_seconds",
    ]


@pytest.mark.parametrize(
    ("line", "status", "found", "detail"),
    [
        (
            LINE("clients-main", health="DEGRADED"),
            recorded.DEGRADED,
            [(DOWN, Reason.POOL_DEGRADED)],
            "clients-main is DEGRADED: 9273645120917364512 UNAVAIL",
        ),
        (
            LINE("clients-main", health="DEGRADED"),
            recorded.RESILVERING,
            [(DOWN, Reason.POOL_DEGRADED)],
            "clients-main is DEGRADED: old UNAVAIL",
        ),
        (
            LINE("clients-main"),
            recorded.MENDED,
            [(WARN, Reason.POOL_ERRORS)],
            "had errors (read 0, write 0, checksum 3), which were mended",
        ),
        (LINE("clients-main"), recorded.CORRUPT, [(DOWN, Reason.POOL_ERRORS)], "clients-main: 7 data errors"),
        (
            LINE("clients-main", used=79),
            STATUS("clients-main", "scrub repaired 0B in 00:42:09 with 0 errors on Sun Nov  8 00:24:01 2026"),
            [],
            "",
        ),
        (
            LINE("clients-main", used=80),
            recorded.status("clients-main", "scrub in progress since Thu Nov 26 00:24:01 2026"),
            [(WARN, Reason.POOL_FULL)],
            "clients-main is 80% full, wanted less than 80%",
        ),
        (
            LINE("clients-main", used=93),
            recorded.status("clients-main", "resilvered 266M in 00:00:13 with 0 errors on Sat Jun 25 15:41:55 2022"),
            [(DOWN, Reason.POOL_FULL)],
            "clients-main is 93% full, wanted less than 90%",
        ),
        (
            LINE("clients-main"),
            STATUS("clients-main", "scrub repaired 0B in 00:42:09 with 0 errors on Sun Sep 13 00:24:01 2026"),
            [(WARN, Reason.POOL_SCRUB)],
            "clients-main: the last scrub is done since 74 days ago, wanted 40 at most",
        ),
        (LINE("clients-main"), STATUS("clients-main", None), [(WARN, Reason.POOL_SCRUB)], "was never scrubbed"),
        (
            LINE("clients-main", used=95, health="DEGRADED"),
            recorded.DEGRADED,
            [(DOWN, Reason.POOL_DEGRADED), (DOWN, Reason.POOL_FULL)],
            "clients-main is DEGRADED",
        ),
    ],
)
async def test_each_fault_has_its_word(
    line: str, status: str, found: list[tuple[Verdict, Reason]], detail: str
) -> None:
    seen = await look_at(ZfsProbe(pool="clients-main"), vantage=Recorded({"/usr/sbin/zpool": [line, status]}), at=AT)

    assert findings(seen) == found, seen.findings
    assert detail in seen.detail


async def test_a_pool_whose_drive_was_unplugged_is_down_with_all_that_is_wrong() -> None:
    place = Recorded({"/usr/sbin/zpool": [LINE("clients-backup", health="SUSPENDED"), recorded.SUSPENDED]})

    seen = await look_at(ZfsProbe(pool="clients-backup"), vantage=place, at=AT)

    assert findings(seen) == [
        (DOWN, Reason.POOL_DEGRADED),
        (DOWN, Reason.POOL_ERRORS),
        (WARN, Reason.POOL_SCRUB),
    ]
    assert seen.detail == "clients-backup is SUSPENDED: usb-Seagate-0:0 UNAVAIL"
    assert [each.text for each in seen.evidence] == ["usb-Seagate-0:0 UNAVAIL 3 14 0"]


async def test_a_pool_that_is_not_imported_is_missing() -> None:
    seen = await look_at(ZfsProbe(pool="clients-backup"), vantage=Recorded({"/usr/sbin/zpool": [LINE("clients-main")]}))

    assert findings(seen) == [(DOWN, Reason.POOL_MISSING)]
    assert seen.detail == "clients-backup is not imported on host; there: clients-main"


async def test_a_host_that_does_not_let_us_ask_cannot_be_judged() -> None:
    answer = Completed(1, "", "/dev/zfs and /proc/self/mounts are required.\n")

    seen = await look_at(ZfsProbe(pool="clients-main"), vantage=Recorded({"/usr/sbin/zpool": [answer]}))

    assert findings(seen) == [(Verdict.UNKNOWN, Reason.COMMAND_FAILED)]
    assert "zpool list ended with 1: /dev/zfs and" in seen.detail


def test_a_name_that_could_be_an_option_is_refused() -> None:
    with pytest.raises(ValueError, match="wanted a name such as rpool"):
        ZfsProbe(pool="-v")
