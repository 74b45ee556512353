"""A kind's example in health and in one fault: what its settings must be, and a real server for as long as it lasts.

A module a kind, with `healthy` and `faulty`: context managers that take a `Place` and give what to change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from migrawatch.reach.vantage import Vantage
from tests.servers.certificates import Authority
from tests.servers.postgres import PostgresServer
from tests.servers.sshd import SshServer


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How the example must be changed to lead to its server. *vantage* replaces the machine itself, for commands;
    *last* is what the check remembers."""

    port: int | None = None
    changed: Mapping[str, Any]
    vantage: Vantage | None = None
    last: Any = None


@dataclass(frozen=True)
class Place:
    """What an example may use: a folder of its own, and the session's servers, started when asked for."""

    folder: Path
    request: pytest.FixtureRequest

    @property
    def authority(self) -> Authority:
        found = self.request.getfixturevalue("authority")
        assert isinstance(found, Authority)
        return found

    @property
    def postgres(self) -> PostgresServer:
        found = self.request.getfixturevalue("postgres")
        assert isinstance(found, PostgresServer)
        return found

    @property
    def ssh(self) -> SshServer:
        found = self.request.getfixturevalue("far_server")
        assert isinstance(found, SshServer)
        return found
