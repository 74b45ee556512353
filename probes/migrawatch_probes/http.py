"""Ask a web server once, over a fresh connection, and judge its answer as its users would."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from time import perf_counter
from typing import ClassVar, Literal

from migrawatch.model import Bytes
from migrawatch.parse.cors import Crossing, preflight_headers, refusals
from migrawatch.parse.excerpt import excerpt, without
from migrawatch.parse.http import REDIRECTS, Response
from migrawatch.parse.url import Url, parse_dial, parse_url
from migrawatch.probe import Contact, Covered, Down, Measure, Probe, Reason, Seconds, Secret, Tls, Visit, Wire
from migrawatch.reach.name import ascii_names
from migrawatch.talk.http import Exchange, Http1
from migrawatch.talk.http_curl import curl, s_client
from migrawatch.talk.http_expect import Expect, wrong
from migrawatch.talk.http_facts import FAILED_BY_REGEX, HTTP_MEASURES, PHASES, STATUS_CODE, facts_of, facts_of_head
from migrawatch.talk.http_redirect import next_request
from migrawatch.talk.http_request import BasicAuth, Request, basic, credentials, encode, request_of

_BY_REGEX = (Reason.HTTP_BODY, Reason.HTTP_HEADER)


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """When the certificate's end is worth a warning: *warn* is the time left."""

    warn: Seconds = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Arrival:
    """The last response, what was asked for it, and how many redirects led there."""

    request: Request
    response: Response
    redirects: int


