"""What changed since all was well: of the cause, of what fails because of it, and of all that stands behind both."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from migrawatch.decide.board import Board, all_needs
from migrawatch.decide.group import Group
from migrawatch.decide.incident import Difference
from migrawatch.decide.knowledge import RESTLESS, Known
from migrawatch.model import Verdict

LOOKBACK = timedelta(hours=1)
"""How long before the first failure a change is still told: not everything that breaks something does so at once."""

MOST = 8
"""Changes that an incident carries."""


_FAILING = 25
"""Failing checks whose facts are looked through."""


def changed_of(group: Group, board: Board, first_failed: datetime) -> tuple[Difference, ...]:
    """What changed within the hour before *first_failed*, or since: the cause's own first, each once."""
    found: dict[tuple[str, str, str], Difference] = {}
    for check in _concerned(group, board):
        for what, known in board[check].known.items():
            told = _difference(check, what, known, first_failed - LOOKBACK)
            if told is not None:
                found.setdefault((what, told.before, told.after), told)
    return tuple(found.values())[:MOST]


def holds_of(group: Group, board: Board, first_failed: datetime) -> tuple[str, ...]:
    """The needs of the cause that were looked at since *first_failed*, and are well: what it is not."""
    needs = (board[name] for name in all_needs(group.head, board))
    return tuple(
        need.subject.check
        for need in needs
        if need.verdict is Verdict.OK and need.seen is not None and need.seen.at >= first_failed and not need.failing
    )


def _concerned(group: Group, board: Board) -> dict[str, None]:
    """The cause, what fails, what these need, and what is looked at on the same hosts: the nearest first."""
    # A dead host fails everything on it, and each of these looks is judged: the first ones tell enough.
    failing = dict.fromkeys((group.head, *group.own[:_FAILING], *group.shared[:_FAILING]))
    needs = dict.fromkeys(need for name in failing for need in all_needs(name, board))
    hosts = dict.fromkeys(board[name].subject.host for name in failing)
    return {**failing, **needs, **{name: None for host in hosts for name in _within(host, board)}}


def _within(host: str, board: Board) -> Iterator[str]:
    """The checks that look at *host* from within: its services, processes and configurations, not every site on it."""
    return (name for name in board.on_host.get(host, ()) if board[name].subject.vantage == host)


def _difference(check: str, what: str, known: Known, since: datetime) -> Difference | None:
    turns = [turn for turn in known.turns if turn.at > since]
    if not turns or len(turns) >= RESTLESS or turns[0].before == known.value:
        return None
    first = turns[0]
    told = known.since if len(turns) == 1 else None
    exact = told is not None and (first.held_at or since) - timedelta(seconds=1) <= told <= first.at
    return Difference(
        check=check,
        what=what,
        before=first.before,
        after=known.value,
        at=told if exact and told is not None else first.at,
        exact=exact,
        held_at=first.held_at,
    )
