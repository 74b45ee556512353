"""What is asked of a DNS blocklist, and what its answers mean."""

import pytest

from migrawatch.parse.dnsbl import is_listing, meaning, points_to_test, question, refusal


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.99", "99.2.0.192.bl.example.net"),
        (
            "2001:db8:1:2:3:4:567:89ab",
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example.net",
        ),
    ],
)
def test_an_address_is_asked_for_backwards(address: str, name: str) -> None:
    """The examples of RFC 5782, sections 2.1 and 2.4."""
    assert question(address, "bl.example.net") == name


def test_each_family_has_points_to_test_a_list_by() -> None:
    assert points_to_test("192.0.2.25") == ("127.0.0.2", "127.0.0.1")
    assert points_to_test("2001:db8::25") == ("::ffff:7f00:2", "::ffff:7f00:1")


@pytest.mark.parametrize(
    ("value", "lists", "refuses"),
    [
        ("127.0.0.2", True, ""),
        ("127.0.0.30", True, ""),
        ("127.1.2.3", True, ""),
        ("127.0.0.1", False, "127.0.0.1: it refuses to answer"),
        ("127.255.255.252", False, "127.255.255.252: a typing error in the list's name"),
        (
            "127.255.255.254",
            False,
            "127.255.255.254: it does not answer a public resolver, or one without a reverse name",
        ),
        ("127.255.255.255", False, "127.255.255.255: too many questions"),
        ("127.255.255.250", False, "127.255.255.250: it refuses to answer"),
        ("203.0.113.7", False, ""),
    ],
)
def test_an_answer_lists_or_refuses_or_is_none_of_a_list(value: str, lists: bool, refuses: str) -> None:
    assert (is_listing(value), refusal([value])) == (lists, refuses)


@pytest.mark.parametrize(
    ("zone", "value", "words"),
    [
        ("zen.spamhaus.org", "127.0.0.4", "XBL, broken into or infected"),
        ("ZEN.dq.spamhaus.net.", "127.0.0.10", "PBL, must not send mail itself, says its provider"),
        ("bl.mailspike.net", "127.0.0.10", "of the worst repute"),
        ("notspamhaus.org", "127.0.0.4", ""),
        ("zen.spamhaus.org", "127.0.0.99", ""),
    ],
)
def test_a_code_means_what_its_own_list_means_by_it(zone: str, value: str, words: str) -> None:
    assert meaning(value, zone) == words
