"""What an object store answers in XML: errors, and lists of objects (Amazon S3 API reference)."""

from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree

from migrawatch.parse.moment import utc_of

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """One object of a list: its key, and when it was put there (aware, UTC)."""

    key: str
    modified_at: datetime


def parse_error(body: bytes) -> tuple[str, str]:
    """The code and the message of an error; both empty for what is none."""
    try:
        root = _root(body)
    except ValueError:
        return "", ""
    if _plain(root.tag) != "Error":
        return "", ""
    told = {_plain(one.tag): " ".join((one.text or "").split())[:_LONGEST] for one in root}
    return told.get("Code", ""), told.get("Message", "")


def parse_list(body: bytes) -> tuple[Listed, ...]:
    """The objects of an answer to ListObjectsV2. Raise ValueError for what is none."""
    root = _root(body)
    if _plain(root.tag) != "ListBucketResult":
        raise ValueError(f"a list was wanted, <{_plain(root.tag)[:_LONGEST]}> came")
    entries = [{_plain(one.tag): one.text or "" for one in entry} for entry in root if _plain(entry.tag) == "Contents"]
    return tuple(Listed(entry.get("Key", ""), utc_of(entry.get("LastModified", ""))) for entry in entries)


def _root(body: bytes) -> ElementTree.Element:
    if b"<!DOCTYPE" in body:  # entities that grow without end; no store sends one
        raise ValueError("the XML declares a type of its own")
    try:
        return ElementTree.fromstring(body)
    # An encoding that Python does not know is a LookupError of its own, one that it cannot read so a ValueError.
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise ValueError(f"not XML: {str(error)[:_LONGEST]}") from error


def _plain(tag: str) -> str:
    """A tag without its namespace, which not every store sends."""
    return tag.rpartition("}")[2]
