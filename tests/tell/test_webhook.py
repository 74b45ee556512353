"""The webhook: Alertmanager's shape, the incident beside it, signed, and what its answers mean."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from migrawatch.decide.incident import Change
from migrawatch.model import Secret, Severity
from migrawatch.parse.http import maybe_retry_after
from migrawatch.talk.client import Answer, Client
from migrawatch.tell.receiver import Rejected, Retryable
from migrawatch.tell.webhook import Webhook, fingerprint, judge, labels_of
from tests.tell.office import Office, office
from tests.tell.stories import incident, letter, resolved

KEY = Secret("s1gning key")
CAPTURED = Path(__file__).with_name("alertmanager-webhook-v4.json")


@pytest.fixture
async def receiver() -> AsyncIterator[Office]:
    async with office() as found:
        yield found


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client.open() as found:
        yield found


def webhook(url: str, client: Client, **changes: Any) -> Webhook:
    return Webhook(
        name="hook",
        url=Secret(url),
        poster=client,
        key=KEY,
        external_url="http://quantum:12271",
        **{"limit": 5.0, **changes},
    )


async def test_the_body_is_signed_and_carries_the_notices_key(receiver: Office, client: Client) -> None:
    """A receiver can tell that it is ours, and that it has it already."""
    await webhook(receiver.url, client).send(letter())

    (arrived,) = receiver.arrived
    wanted = hmac.new(b"s1gning key", arrived.body, hashlib.sha256).hexdigest()
    assert arrived.headers["x-migrawatch-signature"] == f"sha256={wanted}"
    assert arrived.key == "i1-1"
    assert arrived.headers["user-agent"].startswith("migrawatch/")
    assert arrived.headers["content-type"] == "application/json"


SHAPE: dict[str, Any] = {
    "version": str,
    "groupKey": str,
    "truncatedAlerts": int,
    "status": str,
    "receiver": str,
    "groupLabels": dict,
    "commonLabels": dict,
    "commonAnnotations": dict,
    "externalURL": str,
    "alerts": list,
}
ALERT = ("status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint")


@pytest.mark.parametrize(("of", "state"), [(incident(), "firing"), (resolved(), "resolved")])
async def test_the_body_has_the_shape_of_alertmanagers(of: Any, state: str, receiver: Office, client: Client) -> None:
    """What consumes Alertmanager's webhooks consumes ours (version 4)."""
    await webhook(receiver.url, client).send(letter(Change.OPENED, of))

    body = receiver.arrived[0].document
    assert {name: type(body[name]) for name in SHAPE} == SHAPE
    assert (body["version"], body["status"]) == ("4", state)
    (alert,) = body["alerts"]
    assert tuple(alert) == ALERT
    assert alert["endsAt"] == ("0001-01-01T00:00:00Z" if state == "firing" else "2026-11-24T03:41:05.000Z")
    assert alert["startsAt"] == "2026-11-24T03:04:09.000Z"


def test_fingerprints_are_prometheus_own() -> None:
    """Taken from a webhook that Alertmanager 0.25 sent."""
    for captured in json.loads(CAPTURED.read_text()):
        (alert,) = captured["alerts"]
        assert fingerprint(alert["labels"]) == alert["fingerprint"]


async def test_the_incident_says_all_that_a_notice_must(receiver: Office, client: Client) -> None:
    """Everything that product.md names under Notices."""
    await webhook(receiver.url, client).send(letter())

    told = receiver.arrived[0].document["incident"]
    assert told["id"] == "i1"
    assert (told["state"], told["severity"], told["change"]) == ("open", "critical", "opened")
    assert told["cause"] == {
        "check": "pm2/mpanel-backend",
        "probe": "pm2",
        "host": "mpanel-core",
        "service": "mpanel-backend",
        "vantage": "mpanel-core",
        "target": "mpanel-backend",
        "reason": "process_stopped",
        "detail": "mpanel-backend is stopped, 3 restarts",
        "summary": "mpanel-backend is stopped on mpanel-core",
    }
    assert told["symptoms"] == ["backend@srv1", "api-public"]
    assert told["evidence"][0] == {"source": "mpanel-core: pm2 jlist", "text": "mpanel-backend stopped, 3 restarts"}
    assert told["remedy"] == ['ssh mpanel-core "pm2 restart mpanel-backend"']
    assert told["runbook"] == "https://wiki.example/mpanel-backend"
    assert (told["first_failed_at"], told["opened_at"]) == ("2026-11-24T03:04:05.000Z", "2026-11-24T03:04:09.000Z")
    assert told["reproduce"] == "migrawatch probe pm2/mpanel-backend"


