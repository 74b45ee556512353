"""The board: where all checks stand at one moment, with the indexes that a judgement looks things up in."""

from collections.abc import Mapping
from functools import cached_property
from typing import TypeAlias
from urllib.parse import urlsplit

from migrawatch.decide.standing import Standing
from migrawatch.decide.streak import Clear
from migrawatch.model import Subject

Standings: TypeAlias = Mapping[str, Standing]

HOST_PROBE = "host"
SSH_PROBE = "ssh"
UPLINK_PROBE = "uplink"

_PORTS = {"https": 443, "http": 80}


class Board(dict[str, Standing]):
    """All checks by name, in the order of the configuration. An index is made once, when it is first asked for.

    *pending* are checks whose last look was contradicted by a later one: they wait for a look of their own.
    """

    pending: frozenset[str] = frozenset()

    @cached_property
    def astir(self) -> tuple[str, ...]:
        """The checks that are not plainly well: all that a judgement can be about, out of thousands."""
        return tuple(
            name
            for name, standing in self.items()
            if (standing.seen is not None and standing.seen.findings)
            or not isinstance(standing.streak, Clear)
            or standing.streak.blind_since is not None
        )

    @cached_property
    def needed_by(self) -> dict[str, list[str]]:
        """For each check those that name it in `needs`."""
        found: dict[str, list[str]] = {}
        for name, standing in self.items():
            for need in standing.subject.needs:
                found.setdefault(need, []).append(name)
        return found

    @cached_property
    def on_host(self) -> dict[str, list[str]]:
        """The checks of each host."""
        found: dict[str, list[str]] = {}
        for name, standing in self.items():
            found.setdefault(standing.subject.host, []).append(name)
        return found

    @cached_property
    def at_target(self) -> dict[tuple[str, str], list[str]]:
        """The checks of each kind and target."""
        found: dict[tuple[str, str], list[str]] = {}
        for name, standing in self.items():
            found.setdefault((standing.subject.probe, standing.subject.target), []).append(name)
        return found

    @cached_property
    def order(self) -> dict[str, int]:
        """The place of each check in the configuration."""
        return {name: place for place, name in enumerate(self)}

    @cached_property
    def roots(self) -> dict[str, tuple[str, ...]]:
        """What blame has found so far."""
        return {}


def board_of(standings: Standings) -> Board:
    """*standings* as a board; itself if it is one."""
    return standings if isinstance(standings, Board) else Board(standings)


def all_needs(name: str, standings: Standings) -> tuple[str, ...]:
    """The needs of *name* and theirs, nearest first, each once."""
    found: dict[str, None] = {}
    queue = list(standings[name].subject.needs)
    for need in queue:
        if need in standings and need not in found:
            found[need] = None
            queue.extend(standings[need].subject.needs)
    return tuple(found)


def dependents(name: str, standings: Standings) -> tuple[str, ...]:
    """The checks that need *name*, directly or not, nearest first."""
    needed_by = board_of(standings).needed_by
    found: dict[str, None] = {}
    queue = list(needed_by.get(name, ()))
    for other in queue:
        if other not in found:
            found[other] = None
            queue.extend(needed_by.get(other, ()))
    found.pop(name, None)
    return tuple(found)


def peers(name: str, standings: Standings) -> tuple[str, ...]:
    """The checks that look at the same target from another vantage."""
    board = board_of(standings)
    mine = board[name].subject
    return tuple(
        other for other in board.at_target[mine.probe, mine.target] if board[other].subject.vantage != mine.vantage
    )


def port_of(subject: Subject) -> int:
    """The port that *subject* is looked at on, as its target says it."""
    target = subject.target
    url = urlsplit(target if "//" in target else f"//{target}")
    return url.port or (22 if subject.probe in (HOST_PROBE, SSH_PROBE) else _PORTS.get(url.scheme, 80))
