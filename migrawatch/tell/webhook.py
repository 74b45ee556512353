"""A webhook: Alertmanager's shape (version 4), so that what consumes it works, and beside it the incident."""

import hmac
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import migrawatch
from migrawatch.decide.incident import Incident
from migrawatch.model import Seconds, Secret, Severity
from migrawatch.parse.http import maybe_retry_after
from migrawatch.show.document import date, notice_document
from migrawatch.talk.client import Answer, Unreachable
from migrawatch.tell.page import headline, page, plain
from migrawatch.tell.receiver import Letter, Rejected, Retryable

ALERT_NAME = "MigrawatchIncident"
NOT_YET = "0001-01-01T00:00:00Z"
"""How Alertmanager writes an end that has not come: Go's zero time."""

FINAL = {400, 405, 406, 410, 411, 413, 414, 415, 422}
"""Statuses that say that this very letter will never be taken. Anything else (a missing route, a refused token) is
somebody's mistake that will be mended, and the page must still be there then."""

USER_AGENT = f"migrawatch/{migrawatch.__version__}"


class Poster(Protocol):
    """What a webhook needs of an HTTP client."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout: Seconds) -> Answer:
        """Post *body*. Raise Unreachable."""
        ...


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Posts to *url*, signed with *key* if there is one. *external_url* is where people find our status page."""

    name: str
    url: Secret
    poster: Poster
    key: Secret | None = None
    external_url: str = ""
    limit: Seconds = 10.0

    async def send(self, letter: Letter) -> None:
        """Post *letter*. Raise Retryable or Rejected."""
        body = json.dumps(self.document(letter), ensure_ascii=False, separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "Idempotency-Key": letter.notice.key,
        }
        if self.key is not None:
            headers["X-Migrawatch-Signature"] = signature(self.key, body)
        try:
            answer = await self.poster.post(self.url.reveal(), body, headers, self.limit)
        except Unreachable as error:
            raise Retryable(str(error)) from error
        with hiding(f"HTTP {answer.status}, wanted 2xx", *self._secrets()):
            judge(answer)

    def _secrets(self) -> tuple[str, ...]:
        url = self.url.reveal()
        key = (self.key.reveal(),) if self.key is not None else ()
        return (url, *(part for part in (urlsplit(url).path, urlsplit(url).query) if len(part) > 1), *key)

    def document(self, letter: Letter) -> dict[str, Any]:
        """The body: one group with one alert, and the incident."""
        incident = letter.notice.incident
        state = "firing" if incident.resolved_at is None else "resolved"
        labels = labels_of(incident, letter.was_down)
        notes = annotations_of(letter)
        return {
            "version": "4",
            "groupKey": f'migrawatch:{{incident="{incident.id}"}}',
            "truncatedAlerts": 0,
            "receiver": self.name,
            "status": state,
            "groupLabels": {"alertname": ALERT_NAME, "check": incident.identity.check},
            "commonLabels": labels,
            "commonAnnotations": notes,
            "externalURL": self.external_url,
            "alerts": [
                {
                    "status": state,
                    "labels": labels,
                    "annotations": notes,
                    "startsAt": date(incident.opened_at),
                    "endsAt": date(incident.resolved_at) if incident.resolved_at else NOT_YET,
                    "generatorURL": f"{self.external_url}/#incident-{incident.id}" if self.external_url else "",
                    "fingerprint": fingerprint(labels),
                }
            ],
            "incident": notice_document(letter.notice, letter.sequence, letter.instead_of),
        }


def labels_of(incident: Incident, was_down: bool = False) -> dict[str, str]:
    """What identifies the alert: the cause as opened, and the severity. What is over already wakes nobody."""
    severity = Severity.WARNING if was_down else incident.severity
    identity = incident.identity
    labels = {"check": identity.check, "host": identity.host, "service": identity.service, "severity": severity.value}
    # Alertmanager drops empty labels; an alert that kept one would be another alert to it.
    return {"alertname": ALERT_NAME, **{name: value for name, value in labels.items() if value}}


def annotations_of(letter: Letter) -> dict[str, str]:
    """Everything else in words."""
    incident = letter.notice.incident
    notes = {
        "summary": headline(letter),
        "description": page(letter),
        "reason": incident.cause.reason.value,
        "remedy": "\n".join(map(plain, incident.remedy)),
        "reproduce": plain(incident.reproduce),
        "runbook_url": plain(incident.cause.runbook),
    }
    return {name: text for name, text in notes.items() if text}


def fingerprint(labels: Mapping[str, str]) -> str:
    """Prometheus' fingerprint of a label set: FNV-1a, 64 bits, names and values in order and set off by 0xff."""
    found = 0xCBF29CE484222325
    for byte in b"".join(part.encode() + b"\xff" for name in sorted(labels) for part in (name, labels[name])):
        found = (found ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{found:016x}"


def signature(key: Secret, body: bytes) -> str:
    """HMAC-SHA256 over the raw body, as `sha256=HEX`."""
    return f"sha256={hmac.digest(key.reveal().encode(), body, 'sha256').hex()}"


@contextmanager
def hiding(instead: str, *secrets: str) -> Iterator[None]:
    """Let Retryable and Rejected through, saying *instead* when they quote one of *secrets*.

    What a receiver answers may quote what we sent.
    """
    try:
        yield
    except (Retryable, Rejected) as error:
        if any(secret and secret in str(error) for secret in secrets):
            error.args = (instead,)
        raise


def judge(answer: Answer, final: Collection[int] = FINAL) -> None:
    """Return for an answer that took the letter. Raise Rejected for one of *final*, Retryable for any other."""
    if 200 <= answer.status < 300:
        return
    said = answer.body[:200].decode(errors="replace").strip()
    trouble = f"HTTP {answer.status}, wanted 2xx" + (f": {said}" if said else "")
    if answer.status in final:
        raise Rejected(trouble)
    raise Retryable(trouble, maybe_retry_after(answer.headers))
