"""DMARC records and the tree walk (RFC 9989)."""

import pytest

from migrawatch.parse.dmarc import Dmarc, Policy, dmarc_records, names_to_walk, parse_dmarc, walked

REPORTS = "rua=mailto:d@example.org"


def test_a_whole_record_is_read() -> None:
    record = parse_dmarc(
        "v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=s; psd=n; t=y; rua=mailto:a@b.example,https://c/"
    )

    assert (record.policy, record.for_subdomains, record.for_nonexistent) == ("reject", "quarantine", "none")
    assert record.strict_dkim
    assert record.strict_spf
    assert record.is_testing
    assert (record.psd, record.reports_to) == ("n", ("mailto:a@b.example", "https://c/"))
    assert record.wrong == record.extra == ()


def test_what_is_left_out_follows_from_what_is_there() -> None:
    record = parse_dmarc("v=DMARC1;p=quarantine")

    assert record.for_subdomains == record.for_nonexistent == Policy.QUARANTINE
    assert not record.strict_dkim
    assert not record.is_testing
    assert record.psd == "u"


def test_pct_is_a_tag_like_any_unknown_one() -> None:
    """RFC 9989 took it away: who asks for 10 % of a policy gets all of it."""
    record = parse_dmarc("v=DMARC1; p=reject; pct=10")

    assert record.in_effect() is Policy.REJECT
    assert record.extra == ("pct=10",)


@pytest.mark.parametrize(
    ("asked", "own", "below"),
    [("p=reject", "reject", "reject"), ("p=reject; t=y", "quarantine", "quarantine"),
     ("p=quarantine; t=y", "none", "none"), ("p=none; sp=reject; t=y", "none", "quarantine"),
     ("p=reject; sp=none", "reject", "none")],
)  # fmt: skip
def test_a_test_asks_for_one_step_less(asked: str, own: str, below: str) -> None:
    record = parse_dmarc(f"v=DMARC1; {asked}")

    assert (record.in_effect(), record.in_effect(below=True)) == (own, below)


def test_a_wrong_value_is_as_good_as_none_and_is_told() -> None:
    record = parse_dmarc("v=DMARC1; p=none; adkim=strict; sp=rejekt")

    assert (record.strict_dkim, record.for_subdomains) == (False, "none")
    assert set(record.wrong) == {"adkim=strict", "sp=rejekt"}


@pytest.mark.parametrize("text", [f"v=DMARC1; {REPORTS}", f"v=DMARC1; p=rejekt; {REPORTS}"])
def test_without_a_policy_but_with_somebody_to_report_to_it_is_none(text: str) -> None:
    assert parse_dmarc(text).policy is Policy.NONE


@pytest.mark.parametrize(
    "text",
    ["v=DMARC1", "v=DMARC1; p=rejekt", "v=DMARC1; p=", "v=DMARC1; p=none; p=reject", "v=DMARC1 p=none", "p=none",
     "v=DMARC1; p=none; nonsense", "v=DMARC1; p=r\xe9ject"],
)  # fmt: skip
def test_a_record_that_receivers_apply_nothing_of_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_dmarc(text)


def test_a_record_is_dmarc_by_its_first_tag() -> None:
    texts = ("v=DMARC1; p=none", "v = DMARC1 ;p=none", "v=DMARC10; p=none", "v=spf1 -all", "p=none; v=DMARC1", "")

    assert dmarc_records(texts) == texts[:2]


@pytest.mark.parametrize(
    ("domain", "names"),
    [("example.org", ("example.org", "org")),
     ("A.Mail.Example.org.", ("a.mail.example.org", "mail.example.org", "example.org", "org")),
     ("a.b.c.d.e.f.g.h.i.j.example.org",
      ("a.b.c.d.e.f.g.h.i.j.example.org", "f.g.h.i.j.example.org", "g.h.i.j.example.org",
       "h.i.j.example.org", "i.j.example.org", "j.example.org", "example.org", "org"))],
)  # fmt: skip
def test_the_walk_asks_eight_names_at_most(domain: str, names: tuple[str, ...]) -> None:
    assert names_to_walk(domain) == names


def of(**records: str) -> dict[str, Dmarc]:
    return {name.replace("_", "."): parse_dmarc(f"v=DMARC1; {text}") for name, text in records.items()}


@pytest.mark.parametrize(
    ("found", "at", "organization"),
    [
        (of(), "", "mail.example.co"),
        (of(example_co="p=reject"), "example.co", "example.co"),
        (of(mail_example_co="p=none", example_co="p=reject"), "mail.example.co", "example.co"),
        (of(mail_example_co="p=none; psd=n"), "mail.example.co", "mail.example.co"),
        (of(co="p=reject; psd=y"), "co", "example.co"),
        (of(example_co="p=none", co="p=reject; psd=y"), "example.co", "example.co"),
        (of(mail_example_co="p=none", co="p=reject; psd=y"), "mail.example.co", "example.co"),
        (of(co="p=reject"), "co", "co"),
    ],
)
def test_the_organization_and_the_record_that_holds_follow_from_the_walk(
    found: dict[str, Dmarc], at: str, organization: str
) -> None:
    walk = walked("mail.example.co", found)

    assert (walk.at, walk.organization) == (at, organization)
    assert walk.record is found.get(at)
