"""Ask a gRPC server by gRPC's own health protocol whether it serves."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

from migrawatch.parse.excerpt import excerpt, without
from migrawatch.parse.grpc import CHECK, SERVING, SERVING_STATUSES, Malformed, ending_of, health_check, serving_status
from migrawatch.parse.http import Response, gateway_sign
from migrawatch.parse.place import place_of
from migrawatch.parse.url import parse_url
from migrawatch.probe import Contact, Down, Measure, Probe, Reason, Secret, Tls, Visit
from migrawatch.reach.tls import Certificate
from migrawatch.talk.http2 import Http2
from migrawatch.talk.http_request import Request, request_of

PHASES = Measure("probe_grpc_duration_seconds", "Duration of gRPC request by phase", "seconds", ("phase",))
SSL = Measure("probe_grpc_ssl", "Indicates if SSL was used for the connection")
STATUS_CODE = Measure("probe_grpc_status_code", "Response gRPC status code")
ANSWER = Measure("probe_grpc_healthcheck_response", "Response HealthCheck response", labels=("serving_status",))

_LIMIT = 65_536
"""Bytes of an answer; an honest one has seven."""
_BY_HTTP = {400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14}
"""The code of a call that ended with this status of HTTP (http-grpc-status-mapping.md)."""
_UNKNOWN, _UNAVAILABLE = 2, 14

_AGAIN = ("{by_hand}",)
_SHOW = ("openssl s_client -connect {address}:{port} -servername {asked_name} -alpn h2 </dev/null",)
_LISTENING = ('ssh {host} "ss -tlnp"', "nc -vz -w 5 {address} {port}")


@dataclass(frozen=True, kw_only=True)
class GrpcProbe(Probe):
    """Ask for the health of *asks*, a service by its full name such as `mpanel.v1.Billing`, or of the whole server.

    *metadata* goes with the call. With *tls*, *name* is asked for and verified, the address if it is empty.
    """

    address: str
    port: int
    asks: str = ""
    metadata: dict[str, str | Secret] = field(default_factory=dict)
    tls: bool = False
    name: str = ""
    ca_file: str = ""
    verify: bool = True
    certificate: Certificate = field(default_factory=Certificate)

    contact: ClassVar[Contact] = Contact.TCP
    measures: ClassVar[tuple[Measure, ...]] = (SSL, STATUS_CODE, ANSWER, PHASES)
    phase_measure: ClassVar[Measure | None] = PHASES
    steps_as: ClassVar[Mapping[str, str]] = {
        "resolve": "resolve", **dict.fromkeys(("connect", "tls", "processing", "transfer"), "check")
    }  # fmt: skip
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        **{reason: _AGAIN for reason in Reason if reason.family in ("http", "grpc")},
        **{reason: _SHOW for reason in Reason if reason.family == "tls"},
        Reason.CONNECT_REFUSED: _LISTENING,
        Reason.CONNECT_TIMEOUT: ("nc -vz -w 5 {address} {port}", "tracepath {address}"),
        Reason.CONNECT_UNREACHABLE: ("nc -vz -w 5 {address} {port}", "tracepath {address}"),
        Reason.CONNECT_RESET: _AGAIN,
    }

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ValueError(f"port must be from 1 to 65535, got {self.port}")
        if reserved := [name for name in self.metadata if name.lower().startswith("grpc-")]:
            raise ValueError(f"metadata: {reserved[0]}: what begins with grpc- is gRPC's own")
        _ = self._request

    @property
    def target(self) -> str:
        """Where it connects, as `host:port`, and the service that it asks for."""
        return place_of(self.address, self.port) + (f"/{self.asks}" if self.asks else "")

    @property
    def asked_name(self) -> str:
        """The name that is asked for and verified."""
        return self.name or self.address

    @property
    def by_hand(self) -> str:
        """The command that asks the same, without the metadata."""
        asked = ["-d", json.dumps({"service": self.asks})] if self.asks else []
        secure = ["-insecure"] if not self.verify else ["-authority", self.asked_name]
        words = ["grpcurl", *(secure if self.tls else ["-plaintext"]), *asked, place_of(self.address, self.port)]
        return shlex.join([*words, CHECK[1:]])

    @cached_property
    def _request(self) -> Request:
        authority = place_of(self.asked_name, self.port)
        url = parse_url(f"{'https' if self.tls else 'http'}://{authority}{CHECK}")
        further = (("Content-Type", "application/grpc"), ("TE", "trailers"))
        return replace(request_of(url, "POST", self.metadata, "", further), body=health_check(self.asks))

    async def observe(self, visit: Visit) -> None:
        """Call Health/Check and judge how it ended, then what it said. Raise Down."""
        address = (await visit.resolve(self.address))[0]
        code, said = _UNAVAILABLE, ""
        try:
            response = await self._call(visit, address)
            code = _BY_HTTP.get(response.status, _UNKNOWN)
            self._check_http(visit, response)
            ending = ending_of(response)
            code = ending.code
            if code:
                words = f": {ending.message}" if ending.message else ""
                raise Down(Reason.GRPC_STATUS, without(f"the call ended with {ending.name}{words}", self._secrets))
            said = serving_status(response.body)
        except Malformed as error:
            raise Down(Reason.HTTP_MALFORMED, str(error)) from error
        finally:
            visit.measure(STATUS_CODE, code)
            for status in SERVING_STATUSES:
                visit.measure(ANSWER, status == said, serving_status=status)
        if said != SERVING:
            whose = self.asks or "the server"
            raise Down(Reason.GRPC_NOT_SERVING, f"{whose} is {said} by its own word, wanted {SERVING}")

    async def _call(self, visit: Visit, address: str) -> Response:
        tls = Tls(
            name=self.asked_name,
            verify=self.verify,
            ca_file=self.ca_file,
            alpn=("h2",),
            warn_before=self.certificate.warn,
        )
        exchange = Http2(self._request, _LIMIT)
        async with visit.open(address, self.port, tls=tls if self.tls else None) as wire:
            visit.measure(SSL, self.tls)
            with visit.step("processing", late=Reason.HTTP_TIMEOUT, closed=Reason.HTTP_NO_RESPONSE):
                await exchange.begin(wire)
            with visit.step("transfer", late=Reason.HTTP_SLOW_BODY, closed=Reason.HTTP_TRUNCATED):
                return await exchange.finish(wire)

    def _check_http(self, visit: Visit, response: Response) -> None:
        """A proxy before the server answers in HTTP when it cannot reach it."""
        if response.status == 200:
            return
        visit.evidence(f"POST {self._request.url}", excerpt(response, self._secrets))
        sign = gateway_sign(response)
        if sign:
            raise Down(Reason.HTTP_GATEWAY, f"HTTP {response.status} from a proxy ({sign})")
        raise Down(Reason.HTTP_STATUS, f"HTTP {response.status}, wanted 200")

    @property
    def _secrets(self) -> list[str]:
        return [value.reveal() for value in self.metadata.values() if isinstance(value, Secret)]
