"""A vantage that dials what is admitted and nothing else, so that a target can be another's word."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from time import perf_counter

from migrawatch.model import Down, Seconds, Unsure
from migrawatch.parse.place import is_socket
from migrawatch.reach.name import is_literal
from migrawatch.reach.vantage import Completed, Duplex, Files, LogFiles, Vantage
from migrawatch.reason import Reason

Admits = Callable[[str, str], bool]
"""Whether an address may be dialled that a name led to; an address leads to itself."""


class Fence:
    """*vantage* for one look. A name is resolved once, and only addresses of it that were admitted are dialled.

    *family* (4 or 6) is preferred, the other one is taken only as a *fallback*. *lookup* is what the first name took,
    *address* what was chosen, *refusal* why the first target was not admitted.
    """

    def __init__(self, vantage: Vantage, admits: Admits, family: int, *, fallback: bool) -> None:
        self.name = vantage.name
        self.lookup: Seconds = 0.0
        self.address = ""
        self.refusal = ""
        self._vantage = vantage
        self._admits = admits
        self._family = family
        self._fallback = fallback
        self._begun = False
        self._admitted: set[str] = set()

    def admit(self, address: str) -> None:
        """Take a target that is an address. Raise Unsure when it is not admitted, Down when it is of the wrong kind."""
        if is_socket(address):
            self._admit(address, (address,))
        else:
            self._choose(address, (address,))

    async def resolve(self, name: str, family: int = 0) -> tuple[str, ...]:
        """The admitted addresses of *name*, the preferred family first. Raise Down (`dns_*`), Unsure."""
        if is_literal(name):
            return self._choose(name, (name,))
        began = perf_counter()
        wanted = family or (0 if self._fallback else self._family)
        try:
            found = await self._vantage.resolve(name, wanted)
        finally:
            if not self._begun:
                self.lookup = perf_counter() - began
        return self._choose(name.rstrip(".").lower(), found)

    async def connect(self, address: str, port: int) -> Duplex:
        """Connect to an address that was admitted. Raise Down, Unsure."""
        if address not in self._admitted:
            self._choose(address, (address,))
        return await self._vantage.connect(address, port)

    def _admit(self, name: str, found: tuple[str, ...]) -> list[str]:
        is_first, self._begun = not self._begun, True
        admitted = [address for address in found if self._admits(name, address)]
        if not admitted:
            detail = f"{name} is not a target that may be asked for here"
            self.refusal = detail if is_first else self.refusal
            raise Unsure(Reason.TARGET_REFUSED, detail)
        return admitted

    def _choose(self, name: str, found: tuple[str, ...]) -> tuple[str, ...]:
        is_first = not self._begun
        admitted = self._admit(name, found)
        ordered = sorted(admitted, key=lambda address: (6 if ":" in address else 4) != self._family)
        if not self._fallback and (6 if ":" in ordered[0] else 4) != self._family:
            raise Down(Reason.DNS_NODATA, f"resolve: {name} has no address of IPv{self._family}")
        self._admitted.update(ordered)
        if is_first:
            self.address = ordered[0]
        return tuple(ordered)

    # -- what nobody else's word may lead to --------------------------------------------------------------------

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        """Refuse."""
        raise _no("commands")

    def files(self) -> AbstractAsyncContextManager[Files]:
        """Refuse."""
        raise _no("files")

    def follow(self, argv: Sequence[str]) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Refuse."""
        raise _no("commands")

    def log_files(self) -> AbstractAsyncContextManager[LogFiles]:
        """Refuse."""
        raise _no("files")

    def forward(self, address: str, port: int) -> AbstractAsyncContextManager[tuple[str, int]]:
        """Refuse: a library that dials by itself is beyond our reach."""
        raise _no("libraries that dial by themselves")


def _no(what: str) -> Unsure:
    return Unsure(Reason.TARGET_REFUSED, f"a target of others' choice is never looked at by {what}")
