"""HTTP on the way to what is looked at: questions to a registry, or for a policy, whose host is not what is judged."""

import asyncio

from migrawatch.model import Seconds
from migrawatch.parse.http import REDIRECTS, Response
from migrawatch.parse.place import place_of
from migrawatch.reach.nameserver import Plain
from migrawatch.reach.tls import Tls
from migrawatch.reach.vantage import Vantage
from migrawatch.reason import Reason
from migrawatch.talk.http import Http1
from migrawatch.talk.http_redirect import next_request
from migrawatch.talk.http_request import Request, encode

_LARGEST = 1_048_576
"""Bytes of an answer that are read; the internet's list of registries has 60 KB."""


class Errand:
    """Requests over fresh connections, all of them within *within* seconds from now. Nothing of them is measured.

    *dial* is where to connect instead of the URL's host, *ca_file* whom to trust instead of the system's roots.
    """

    def __init__(
        self, vantage: Vantage, within: Seconds, *, ca_file: str = "", dial: tuple[str, int] = ("", 0)
    ) -> None:
        self._vantage = vantage
        self._within = within
        self._ends = asyncio.get_running_loop().time() + within
        self._ca_file = ca_file
        self._dial = dial

    async def ask(self, request: Request, redirects: int = 0) -> Response:
        """The answer, so many *redirects* followed. Raise Down for what went wrong on the way to it, or Lost."""
        trail = [str(request.url)]
        while True:
            response = await self._answer(request)
            if not redirects or response.status not in REDIRECTS:
                return response
            request = next_request(request, response, trail, redirects)
            trail.append(str(request.url))

    async def _answer(self, request: Request) -> Response:
        way = Plain(self._vantage)
        host, port = self._dial[0] or request.url.host, self._dial[1] or request.url.port
        try:
            async with asyncio.timeout_at(self._ends):
                return await self._exchanged(request, host, port, way)
        except (TimeoutError, EOFError, ConnectionResetError, BrokenPipeError) as error:
            raise way.fault(error, place_of(host, port), self._within) from error

    async def _exchanged(self, request: Request, host: str, port: int, way: Plain) -> Response:
        with way.step("resolve", late=Reason.DNS_TIMEOUT):
            address = (await self._vantage.resolve(host))[0]
        secure = request.url.scheme == "https"
        exchange = Http1(request.method, encode(request), _LARGEST)
        tls = Tls(name=request.url.host, ca_file=self._ca_file) if secure else None
        async with way.open(address, port, tls) as wire:
            with way.step("processing", late=Reason.HTTP_TIMEOUT, closed=Reason.HTTP_NO_RESPONSE):
                await exchange.begin(wire)
            with way.step("transfer", late=Reason.HTTP_SLOW_BODY, closed=Reason.HTTP_TRUNCATED):
                return await exchange.finish(wire)
