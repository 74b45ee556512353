"""Put a small object into an S3 bucket, get it back, and delete it, each step timed."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from time import perf_counter
from typing import ClassVar, Literal

from migrawatch.model import Bytes
from migrawatch.parse.excerpt import without
from migrawatch.parse.http import Response
from migrawatch.parse.s3 import parse_list
from migrawatch.parse.sigv4 import Signer
from migrawatch.parse.url import parse_dial, parse_url
from migrawatch.probe import Access, Contact, Measure, Probe, Reason, Seconds, Secret, Tls, Visit, access_to
from migrawatch.reach.tls import Certificate
from migrawatch.talk.http import Http1
from migrawatch.talk.http_request import Request, encode
from migrawatch.talk.s3 import Bucket, refusal_of

PHASES = Measure("probe_s3_duration_seconds", "How long each step of the round trip took.", "seconds", ("phase",))
LEFTOVERS = Measure("probe_s3_leftovers", "Objects of earlier looks that were found, and deleted.")

_OLD = timedelta(minutes=10)
"""From then on an object is no other look's that is still going."""
_MOST_DELETED = 10
_LARGEST = 1_048_576
_ROOM = 65_536
"""Bytes of an answer beside the object: errors and lists."""

HEALTH = "{vantage}: curl -sv -m 10 {url}"
LOG = 'ssh {host} "systemctl status minio; journalctl -u minio -n 50 --no-pager"'
SPACE = 'ssh {host} "df -h; df -i"'
CLOCK = "date -u; timedatectl show -p NTPSynchronized"
REMEDIES = {
    **{reason: (HEALTH, LOG) for reason in Reason if reason.family in ("connect", "tls", "http")},
    Reason.S3_AUTH: (CLOCK, LOG),
    Reason.S3_BUCKET: ('ssh {host} "mc ls local"', LOG),
    Reason.S3_CONTENT: (LOG, SPACE),
    Reason.S3_STORAGE: (SPACE, LOG),
    Reason.SLOW: ('ssh {host} "uptime; iostat -x 1 3"',),
}


