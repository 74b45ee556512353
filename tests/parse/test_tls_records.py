"""MTA-STS and TLS-RPT records (RFC 8461, section 3.1; RFC 8460, section 3)."""

import pytest

from migrawatch.parse.mta_sts import mta_sts_records, parse_mta_sts
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


def test_addresses_for_reports_are_read() -> None:
    assert parse_tls_rpt("v=TLSRPTv1; rua=mailto:a@b.example,https://c.example/r") == (
        "mailto:a@b.example",
        "https://c.example/r",
    )


@pytest.mark.parametrize("text", ["v=TLSRPTv1", "v=TLSRPTv1; rua=", "v=TLSRPTv1; rua=ftp://x", "v=TLSRPTv1; rua"])
def test_reports_to_nobody_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_tls_rpt(text)
