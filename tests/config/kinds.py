"""Small kinds that stand for the real ones: what is tested here is how settings are read, not what is looked at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from migrawatch.config.kinds import Kinds
from migrawatch.model import Bytes, Contact, Pattern, Seconds, Secret
from migrawatch.probe import Probe, Visit
from migrawatch.reason import Reason


class Looking(Probe):
    """A kind that sees nothing."""

    async def observe(self, visit: Visit) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Expect:
    status: int | tuple[int, ...] = 200
    body: Pattern = ""
    json: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Page(Looking):
    """Every type of setting there is."""

    url: str
    dial: str = ""
    """Where to connect instead."""
    port: int = 443
    ratio: float = 0.9
    verify: bool = True
    expect: Expect = field(default_factory=Expect)
    headers: dict[str, str | Secret] = field(default_factory=dict)
    token: Secret | None = None
    method: Literal["GET", "POST"] = "GET"
    slow_after: Seconds | None = None
    body_limit: Bytes = 1024
    words: tuple[str, ...] = ()
    value: str | int | float | bool | None = None
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.HTTP_STATUS: ("curl -H 'authorization: {token}' https://{authority}/",)
    }

    @property
    def authority(self) -> str:
        return f"{self.url}:{self.port}"

    def __post_init__(self) -> None:
        if self.port > 65535:
            raise ValueError(f"port: wanted 1 to 65535, got {self.port}")

    @property
    def silence(self) -> float:
        return 2.0

    @property
    def target(self) -> str:
        return self.url


@dataclass(frozen=True, kw_only=True)
class Port(Looking):
    """The address is the host's unless said."""

    address: str
    port: int = 80
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {Reason.CONNECT_REFUSED: ("nc -vz {address} {port}",)}

    @property
    def target(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Unit(Looking):
    unit: str
    contact: ClassVar[Contact] = Contact.COMMANDS
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.UNIT_FAILED: ('ssh {host} "systemctl status {unit}"', "curl -w %{http_code} ${HOME}"),
        Reason.UNIT_INACTIVE: ('ssh {host} "systemctl start {unit}"',),
    }

    @property
    def target(self) -> str:
        return self.unit


@dataclass(frozen=True, kw_only=True)
class Host(Looking):
    address: str
    port: int = 22

    @property
    def target(self) -> str:
        return self.address


@dataclass(frozen=True, kw_only=True)
class Ssh(Looking):
    address: str
    port: int = 22
    user: str
    key: Secret
    known_hosts: str

    @property
    def target(self) -> str:
        return f"{self.user}@{self.address}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Greedy(Looking):
    """A kind that takes a key of every check for itself."""

    every: int = 3
    target: ClassVar[str] = ""


KINDS = Kinds({}, {"page": Page, "port": Port, "unit": Unit, "host": Host, "ssh": Ssh, "greedy": Greedy})
