"""zpool's output, old and new."""

import pytest

from migrawatch.parse.zpool import Pool, parse_list, parse_status
from tests.servers import recorded_zfs as recorded


def test_a_list_is_read_by_its_tabs() -> None:
    pools = parse_list(recorded.pool_line("clients-main") + "clients-backup\t-\t-\t-\t-\tFAULTED\n")

    assert pools == (
        Pool(
            name="clients-main",
            size_bytes=4398046511104,
            free_bytes=2594847441551,
            used_share=0.41,
            health="ONLINE",
        ),
        Pool(name="clients-backup", size_bytes=0, free_bytes=0, used_share=0.0, health="FAULTED"),
    )


def test_before_0_8_a_share_has_its_sign_in_spite_of_p() -> None:
    assert parse_list("rpool\t1000\t410\t590\t41%\tONLINE\n")[0].used_share == 0.41


def test_no_pool_is_none() -> None:
    assert parse_list("") == ()


@pytest.mark.parametrize("text", ["garbage\n", "\x01\xff [{\n\n}=\n", "a\tb\tc\td\te\tonline\n"])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a line of zpool list"):
        parse_list(text)


@pytest.mark.parametrize(
    ("line", "scan", "is_now", "at"),
    [
        ("scrub repaired 0 in 1h18m with 0 errors on Tue Nov  6 22:47:38 2012", "scrub", "done", "2012-11-06 22:47:38"),
        ("scrub repaired 0B in 4 days 11:37:41 with 0 errors on Fri Nov  8 18:56:33 2024",
         "scrub", "done", "2024-11-08 18:56:33"),
        ("scrub repaired 0B in 0 days 00:02:51 with 0 errors on Sun Jun 12 00:26:52 2022",
         "scrub", "done", "2022-06-12 00:26:52"),
        ("scrub in progress since Sun Aug 13 00:24:02 2017", "scrub", "going on", "2017-08-13 00:24:02"),
        ("scrub paused since Sun May 12 00:24:01 2024", "scrub", "paused", "2024-05-12 00:24:01"),
        ("scrub canceled on Tue Aug 15 01:12:31 2017", "scrub", "canceled", "2017-08-15 01:12:31"),
        ("resilvered 1.49T in 15:34:45 with 0 errors on Sun Jan 29 06:00:29 2023",
         "resilver", "done", "2023-01-29 06:00:29"),
        ("resilver in progress since Thu Nov 26 01:00:00 2026", "resilver", "going on", "2026-11-26 01:00:00"),
        ("none requested", "", "", None),
        ("scrub repaired 0B in 00:00:01 with 0 errors on some day", "scrub", "done", None),
    ],
)  # fmt: skip
def test_scans_are_read_of_every_version(line: str, scan: str, is_now: str, at: str | None) -> None:
    status = parse_status(recorded.status("rpool", line))

    assert (status.scan, status.scan_is) == (scan, is_now)
    assert (f"{status.scan_at:%Y-%m-%d %H:%M:%S}" if status.scan_at else None) == at


def test_a_pool_that_was_never_scrubbed_may_have_no_such_line() -> None:
    assert parse_status(recorded.status("rpool", None)).scan == ""


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        (recorded.status("rpool"), []),
        (recorded.DEGRADED, ["clients-main", "mirror-0", "9273645120917364512"]),
        (recorded.MENDED, ["ata-ST8000AS0002-1NA17Z_AAAAA1"]),
        (recorded.CORRUPT, ["sda", "sdb"]),
        (recorded.SUSPENDED, ["clients-backup", "usb-Seagate-0:0"]),
        (recorded.RESILVERING, ["clients-main", "mirror-0", "replacing-1", "old"]),
    ],
)
def test_what_is_not_well_is_found_wherever_it_stands(text: str, bad: list[str]) -> None:
    assert [device.name for device in parse_status(text).devices if not device.is_well] == bad


def test_logs_caches_and_spares_are_devices_too() -> None:
    assert [device.name for device in parse_status(recorded.MENDED).devices][-3:] == [
        "nvme0n1p4",
        "nvme0n1p5",
        "ata-ST8000AS0002-1NA17Z_AAAAA4",
    ]


def test_errors_of_data_are_quoted() -> None:
    assert parse_status(recorded.CORRUPT).losses == "7 data errors, use '-v' for a list"
    assert parse_status(recorded.DEGRADED).losses == ""


@pytest.mark.parametrize("text", ["", "\x01\xff [{\n\n}=\n", "cannot open 'x': no such pool\n"])
def test_what_is_no_status_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="told no state"):
        parse_status(text)
