"""The addresses that jobs report to, and the logs that they send."""

import pytest

from migrawatch.parse.job_report import KEPT, Report, Signal, parse_log, parse_report

START, SUCCESS, FAIL = Signal.START, Signal.SUCCESS, Signal.FAIL


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("nightly", [("nightly", SUCCESS, 0)]),
        ("nightly/", [("nightly", SUCCESS, 0)]),
        ("nightly/start", [("nightly", START, None), ("nightly/start", SUCCESS, 0)]),
        ("nightly/success", [("nightly", SUCCESS, 0), ("nightly/success", SUCCESS, 0)]),
        ("nightly/fail", [("nightly", FAIL, None), ("nightly/fail", SUCCESS, 0)]),
        ("nightly/0", [("nightly", SUCCESS, 0), ("nightly/0", SUCCESS, 0)]),
        ("nightly/137", [("nightly", FAIL, 137), ("nightly/137", SUCCESS, 0)]),
        ("nightly/256", [("nightly/256", SUCCESS, 0)]),
        ("nightly/-1", [("nightly/-1", SUCCESS, 0)]),
        ("nightly/\u0661", [("nightly/\u0661", SUCCESS, 0)]),
        ("job/pve", [("job/pve", SUCCESS, 0)]),
        ("job/101/2", [("job/101", FAIL, 2), ("job/101/2", SUCCESS, 0)]),
        ("start", [("start", SUCCESS, 0)]),
        ("", [("", SUCCESS, 0)]),
    ],
)
def test_what_an_address_can_mean(path: str, meant: list[tuple[str, Signal, int | None]]) -> None:
    """Names of checks hold slashes and numbers; which one is meant is for whoever knows the names."""
    wanted = tuple(Report(check=check, signal=signal, exit_code=code) for check, signal, code in meant)

    assert parse_report(path) == wanted


@pytest.mark.parametrize(
    ("body", "log"),
    [
        (b"", ""),
        (b"all done\n", "all done"),
        (b"one\r\ntwo\r\n", "one\ntwo"),
        (b"\x1b[1;31merror\x1b[0m: disk full", "error: disk full"),
        (b"\x1b]0;a title\x07text \x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\", "text link"),
        (b"\x1b(Bplain\x1b=\x1bM", "plain"),
        ("\x9b31mred".encode(), "red"),
        (b" 10 %\r 50 %\r100 %\ndone", "100 %\ndone"),
        (b"bell\x07 null\x00 back\x08", "bell\\x07 null\\x00 back\\x08"),
        (b"half an escape \x1b[31", "half an escape \\x1b[31"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("Größe \u202eoverride".encode(), "Größe \\x202eoverride"),
        (b"\n\n  indented\n\n", "  indented"),
    ],
)
def test_a_log_is_text_that_no_terminal_obeys(body: bytes, log: str) -> None:
    assert parse_log(body) == log


@pytest.mark.parametrize("lines", [300, 100_000])
def test_of_a_long_log_the_end_is_kept_from_the_beginning_of_a_line(lines: int) -> None:
    """A job says last why it gave up."""
    log = parse_log(b"".join(b"line %d\n" % number for number in range(lines)))

    assert len(log) <= KEPT + 4
    assert log.startswith("... line ")
    assert log.endswith(f"\nline {lines - 1}")


def test_a_log_of_one_endless_line_is_kept_too() -> None:
    log = parse_log(b"x" * 1_000_000)

    assert log == "... " + "x" * KEPT


@pytest.mark.parametrize("body", [b"\x1b]" * 500_000, b"\x1b[" * 500_000, b"\r" * 1_000_000, b"\x1b[0" * 300_000])
@pytest.mark.timeout(5)
def test_no_log_holds_the_loop(body: bytes) -> None:
    assert len(parse_log(body)) <= KEPT + 4
