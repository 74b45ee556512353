"""Whatever a peer sends: each parser of remote text either understands it or refuses it, and nothing else.

What is sent is noise, or what a well-behaved peer sends with pieces lost, doubled, moved and replaced. The parsers are
those of tests/fuzz/targets.py, which `make fuzz` feeds with millions of inputs; what those found is in found.py there.
"""

import re
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrawatch.parse import backup_name, rdap
from migrawatch.parse.http import maybe_retry_after
from tests.fuzz.found import FOUND
from tests.fuzz.samples import entry
from tests.fuzz.seeds import DEEP
from tests.fuzz.targets import SECOND_SAMPLES, TARGETS

TEXTS = {name: target for name, target in TARGETS.items() if isinstance(target.sample, str)}
BYTES = {name: target for name, target in TARGETS.items() if isinstance(target.sample, bytes)}

ODD_TEXT = (
    "\x00",
    "\x1b[2J",
    "\r\n",
    "\n",
    '"',
    "'",
    "\\",
    "{",
    "}",
    "%",
    "=",
    ";",
    "=" * 300,
    "9" * 400,
    "é",
    "\ud800",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "-1",
    "1e999",
    "NaN",
    "Infinity",
    "99999999999999999",
)
ODD_BYTES = (
    b"\x00",
    b"\xff\xfe",
    b"\x1b[2J",
    b"\r\n",
    b"\n",
    b'"',
    b"{99999999999}\r\n",
    b"(" * 300,
    b"9" * 400,
    b"<!DOCTYPE",
)


@st.composite
def damaged(draw: st.DrawFn, whole: Any, odd: tuple[Any, ...]) -> Any:
    """*whole* with up to five pieces cut out, doubled, moved to the end or replaced by something odd."""
    said = whole
    for _ in range(draw(st.integers(0, 5))):
        begin = draw(st.integers(0, len(said)))
        end = draw(st.integers(begin, min(len(said), begin + 40)))
        head, piece, tail = said[:begin], said[begin:end], said[end:]
        said = draw(
            st.sampled_from((head + tail, head + piece + piece + tail, head + tail + piece, head + tail * 2))
            | st.sampled_from(odd).map(lambda strange, head=head, tail=tail: head + strange + tail)  # type: ignore[misc]
        )[:5000]
    return said


@pytest.mark.parametrize("parser", TEXTS)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_text_is_understood_or_refused(parser: str, data: st.DataObject) -> None:
    target = TEXTS[parser]
    said = data.draw(damaged(target.sample, ODD_TEXT) | st.text(max_size=200) | st.sampled_from(ODD_TEXT))

    target.take(said)


@pytest.mark.parametrize("parser", BYTES)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_bytes_are_understood_or_refused(parser: str, data: st.DataObject) -> None:
    target = BYTES[parser]
    said = data.draw(damaged(target.sample, ODD_BYTES) | st.binary(max_size=200))

    target.take(said)


@pytest.mark.parametrize("parser", TARGETS)
def test_what_it_is_made_of_is_understood(parser: str) -> None:
    """Else the tests above would damage what is damaged already."""
    target = TARGETS[parser]

    target.parse(target.sample)


@pytest.mark.parametrize("parser", TARGETS)
def test_what_is_nested_without_end_is_understood_or_refused(parser: str) -> None:
    for said in (*DEEP, *SECOND_SAMPLES.get(parser, ())):
        TARGETS[parser].take_bytes(said)


@pytest.mark.parametrize(("parser", "said"), [(parser, said) for parser, several in FOUND.items() for said in several])
def test_what_once_crashed_a_parser_is_understood_or_refused(parser: str, said: bytes) -> None:
    TARGETS[parser].take_bytes(said)


@pytest.mark.parametrize("number", [b"9" * 400, b"9" * 5000, b"-1", b"99999999999999999", b"1e400", b"NaN"])
@pytest.mark.parametrize("parser", TARGETS)
def test_any_number_may_be_out_of_bounds(parser: str, number: bytes) -> None:
    target = TARGETS[parser]
    for found in re.finditer(rb"[0-9]+", target.sample_bytes):
        target.take_bytes(target.sample_bytes[: found.start()] + number + target.sample_bytes[found.end() :])


@pytest.mark.parametrize("name", ["0001-01-01T00:00:00+1400", "9999-12-31T23:59:59-1400"])
def test_a_backup_of_a_day_that_no_clock_shows_has_no_time(name: str) -> None:
    with pytest.raises(ValueError, match="no clock shows"):
        backup_name.moments(name, "%Y-%m-%dT%H:%M:%S%z", UTC)


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_object_of_a_day_that_no_clock_shows_is_refused(date: str) -> None:
    target = TARGETS["s3 list"]

    with pytest.raises(ValueError, match="no clock shows"):
        target.parse(target.sample_bytes.replace(b"2026-11-26T12:00:00.000Z", date.encode()))


def test_a_date_of_any_zone_asks_for_no_wait() -> None:
    date = "Sun, 22 Nov 2026 03:04:05 +" + "9" * 400

    assert maybe_retry_after({"retry-after": date, "date": date}) is None


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_date_that_no_clock_shows_is_none(date: str) -> None:
    assert rdap.parse_domain(entry(date), "a.test").expires_at is None
