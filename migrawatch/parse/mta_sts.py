"""MTA-STS records (RFC 8461, section 3.1): the sign at a domain that a policy is to be fetched."""

import re
from collections.abc import Iterable

from migrawatch.parse.tags import names_version, parse_tags

_ID = re.compile("[A-Za-z0-9]{1,32}")


def mta_sts_records(texts: Iterable[str]) -> tuple[str, ...]:
    """Those of a name's TXT records that are MTA-STS records; senders want exactly one."""
    return tuple(text for text in texts if names_version(text, "STSv1"))


def parse_mta_sts(record: str) -> str:
    """The policy's id, which changes when the policy does. Raise ValueError, quoting what is wrong."""
    found = parse_tags(record).get("id", "")
    if not _ID.fullmatch(found):
        raise ValueError(f"id={found[:40]!r}, wanted 1 to 32 letters and digits")
    return found
