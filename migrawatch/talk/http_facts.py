"""The measures that a response gives, named as blackbox_exporter names them."""

from migrawatch.model import Measure
from migrawatch.parse.http import Response

STATUS_CODE = Measure("probe_http_status_code", "Response HTTP status code")
CONTENT_LENGTH = Measure("probe_http_content_length", "Length of http content response")
BODY_LENGTH = Measure("probe_http_uncompressed_body_length", "Length of uncompressed response body")
REDIRECT_COUNT = Measure("probe_http_redirects", "The number of redirects")
SSL = Measure("probe_http_ssl", "Indicates if SSL was used for the final redirect")
VERSION = Measure("probe_http_version", "Returns the version of HTTP of the probe response")
FAILED_BY_REGEX = Measure("probe_failed_due_to_regex", "Indicates if probe failed due to regex")
LAST_MODIFIED = Measure(
    "probe_http_last_modified_timestamp_seconds",
    "Returns the Last-Modified HTTP response header in unixtime",
    "seconds",
)
PHASES = Measure(
    "probe_http_duration_seconds", "Duration of http request by phase, summed over all redirects", "seconds", ("phase",)
)
HTTP_MEASURES = (
    STATUS_CODE, CONTENT_LENGTH, BODY_LENGTH, REDIRECT_COUNT, SSL, VERSION, FAILED_BY_REGEX, LAST_MODIFIED, PHASES
)  # fmt: skip


def facts_of(response: Response, scheme: str, redirects: int) -> list[tuple[Measure, float]]:
    """Each measure of a whole *response*, and its value."""
    head = facts_of_head(response, scheme)
    return [*head[:2], (BODY_LENGTH, len(response.body)), (REDIRECT_COUNT, redirects), *head[2:]]


def facts_of_head(response: Response, scheme: str) -> list[tuple[Measure, float]]:
    """The measures that the head of *response* gives by itself."""
    facts: list[tuple[Measure, float]] = [
        (STATUS_CODE, response.status),
        (CONTENT_LENGTH, response.length),
        (SSL, 1.0 if scheme == "https" else 0.0),
        (VERSION, float(response.version)),
    ]
    if (modified_at := response.modified_at) is not None:
        facts.append((LAST_MODIFIED, modified_at.timestamp()))
    return facts
