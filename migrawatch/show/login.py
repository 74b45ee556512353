"""Passwords of HTTP basic auth (RFC 7617): compared with bcrypt beside the loop, one at a time, and remembered."""

import asyncio
import os
from base64 import b64decode
from binascii import Error as NotBase64
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

import bcrypt

LONGEST = 72
"""Bytes of a password that bcrypt looks at; its makers cut there, so we do."""

_KEPT = 100
_WAITING = 16
"""Comparisons that wait. Each takes a tenth of a second or more: who comes later is told to come again."""


class Busy(Exception):
    """So many passwords are being compared that this one is not."""


class Logins:
    """Says who may come in. What was right once is remembered, as a digest by a key that nobody else has."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._thread = ThreadPoolExecutor(1, "bcrypt")
        self._waiting = 0

    def close(self) -> None:
        """Compare nothing any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def admit(self, users: Mapping[str, str], authorization: str) -> bool:
        """Whether an Authorization header has the name and password of one of *users*. Raise Busy.

        An unknown name costs the comparison with some user's hash, always the same: it cannot be told from a known
        one by the time it takes, whatever the costs of the hashes are.
        """
        found = parse_basic(authorization)
        if found is None:
            return False
        name, password = found
        known = name in users
        hashed = users[name] if known else self._decoy(users, name)
        digest = self._digest(b"\0".join((name.encode(), hashed.encode(), password)))
        if known and digest in self._right:
            self._right.move_to_end(digest)
            return True
        matches = await self._compare(password, hashed)
        if known and matches:
            self._remember(digest)
        return known and matches

    async def _compare(self, password: bytes, hashed: str) -> bool:
        if self._waiting >= _WAITING:
            raise Busy
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, bcrypt.checkpw, password[:LONGEST], hashed.encode())
        finally:
            self._waiting -= 1

    def _decoy(self, users: Mapping[str, str], name: str) -> str:
        hashes = sorted(users.values())
        return hashes[int.from_bytes(self._digest(name.encode())[:8]) % len(hashes)]

    def _digest(self, content: bytes) -> bytes:
        return blake2b(content, key=self._key, digest_size=32).digest()

    def _remember(self, digest: bytes) -> None:
        self._right[digest] = None
        while len(self._right) > _KEPT:
            self._right.popitem(last=False)


def parse_basic(authorization: str) -> tuple[str, bytes] | None:
    """The name and the password of an Authorization header (RFC 7617, section 2); None if it has none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = b64decode(encoded.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except (NotBase64, ValueError):
        return None
