"""Durations, sizes and scalars: what is written is what is meant, whatever YAML 1.1 would have made of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.config.problem import Report
from migrawatch.config.read import parse_yaml
from migrawatch.config.tree import Items, Scalar, Table, number_of
from migrawatch.config.values import format_duration, format_size, parse_duration, parse_pattern, parse_size
from tests.config.conftest import Folder


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("30s", 30), ("5m", 300), ("2h", 7200), ("14d", 1_209_600), ("1w", 604_800),
     ("1h30m", 5400), ("1.5h", 5400), ("0s", 0)],
)  # fmt: skip
def test_a_duration_reads_as_an_operator_writes_it(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "s", "-5s", "5 s", "1,5h", "5x", "5S", "1:30", "1e3s", ".5s", "5.s", "٣s"])
def test_what_is_not_a_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="wanted a length of time"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**10))
def test_a_duration_that_is_written_reads_back(milliseconds: int) -> None:
    assert round(parse_duration(format_duration(milliseconds / 1000)) * 1000) == milliseconds


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("512", 512), ("512B", 512), ("64KiB", 65536), ("1 MiB", 1 << 20), ("1.5GB", 1_500_000_000)],
)
def test_a_size_reads_in_powers_of_two_and_of_ten(text: str, size: int) -> None:
    assert parse_size(text) == size


@given(st.integers(min_value=0, max_value=1 << 50))
def test_a_size_that_is_written_reads_back(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize("text", ["", "-1", "1kb", "1K", "KiB", "1 XiB", "1iB", "1KB"])
def test_what_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="wanted a size"):
        parse_size(text)


@given(st.text())
def test_no_text_breaks_a_reader_of_values(text: str) -> None:
    """A reader gives a value or raises ValueError; anything else would hide all other mistakes."""
    for read in (parse_duration, parse_size, parse_pattern):
        try:
            read(text)
        except ValueError as error:
            assert str(error)


@given(st.integers())
def test_a_decimal_number_is_that_number(number: int) -> None:
    assert number_of(str(number)) == number


@pytest.mark.parametrize(
    "text", ["010", "0o17", "0x1f", "1_000", "1:30", "+-1", "1.", ".5", ".inf", ".nan", "1e", "2026-11-24", "٣", ""]
)
def test_other_spellings_are_not_numbers(text: str) -> None:
    assert number_of(text) is None


@pytest.mark.parametrize("text", ["on", "off", "yes", "no", "y", "1:30", "010", "0o17", "2026-11-24", "1.10", "1_000"])
def test_text_stays_text(folder: Folder, text: str) -> None:
    check = folder.checks(f"x: {{probe: page, host: web, url: {text}, value: {text}, expect: {{json: {{a: {text}}}}}}}")

    page = check.checks[0].probe
    assert page.url == text  # type: ignore[attr-defined]
    assert page.expect.json["a"] in (text, 1.1)  # type: ignore[attr-defined]


def test_where_anything_may_stand_quotes_decide(folder: Folder) -> None:
    settings = folder.checks(
        """\
        x:
          probe: page
          host: web
          url: a
          value: "1"
          expect: {json: {number: 1, text: "1", yes: true, none: null, list: [1, "1"], deep: {a: 1.5}}}
        """
    )

    page = settings.checks[0].probe
    assert page.value == "1"  # type: ignore[attr-defined]
    assert page.expect.json == {  # type: ignore[attr-defined]
        "number": 1, "text": "1", "yes": True, "none": None, "list": [1, "1"], "deep": {"a": 1.5},
    }  # fmt: skip


def test_a_number_may_be_quoted_and_one_value_stands_for_a_list(folder: Folder) -> None:
    settings = folder.checks(
        "x: {probe: page, host: web, url: a, port: '80', words: a, value: 3, ratio: 1, body_limit: 2KiB}"
    )

    page = settings.checks[0].probe
    assert (page.port, page.words, page.value, page.ratio, page.body_limit) == (80, ("a",), 3, 1.0, 2048)  # type: ignore[attr-defined]


_SCALARS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_characters="\x7f\x85"))
_KEYS = st.text("abcdefghij", min_size=1, max_size=5)
_TREES = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3))


def _same(tree: object, written: object) -> bool:
    match tree, written:
        case Scalar(), str():
            return tree.text == written and not tree.plain
        case Items(), list():
            return len(tree) == len(written) and all(map(_same, tree, written))
        case Table(), dict():
            return list(tree) == list(written) and all(_same(tree[key], written[key]) for key in written)
    return False


@given(_TREES)
def test_a_tree_holds_what_was_written(written: object) -> None:
    """JSON is YAML: everything quoted comes back as the same text, in the same order."""
    from json import dumps

    report = Report()

    tree = parse_yaml(dumps(written, ensure_ascii=True).encode(), "f", report)

    assert _same(tree, written), report.problems


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_no_file_breaks_the_reader(content: bytes) -> None:
    report = Report()

    tree = parse_yaml(content, "f", report)

    # What YAML takes for the end of a line (NEL among it) is no document either.
    is_blank = not content.decode(errors="replace").strip()
    assert tree is not None or report.problems or is_blank or b"#" in content or content.startswith(b"\xef")
