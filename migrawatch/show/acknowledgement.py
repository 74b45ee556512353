"""Acknowledgements over HTTP: somebody says to be on an incident, or no longer."""

from collections.abc import Mapping, Set
from http import HTTPStatus
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from migrawatch.decide.incident import Incident
from migrawatch.show.document import Document, incident_document
from migrawatch.show.guard import Refused
from migrawatch.show.orders import Words, take_order


class Acknowledging(Protocol):
    """Who takes acknowledgements: the daemon. An incident is named by its id, or by its beginning."""

    async def acknowledge(self, name: str, by: str, note: str) -> Incident:
        """Note that *by* is on the incident. Raise Refused."""
        ...

    async def withdraw(self, name: str) -> Incident:
        """Note that nobody is on the incident any longer. Raise Refused."""
        ...


def acknowledgement_routes(acknowledging: Acknowledging | None, names: Set[str]) -> list[Route]:
    """Where incidents are acknowledged, if anybody takes it."""
    if acknowledging is None:
        return []

    async def acknowledge(request: Request) -> Response:
        async def order(document: Mapping[str, Any]) -> Document:
            words = Words(document, "by", "note")
            by = words.text("by").strip()
            if not by:
                raise Refused(HTTPStatus.BAD_REQUEST, "by: must say who is on it")
            found = await acknowledging.acknowledge(request.path_params["name"], by, words.text("note").strip())
            return incident_document(found)

        return await take_order(request, names, order)

    async def withdraw(request: Request) -> Response:
        async def order(_: Mapping[str, Any]) -> Document:
            return incident_document(await acknowledging.withdraw(request.path_params["name"]))

        return await take_order(request, names, order)

    path = "/api/v1/incidents/{name}/ack"
    return [Route(path, acknowledge, methods=["POST"]), Route(path, withdraw, methods=["DELETE"])]
