"""The judgement: every failing check is in exactly one incident, and notices come from here and nowhere else.

The rules are those of judging.md. Pure: the time is given, nothing is read or sent.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from migrawatch.decide import blame, facts
from migrawatch.decide.board import Board, all_needs, dependents
from migrawatch.decide.changes import changed_of, holds_of
from migrawatch.decide.clarity import clarify
from migrawatch.decide.fresh import older_than_its_peers, overdue, settled_at, settling, stale
from migrawatch.decide.group import Group, gather
from migrawatch.decide.incident import Cause, Change, Identity, Incident, Notice, noticed
from migrawatch.decide.standing import Standing, first_bad
from migrawatch.decide.summary import cause_of
from migrawatch.model import Severity, Verdict
from migrawatch.reason import Reason

PATIENCE = timedelta(seconds=10)
"""For so long a cause is not told before what needs it, or fails with it, was looked at again as well."""
_NEVER_TOLD = (Reason.NO_HISTORY, Reason.EDGE_UNSEEN)
"""What only time or another vantage will tell is neither a lost vantage nor a bug."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What follows from where the checks stand.

    *incidents* are all that are open, and those that this judgement resolved. *wanted* are checks that must be looked
    at now before the rest can be judged. *again_in* is when to judge anew although nothing was seen.
    """

    incidents: tuple[Incident, ...] = ()
    notices: tuple[Notice, ...] = ()
    wanted: frozenset[str] = frozenset()
    again_in: timedelta | None = None


def judge(
    incidents: Iterable[Incident],
    standings: Mapping[str, Standing],
    now: datetime,
    new_id: Callable[[], str],
) -> Judgement:
    """The open *incidents* brought in line with where the checks stand, and the notices that follow."""
    known = [incident for incident in incidents if incident.resolved_at is None]
    board = clarify(standings)
    blind, waits = _blind(board, now)
    groups = gather(known, board, blind, now)
    claimed = _claims(known, groups)
    wanted = {name for incident in known for name in overdue(incident, board, _explained(incident, board))}
    opened = []
    for group in groups:
        if id(group) in {id(taken) for taken in claimed.values()} or not _may_open(group, blind, board):
            continue
        wait, missing = _held_up(group, board, _begun(group, board), now)
        if wait > timedelta(0):
            waits.append(wait)
        elif missing:
            wanted |= missing
        elif not _grows_louder(group, board):
            opened.append((group, *_opened(group, board, now, new_id())))
    held = set()
    for incident in known:
        going_on = claimed.get(incident.id)
        if going_on is not None and _turns(incident, going_on, board):
            wait, missing = _held_up(going_on, board, first_bad(board[going_on.head]), now)
            wanted |= missing
            if wait > timedelta(0):
                waits.append(wait)
            if missing or wait > timedelta(0):
                held.add(incident.id)
    homes = {name: key for key, group in claimed.items() for name in group.failing}
    homes |= {name: incident.id for group, incident, _ in opened for name in group.failing}
    kept = [_continued(i, claimed.get(i.id), homes, board, now, held=i.id in held) for i in known]
    told = [*kept, *((incident, notices) for _, incident, notices in opened)]
    return Judgement(
        incidents=tuple(incident for incident, _ in told),
        notices=tuple(notice for _, notices in told for notice in notices),
        wanted=frozenset(wanted),
        again_in=min(waits, default=None),
    )


def _blind(board: Board, now: datetime) -> tuple[list[str], list[timedelta]]:
    """The checks that could not be looked at for so long that it must be said, and when the next ones will be.

    A dead vantage says so itself (ssh/HOST is down): what needs it is not told again.
    """
    blind: list[str] = []
    waits: list[timedelta] = []
    for name in board.astir:
        standing = board[name]
        since = standing.streak.blind_since
        if since is None or standing.failing or standing.reason in _NEVER_TOLD:
            continue
        if any(board[need].failing or board[need].verdict is Verdict.DOWN for need in all_needs(name, board)):
            continue
        left = since + timedelta(seconds=standing.policy.blind_after) - now
        if left > timedelta(0):
            waits.append(left)
        else:
            blind.append(name)
    return blind, waits


def _explained(incident: Incident, board: Board) -> list[str]:
    """The members of *incident* whose failure its cause, or something else, explains."""
    told = incident.cause.check
    if told not in board:
        return []
    kin = blame.kinship(board[told], board)
    bad = [name for name in incident.members if name in board and board[name].bad]
    return [n for n in bad if blame.roots(n, board) != (n,) or blame.kinship(board[n], board) == kin]


def _may_open(group: Group, blind: list[str], board: Board) -> bool:
    """Whether there is something to tell: not what is coming back already, with its incident's cause taken away."""
    return any(board[name].bad or name in blind or name in board.pending for name in group.failing)


