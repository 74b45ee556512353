"""Send echoes, and tell how many came back and how long they took."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt
from typing import ClassVar

from migrawatch.probe import Contact, Down, Measure, Probe, Reason, Seconds, Unsure, Visit
from migrawatch.reach.echo import EchoForbidden, Packet, echoes
from migrawatch.reach.vantage import HERE

DURATION = Measure("probe_icmp_duration_seconds", "Duration of icmp request by phase", "seconds", ("phase",))
HOP_LIMIT = Measure("probe_icmp_reply_hop_limit", "Replied packet hop limit (TTL for ipv4)")
SLOWEST = Measure("probe_icmp_rtt_max_seconds", "The longest round trip.", "seconds")
SPREAD = Measure("probe_icmp_rtt_stddev_seconds", "Standard deviation of the round trips.", "seconds")
LOSS = Measure("probe_icmp_loss_ratio", "Share of the echoes that did not come back, from 0 to 1.")

_MOST = 100
_MOST_BYTES = 65_000


@dataclass(frozen=True, kw_only=True)
class IcmpProbe(Probe):
    """Send *count* echoes from here, *pause* apart, and wait *answer_within* for each.

    None answered is down. A share of *loss_warn* lost or more warns, of *loss_down* is down; 0 is no limit. An average
    round trip longer than *slow_after* warns; 0 is no limit. The kernel must let us: net.ipv4.ping_group_range.
    *packet* is what each echo is like: *size* bytes of payload (16 at least), *ttl* hops at most (0: as ever); with
    *whole* it must pass without being fragmented; *source* is the address of ours that it leaves from.
    """

    address: str
    count: int = 5
    pause: Seconds = 0.2
    answer_within: Seconds = 1.0
    loss_warn: float = 0.2
    loss_down: float = 0.0
    slow_after: Seconds = 0.0
    packet: Packet = field(default_factory=Packet)

    contact: ClassVar[Contact] = Contact.UDP
    from_here_only: ClassVar[bool] = True
    # The kernel answers an echo, also when nothing else on the host does.
    shows_life: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = (DURATION, HOP_LIMIT, SLOWEST, SPREAD, LOSS)
    phase_measure: ClassVar[Measure | None] = DURATION
    steps_as: ClassVar[Mapping[str, str]] = {"resolve": "resolve"}
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.ECHO_TIMEOUT: ("ping -c 3 {address}", "tracepath -n {address}"),
        Reason.ECHO_LOSS: ("ping -c 50 -i 0.2 {address}", "tracepath -n {address}"),
        Reason.ECHO_FORBIDDEN: ('sysctl -w net.ipv4.ping_group_range="0 2147483647"',),
        Reason.CONNECT_UNREACHABLE: ("ip route get {address}",),
        Reason.SLOW: ("ping -c 50 -i 0.2 {address}",),
    }

    def __post_init__(self) -> None:
        if not 1 <= self.count <= _MOST:
            raise ValueError(f"count: wanted 1 to {_MOST} echoes, got {self.count}")
        if not (0 <= self.loss_warn <= 1 and 0 <= self.loss_down <= 1):
            raise ValueError("loss_warn and loss_down are shares, from 0 to 1")

        if not 0 <= self.packet.ttl <= 255:
            raise ValueError(f"packet.ttl: wanted 1 to 255 hops, or 0, got {self.packet.ttl}")
        if not 0 <= self.packet.size <= _MOST_BYTES:
            raise ValueError(f"packet.size: wanted at most {_MOST_BYTES} bytes, got {self.packet.size}")

    @property
    def target(self) -> str:
        """The address."""
        return self.address

    @property
    def silence(self) -> Seconds:
        """How long a look lasts when no echo comes back."""
        return self.count * (self.pause + self.answer_within)

    async def observe(self, visit: Visit) -> None:
        """Send them, and judge. Raise Down, or Unsure when we may send none."""
        with visit.step("resolve", late=Reason.DNS_TIMEOUT):
            address = (await visit.vantage.resolve(self.address))[0]
        visit.dialled(address)
        if visit.vantage.name != HERE:
            raise Unsure(Reason.ECHO_FORBIDDEN, "echoes are sent from here only")
        try:
            with visit.step("echo", late=Reason.ECHO_TIMEOUT):
                replies = await echoes(address, self.count, self.pause, self.answer_within, self.packet)
        except EchoForbidden:
            kernel = "the kernel lets us send no echo: set net.ipv4.ping_group_range to a range with our group in it"
            raise Unsure(Reason.ECHO_FORBIDDEN, kernel) from None
        answered = [reply for reply in replies if reply is not None]
        back = [reply.seconds for reply in answered]
        lost = 1 - len(back) / self.count
        visit.measure(LOSS, lost)
        if not back:
            raise Down(Reason.ECHO_TIMEOUT, f"{address} answered none of {self.count} echoes")
        mean = sum(back) / len(back)
        visit.measure(DURATION, mean, phase="rtt")
        if (hops := answered[-1].hop_limit) is not None:
            visit.measure(HOP_LIMIT, hops)
        visit.measure(SLOWEST, max(back))
        visit.measure(SPREAD, sqrt(sum((each - mean) ** 2 for each in back) / len(back)))
        self._judge(visit, lost, mean, f"{address} answered {len(back)} of {self.count} echoes")

    def _judge(self, visit: Visit, lost: float, mean: float, told: str) -> None:
        if 0 < self.loss_down <= lost:
            visit.down(Reason.ECHO_LOSS, told)
        elif 0 < self.loss_warn <= lost:
            visit.warn(Reason.ECHO_LOSS, told)
        if 0 < self.slow_after < mean:
            average = f"{mean * 1000:.1f} ms on average, more than {self.slow_after * 1000:g}"
            visit.warn(Reason.SLOW, f"{told}, {average}")
