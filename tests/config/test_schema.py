"""Editors are given a schema that accepts what we accept."""
# ruff: noqa: E501 (a case a line reads best)

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from migrawatch.config.schema import json_schema
from tests.config.kinds import KINDS


@pytest.fixture(scope="module")
def installed() -> dict[str, Any]:
    return json_schema()


ROOT = Path(__file__).parents[2]


class Core(yaml.SafeLoader):
    """YAML 1.2 as editors read it: only true and false are bools."""


Core.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":int", ":timestamp"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Core.add_implicit_resolver("tag:yaml.org,2002:bool", __import__("re").compile("true|false"), list("tf"))
Core.add_implicit_resolver("tag:yaml.org,2002:int", __import__("re").compile("[0-9]+$"), list("0123456789"))


def complaints(schema: dict[str, Any], text: str) -> list[str]:
    written = yaml.load(text, Core)
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(written)]


@pytest.mark.slow
def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(KINDS))


@pytest.mark.slow
def test_the_schema_of_every_installed_kind_is_a_schema(installed: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(installed)


@pytest.mark.parametrize("path", sorted([*ROOT.glob("config/**/*.yaml")]), ids=lambda path: path.name)
def test_the_configurations_we_ship_fit_the_schema(path: Path, installed: dict[str, Any]) -> None:
    assert complaints(installed, path.read_text()) == []


@pytest.mark.parametrize(
    ("check", "complaint"),
    [
        ("{probe: page, host: web, url: a, port: 80, expect: {status: [200, 301]}, words: a, headers: {a: {env: B}}}", ""),
        ("{probe: port, host: web}", ""),
        ("{probe: page, host: web, url: '{n}', port: '{n}', each: {n: [a]}, slow_after: '{n}'}", ""),
        ("{probe: page, host: web, url: a, every: 30s, remedy: {slow: ls}, needs: [a], from: app}", ""),
        ("{probe: page, host: web, url: a, prt: 80}", "'prt' was unexpected"),
        ("{probe: page, host: web}", "'url' is a required property"),
        ("{probe: pgae, host: web}", "is not one of"),
        ("{host: web}", "'probe' is a required property"),
        ("{probe: page, host: web, url: a, every: 30}", "is not of type 'string'"),
        ("{probe: page, host: web, url: a, verify: 1}", "is not one of [True, False]"),
        ("{probe: page, host: web, url: a, remedy: {slw: ls}}", "'slw' is not one of"),
        ("{probe: page, host: web, url: a, token: hunter2}", "is not of type 'object'"),
    ],
)  # fmt: skip
def test_the_schema_knows_each_kinds_settings(check: str, complaint: str) -> None:
    told = complaints(json_schema(KINDS), f"checks: {{x: {check}}}")

    assert complaint in " ".join(told) if complaint else told == []


def test_the_hosts_own_checks_need_not_say_their_kind() -> None:
    assert complaints(json_schema(KINDS), "checks: {host/web: {port: 2222}, ssh/web: {every: 5m}}") == []


def test_the_uplinks_need_not_say_their_kind_and_other_names_must(installed: dict[str, Any]) -> None:
    uplinks = 'uplink/lan: {addresses: ["10.1.10.1:22"]}, uplink/internet: {addresses: [1.1.1.1]}'

    assert complaints(installed, f"checks: {{{uplinks}}}") == []
    assert complaints(installed, "checks: {uplink/other: {addresses: [1.1.1.1]}}") != []


def test_the_schema_says_what_a_setting_means() -> None:
    checks = json_schema(KINDS)["properties"]["checks"]["patternProperties"]
    (check,) = (shape for names, shape in checks.items() if re.search(names, "any-other-name"))
    page = next(branch["then"] for branch in check["allOf"] if branch["if"]["properties"]["probe"]["const"] == "page")

    assert page["properties"]["dial"]["description"] == "Where to connect instead."
    assert check["properties"]["from"]["description"].startswith("Where to look from")
