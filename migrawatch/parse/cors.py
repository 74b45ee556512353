"""A CORS preflight judged as browsers judge it (Fetch standard, "CORS-preflight fetch")."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from migrawatch.parse.http import Response

SAFE_METHODS = frozenset({"GET", "HEAD", "POST"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Crossing:
    """A request that a page of *origin* wants to make; *headers* are the ones it sets beyond the safelisted."""

    origin: str
    method: str = "GET"
    headers: tuple[str, ...] = ()
    credentials: bool = False


def preflight_headers(crossing: Crossing) -> list[tuple[str, str]]:
    """The headers of the OPTIONS request that a browser sends first: names lower-case, sorted, joined by a comma."""
    headers = [("Origin", crossing.origin), ("Access-Control-Request-Method", crossing.method)]
    if crossing.headers:
        headers.append(("Access-Control-Request-Headers", ",".join(sorted(map(str.lower, crossing.headers)))))
    return headers


def refusals(crossing: Crossing, response: Response) -> list[str]:
    """Why a browser would refuse to make the request after this preflight's response; empty when it would."""
    wrong = _wrong_origin(crossing, response)
    if wrong:
        return [wrong]  # nothing else is read by a browser then
    return [*_wrong_method(crossing, response), *_wrong_headers(crossing, response)]


def _wrong_origin(crossing: Crossing, response: Response) -> str:
    allowed = response.header("access-control-allow-origin")
    if allowed is None:
        return f"no Access-Control-Allow-Origin, wanted {crossing.origin}"
    # The comparison is of bytes: two values, another case or a slash at the end are all refusals.
    if allowed != crossing.origin and (allowed != "*" or crossing.credentials):
        return f"Access-Control-Allow-Origin is {allowed!r}, wanted {crossing.origin!r}"
    if crossing.credentials and response.header("access-control-allow-credentials") != "true":
        return "Access-Control-Allow-Credentials is not 'true'"
    return ""


def _wrong_method(crossing: Crossing, response: Response) -> Iterable[str]:
    allowed = _listed(response, "access-control-allow-methods")
    if crossing.method in SAFE_METHODS or crossing.method in allowed or _any(crossing, allowed):
        return
    yield f"Access-Control-Allow-Methods is {', '.join(allowed)!r}, wanted {crossing.method}"


def _wrong_headers(crossing: Crossing, response: Response) -> Iterable[str]:
    allowed = _listed(response, "access-control-allow-headers")
    lowered = {name.lower() for name in allowed}
    for name in sorted({name.lower() for name in crossing.headers} - lowered):
        # A star never stands for Authorization.
        if name == "authorization" or not _any(crossing, allowed):
            yield f"Access-Control-Allow-Headers is {', '.join(allowed)!r}, wanted {name}"


def _any(crossing: Crossing, allowed: Sequence[str]) -> bool:
    return "*" in allowed and not crossing.credentials


def _listed(response: Response, name: str) -> list[str]:
    value = response.header(name) or ""
    return [part for part in (part.strip(" \t") for part in value.split(",")) if part]
