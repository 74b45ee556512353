"""What Nagios plugins print: lines for people, values, and what is neither."""

from math import inf
from time import perf_counter

import pytest

from migrawatch.parse.perfdata import ITEMS, Performance, Range, parse_output, parse_performance, parse_range

# Printed by Debian's monitoring-plugins 2.3.3.
LOAD = "LOAD WARNING - total load average: 5.28|load1=5.280;5.000;10.000;0; load5=7.160;4.000;9.000;0; \n"
DISK = "DISK OK - free space: / 78670MiB (75% inode=97%);| /=26451378176B;243497277849;257024904396;0;270552530944\n"


def test_check_load_is_read() -> None:
    output = parse_output(LOAD)

    assert output.line == "LOAD WARNING - total load average: 5.28"
    assert [(each.label, each.value, each.unit) for each in output.values] == [("load1", 5.28, ""), ("load5", 7.16, "")]
    assert (output.values[0].warn, output.values[0].critical) == (Range(0, 5), Range(0, 10))


def test_check_disk_is_read() -> None:
    [used] = parse_output(DISK).values

    assert (used.label, used.value, used.unit) == ("/", 26451378176, "B")


def test_values_stand_on_the_first_line_and_at_the_end_of_those_after_it() -> None:
    """The plugin API's own example."""
    output = parse_output(
        "DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968\n"
        "/ 15272 MB (77%);\n/boot 68 MB (69%);\n"
        "/var/log 819 MB (84%); | /boot=68MB;88;93;0;98\n/home=69357MB;253404;253409;0;253414\n"
        "/var/log=818MB;970;975;0;980\n"
    )

    assert output.more.splitlines()[0] == "/ 15272 MB (77%);"
    assert output.more.endswith("/var/log 819 MB (84%);")
    assert [each.label for each in output.values] == ["/", "/boot", "/home", "/var/log"]


@pytest.mark.parametrize(("text", "label", "value", "unit"), [
    ("a=1", "a", 1, ""),
    ("a=-1.5", "a", -1.5, ""),
    ("a=.5", "a", 0.5, ""),
    ("a=0,5s", "a", 0.5, "s"),
    ("a=1e3", "a", 1000, ""),
    ("a=250ms", "a", 0.25, "s"),
    ("a=3us", "a", 3e-6, "s"),
    ("a=2KB", "a", 2048, "B"),
    ("a=1MiB", "a", 1048576, "B"),
    ("a=12.5%", "a", 0.125, "%"),
    ("a=7c", "a", 7, "c"),
    ("a=21C", "a", 21, "C"),
    ("a=U", "a", None, ""),
    ("'a b'=1;2;3", "a b", 1, ""),
    ("'it''s'=1", "it's", 1, ""),
    ("'a=b'=1", "a=b", 1, ""),
    ("a=1;;;;", "a", 1, ""),
    ("C:\\=5%;80;90", "C:\\", 0.05, "%"),
])  # fmt: skip
def test_one_value(text: str, label: str, value: float | None, unit: str) -> None:
    [read] = parse_performance(text)

    assert (read.label, read.unit) == (label, unit)
    assert read.value == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize("text", ["", "a", "a=", "=1", "a=b", "a=1x2", "'a=1", "a= 1", "a=nan", "a=inf", "a==1"])
def test_what_is_no_value_is_passed_over(text: str) -> None:
    assert [each.label for each in parse_performance(f"{text} good=1") if each.label != "good"] == []


def test_the_first_value_of_a_label_counts_and_not_more_than_so_many() -> None:
    assert [each.value for each in parse_performance("a=1 a=2")] == [1]
    assert len(parse_performance(" ".join(f"a{number}=1" for number in range(1000)))) == ITEMS


def test_limits_are_in_the_unit_as_written() -> None:
    assert parse_performance("time=2500ms;1000;~:2000") == (
        Performance(
            label="time", value=2.5, unit="s", written=2500, warn=Range(0, 1000), critical=Range(-inf, 2000)
        ),
    )  # fmt: skip


@pytest.mark.parametrize(("text", "well", "not_well"), [
    # The guidelines' own table.
    ("10", (0, 5, 10), (-1, 11)),
    ("10:", (10, 1e9), (9, -1)),
    ("~:10", (-1e9, 10), (11,)),
    ("10:20", (10, 20), (9, 21)),
    ("@10:20", (9, 21), (10, 15, 20)),
    (":10", (0, 10), (-1, 11)),
])  # fmt: skip
def test_a_range(text: str, well: tuple[float, ...], not_well: tuple[float, ...]) -> None:
    read = parse_range(text)

    assert read is not None
    assert [value for value in well if not read.holds(value)] == []
    assert [value for value in not_well if read.holds(value)] == []


@pytest.mark.parametrize("text", ["", "@", "~", "a", "10:a", "20:10", "1:2:3", "80%"])
def test_what_is_no_range_is_none(text: str) -> None:
    assert parse_range(text) is None


@pytest.mark.parametrize("text", ["", "\n", "   \nmore", "|a=1", "\x01\x02", "OK \x1b[2J"])
def test_a_plugin_without_a_line_for_people_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"^printed .*, wanted a line with its status$"):
        parse_output(text)


@pytest.mark.parametrize("unit", ["a", "'", "''", "'' ", "' ", "a=", "a=1;", "'a=1 ", "=", ";", "1", "a=1111"])
def test_no_output_takes_long(unit: str) -> None:
    """A flood is no reason to stand still."""
    began = perf_counter()
    parse_output("OK |" + unit * (2_000_000 // len(unit)))

    assert perf_counter() - began < 1
