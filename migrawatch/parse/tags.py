"""Lists of `tag=value;`, as DKIM, DMARC, MTA-STS and TLS-RPT write their records (RFC 6376, section 3.2)."""

import re

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LONGEST = 8192


def parse_tags(record: str) -> dict[str, str]:
    """The tags of *record* in their order, names as written, without the white space around values.

    Raise ValueError, quoting what is wrong, for what is no such list or has a tag twice.
    """
    if not record.isascii():
        raise ValueError("the record holds bytes that are no ASCII")
    if len(record) > _LONGEST:
        raise ValueError(f"the record has {len(record)} characters")
    tags: dict[str, str] = {}
    parts = record.split(";")
    if not parts[-1].strip():
        parts.pop()
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip()
        if not equals or not _TAG.fullmatch(name):
            raise ValueError(f"{part.strip()[:40]!r} is no tag")
        if name in tags:
            raise ValueError(f"the tag {name[:40]} stands there twice")
        tags[name] = value.strip()
    return tags


def names_version(record: str, version: str) -> bool:
    """Whether *record* begins with the tag `v` and this *version*, which is how receivers pick theirs."""
    name, _, value = record.partition(";")[0].partition("=")
    return name.strip() == "v" and value.strip() == version