def _missing(group: Group, board: Board, now: datetime) -> frozenset[str]:
    """What must be looked at before *group* can be told."""
    unsure = {name for name in group.failing if board[name].bad and not board[name].established}
    head, unsure = board[group.head], unsure if len(unsure) == len(group.failing) else set()
    if head.failing and now >= first_bad(head) + PATIENCE:
        # Slow checks that fail in turns would ask for each other's looks for ever.
        return stale(group.head, board).difference(dependents(group.head, board)).union(unsure)
    return frozenset(unsure).union(*(stale(name, board) for name in {group.head, *group.failing}))


def _raises(incident: Incident, group: Group, board: Board) -> bool:
    """Whether an incident that was a warning so far has become a page."""
    if group.masked or incident.loudest is Severity.CRITICAL or not board[group.head].bad:
        return False
    return facts.surely_severity_of(group, board) is Severity.CRITICAL


def _turns(incident: Incident, group: Group, board: Board) -> bool:
    """Whether something else is to be told of *incident* than was: louder, a deeper cause, another trouble of it."""
    if group.head != incident.cause.check or _raises(incident, group, board):
        return True
    head = board[group.head]
    return head.bad and blame.kinship(head, board) != blame.kinship(head, board, incident.cause)


def _grows_louder(group: Group, board: Board) -> bool:
    """Whether the cause is about to be sure, and a page where its symptoms are a warning: one notice will do."""
    head = board[group.head]
    pages = head.policy.severity is Severity.CRITICAL and head.verdict is Verdict.DOWN
    return pages and not head.failing and facts.severity_of(group, board) is Severity.WARNING


def _claims(incidents: list[Incident], groups: list[Group]) -> dict[str, Group]:
    """Which open incident goes on as which group: by its cause, else by a deeper cause found for it."""
    free = {group.head: group for group in groups}
    claimed = {i.id: free.pop(i.cause.check) for i in incidents if i.cause.check in free}
    for incident in incidents:
        if incident.id not in claimed:
            head = next((head for head, group in free.items() if incident.cause.check in group.own), None)
            if head is not None:
                claimed[incident.id] = free.pop(head)
    return claimed


def _held_up(group: Group, board: Board, since: datetime, now: datetime) -> tuple[timedelta, frozenset[str]]:
    """How long young processes hold up what is told of a failure *since*; then what must be looked at before."""
    # At most `settle` after the failure began.
    latest = since + timedelta(seconds=board[group.head].policy.settle)
    settled = settled_at(group.own, board)
    calm = since if settled is None else min(settled, latest)
    if calm > now:
        return calm - now, frozenset()
    return timedelta(0), _missing(group, board, now) or _unproven(group, board, calm, now)


def _begun(group: Group, board: Board) -> datetime:
    """When what *group* would be told as began. What failed before its head did failed by something else then."""
    first, head = facts.first_failed_of(group, board), board[group.head]
    return max(first, first_bad(head)) if head.bad else first


def _unproven(group: Group, board: Board, calm: datetime, now: datetime) -> frozenset[str]:
    """What was last looked at while something settled: bad checks may be well since then, and the young one not."""
    own = group.own if now < calm + PATIENCE else (group.head,)
    asked = (*(name for name in own if board[name].bad), *settling(own, board))
    looks = ((name, board[name].seen) for name in asked)
    early = frozenset(name for name, seen in looks if seen is not None and seen.at < calm)
    if board[group.head].reason is Reason.PATH_BROKEN:
        return early.union(older_than_its_peers(group.head, board))
    return early