def test_identity_is_the_cause_as_opened_and_nothing_else() -> None:
    """An HA pair pages once only if both say the same labels (judging.md, Identity)."""
    assert labels_of(incident()) == {
        "alertname": "MigrawatchIncident",
        "check": "pm2/mpanel-backend",
        "host": "mpanel-core",
        "service": "mpanel-backend",
        "severity": "critical",
    }


def test_what_was_over_before_it_could_be_told_wakes_nobody() -> None:
    """Judging, late notices: at warning."""
    assert labels_of(resolved(), was_down=True)["severity"] == Severity.WARNING


@pytest.mark.parametrize("status", [301, 401, 403, 404, 408, 409, 429, 500, 502, 503, 504])
async def test_a_status_that_somebody_will_mend_is_tried_again(status: int, receiver: Office, client: Client) -> None:
    """A receiver that is being deployed answers 404 for a while."""
    receiver.plan(status)

    with pytest.raises(Retryable, match=f"HTTP {status}, wanted 2xx: as planned"):
        await webhook(receiver.url, client).send(letter())


@pytest.mark.parametrize("status", [400, 413, 415, 422])
async def test_a_status_that_speaks_of_the_letter_itself_is_final(
    status: int, receiver: Office, client: Client
) -> None:
    """It would be the same letter tomorrow."""
    receiver.plan(status)

    with pytest.raises(Rejected, match=f"HTTP {status}"):
        await webhook(receiver.url, client).send(letter())


async def test_a_receiver_may_say_when_it_wants_to_be_asked_again(receiver: Office, client: Client) -> None:
    """Retry-After, in seconds."""
    receiver.plan(503, retry_after="17")

    with pytest.raises(Retryable) as caught:
        await webhook(receiver.url, client).send(letter())

    assert caught.value.after == 17.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "Tue, 24 Nov 2026 03:05:00 GMT", "date": "Tue, 24 Nov 2026 03:04:00 GMT"}, 60.0),
        ({"retry-after": "Tue, 24 Nov 2026 03:03:00 GMT", "date": "Tue, 24 Nov 2026 03:04:00 GMT"}, 0.0),
        ({"retry-after": "Tue, 24 Nov 2026 03:05:00 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "²"}, None),
        ({}, None),
    ],
)
def test_retry_after_reads_as_the_rfc_says(headers: dict[str, str], seconds: float | None) -> None:
    """RFC 9110, 10.2.3: a count of seconds, or a date."""
    assert maybe_retry_after(headers) == seconds


async def test_a_closed_port_is_tried_again_and_the_trouble_shows_no_token(client: Client) -> None:
    """The path of a webhook's URL is often its password."""
    async with office() as gone:
        url = gone.url

    with pytest.raises(Retryable) as caught:
        await webhook(url, client).send(letter())

    assert "t0ken" not in str(caught.value)
    assert "ConnectError" in str(caught.value)


async def test_a_silent_receiver_is_tried_again(receiver: Office, client: Client) -> None:
    """Taken and never answered."""
    receiver.silent = True

    with pytest.raises(Retryable, match=r"no answer within 0\.05 s"):
        await webhook(receiver.url, client, limit=0.05).send(letter())


@pytest.mark.parametrize("echo", [b"no such hook: /hook/t0ken", b"bad key s1gning key"])
async def test_an_answer_that_quotes_a_secret_is_not_quoted(echo: bytes, receiver: Office, client: Client) -> None:
    """Some frameworks print the whole request on their error page."""
    receiver.answers.append((500, {}, echo))

    with pytest.raises(Retryable) as caught:
        await webhook(receiver.url, client).send(letter())

    assert str(caught.value) == "HTTP 500, wanted 2xx"


def test_a_long_answer_is_cut() -> None:
    """An error page is not evidence."""
    with pytest.raises(Retryable) as caught:
        judge(Answer(status=500, body=b"x" * 5000))

    assert len(str(caught.value)) < 250


async def test_no_secret_is_in_the_receivers_repr(client: Client) -> None:
    """It ends up in logs and tracebacks."""
    assert "t0ken" not in repr(webhook("http://127.0.0.1/t0ken", client))
    assert "s1gning" not in repr(webhook("http://127.0.0.1/t0ken", client))
