"""Point 10: a look asks its vantage for nothing but what its kind says, for a gate permits no more."""

import importlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from migrawatch.look import look
from migrawatch.model import NAME, NUMBER, Access
from migrawatch.reach.here import Here
from migrawatch.reach.name import is_literal
from migrawatch.reach.vantage import Completed, Duplex, Files, LogFiles, Vantage
from tests.contract.examples import Place, Setting
from tests.contract.kinds import check_of, class_of, kinds

AFAR = "afar"
"""Another vantage than here, from which everything goes over TCP."""


class Noting:
    """A vantage that notes what it is asked for."""

    def __init__(self, behind: Vantage, name: str) -> None:
        self.name = name
        self.asked: list[tuple[str, object]] = []
        self._behind = behind

    async def connect(self, address: str, port: int) -> Duplex:
        self.asked.append(("place", (address, port)))
        return await self._behind.connect(address, port)

    async def resolve(self, name: str, family: int = 0) -> tuple[str, ...]:
        if not is_literal(name):
            self.asked.append(("lookup", (name, family)))
        return await self._behind.resolve(name, family)

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        self.asked.append(("command", tuple(argv)))
        return await self._behind.run(argv, stdin)

    @asynccontextmanager
    async def files(self) -> AsyncIterator[Files]:
        self.asked.append(("files", True))
        async with self._behind.files() as files:
            yield files

    def follow(self, argv: Sequence[str]) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        raise AssertionError("no look follows anything")

    def log_files(self) -> AbstractAsyncContextManager[LogFiles]:
        raise AssertionError("no look follows anything")

    @asynccontextmanager
    async def forward(self, address: str, port: int) -> AsyncIterator[tuple[str, int]]:
        self.asked.append(("place", (address, port)))
        async with self._behind.forward(address, port) as dialled:
            yield dialled


def is_said(access: Access, sort: str, what: object) -> bool:
    """Whether a gate for *access* lets it through."""
    match sort, what:
        case "command", tuple() as argv:
            said = (*access.commands, *(guarded for _, guarded in access.guarded))
            return any(_fits(" ".join(one), " ".join(argv)) for one in said)
        case "place", (str(address), int(port)):
            own = ip_address(address).is_loopback and port in access.own_ports
            return own or (address, port) in access.places or ("*", port) in access.places
        case "lookup", (str(name), int(family)):
            return (name, family) in access.lookups or (NAME, family) in access.lookups
        case _:
            return access.files


def _fits(said: str, asked: str) -> bool:
    pattern = re.escape(said).replace(re.escape(NUMBER), r"\d+").replace(re.escape(NAME), r"[\w.-]+")
    return re.fullmatch(pattern, asked) is not None


@pytest.mark.parametrize("state", ["healthy", "faulty"])
@pytest.mark.parametrize("kind", [kind for kind in kinds() if not class_of(kind).from_here_only])
async def test_10_a_look_asks_for_what_its_kind_says(
    kind: str, state: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    example = importlib.import_module(f"tests.contract.examples.{kind}")
    prepared: AbstractContextManager[Setting] = getattr(example, state)(Place(tmp_path, request))
    with prepared as setting:
        noting = Noting(setting.vantage or Here(), AFAR)
        check = check_of(kind, port=setting.port, vantage=noting.name, timeout=5, **setting.changed)
        await look(check, noting, last=setting.last)

    assert noting.asked, "a look that asks for nothing proves nothing"
    assert [asked for asked in noting.asked if not is_said(check.probe.access, *asked)] == []
