"""Whether a machine is there at all: its SSH port and an echo, either of which is enough."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from migrawatch.probe import Access, Contact, Down, Measure, Probe, Reason, Seconds, Visit, Wire, access_to
from migrawatch.reach.echo import EchoForbidden, echo
from migrawatch.reach.ssh_login import IDENTIFICATION
from migrawatch.reach.vantage import HERE

ECHO = Measure("probe_icmp_duration_seconds", "Duration of icmp request by phase", "seconds", ("phase",))

_ANSWERS = (Reason.CONNECT_REFUSED, Reason.CONNECT_RESET)
"""What only a living kernel (or a firewall that speaks for it) says."""


@dataclass(frozen=True, kw_only=True)
class HostProbe(Probe):
    """Ask a machine for a sign of life: a banner on its SSH port, a refusal there, or the answer to an echo.

    A machine whose SSH port neither accepts nor refuses within *answer_within*, and that answers no echo, is down. One
    that accepts and then says nothing for as long is unresponsive: its kernel lives, its programs may not.
    """

    address: str
    port: int = 22
    answer_within: Seconds = 3.0

    contact: ClassVar[Contact] = Contact.NONE
    measures: ClassVar[tuple[Measure, ...]] = (ECHO,)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.HOST_DOWN: ("ping -c 3 {address}", 'ssh pve "qm list; pct list"'),
        Reason.HOST_UNRESPONSIVE: ("ssh -o ConnectTimeout=5 {address} uptime", 'ssh pve "qm list; pct list"'),
    }

    @property
    def target(self) -> str:
        """The machine's address."""
        return self.address

    @property
    def access(self) -> Access:
        """Its SSH port."""
        return access_to((self.address, self.port))

    async def observe(self, visit: Visit) -> None:
        """Look for a sign of life. Raise Down when there is none."""
        with visit.step("resolve", late=Reason.DNS_TIMEOUT):
            address = (await visit.vantage.resolve(self.address))[0]
        visit.dialled(address)
        asking = asyncio.create_task(_echoed(visit, address))
        try:
            with visit.step("connect", late=Reason.HOST_DOWN):
                wire, refusal = await self._connected(visit, address)
            if wire is not None:
                await self._hear(visit, wire, asking)
            elif refusal is None or refusal.reason not in _ANSWERS:
                await self._rely_on_echo(visit, asking, refusal)
            else:
                visit.evidence(f"port {self.port}", refusal.detail)
        finally:
            asking.cancel()
            await asyncio.wait((asking,))

    async def _connected(self, visit: Visit, address: str) -> tuple[Wire | None, Down | None]:
        try:
            async with asyncio.timeout(self.answer_within):
                return Wire(await visit.vantage.connect(address, self.port)), None
        except Down as refusal:
            return None, refusal
        except TimeoutError:
            return None, None

    async def _hear(self, visit: Visit, wire: Wire, asking: "asyncio.Task[str]") -> None:
        try:
            with visit.step("banner", late=Reason.HOST_UNRESPONSIVE, closed=Reason.HOST_UNRESPONSIVE):
                async with asyncio.timeout(self.answer_within):
                    await wire.write(IDENTIFICATION)
                    # An end is an answer too: a program, or the kernel on its behalf, closed the connection.
                    await wire.read()
        except (ConnectionResetError, BrokenPipeError):
            visit.evidence(f"port {self.port}", "accepted and reset")
        except TimeoutError:
            visit.evidence("echo", await asking)
            silence = f"port {self.port} accepts and says nothing for {self.answer_within:g} s"
            raise Down(Reason.HOST_UNRESPONSIVE, f"{self.address}: {silence}") from None
        finally:
            wire.close()

    async def _rely_on_echo(self, visit: Visit, asking: "asyncio.Task[str]", refusal: Down | None) -> None:
        seen = refusal.detail if refusal else f"no answer within {self.answer_within:g} s"
        with visit.step("echo", late=Reason.HOST_DOWN):
            answer = await asking
        visit.evidence(f"port {self.port}", seen)
        visit.evidence("echo", answer)
        if not answer.startswith(_ANSWERED):
            raise Down(Reason.HOST_DOWN, f"{self.address}: port {self.port}: {seen}; echo: {answer}")


_ANSWERED = "answered"


async def _echoed(visit: Visit, address: str) -> str:
    """What became of an echo, in words."""
    if visit.vantage.name != HERE:
        return "not asked: echoes are sent from here only"
    try:
        spent = await echo(address)
    except EchoForbidden:
        return "not asked: the kernel lets us send none (net.ipv4.ping_group_range)"
    if spent is None:
        return "no answer"
    visit.measure(ECHO, spent, phase="rtt")
    return f"{_ANSWERED} after {spent * 1000:.1f} ms"
