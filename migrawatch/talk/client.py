"""HTTP as a client of others: webhooks and the like, never what we probe. The one home of httpx."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from migrawatch.model import Seconds

ENOUGH = 65_536
"""Bytes of an answer that are read; a receiver has nothing longer to say."""


class Unreachable(Exception):
    """No HTTP answer came back. The message has no URL in it: tokens live there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back. *headers* have lower-case names; *body* is cut at 64 KiB."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Client:
    """One shared client: connections are kept, no proxy is taken from the environment, no redirect is followed."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator["Client"]:
        """A client, closed at the end."""
        # Reading the trust store takes 20 ms: not in the loop.
        trust = await asyncio.to_thread(ssl.create_default_context)
        async with httpx.AsyncClient(verify=trust, trust_env=False, follow_redirects=False) as client:
            yield cls(client)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout: Seconds) -> Answer:
        """Post *body*; *timeout* bounds each wait. Raise Unreachable."""
        return await self._ask("POST", url, body, headers, timeout)

    async def get(self, url: str, headers: Mapping[str, str], timeout: Seconds) -> Answer:
        """Get *url*; *timeout* bounds each wait. Raise Unreachable."""
        return await self._ask("GET", url, None, headers, timeout)

    async def _ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], timeout: Seconds
    ) -> Answer:
        try:
            async with self._client.stream(
                method, url, content=body, headers=dict(headers), timeout=timeout
            ) as response:
                answer = b""
                async for chunk in response.aiter_bytes(ENOUGH):
                    answer += chunk
                    if len(answer) >= ENOUGH:
                        break
                return Answer(status=response.status_code, headers=dict(response.headers), body=answer[:ENOUGH])
        except httpx.TimeoutException as error:
            raise Unreachable(f"no answer within {timeout:g} s ({_name(error)})") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"{_name(error)}: {_without_url(str(error), url)}") from error


def _name(error: Exception) -> str:
    return type(error).__name__


def _without_url(text: str, url: str) -> str:
    return text.replace(url, "the address")
