"""Log in at an SSH server and see that it serves us: its banner, its key, our key, forwarding, a command."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from migrawatch.parse.place import place_of
from migrawatch.parse.ssh import parse_banner
from migrawatch.probe import Access, Contact, Down, Lost, Measure, Probe, Reason, Secret, Visit, Wire
from migrawatch.reach.ssh_login import IDENTIFICATION, Login

BANNER = Measure("probe_ssh_banner_info", "The software that the SSH server names.", "info", ("software",))

if TYPE_CHECKING:
    from migrawatch.reach.ssh_session import Session

_MOST_LINES = 50
"""Lines a server may say before its banner (RFC 4253, section 4.2)."""


@dataclass(frozen=True, kw_only=True)
class SshProbe(Probe):
    """Log in by key, over a fresh connection each time.

    With *forwarding* the server must forward connections for us: it is asked for one to *forward_to* (`host:port`;
    its own SSH port if empty). *command* must succeed; empty runs none.
    """

    address: str
    user: str
    key: Secret
    known_hosts: str
    port: int = 22
    forwarding: bool = True
    forward_to: str = ""
    command: tuple[str, ...] = ("true",)

    contact: ClassVar[Contact] = Contact.TCP
    measures: ClassVar[tuple[Measure, ...]] = (BANNER,)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.CONNECT_REFUSED: ("ping -c 3 {address}", "on the console of {host}: systemctl status ssh"),
        Reason.CONNECT_TIMEOUT: ("ping -c 3 {address}", "on the console of {host}: systemctl status ssh"),
        Reason.CONNECT_UNREACHABLE: ("ping -c 3 {address}", "ip route get {address}"),
        Reason.CONNECT_RESET: ("ssh -v -p {port} {user}@{address} true",),
        Reason.SSH_TIMEOUT: (
            "ssh -v -p {port} {user}@{address} true",
            "on the console of {host}: systemctl status ssh",
        ),
        Reason.SSH_MALFORMED: ("ssh -v -p {port} {user}@{address} true",),
        Reason.SSH_AUTH: ('ssh root@{address} "cat ~{user}/.ssh/authorized_keys; journalctl -u ssh -n 20"',),
        Reason.SSH_HOST_KEY: (
            "on the console of {host}: for key in /etc/ssh/ssh_host_*.pub; do ssh-keygen -lf $key; done",
            "only if it is the same: ssh-keyscan -p {port} {address} >> {known_hosts}",
        ),
        Reason.SSH_FORWARDING: ('ssh root@{address} "sshd -T | grep -i -e forwarding -e permitopen"',),
        Reason.COMMAND_FAILED: ('ssh root@{address} "getent passwd {user}; journalctl -u ssh -n 20"',),
        Reason.COMMAND_TIMEOUT: ('ssh root@{address} "uptime; dmesg | tail -n 20"',),
    }

    def __post_init__(self) -> None:
        port = self.forward_to.rpartition(":")[2]
        if self.forward_to and not (":" in self.forward_to and port.isdigit()):
            raise ValueError(f"forward_to: wanted host:port, got {self.forward_to!r}")

    @property
    def target(self) -> str:
        """Where it connects, as `host:port`."""
        return place_of(self.address, self.port)

    @property
    def access_within(self) -> Access:
        """The command, and the connection onwards."""
        commands = (self.command,) if self.command else ()
        return Access(commands=commands, places=(self._onward,) if self.forwarding else ())

    async def observe(self, visit: Visit) -> None:
        """Connect, log in, and use the connection once. Raise Down."""
        # asyncssh takes a fifth of a second to import: only who looks pays.
        from migrawatch.reach.ssh_handshake import log_in

        login = Login(
            host=visit.subject.host,
            address=self.address,
            port=self.port,
            user=self.user,
            key=self.key,
            known_hosts=self.known_hosts,
        )
        async with visit.open(self.address, self.port) as wire:
            with visit.step("banner", late=Reason.SSH_TIMEOUT):
                banner = await self._banner(visit, wire)
            with visit.step("login", late=Reason.SSH_TIMEOUT):
                session = await log_in(login, wire, banner=banner, shown=partial(visit.fact, _key_of(visit)))
            try:
                await self._use(visit, session)
            finally:
                await session.close()

    async def _banner(self, visit: Visit, wire: Wire) -> bytes:
        """The server's identification line; other lines may stand before it."""
        await wire.write(IDENTIFICATION)
        line = first = b""
        for _ in range(_MOST_LINES):
            try:
                line = await wire.readline()
            except ValueError as error:
                raise Down(Reason.SSH_MALFORMED, f"banner: {error}") from error
            except EOFError:
                if first or wire.waiting:
                    raise Down(Reason.SSH_MALFORMED, f"banner: closed after {first[:80]!r}") from None
                raise
            first = first or line
            if line.startswith(b"SSH-") or not _is_text(line):
                break
        try:
            banner = parse_banner(line)
        except ValueError as error:
            raise Down(Reason.SSH_MALFORMED, f"banner: {error}") from error
        visit.measure(BANNER, 1.0, software=banner.software)
        return line

    async def _use(self, visit: Visit, session: "Session") -> None:
        if self.forwarding:
            with visit.step("forwarding", late=Reason.SSH_TIMEOUT), _blamed(session, Reason.SSH_FORWARDING):
                await self._test_forwarding(session)
        if self.command:
            with visit.step("command", late=Reason.COMMAND_TIMEOUT), _blamed(session, Reason.COMMAND_FAILED):
                ended = await session.execute(self.command)
            if ended.status != 0:
                words = ended.stderr.strip() or ended.stdout.strip()
                raise Down(Reason.COMMAND_FAILED, f"{self.command[0]} ended with {ended.status}: {words[:200]}")

    @property
    def _onward(self) -> tuple[str, int]:
        address, _, port = self.forward_to.rpartition(":")
        return address.strip("[]") or "127.0.0.1", int(port or self.port)

    async def _test_forwarding(self, session: "Session") -> None:
        try:
            channel = await session.dial(*self._onward)
        except Down:
            return  # the server tried for us; what it found there is another check's business
        channel.close()


def _key_of(visit: Visit) -> str:
    return f"host key of {visit.subject.host}"


def _is_text(line: bytes) -> bool:
    """Whether *line* may stand before a banner: such lines are UTF-8."""
    try:
        return line.decode("utf-8").strip().isprintable()
    except UnicodeDecodeError:
        return False


@contextmanager
def _blamed(session: "Session", reason: Reason) -> Iterator[None]:
    """What makes a look through this host unknown is here the finding itself."""
    try:
        yield
    except Lost as lost:
        raise session.fault or Down(Reason.CONNECT_RESET if session.is_over else reason, lost.detail) from lost
