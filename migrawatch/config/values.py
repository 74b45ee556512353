"""Texts into values: durations, sizes, patterns. Each raises ValueError, saying what was wanted."""

import re

import re2

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(?:(?:[0-9]+|[0-9]+\.[0-9]+)(?:ms|s|m|h|d|w))+\Z")
_PART = re.compile(r"([0-9.]+)(ms|s|m|h|d|w)")
_BYTES = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4,
          "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}  # fmt: skip
_SIZE = re.compile(r"([0-9]+|[0-9]+\.[0-9]+) ?([kKMGT]?i?B)\Z")

_QUIET = re2.Options()
_QUIET.log_errors = False


def parse_duration(text: str) -> float:
    """Read a length of time into seconds: `250ms`, `30s`, `5m`, `2h`, `14d`, `1w`, or several as `1h30m`."""
    if not _DURATION.match(text):
        unit = "; add a unit" if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else ""
        raise ValueError(f"wanted a length of time such as 30s, 5m, 2h or 14d, got {text!r}{unit}")
    return sum(float(count) * _SECONDS[unit] for count, unit in _PART.findall(text))


def format_duration(seconds: float) -> str:
    """Write seconds as an operator would: `30s`, `5m`, `2h`, `14d`, `1h30m`, `250ms`."""
    left = round(seconds * 1000)
    written = ""
    for unit in ("d", "h", "m", "s", "ms"):
        count, left = divmod(left, round(_SECONDS[unit] * 1000))
        written += f"{count}{unit}" if count else ""
    return written or "0s"


def parse_size(text: str) -> int:
    """Read a size into bytes: `512B`, `64KiB`, `10MiB`, `1.5GB`, or a plain number of bytes."""
    if re.fullmatch(r"[0-9]+", text):
        return int(text)
    found = _SIZE.match(text)
    if found is None or found[2] not in _BYTES:
        raise ValueError(f"wanted a size such as 64KiB, 10MiB or 1GB, got {text!r}")
    return round(float(found[1]) * _BYTES[found[2]])


def format_size(size: int) -> str:
    """Write bytes as an operator would: `64KiB`, `4MiB`, `1000B`."""
    unit = next((unit for unit in ("TiB", "GiB", "MiB", "KiB") if size and size % _BYTES[unit] == 0), "B")
    return f"{size // _BYTES[unit]}{unit}"


def parse_pattern(text: str) -> str:
    """Check a regular expression in RE2's dialect and give it back."""
    try:
        re2.compile(text, _QUIET)
    except re2.error as error:
        why = error.args[0] if error.args else "not a pattern"
        why = why.decode() if isinstance(why, bytes) else why
        raise ValueError(f"not a regular expression (RE2): {why}") from error
    return text
