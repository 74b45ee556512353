"""MTA-STS (RFC 8461): the record that says that a domain has a policy, and the policy itself."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from migrawatch.parse.tags import names_version, parse_tags

_ID = re.compile("[A-Za-z0-9]{1,32}")
_FIELD = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_PATTERN = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LONGEST_AGE = 31_557_600
"""Seconds, a year: what max_age may be at most."""
_MOST_PATTERNS = 100
_LONGEST_NAME = 255


class Mode(StrEnum):
    """What senders do with a server that the policy does not allow: refuse to deliver, tell, nothing."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class StsPolicy:
    """A policy. *mx* are names in lower case, `*.` at the front of one standing for exactly one label."""

    mode: Mode
    mx: tuple[str, ...] = ()
    max_age: int = 0

    def allows(self, name: str) -> bool:
        """Whether mail may go to the server *name* (section 4.1)."""
        plain = name.lower().removesuffix(".")
        above = plain.partition(".")[2]
        return any(pattern == plain or (above and pattern == f"*.{above}") for pattern in self.mx)


def mta_sts_records(texts: Iterable[str]) -> tuple[str, ...]:
    """Those of a name's TXT records that are MTA-STS records; senders want exactly one."""
    return tuple(text for text in texts if names_version(text, "STSv1"))


def parse_mta_sts(record: str) -> str:
    """The policy's id, which changes when the policy does. Raise ValueError, quoting what is wrong."""
    found = parse_tags(record).get("id", "")
    if not _ID.fullmatch(found):
        raise ValueError(f"id={found[:40]!r}, wanted 1 to 32 letters and digits")
    return found


def parse_sts_policy(text: str) -> StsPolicy:
    """Read a policy (section 3.2). Fields that nobody knows are passed over, and so is the second of one but `mx`.

    Raise ValueError, quoting what is wrong, for what a sender would not take.
    """
    fields = _fields(text)
    if fields.get("version") != ["STSv1"]:
        raise ValueError(f"version is {', '.join(fields.get('version', ['missing']))[:40]}, wanted STSv1")
    told = fields.get("mode", ["missing"])[0]
    if told not in set(Mode):
        raise ValueError(f"mode is {told[:40]}, wanted enforce, testing or none")
    age = fields.get("max_age", ["missing"])[0]
    if not (age.isascii() and age.isdigit() and len(age) <= 10 and int(age) <= _LONGEST_AGE):
        raise ValueError(f"max_age is {age[:40]}, wanted seconds up to {_LONGEST_AGE}")
    return StsPolicy(mode=Mode(told), mx=_patterns(fields.get("mx", []), Mode(told)), max_age=int(age))


def _fields(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.replace("\r\n", "\n").split("\n"):
        name, colon, value = line.partition(":")
        if not line.strip(" \t"):
            continue
        if not colon or not _FIELD.fullmatch(name):
            raise ValueError(f"{line[:40]!r} is no field of a policy")
        found.setdefault(name, [])
        if name == "mx" or not found[name]:
            found[name].append(value.strip(" \t"))
    return found


def _patterns(told: list[str], mode: Mode) -> tuple[str, ...]:
    patterns = tuple(pattern.lower() for pattern in told[:_MOST_PATTERNS])
    if not patterns and mode is not Mode.NONE:
        raise ValueError("mx is missing")
    for pattern in patterns:
        if len(pattern) > _LONGEST_NAME or not _PATTERN.fullmatch(pattern):
            raise ValueError(f"mx is {pattern[:40]!r}, wanted a name, or one below `*.`")
    return patterns
