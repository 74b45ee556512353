"""Whether enough was looked at *now* to name a cause, and how young the things are that the failing check needs."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from migrawatch.decide.blame import explains, may_be_kin
from migrawatch.decide.board import HOST_PROBE, SSH_PROBE, Board, Standings, all_needs, board_of, dependents, peers
from migrawatch.decide.incident import Incident
from migrawatch.decide.nature import REFUSED_LOGINS
from migrawatch.decide.standing import Standing, first_bad
from migrawatch.decide.streak import Failing, Suspect
from migrawatch.model import Observation, Verdict
from migrawatch.reason import Reason

__all__ = [
    "all_needs",
    "around",
    "cleared_at",
    "dependents",
    "lost_sight",
    "older_than_its_peers",
    "overdue",
    "peers",
    "settled_at",
    "settling",
    "stale",
    "witnesses",
]

SIBLINGS = 8
"""So many are enough, and few enough not to run into a host with thousands of sites all at once."""


def witnesses(name: str, standings: Standings) -> tuple[str, ...]:
    """The checks whose look is needed now to judge *name*: needs, peers, and more if the reason asks."""
    board = board_of(standings)
    wanted = dict.fromkeys((*all_needs(name, board), *peers(name, board)))
    for kin in _siblings(name, board):
        wanted |= dict.fromkeys((kin, *peers(kin, board)))
    for host in [name, *wanted]:
        if board[host].subject.probe == HOST_PROBE and (board[host].bad or host in board.pending):
            wanted |= dict.fromkeys(board.on_host[board[host].subject.host])
    if board[name].reason in REFUSED_LOGINS:
        wanted |= dict.fromkeys(dependents(name, board))
    wanted.pop(name, None)
    return tuple(wanted)


def around(name: str, standings: Standings) -> tuple[str, ...]:
    """The checks to look at when *name* has just begun to fail: its witnesses, and the symptoms it may have.

    One that lost its vantage has nothing looked at but that host's SSH server.
    """
    board = board_of(standings)
    subject = board[name].subject
    if board[name].reason is Reason.VANTAGE_LOST:
        needs = (board[need].subject for need in all_needs(name, board))
        return tuple(n.check for n in needs if n.probe == SSH_PROBE and n.host == subject.vantage)
    return tuple(dict.fromkeys((*witnesses(name, board), *dependents(name, board))))


def lost_sight(before: Standing, seen: Observation) -> bool:
    """Whether *seen* is the first of its looks that could not be made because the vantage was lost."""
    had = before.seen is not None and before.seen.reason is Reason.VANTAGE_LOST
    return seen.reason is Reason.VANTAGE_LOST and not had


def _siblings(name: str, board: Board) -> Iterator[str]:
    """The first checks of the configuration that fail too if *name* is not alone: they decide under whose name the
    cause is told, so that it does not hang on which check was looked at first."""
    standing = board[name]
    others = (board[other] for other in board.on_host[standing.subject.host] if other != name)
    if standing.bad and standing.reason is not None:
        yield from islice((o.subject.check for o in others if may_be_kin(o, standing, board)), SIBLINGS)


def stale(name: str, standings: Standings) -> frozenset[str]:
    """What must be looked at before *name* can be judged: witnesses not seen since its failure began, and what a
    later look contradicts, such as that of a need which came back."""
    board = board_of(standings)
    standing = board[name]
    if standing.seen is None:
        return frozenset({name})
    since = first_bad(standing)
    found = {name} & board.pending
    if standing.bad and _outdated(name, board):
        found.add(name)
    for witness in witnesses(name, board):
        seen = board[witness].seen
        if seen is None or seen.at < since or witness in board.pending:
            found.add(witness)
    return frozenset(found)


def overdue(incident: Incident, board: Board, explained: Iterable[str]) -> Iterator[str]:
    """The checks of an open incident that are to be looked at now, because what is known of them may be past.

    When the cause clears these are its symptoms. A symptom that the cause does not explain any longer (it is not
    among the *explained*) asks for the cause, which may have cleared before it.
    """
    cause = board.get(incident.cause.check)
    if cause is None or cause.seen is None:
        return
    past = set(explained)
    for name in incident.members:
        standing = board.get(name)
        if standing is None or standing.seen is None or not standing.bad:
            continue
        if cause.subject.check in board.pending:
            yield cause.subject.check
        elif cause.verdict is Verdict.OK and standing.seen.at < cleared_at(cause):
            yield name
        elif cause.bad and name not in past:
            # Whichever was looked at earlier may be well again.
            yield from board.pending.intersection(all_needs(name, board))
            if _outdated(name, board):
                yield name
            elif standing.seen.at > cause.seen.at:
                yield cause.subject.check


def _outdated(name: str, board: Board) -> bool:
    """Whether something that *name* needs came back since *name* was last looked at, or fails by something else now."""
    seen = board[name].seen
    assert seen is not None
    return any(seen.at < back for back, _ in _returned(name, board)) or any(
        seen.at < _so_since(need) for need in _turned(name, board)
    )


def returned_before(name: str, board: Board) -> bool:
    """Whether something that the bad check *name* needs came back, and *name* may just need a moment to follow."""
    seen = board[name].seen
    assert seen is not None
    return any(seen.at < until for _, until in _returned(name, board))


def _returned(name: str, board: Board) -> Iterator[tuple[datetime, datetime]]:
    """When the needs of *name* that were bad a while ago came back, and until when that may explain its failure."""
    settle = timedelta(seconds=board[name].policy.settle)
    for need in (board[need] for need in all_needs(name, board)):
        if need.seen is None:
            continue
        if need.subject.check in board.pending:
            yield need.seen.at, datetime.max.replace(tzinfo=need.seen.at.tzinfo)
        elif need.verdict is Verdict.OK and need.failing:
            yield cleared_at(need), cleared_at(need) + settle
        elif need.verdict is Verdict.OK and (any(need.streak.recent) or _was_blind(need)):
            yield _so_since(need), _so_since(need)
        elif need.verdict is Verdict.WARN and need.failing:
            # A need that only warns explains nothing any longer, and is often slow while it comes back.
            yield first_bad(need), first_bad(need) + settle


def _was_blind(need: Standing) -> bool:
    """Whether *need* could not be looked at a while ago: what was behind it then is not behind it now."""
    return any(look.verdict is Verdict.UNKNOWN for look in need.earlier)


def _turned(name: str, board: Board) -> Iterator[Standing]:
    """The needs of *name* that went on failing by something else, which does not explain *name*."""
    for need in (board[need] for need in all_needs(name, board)):
        streak = need.streak
        if not need.bad or not isinstance(streak, Failing | Suspect):
            continue
        if streak.first_bad < _so_since(need) and not explains(need, board[name]):
            yield need


def _so_since(standing: Standing) -> datetime:
    assert standing.seen is not None
    return standing.so_since or standing.seen.at


def cleared_at(cause: Standing) -> datetime:
    """When *cause*, which is not bad now, was first seen to be well again; at the latest."""
    streak = cause.streak
    assert cause.seen is not None
    if not isinstance(streak, Failing):
        return cause.seen.at - timedelta(seconds=cause.policy.resolve_for)
    return streak.good_since or cause.seen.at


def settled_at(names: Iterable[str], board: Standings) -> datetime | None:
    """When what *names* need will have run, or has run, for `settle`; None when nothing tells since when it runs."""
    return max((moment for name in names for _, moment in _settling(name, board)), default=None)


def settling(names: Iterable[str], board: Standings) -> Iterator[str]:
    """Those of what *names* need, and of *names*, that were last looked at before they had run for `settle`."""
    for name in names:
        for need, moment in _settling(name, board):
            seen = board[need].seen
            if seen is not None and seen.at < moment:
                yield need


def _settling(name: str, board: Standings) -> Iterator[tuple[str, datetime]]:
    settle = timedelta(seconds=board[name].policy.settle)
    for need in (name, *all_needs(name, board)):
        began = board[need].started_at
        if began is not None and board[need].reason is not Reason.PROCESS_CRASH_LOOP:
            yield need, began + settle


def older_than_its_peers(name: str, board: Standings) -> Iterator[str]:
    """What *name* needs and may have been started anew since it was looked at: *name*'s peers were looked at later."""
    looks = [seen.at for peer in peers(name, board) if (seen := board[peer].seen) is not None]
    for need in all_needs(name, board):
        seen = board[need].seen
        if seen is not None and board[need].started_at is not None and seen.at < max(looks, default=seen.at):
            yield need
