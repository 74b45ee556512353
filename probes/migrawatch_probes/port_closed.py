"""Make sure that nothing answers on a port that must not be reachable."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import ClassVar, Self

from migrawatch.parse.place import place_of
from migrawatch.probe import Contact, Down, Measure, Probe, Reason, Seconds, Unsure, Visit

CLOSED = Measure(
    "probe_port_closed_info",
    "How a closed port shows itself: refused, silent or unreachable.",
    "info",
    ("how",),
)

SILENT = "silent"
_CLOSED_BY = {
    Reason.CONNECT_REFUSED: "refused",
    Reason.CONNECT_TIMEOUT: SILENT,
    Reason.CONNECT_UNREACHABLE: "unreachable",
}


@dataclass(frozen=True, kw_only=True)
class PortClosedProbe(Probe):
    """Try to connect; being refused or left waiting is good, being accepted is `port_exposed`.

    It tells what is true *from its vantage*. What the edge lets in to an address on the internet is seen from outside
    alone: let `from` name a host at an address on the internet that is not ours. From inside such a port may be found
    open, but is never good: it is unknown (`edge_unseen`). *outside* says of another vantage that it sees what the
    internet sees, such as one next to an edge that has the address itself and no other rules for us.

    A refusal proves that the host is there and the port shut; silence for *patience* looks the same whether the port is
    filtered or the whole host is gone. The measure says which was seen, and the host's own check, which this one needs,
    tells the two apart.
    """

    address: str
    port: int
    patience: Seconds = 3.0
    outside: bool = False

    contact: ClassVar[Contact] = Contact.TCP
    shows_life: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = (CLOSED,)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.EDGE_UNSEEN: ("from a machine elsewhere: nc -vz -w 5 {address} {port}",),
        Reason.PORT_EXPOSED: ('ssh {host} "ss -tlnp; iptables -S; nft list ruleset"', "nc -vz -w 5 {address} {port}"),
    }

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ValueError(f"port must be from 1 to 65535, got {self.port}")
        if self.patience <= 0:
            raise ValueError("patience must be longer than nothing")

    @property
    def target(self) -> str:
        """What must be closed, as `host:port`."""
        return place_of(self.address, self.port)

    def standing_outside(self) -> Self:
        """This probe, from a vantage that sees what the internet sees."""
        return replace(self, outside=True)

    @property
    def silence(self) -> Seconds:
        """A port that is filtered stays silent."""
        return self.patience

    async def observe(self, visit: Visit) -> None:
        """Try every address of the name. Raise Down (`port_exposed`) when one accepts; from inside, else Unsure."""
        addresses = await visit.resolve(self.address)
        for dialled in addresses:
            with visit.step("connect"):
                how = await self._knock(visit, dialled)
            visit.measure(CLOSED, 1.0, how=how)
            if how == SILENT:
                visit.evidence(
                    f"connect to {dialled}:{self.port}",
                    f"no answer within {self.patience:g} s: the port is filtered, or the whole host is gone",
                )
        public = [dialled for dialled in addresses if ip_address(dialled.partition("%")[0]).is_global]
        if public and not self.outside:
            where = f"{place_of(public[0], self.port)} is closed from {visit.vantage.name}, inside the edge"
            raise Unsure(Reason.EDGE_UNSEEN, f"{where}; from outside it may be open")

    async def _knock(self, visit: Visit, dialled: str) -> str:
        """How the closed port showed itself. Raise Down for an open one."""
        try:
            async with asyncio.timeout(self.patience):
                connection = await visit.vantage.connect(dialled, self.port)
        except TimeoutError:
            return SILENT
        except Down as fault:
            if fault.reason is Reason.CONNECT_RESET:
                # Who refuses was never connected; only an accepted connection is reset.
                raise Down(Reason.PORT_EXPOSED, f"{fault.detail}: it accepts, wanted closed") from fault
            if fault.reason not in _CLOSED_BY:
                raise
            return _CLOSED_BY[fault.reason]
        connection.close()
        raise Down(Reason.PORT_EXPOSED, f"connect: {connection.peer} accepts from {visit.vantage.name}, wanted closed")
