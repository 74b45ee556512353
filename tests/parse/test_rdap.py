"""What registries tell by RDAP, and who is asked."""

from datetime import UTC, datetime
from typing import Any

import pytest

from migrawatch.parse.rdap import Registration, parse_domain, server_for

LIST = {
    "services": [
        [["com", "net"], ["https://rdap.verisign.test/com/v1/"]],
        [["org"], ["http://rdap.org.test/", "https://rdap.org.test/rdap"]],
        [["CO.UK"], ["https://co.uk.test/"]],
        [["uk"], ["https://uk.test/"]],
        [["xn--p1ai"], ["https://rf.test/"]],
        [["empty"], []],
    ]
}
ENTRY = {
    "objectClassName": "domain",
    "ldhName": "EXAMPLE.ORG",
    "status": ["clientTransferProhibited", "server delete prohibited", "active"],
    "events": [
        {"eventAction": "registration", "eventDate": "1995-08-31T04:00:00Z"},
        {"eventAction": "expiration", "eventDate": "2027-08-30T06:00:00.123+02:00"},
        {"eventAction": "last changed", "eventDate": "yesterday"},
    ],
    "entities": [
        {"roles": ["abuse"]},
        {"roles": ["registrar"], "vcardArray": ["vcard", [["version"], ["fn", {}, "text", "Registrar Inc."]]]},
    ],
    "secureDNS": {"delegationSigned": True},
}


@pytest.mark.parametrize(
    ("domain", "server"),
    [
        ("example.com", "https://rdap.verisign.test/com/v1/"),
        ("example.org", "https://rdap.org.test/rdap/"),
        ("example.co.uk", "https://co.uk.test/"),
        ("example.uk", "https://uk.test/"),
        ("example.xn--p1ai", "https://rf.test/"),
    ],
)
def test_the_longest_entry_that_fits_is_asked_by_https(domain: str, server: str) -> None:
    assert server_for(LIST, domain) == server


@pytest.mark.parametrize("domain", ["example.dev", "example.xcom", "com.example"])
def test_a_domain_that_no_registry_answers_for_is_said(domain: str) -> None:
    with pytest.raises(ValueError, match="names none that answers"):
        server_for(LIST, domain)


@pytest.mark.parametrize("wrong", [[], {}, {"services": {}}, {"services": [["org"]]}, {"services": [["org", "x"]]}])
def test_what_is_no_list_of_registries_is_said(wrong: Any) -> None:
    with pytest.raises(ValueError):
        server_for(wrong, "example.org")


def test_an_entry_is_read_whole() -> None:
    assert parse_domain(ENTRY, "example.org") == Registration(
        expires_at=datetime(2027, 8, 30, 4, 0, 0, 123000, UTC),
        registered_at=datetime(1995, 8, 31, 4, tzinfo=UTC),
        statuses=("active", "client transfer prohibited", "server delete prohibited"),
        registrar="Registrar Inc.",
        is_signed=True,
    )
    assert parse_domain(ENTRY, "example.org").is_locked


@pytest.mark.parametrize(
    "lacking",
    [
        {"status": None, "events": None, "entities": None, "secureDNS": None},
        {"status": "active", "events": ["x"], "entities": [{"roles": "registrar"}], "secureDNS": []},
        {"events": [{}], "entities": [{"roles": ["registrar"], "vcardArray": ["vcard", [["fn"]]]}], "status": []},
    ],
)
def test_what_a_registry_does_not_tell_is_empty(lacking: dict[str, Any]) -> None:
    read = parse_domain(ENTRY | {"secureDNS": None} | lacking, "example.org")

    assert read == Registration()


@pytest.mark.parametrize(
    "wrong", [[], None, {}, ENTRY | {"objectClassName": "entity"}, ENTRY | {"ldhName": "other.org"}]
)
def test_what_is_no_entry_or_anothers_is_said(wrong: Any) -> None:
    with pytest.raises(ValueError):
        parse_domain(wrong, "example.org")