@dataclass(frozen=True, kw_only=True)
class S3Probe(Probe):
    """Put an object of *size* bytes below *prefix* in *bucket* at the store *url*, get it, delete it, list the rest.

    Requests are signed with *access_key* and *secret_key* for *region*. The bucket's name stands in the path, or with
    `style: host` before the store's. *health* is a path that must answer 200 first, such as MinIO's
    `/minio/health/live`. Objects of earlier looks that are ten minutes old are deleted, a few a look; a look that may
    not list says so. *slow_after* is for all of it.
    """

    url: str
    bucket: str
    access_key: str
    secret_key: Secret
    region: str = "us-east-1"
    style: Literal["path", "host"] = "path"
    prefix: str = "migrawatch/"
    size: Bytes = 1024
    health: str = ""
    dial: str = ""
    ca_file: str = ""
    verify: bool = True
    certificate: Certificate = field(default_factory=Certificate)
    slow_after: Seconds = 0.0

    contact: ClassVar[Contact] = Contact.TCP
    measures: ClassVar[tuple[Measure, ...]] = (LEFTOVERS,)
    phase_measure: ClassVar[Measure | None] = PHASES
    steps_as: ClassVar[Mapping[str, str]] = {
        step: step for step in ("resolve", "connect", "tls", "health", "put", "get", "delete", "list")
    }
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = REMEDIES

    def __post_init__(self) -> None:
        _ = self._bucket
        if self.dial:
            parse_dial(self.dial)
        if not self.bucket or "/" in self.bucket:
            raise ValueError(f"bucket: {self.bucket!r} is no bucket's name")
        if not 0 < self.size <= _LARGEST:
            raise ValueError(f"size: wanted 1 to {_LARGEST} bytes, got {self.size}")
        if self.health and not self.health.startswith("/"):
            raise ValueError(f"health: wanted a path that begins with /, got {self.health!r}")

    @property
    def target(self) -> str:
        """The bucket's URL."""
        return str(self._bucket.url).rstrip("/") + f"/{self.bucket}"

    @cached_property
    def _bucket(self) -> Bucket:
        signer = Signer(access_key=self.access_key, secret_key=self.secret_key.reveal(), region=self.region)
        return Bucket(url=parse_url(self.url), name=self.bucket, signer=signer, in_host=self.style == "host")

    @property
    def access(self) -> Access:
        """The store; with `style: host` by the name of its bucket."""
        place = self.place
        if place is None or self.dial or self.style == "path":
            return super().access
        return access_to((f"{self.bucket}.{place[0]}", place[1]), place)

    async def observe(self, visit: Visit) -> None:
        """Go all the way round. What fails before the object is there ends the look."""
        began = perf_counter()
        if self.health:
            url = replace(self._bucket.url, target=self.health)
            if await self._refused(visit, "health", Request(url=url)):
                return
        if await self._is_put_and_gone(visit):
            await self._sweep(visit)
        took = perf_counter() - began
        if self.slow_after and took > self.slow_after:
            visit.warn(Reason.SLOW, f"took {took:.3g} s, wanted {self.slow_after:g} s at most")

    async def _is_put_and_gone(self, visit: Visit) -> bool:
        """Whether the object could be put; what goes wrong with it from then on is noted."""
        key = f"{self._place(visit)}{visit.at:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        content = secrets.token_bytes(self.size)
        if await self._refused(visit, "put", self._bucket.request(visit.at, "PUT", key, body=content)):
            return False
        got = await self._answer(visit, "get", self._bucket.request(visit.at, "GET", key))
        if got.status == 200 and got.body != content:
            told = f"get: {len(got.body)} bytes came, which are not the {len(content)} that were put"
            visit.down(Reason.S3_CONTENT, told)
        elif got.status != 200:
            self._note(visit, "get", got)
        await self._refused(visit, "delete", self._bucket.request(visit.at, "DELETE", key))
        return True

    async def _sweep(self, visit: Visit) -> None:
        """Delete what earlier looks left behind: their deadline came between two steps."""
        query = {"list-type": "2", "max-keys": "100", "prefix": self._place(visit)}
        answer = await self._answer(visit, "list", self._bucket.request(visit.at, "GET", query=query))
        if answer.status != 200:
            reason, words = refusal_of(answer)
            visit.warn(reason, without(f"list: {words}, wanted 200", self._secrets))
            return
        try:
            found = parse_list(answer.body)
        except ValueError as error:
            visit.warn(Reason.HTTP_BODY, f"list: {error}")
            return
        old = [one.key for one in found if visit.at - one.modified_at > _OLD]
        visit.measure(LEFTOVERS, len(old))
        for key in old[:_MOST_DELETED]:
            if await self._refused(visit, "delete", self._bucket.request(visit.at, "DELETE", key)):
                return

    def _place(self, visit: Visit) -> str:
        """Where the objects of this check are."""
        return f"{self.prefix}{visit.subject.check}/"

    # -- asking -------------------------------------------------------------------------------------------------

    async def _refused(self, visit: Visit, step: str, request: Request) -> bool:
        """Whether the store refuses; that is noted."""
        answer = await self._answer(visit, step, request)
        if 200 <= answer.status < 300:
            return False
        self._note(visit, step, answer)
        return True

    def _note(self, visit: Visit, step: str, answer: Response) -> None:
        reason, words = refusal_of(answer)
        visit.down(reason, without(f"{step}: {words}, wanted 2xx", self._secrets))

    async def _answer(self, visit: Visit, step: str, request: Request) -> Response:
        """The answer to one request over a connection of its own (step *step*). Raise Down."""
        host, port = parse_dial(self.dial) if self.dial else (request.url.host, 0)
        exchange = Http1(request.method, encode(request), self.size + _ROOM)
        async with visit.open(host, port or request.url.port) as wire:
            if request.url.scheme == "https":
                await visit.start_tls(wire, self._tls(request.url.host, step))
            with visit.step(step, late=Reason.HTTP_TIMEOUT, closed=Reason.HTTP_NO_RESPONSE):
                await exchange.begin(wire)
                return await exchange.finish(wire)

    def _tls(self, name: str, step: str) -> Tls:
        # The certificate is the same each time: its end is told once.
        is_first = step == ("health" if self.health else "put")
        warn_before = self.certificate.warn if is_first else 0.0
        return Tls(name=name, verify=self.verify, ca_file=self.ca_file, warn_before=warn_before)

    @property
    def _secrets(self) -> list[str]:
        return [self.secret_key.reveal()]
