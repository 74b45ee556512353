"""SPF records: what RFC 7208's own suite (tests/talk/test_spf_suite.py) does not ask of reading them."""

from itertools import product

import pytest

from migrawatch.parse.spf import parse_spf, spf_records
from migrawatch.parse.spf_macro import expand, expand_name, parse_domain_spec, parse_macros


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("v=spf1", True), ("v=spf1 -all", True), ("V=SPF1 -ALL", True), ("v=spf10 -all", False), ("v=spf2 -all", False),
     (" v=spf1 -all", False), ("v=spf1-all", False), ("", False)],
)  # fmt: skip
def test_a_record_is_spf_by_its_first_word(text: str, is_one: bool) -> None:
    assert spf_records([text]) == ((text,) if is_one else ())


def test_every_part_of_a_record_is_read() -> None:
    record = parse_spf("v=spf1 a:mail.example/24//64 ~IP4:192.0.2.0/25 ?ip6:2001:db8::/32 exp=e.example x-y=%{s} -all")

    a, ip4, ip6, everybody = record.mechanisms
    assert (a.name, a.domain, a.four, a.six) == ("a", ("mail.example",), 24, 64)
    assert (ip4.qualifier, str(ip4.network)) == ("~", "192.0.2.0/25")
    assert (ip6.qualifier, str(ip6.network)) == ("?", "2001:db8::/32")
    assert (everybody.qualifier, everybody.name) == ("-", "all")
    assert (record.redirect, record.explanation) == (None, ("e.example",))


@pytest.mark.parametrize(
    "term",
    ["ip4:192.0.2.1/33", "ip4:192.0.2", "ip4:192.0.2.0/024", "ip4:192.0.2.1/", "ip6:fe80::1%25", "ip6:fe80::1%eth0",
     "a/33", "a//129", "a:/24", "mx:example", "include:", "include", "exists", "all:x", "-", "redirect=", "ptr/24",
     "a:%{x}", "a:%{d0}.example", "a:%{c}.example", "a:%{d", "a:example.-com", "a:example.12", "exp=a.b exp=c.d",
     "redirect=a.b redirect=c.d", "ünknown", "a:mail.exämple", "x=%{q}", "unknown", "ip4:" + "9" * 5000],
)  # fmt: skip
def test_what_is_no_term_is_quoted(term: str) -> None:
    with pytest.raises(ValueError):
        parse_spf(f"v=spf1 {term} -all")


def test_no_short_text_is_anything_but_read_or_refused() -> None:
    """Whatever stands in DNS, reading it ends in a record or in a ValueError."""
    refused = 0
    for letters in product("a:/%{}0=.+ ", repeat=4):
        try:
            parse_spf("v=spf1 " + "".join(letters))
        except ValueError:
            refused += 1

    assert 0 < refused < 11**4


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("%{d}", "mail.example.org"), ("%{dr}", "org.example.mail"), ("%{d2}", "example.org"), ("%{d1r}", "mail"),
     ("%{d99}", "mail.example.org"), ("%{l-}", "two.words"), ("%{S}", "two-words%40mail.example.org"),
     ("a%%b%_c%-d", "a%b c%20d")],
)  # fmt: skip
def test_macros_are_filled_in(text: str, wanted: str) -> None:
    values = {"d": "mail.example.org", "l": "two-words", "s": "two-words@mail.example.org"}

    assert expand(parse_macros(text), values) == wanted


def test_a_name_that_is_too_long_loses_labels_from_the_left() -> None:
    """Section 7.3: so that a long local part cannot make a record fail."""
    name = expand_name(parse_domain_spec("%{l}.example.org"), {"l": ".".join(["label"] * 60)})

    assert len(name) <= 253
    assert name.endswith("label.label.example.org")