def _opened(group: Group, board: Board, now: datetime, incident_id: str) -> tuple[Incident, list[Notice]]:
    cause = cause_of(board[group.head])
    incident = Incident(
        id=incident_id,
        identity=Identity(check=cause.check, host=cause.host, service=cause.service),
        severity=facts.severity_of(group, board),
        cause=cause,
        first_failed=facts.first_failed_of(group, board),
        opened_at=now,
        members=group.failing,
        symptoms=facts.symptoms_of(group, ()),
        blind=facts.blind_of(group.head, board),
        also=group.also,
        **_told_with(cause, group, board, facts.first_failed_of(group, board)),
    )
    return _told(incident, Change.OPENED, now)


def _told_with(cause: Cause, group: Group, board: Board, first_failed: datetime) -> dict[str, Any]:
    """What is told with a cause, to mend it by."""
    return {
        "evidence": facts.evidence_of(group, board),
        "changed": changed_of(group, board, first_failed),
        "holds": holds_of(group, board, first_failed),
        "remedy": facts.remedy_of(cause, board[group.head]),
        "reproduce": f"migrawatch probe {cause.check}",
    }


def _continued(
    incident: Incident, group: Group | None, homes: Mapping[str, str], board: Board, now: datetime, *, held: bool
) -> tuple[Incident, list[Notice]]:
    waiting = _waiting(incident, homes, board)
    if group is None or not group.failing:
        if waiting or (group is not None and board[group.head].bad):
            return replace(incident, members=waiting), []
        closed = replace(incident, resolved_at=now, members=(), closing=_closing(incident, homes, board))
        return _told(closed, Change.RESOLVED, now)
    revised = replace(
        incident,
        members=(*group.failing, *waiting),
        symptoms=facts.symptoms_of(group, incident.symptoms),
        blind=facts.blind_of(group.head, board) or incident.blind,
        also=tuple(dict.fromkeys((*incident.also, *group.also))),
    )
    if group.masked:
        return revised, []
    # What is coming back is as loud as it was: it is bad looks that raise or lower it, not late symptoms.
    severity = facts.surely_severity_of(group, board) if board[group.head].bad else incident.severity
    moved = group.head != incident.cause.check
    raised = _raises(incident, group, board)
    if held:
        return replace(incident, members=revised.members), []
    revised = replace(revised, severity=severity)
    if moved or raised or _tells_more(incident, board[group.head], board):
        cause = cause_of(board[group.head])
        revised = replace(
            revised,
            cause=cause,
            **_told_with(cause, group, board, incident.first_failed),
        )
    if raised:
        return _told(revised, Change.RAISED, now)
    return _told(revised, Change.CHANGED_CAUSE, now) if moved else (revised, [])


def _waiting(incident: Incident, homes: Mapping[str, str], board: Board) -> tuple[str, ...]:
    """Members that fail for something else by now, of which not enough is known yet to tell it."""
    if incident.cause.check not in board:
        return ()
    left = (name for name in incident.members if name not in homes)
    return tuple(name for name in left if name in board and board[name].failing)


def _tells_more(incident: Incident, head: Standing, board: Board) -> bool:
    """Whether the cause is the one that was told, or surely fails by something else now; not one on its way back."""
    same = blame.kinship(head, board) == blame.kinship(head, board, incident.cause)
    return head.bad and (same or head.established)


def _closing(incident: Incident, homes: Mapping[str, str], board: Board) -> str:
    """Why an incident is resolved, unless all is well."""
    removed = bool(incident.members) and not any(name in board for name in incident.members)
    if incident.cause.check not in board or removed:
        return "no longer watched"
    if (heir := homes.get(incident.cause.check)) is not None:
        return f"merged into {heir}"
    if any(name in homes for name in incident.members):
        return "what still fails is told as another incident"
    return ""


def _told(incident: Incident, change: Change, now: datetime) -> tuple[Incident, list[Notice]]:
    told, notice = noticed(incident, change, now)
    return told, [notice]
