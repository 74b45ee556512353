"""What we ask of PowerDNS: the zones that it has."""

from typing import Protocol

from migrawatch.model import Unsure
from migrawatch.parse.powerdns import parse_zones
from migrawatch.reach.vantage import Completed
from migrawatch.reason import Reason

ACCOUNT = "pdns"
"""Whom PowerDNS runs as: no more is needed to read its configuration and its database, and root would leave locks."""


class Runs(Protocol):
    """Who runs commands: a visit."""

    async def run(self, *argv: str) -> Completed:
        """Run a command and wait for its end."""
        ...


def listing(program: str, config: str, sudo: bool) -> tuple[str, ...]:
    """The command that lists the zones; *config* is the folder of `pdns.conf` where it is not the usual one."""
    as_whom = ("sudo", "-n", "-u", ACCOUNT) if sudo else ()
    return (*as_whom, program, *((f"--config-dir={config}",) if config else ()), "list-all-zones")


async def zones(visit: Runs, command: tuple[str, ...]) -> tuple[str, ...]:
    """The zones. Raise Unsure when it was not pdnsutil that spoke, or it knew of none: a server of names has some."""
    answer = await visit.run(*command)
    if answer.status != 0:
        words = " ".join(answer.stderr.split())[-200:]
        raise Unsure(Reason.COMMAND_FAILED, f"{' '.join(command)} ended with {answer.status}: {words}")
    try:
        found = parse_zones(answer.stdout)
    except ValueError as error:
        raise Unsure(Reason.COMMAND_FAILED, str(error)) from error
    if not found:
        raise Unsure(Reason.COMMAND_FAILED, f"{' '.join(command)} printed no zone")
    return found
