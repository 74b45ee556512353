"""What every check would see if some of them were down: a board of observations that nobody made.

Only how a fault looks from elsewhere is chosen here. Whether it explains that is asked of blame itself, so that what is
supposed to follow is what would be told as following.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from migrawatch.decide import blame
from migrawatch.decide.board import HOST_PROBE, SSH_PROBE, Board, Standings, all_needs
from migrawatch.decide.standing import Standing
from migrawatch.decide.ways import UNSEEN, alone, because
from migrawatch.model import Finding, Observation, Verdict
from migrawatch.reason import Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """The checks that are supposed to fail by themselves; each for *reason*, or for the one that its kind gives."""

    named: frozenset[str]
    reason: Reason | None = None
    verdict: Verdict = Verdict.DOWN


def healthy(standings: Standings, at: datetime) -> Board:
    """A board on which every look at *at* held."""
    return Board({name: replace(standing, seen=look(standing, at)) for name, standing in standings.items()})


def look(standing: Standing, at: datetime, finding: Finding | None = None) -> Observation:
    """The observation that a look makes which finds *finding*, or nothing wrong."""
    return Observation(subject=standing.subject, at=at, took=0.0, findings=(finding,) if finding else ())


def supposed(standings: Standings, outage: Outage, at: datetime) -> dict[str, Finding]:
    """What is wrong, by check, while *outage* lasts; the checks that would hold are not in it."""
    board = healthy(standings, at)
    found: dict[str, Finding] = {}
    for name in _needs_first(board):
        finding = _finding(name, board, outage)
        if finding is not None:
            found[name] = finding
            board[name] = replace(board[name], seen=look(board[name], at, finding))
            board.roots.pop(name, None)
    return found


def _needs_first(board: Board) -> list[str]:
    """All checks, each behind everything that it needs: whatever leads further has more needs."""
    return sorted(board, key=lambda name: len(all_needs(name, board)))


def _finding(name: str, board: Board, outage: Outage) -> Finding | None:
    subject = board[name].subject
    if _is_lost(board[name], board):
        return Finding(Verdict.UNKNOWN, Reason.VANTAGE_LOST, f"supposed: there is no way to {subject.vantage}")
    named = name in outage.named
    if named and outage.reason is not None:
        return Finding(outage.verdict, outage.reason, "supposed")
    following = _following(name, board)
    if following is None and named:
        return Finding(outage.verdict, alone(subject), "supposed")
    return following


def _is_lost(standing: Standing, board: Mapping[str, Standing]) -> bool:
    """Whether the host that *standing* is looked at from cannot be logged in to."""
    vantage = standing.subject.vantage
    needs = (board[need] for need in standing.subject.needs if need in board)
    doors = (need for need in needs if need.subject.probe == SSH_PROBE and need.subject.host == vantage)
    return any(door.verdict is Verdict.DOWN for door in doors)


def _following(name: str, board: Board) -> Finding | None:
    """How *name* fails for what it needs, if any of that can be to blame."""
    standing = board[name]
    assert standing.seen is not None
    for need in _nearest_down(name, board):
        for reason in because(standing.subject, board[need]):
            verdict = Verdict.UNKNOWN if reason in UNSEEN else Verdict.DOWN
            finding = Finding(verdict, reason, f"supposed: because of {need}")
            board[name] = replace(standing, seen=look(standing, standing.seen.at, finding))
            explained = blame.roots(name, board) != (name,)
            board[name] = standing
            board.roots.pop(name, None)
            if explained:
                return finding
    return None


def _nearest_down(name: str, board: Board) -> Iterable[str]:
    """The needs of *name* that are down, its own host first: nothing is seen of what lies behind that."""
    down = [need for need in all_needs(name, board) if board[need].verdict is Verdict.DOWN]
    host = board[name].subject.host
    return sorted(down, key=lambda need: (board[need].subject.probe, board[need].subject.host) != (HOST_PROBE, host))
