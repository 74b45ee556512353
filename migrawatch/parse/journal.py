"""Entries of systemd's journal, as `journalctl -o json` prints them (systemd, "Journal JSON Format")."""

import json
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One message. *at* is the host's clock in microseconds of unix time."""

    at: int
    message: bytes


def maybe_entry(line: str) -> Entry | None:
    """Read one line; None for one that is no entry, such as what journalctl itself complains of.

    A message that is no text comes as a list of bytes; one that is too long (4 KiB) comes as null, and is empty here.
    """
    try:
        written = json.loads(line)
        return Entry(at=int(written["__REALTIME_TIMESTAMP"]), message=_bytes_of(written.get("MESSAGE")))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _bytes_of(message: object) -> bytes:
    match message:
        case str():
            return message.encode("utf-8", "backslashreplace")
        case [list() as first, *_]:
            return bytes(first)  # the field stood there several times
        case [str() as first, *_]:
            return first.encode("utf-8", "backslashreplace")
        case list():
            return bytes(message)
    return b""
