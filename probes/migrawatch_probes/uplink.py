"""Whether this machine still gets out, to its own network or to the internet: one of several canaries answers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from migrawatch.parse.url import parse_dial
from migrawatch.probe import Contact, Down, Measure, Probe, Reason, Seconds, Unsure, Visit
from migrawatch.reach.echo import EchoForbidden, echo
from migrawatch.reach.name import is_literal

ANSWERED = Measure("probe_uplink_answered", "Whether the canary answered, where it was waited for.", "", ("canary",))

_LOST = {"lan": Reason.UPLINK_LAN, "internet": Reason.UPLINK_INTERNET}
_ANSWERS = (Reason.CONNECT_REFUSED, Reason.CONNECT_RESET)
"""What only somebody there says. That an address cannot be reached is said on the way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Heard:
    """What became of one canary, in words. *unasked* is why it could not be asked."""

    canary: str
    answered: bool
    words: str
    unasked: Unsure | None = None


@dataclass(frozen=True, kw_only=True)
class UplinkProbe(Probe):
    """Ask canaries whether we still get *to* the `lan` or the `internet`; one that answers is enough.

    A canary is an address: with a port (`1.1.1.1:443`) it answers by accepting or refusing a connection, without one by
    an echo. All are asked at once, and the first answer ends the look. Name several that share nothing, and for the
    local network what runs on no machine that is watched: a router, a switch.
    """

    addresses: tuple[str, ...]
    to: Literal["lan", "internet"] = "internet"
    answer_within: Seconds = 2.0

    contact: ClassVar[Contact] = Contact.UDP
    from_here_only: ClassVar[bool] = True
    # Whoever answers is not the host that this is told of.
    shows_life: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = (ANSWERED,)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.UPLINK_INTERNET: ("ip route get {first}", "tracepath -n {first}"),
        Reason.UPLINK_LAN: ("ip -br link", "ip neigh", "ip route get {first}"),
        Reason.ECHO_FORBIDDEN: ('sysctl -w net.ipv4.ping_group_range="0 2147483647"',),
    }

    def __post_init__(self) -> None:
        if not self.addresses:
            raise ValueError("addresses: wanted at least one")
        for canary in self.addresses:
            # A name would make a dead resolver look like a dead line.
            if not is_literal(parse_dial(canary)[0]):
                raise ValueError(f"addresses: wanted an address such as 1.1.1.1:443, got {canary!r}")

    @property
    def target(self) -> str:
        """The canaries."""
        return ", ".join(self.addresses)

    @property
    def first(self) -> str:
        """The address of the first canary."""
        return parse_dial(self.addresses[0])[0]

    @property
    def silence(self) -> Seconds:
        """How long the canaries are waited for."""
        return self.answer_within

    async def observe(self, visit: Visit) -> None:
        """Wait for the first answer. Raise Down when none comes, Unsure when a canary could not be asked either."""
        with visit.step("canaries", late=_LOST[self.to]):
            heard = await self._listen(visit)
        for one in heard:
            visit.evidence(one.canary, one.words)
            if one.unasked is None:
                visit.measure(ANSWERED, float(one.answered), canary=one.canary)
        if any(one.answered for one in heard):
            return
        if unasked := next((one.unasked for one in heard if one.unasked is not None), None):
            raise unasked
        raise Down(_LOST[self.to], "; ".join(f"{one.canary}: {one.words}" for one in heard))

    async def _listen(self, visit: Visit) -> list[_Heard]:
        """What was heard until the first answer; of every canary if there is none."""
        waiting = {asyncio.create_task(self._ask(visit, canary)) for canary in dict.fromkeys(self.addresses)}
        heard: list[_Heard] = []
        try:
            while waiting and not any(one.answered for one in heard):
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                heard += [task.result() for task in done]
        finally:
            for task in waiting:
                task.cancel()
            if waiting:
                await asyncio.wait(waiting)
        return sorted(heard, key=lambda one: self.addresses.index(one.canary))

    async def _ask(self, visit: Visit, canary: str) -> _Heard:
        address, port = parse_dial(canary)
        try:
            async with asyncio.timeout(self.answer_within):
                answered, words = await (_connected(visit, address, port) if port else _echoed(address))
        except TimeoutError:
            answered, words = False, f"no answer within {self.answer_within:g} s"
        except Unsure as unasked:
            return _Heard(canary=canary, answered=False, words=unasked.detail, unasked=unasked)
        return _Heard(canary=canary, answered=answered, words=words)


async def _connected(visit: Visit, address: str, port: int) -> tuple[bool, str]:
    try:
        connection = await visit.vantage.connect(address, port)
    except Down as fault:
        return fault.reason in _ANSWERS, fault.detail
    connection.close()
    return True, "accepts connections"


async def _echoed(address: str) -> tuple[bool, str]:
    try:
        spent = await echo(address)
    except EchoForbidden:
        kernel = "the kernel lets us send no echo (net.ipv4.ping_group_range)"
        raise Unsure(Reason.ECHO_FORBIDDEN, kernel) from None
    return (False, "no echo") if spent is None else (True, f"answered an echo after {spent * 1000:.1f} ms")
