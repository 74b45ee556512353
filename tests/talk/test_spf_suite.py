"""RFC 7208's own test suite, all 203 cases, over a name server on 127.0.0.1."""

from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml

from migrawatch.parse.spf_outcome import Sender
from migrawatch.reach.here import Here
from migrawatch.reach.lookup import Lookups
from migrawatch.reach.nameserver import Nameserver
from migrawatch.talk.spf import evaluate
from tests.servers.zones import Zones, txt, zone_server

SUITE = Path(__file__).parent / "rfc7208" / "rfc7208-tests.yml"
DEFAULT = "DEFAULT"
"""The suite's word for an explanation that is the receiver's own: the domain gave none."""


@cache
def sections() -> tuple[dict[str, Any], ...]:
    return tuple(yaml.load_all(SUITE.read_text("utf-8"), Loader=yaml.CSafeLoader))


def cases() -> Iterator[Any]:
    for section in sections():
        for name, case in section["tests"].items():
            yield pytest.param(section, case, id=f"{section['description']}: {name}")


def test_the_suite_is_whole() -> None:
    assert sum(1 for _ in cases()) == 203


@pytest.mark.parametrize(("section", "case"), list(cases()))
async def test_a_case_of_the_suite_has_the_outcome_that_the_rfc_wants(
    section: dict[str, Any], case: dict[str, Any]
) -> None:
    sender = Sender(address=ip_address(case["host"]), mail_from=case["mailfrom"], helo=case["helo"])

    async with zone_server(served(section["zonedata"])) as server:
        lookup = Lookups(Here(), [Nameserver(address="127.0.0.1", port=server.port, patience=0.1)], recursion=True)
        seen = await evaluate(sender, lookup)

    wanted = case["result"] if isinstance(case["result"], list) else [case["result"]]
    assert seen.outcome in wanted, (seen.problem, seen.trace)
    if "explanation" in case:
        assert (seen.explanation or DEFAULT) == case["explanation"]


def served(zones: dict[str, list[Any]]) -> Zones:
    """The suite's zones as the server takes them, by the suite's conventions.

    An `SPF` entry stands for TXT unless the name has a TXT entry; `TXT: NONE` is such an entry and no record. A bare
    TIMEOUT is what becomes of a question for every type that the name has no record of.
    """
    return {name.lower(): dict(_types(entries)) for name, entries in zones.items()}


def _types(entries: list[Any]) -> Iterator[tuple[str, Any]]:
    given: dict[str, list[Any]] = {}
    for entry in entries:
        if entry == "TIMEOUT":
            yield "ANY", "silent"
        else:
            for kind, value in entry.items():
                given.setdefault(kind, []).append(value)
    given.setdefault("TXT", given.pop("SPF", []))
    for kind, values in given.items():
        if "TIMEOUT" in values:
            yield kind, "silent"
        elif records := [_record(kind, value) for value in values if value != "NONE"]:
            yield kind, records


def _record(kind: str, value: Any) -> str:
    match kind:
        case "TXT":
            return txt(*(value if isinstance(value, list) else [value]))
        case "MX":
            return f"{value[0]} {value[1] or '.'}"
        case _:
            return str(value)