@dataclass(frozen=True, kw_only=True)
class HttpProbe(Probe):
    """Ask for a URL over a fresh connection (RFC 9110), and judge status, head and body.

    *dial* is where to connect instead (`host[:port]`); Host header and certificate stay the URL's. *method* is GET
    unless there is a *body* (POST) or a *cors* preflight (OPTIONS). *redirects* is how many are followed; one whose
    status is expected only with *follow_expected*. *version* is `1.1`, `2`, or `auto`: what the server prefers.
    """

    url: str
    dial: str = ""
    family: Literal[0, 4, 6] = 0
    method: str = ""
    headers: dict[str, str | Secret] = field(default_factory=dict)
    body: str | Secret = ""
    basic_auth: BasicAuth | None = None
    bearer: Secret | None = None
    compression: Literal["none", "gzip", "deflate"] = "none"
    version: Literal["1.1", "2", "auto"] = "1.1"
    redirects: int = 5
    follow_expected: bool = False
    body_limit: Bytes = 4_194_304
    expect: Expect = field(default_factory=Expect)
    cors: Crossing | None = None
    certificate: Certificate = field(default_factory=Certificate)
    ca_file: str = ""
    verify: bool = True
    slow_after: Seconds = 0.0

    contact: ClassVar[Contact] = Contact.TCP
    measures: ClassVar[tuple[Measure, ...]] = HTTP_MEASURES
    phase_measure: ClassVar[Measure | None] = PHASES
    steps_as: ClassVar[Mapping[str, str]] = {
        step: step for step in ("resolve", "connect", "tls", "processing", "transfer")
    }

    def __post_init__(self) -> None:
        _ = self._request, self._dial
        if self.redirects < 0:
            raise ValueError("redirects must not be negative")

    @property
    def target(self) -> str:
        """The URL."""
        return self.url

    @property
    def covers(self) -> Covered:
        """The site of the URL."""
        return Covered(sites=ascii_names(self._request.url.host))

    # -- what is asked, worked out once -------------------------------------------------------------------------

    @cached_property
    def _request(self) -> Request:
        method = self.method or ("OPTIONS" if self.cors else "POST" if self.body else "GET")
        further = [*credentials(self.basic_auth, self.bearer)]
        if self.cors is not None:
            further += preflight_headers(self.cors)
        if self.compression != "none":
            further.append(("Accept-Encoding", self.compression))
        return request_of(parse_url(self.url), method, self.headers, self.body, tuple(further))

    @cached_property
    def _content(self) -> bytes:
        return encode(self._request)

    @cached_property
    def _dial(self) -> tuple[str, int]:
        return parse_dial(self.dial) if self.dial else ("", 0)

    @cached_property
    def _tls(self) -> Tls:
        return self._tls_for(self._request.url)

    def _tls_for(self, url: Url) -> Tls:
        # Both are offered even where only h2 will do: a choice can be told, a refusal is only an alert.
        alpn = () if self.version == "1.1" else ("h2", "http/1.1")
        return Tls(
            name=url.host, verify=self.verify, ca_file=self.ca_file, alpn=alpn, warn_before=self.certificate.warn
        )

    def _place(self, url: Url) -> tuple[str, int]:
        """Where to connect for *url*: `dial` holds for the host of the check's URL, its port for that URL's."""
        first = self._request.url
        address, port = self._dial
        if not address or url.host != first.host:
            return url.host, url.port
        return address, (port if port and url.port == first.port else url.port)

    # -- looking ------------------------------------------------------------------------------------------------

    async def observe(self, visit: Visit) -> None:
        """Ask, follow redirects, and judge the answer. Raise Down, or note what is wrong."""
        began = perf_counter()
        arrival = await self._follow(visit)
        took = perf_counter() - began
        self._note(visit, arrival)
        await self._judge(visit, arrival)
        if self.slow_after and took > self.slow_after:
            visit.warn(Reason.SLOW, f"answered in {took:.2f} s, wanted within {self.slow_after:g} s")

    async def _follow(self, visit: Visit) -> _Arrival:
        request, trail = self._request, [str(self._request.url)]
        while True:
            response = await self._ask(visit, request)
            arrival = _Arrival(request=request, response=response, redirects=len(trail) - 1)
            if not self._is_followed(response):
                return arrival
            try:
                request = next_request(request, response, trail, self.redirects)
            except Down:
                self._note(visit, arrival)
                self._show(visit, arrival.request, response)
                raise
            trail.append(str(request.url))

    def _is_followed(self, response: Response) -> bool:
        if response.status not in REDIRECTS or (response.status in self.expect.statuses and not self.follow_expected):
            return False
        return bool(self.redirects) and self.cors is None and not self.expect.redirect

    async def _ask(self, visit: Visit, request: Request) -> Response:
        address, port = self._place(request.url)
        exchange: Exchange | None = None
        response: Response | None = None
        try:
            async with visit.open(address, port, family=self.family) as wire:
                exchange = await self._agree(visit, wire, request)
                with visit.step("processing", late=Reason.HTTP_TIMEOUT, closed=Reason.HTTP_NO_RESPONSE):
                    await exchange.begin(wire)
                with visit.step("transfer", late=Reason.HTTP_SLOW_BODY, closed=Reason.HTTP_TRUNCATED):
                    response = await exchange.finish(wire)
                return response
        finally:
            if response is None:
                self._note_partial(visit, request, exchange)

    async def _agree(self, visit: Visit, wire: Wire, request: Request) -> Exchange:
        """Speak TLS if the URL says so, and settle which HTTP to speak."""
        first = request is self._request
        agreed = ""
        if request.url.scheme == "https":
            agreed = (await visit.start_tls(wire, self._tls if first else self._tls_for(request.url))).alpn
            if self.version == "2" and agreed != "h2":
                raise Down(Reason.HTTP_MALFORMED, f"the server chose {agreed or 'no protocol'} by ALPN, wanted h2")
        if agreed == "h2" or self.version == "2":
            # Only who speaks HTTP/2 pays for importing it.
            from migrawatch.talk.http2 import Http2

            return Http2(request, self.body_limit)
        return Http1(request.method, self._content if first else encode(request), self.body_limit)

    # -- noting and judging -------------------------------------------------------------------------------------

    def _note(self, visit: Visit, arrival: _Arrival) -> None:
        for measure, value in facts_of(arrival.response, arrival.request.url.scheme, arrival.redirects):
            visit.measure(measure, value)
        if (software := arrival.response.header("server")) is not None:
            visit.fact(f"server that answers for {arrival.request.url.host}", without(software, self._secrets))

    def _note_partial(self, visit: Visit, request: Request, exchange: Exchange | None) -> None:
        partial = exchange.partial() if exchange is not None else None
        if partial is None:
            visit.measure(STATUS_CODE, 0)
        else:
            for measure, value in facts_of_head(partial, request.url.scheme):
                visit.measure(measure, value)
            self._show(visit, request, partial)

    async def _judge(self, visit: Visit, arrival: _Arrival) -> None:
        response = arrival.response
        if self.expect.is_heavy(response):
            with visit.step("matching", late=Reason.HTTP_TOO_LARGE):
                found = await asyncio.to_thread(self._wrong, response, arrival.request.url)
        else:
            found = self._wrong(response, arrival.request.url)
        visit.measure(FAILED_BY_REGEX, 1.0 if any(reason in _BY_REGEX for reason, _ in found) else 0.0)
        for reason, detail in found:
            visit.down(reason, without(detail, self._secrets))
        if found:
            self._show(visit, arrival.request, response)

    def _wrong(self, response: Response, url: Url) -> list[tuple[Reason, str]]:
        if self.cors is not None and response.status in REDIRECTS:
            return [(Reason.HTTP_CORS, f"HTTP {response.status} in answer to the preflight, which browsers refuse")]
        found = [(finding.reason, finding.detail) for finding in wrong(self.expect, response, url)]
        if self.cors is not None and not found:
            found = [(Reason.HTTP_CORS, why) for why in refusals(self.cors, response)]
        return found

    def _show(self, visit: Visit, request: Request, response: Response) -> None:
        visit.evidence(f"{request.method} {request.url}", excerpt(response, self._secrets))

    @property
    def _secrets(self) -> list[str]:
        """Every text that must not be shown should a server echo it."""
        held = [
            value.reveal() for value in (*self.headers.values(), self.body, self.bearer) if isinstance(value, Secret)
        ]
        if self.basic_auth is not None:
            password = self.basic_auth.password.reveal()
            held += [password, basic(self.basic_auth.user, password).removeprefix("Basic ")]
        return held

    # -- for the on-call ----------------------------------------------------------------------------------------

    @property
    def remedies(self) -> Mapping[Reason, tuple[str, ...]]:  # type: ignore[override]
        """The commands to type next: they ask the same by hand, without secrets. None restarts anything."""
        url = self._request.url
        address, port = self._dial
        shown = f"[{address}]" if ":" in address else address
        by_hand = "{vantage}: " + curl(self._request, f"{shown}:{port or ''}" if address else "", self.family)
        address, port = self._place(url)
        certificate = "{vantage}: " + s_client(url.host, address, port)
        by_family = {
            "http": (by_hand,),
            "connect": (by_hand, f"{{vantage}}: tracepath {address}"),
            "dns": (f"{{vantage}}: getent ahosts {address}",),
            "tls": (certificate,),
        }
        listening = f'ssh {{host}} "ss -ltn sport = :{port}"'
        return {
            **{reason: by_family[reason.family] for reason in Reason if reason.family in by_family},
            Reason.SLOW: (by_hand,),
            Reason.CONNECT_REFUSED: (by_hand, listening),
            Reason.HTTP_GATEWAY: (by_hand, 'ssh {host} "tail -n 20 /var/log/nginx/*error.log"'),
            Reason.TLS_EXPIRED: (certificate, 'ssh {host} "certbot certificates"'),
            Reason.TLS_EXPIRING: (certificate, 'ssh {host} "certbot renew --dry-run"'),
        }
