"""MTA-STS and TLS-RPT records (RFC 8461, section 3.1; RFC 8460, section 3)."""

import pytest

from migrawatch.parse.mta_sts import Mode, StsPolicy, mta_sts_records, parse_mta_sts, parse_sts_policy
from migrawatch.parse.tls_rpt import parse_tls_rpt, tls_rpt_records


def test_records_are_picked_by_their_first_tag() -> None:
    texts = ("v=STSv1; id=1", "v=TLSRPTv1; rua=mailto:a@b.example", "v=spf1 -all", "id=1; v=STSv1")

    assert mta_sts_records(texts) == texts[:1]
    assert tls_rpt_records(texts) == texts[1:2]


def test_the_id_of_a_policy_is_read() -> None:
    assert parse_mta_sts("v=STSv1; id=20261122T030405;") == "20261122T030405"


@pytest.mark.parametrize(
    "text", ["v=STSv1", "v=STSv1; id=", "v=STSv1; id=a-b", "v=STSv1; id=" + "1" * 33, "v=STSv1; x"]
)
def test_a_policy_without_a_good_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_mta_sts(text)


POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.Example.net\r\nmax_age: 604800\r\n"


def test_a_policy_is_read() -> None:
    """RFC 8461, section 3.2: lines may end as in Unix too, and stand in any order."""
    read = StsPolicy(mode=Mode.ENFORCE, mx=("mail.example.com", "*.example.net"), max_age=604800)

    assert parse_sts_policy(POLICY) == read
    assert parse_sts_policy(POLICY.replace("\r\n", "\n").rstrip()) == read
    assert parse_sts_policy("\n".join(reversed(POLICY.split("\r\n")))).max_age == 604800


def test_of_a_policy_that_says_something_twice_the_first_counts_and_the_unknown_is_passed_over() -> None:
    assert parse_sts_policy(POLICY + "mode: none\nx-new: y\n").mode is Mode.ENFORCE
    assert parse_sts_policy("version:STSv1\nmode:none\nmax_age:0") == StsPolicy(mode=Mode.NONE)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (POLICY.replace("STSv1", "STSv2"), "version is STSv2"),
        (POLICY.replace("version: STSv1\r\n", ""), "version is missing"),
        (POLICY.replace("enforce", "enforced"), "mode is enforced"),
        (POLICY.replace("604800", "1 week"), "max_age is 1 week"),
        (POLICY.replace("604800", "31557601"), "max_age is 31557601"),
        ("version: STSv1\nmode: testing\nmax_age: 1", "mx is missing"),
        (POLICY.replace("mail.example.com", "mail.*.com"), "mx is 'mail.*.com'"),
        (POLICY.replace("mail.example.com", "a." * 200), "mx is"),
        ("<html>\n" + POLICY, "'<html>' is no field"),
        (POLICY + "x" * 40 + ": y", "is no field"),
        ("", "version is missing"),
    ],
)
def test_a_policy_that_no_sender_takes_is_refused(wrong: str, words: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_sts_policy(wrong)

    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("mail.example.com", True),
        ("MAIL.example.com.", True),
        ("mx1.example.net", True),
        ("example.net", False),
        ("a.mx1.example.net", False),
        ("mail.example.org", False),
        ("net", False),
    ],
)
def test_a_star_stands_for_one_label(name: str, allowed: bool) -> None:
    """Section 4.1, with the rules of RFC 6125, section 6.4.3."""
    assert parse_sts_policy(POLICY).allows(name) is allowed


def test_addresses_for_reports_are_read() -> None:
    assert parse_tls_rpt("v=TLSRPTv1; rua=mailto:a@b.example,https://c.example/r") == (
        "mailto:a@b.example",
        "https://c.example/r",
    )


@pytest.mark.parametrize("text", ["v=TLSRPTv1", "v=TLSRPTv1; rua=", "v=TLSRPTv1; rua=ftp://x", "v=TLSRPTv1; rua"])
def test_reports_to_nobody_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_tls_rpt(text)
