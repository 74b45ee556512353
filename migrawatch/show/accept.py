"""What a client accepts (RFC 9110, section 12.5): which of our formats it likes best, and whether it unpacks gzip."""

from collections.abc import Mapping

_OPENMETRICS = "application/openmetrics-text"
_TEXT = "text/plain"
_VERSIONS = {_OPENMETRICS: ("1.0.0", "0.0.1"), _TEXT: ("0.0.4", "1.0.0")}
"""What is read as what we write: 0.0.1 is OpenMetrics before it was a standard, text 1.0.0 has quoted names besides."""


def wants_openmetrics(accept: str) -> bool:
    """Whether *accept* prefers OpenMetrics to the text format; by a wildcard alone, nobody does."""
    offers = [(kind, quality) for kind, version, quality in map(_offer, accept.split(",")) if _speaks(kind, version)]
    openmetrics, text = _liking(_OPENMETRICS, offers), _liking(_TEXT, offers)
    is_named = any(kind == _OPENMETRICS for kind, _ in offers)
    return openmetrics > text or (is_named and openmetrics == text > 0)


def accepts_gzip(header: str) -> bool:
    """Whether *header* (Accept-Encoding) allows gzip; a word on gzip itself counts before `*`."""
    offers = {kind: quality for kind, _, quality in map(_offer, header.split(","))}
    return offers.get("gzip", offers.get("*", 0.0)) > 0


def _speaks(kind: str, version: str) -> bool:
    return not version or kind not in _VERSIONS or version in _VERSIONS[kind]


def _liking(kind: str, offers: list[tuple[str, float]]) -> float:
    """The quality of *kind*: a word on it counts before one on its type, and that before `*/*`."""
    for wanted in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        found = [quality for offered, quality in offers if offered == wanted]
        if found:
            return max(found)
    return 0.0


def _offer(part: str) -> tuple[str, str, float]:
    """What is offered, in lower case, its version if one is asked for, and how it is liked, from 0 to 1."""
    kind, *rest = (piece.strip() for piece in part.split(";"))
    pairs = (piece.partition("=") for piece in rest)
    parameters = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
    return kind.lower(), parameters.get("version", ""), _quality(parameters)


def _quality(parameters: Mapping[str, str]) -> float:
    try:
        quality = float(parameters.get("q", "1"))
    except ValueError:
        return 0.0
    # Not a number is not liked either.
    return quality if 0 <= quality <= 1 else 0.0
