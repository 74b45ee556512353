"""Failing checks gathered by their cause: which of them are one incident.

Blame says what lies at the bottom of a failure by what is seen now. Here it is weighed against the incidents that are
open, because last looks differ in age: while things come back, some are known to be well and others are not yet.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from migrawatch.decide import blame
from migrawatch.decide.board import Board, all_needs, dependents
from migrawatch.decide.fresh import cleared_at, returned_before
from migrawatch.decide.incident import Incident
from migrawatch.decide.nature import is_own
from migrawatch.decide.standing import Standing, first_bad
from migrawatch.model import Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Checks that fail for one cause: its *head*, its *failing* members, all its bad checks (*own*).

    *shared* are bad checks that belong elsewhere and have this cause too; *also* are the other causes of its checks.
    *masked*: the head fails by something else now, which another group has, so that its own trouble cannot be seen.
    """

    head: str
    own: tuple[str, ...]
    failing: tuple[str, ...]
    shared: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    masked: bool = False


@dataclass
class Scene:
    """What the gathering reads and what it has found so far."""

    board: Board
    now: datetime
    causes: dict[str, Incident]
    homes: dict[str, Incident]
    bottoms: dict[str, tuple[str, ...]]
    heads: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    masked: frozenset[str] = frozenset()


def gather(incidents: Iterable[Incident], board: Board, blind: Iterable[str], now: datetime) -> list[Group]:
    """All bad, failing and blind checks by their cause. *incidents* are the open ones."""
    unseen = dict.fromkeys(blind, True)
    names = [name for name in board.astir if board[name].failing or board[name].bad or name in unseen]
    scene = Scene(
        board=board,
        now=now,
        causes={i.cause.check: i for i in incidents if i.cause.check in board},
        homes={name: i for i in incidents for name in i.members if i.cause.check in board},
        bottoms={name: (name,) if name in unseen else blame.roots(name, board) for name in names},
    )
    tips = dict.fromkeys(root for found in scene.bottoms.values() for root in found)
    scene.heads = {tip: _head_of(tip, scene) for tip in tips}
    scene.masked = frozenset(_masked(tips, scene))
    scene.moved = dict(_moved(scene))
    scene.moved |= _merged({_final(head, scene) for head in scene.heads.values()}, scene)
    tops = {name: _tops(name, scene) for name in names}
    owners = {name: _owner(name, tops[name], scene) for name in names}
    counted = {name for name in names if board[name].failing or name in unseen}
    own: dict[str, list[str]] = {}
    shared: dict[str, list[str]] = {}
    for name in names:
        own.setdefault(owners[name], []).append(name)
        for top in tops[name]:
            if top != owners[name]:
                shared.setdefault(top, []).append(name)
    return [_group(head, members, shared.get(head, []), tops, counted, scene) for head, members in own.items()]


def _group(
    head: str,
    own: list[str],
    shared: list[str],
    tops: dict[str, tuple[str, ...]],
    counted: set[str],
    scene: Scene,
) -> Group:
    others = (top for name in (*own, *shared) for top in tops[name])
    return Group(
        head=head,
        own=tuple(dict.fromkeys((head, *own))),
        failing=tuple(name for name in own if name in counted),
        shared=tuple(shared),
        also=tuple(dict.fromkeys(top for top in others if top != head and top not in own)),
        masked=head in scene.masked,
    )


# -- the head of one root ---------------------------------------------------------------------------------------


def _head_of(root: str, scene: Scene) -> str:
    """What *root*, which no need explains, is put down to: the cause of an open incident, or itself."""
    if root in scene.causes:
        return root
    home = scene.homes.get(root)
    if home is not None and _stays(root, home, scene):
        return home.cause.check
    for cause, incident in scene.causes.items():
        if _adopts(incident, scene.board[cause], scene.board[root], scene):
            return cause
    return root


def _stays(root: str, home: Incident, scene: Scene) -> bool:
    """Whether a check stays with its incident although no need explains it right now."""
    standing, cause = scene.board[root], scene.board[home.cause.check]
    if root in scene.bottoms.get(home.cause.check, ()):
        return False
    if not standing.bad:
        return True
    if home.cause.check in scene.board.pending or cause.seen is None:
        # Nothing is known of the cause yet, as after a start.
        return True
    assert standing.seen is not None
    kin = blame.kinship(standing, scene.board)
    if kin == blame.kinship(cause, scene.board, home.cause):
        return cause.bad or cause.verdict is Verdict.UNKNOWN or _settles(standing, cause)
    if cause.bad:
        # The cause may have cleared since it was looked at, and left something that only looks new.
        return (
            kin == blame.kinship(cause, scene.board)
            or standing.seen.at > cause.seen.at
            or returned_before(root, scene.board)
        )
    if cause.verdict is Verdict.UNKNOWN:
        return home.cause.check in all_needs(root, scene.board) and blame.explains(cause, standing, home.cause)
    # What comes back link by link gives each its own moment.
    return _settles(standing, cause) or returned_before(root, scene.board)


def _settles(standing: Standing, cause: Standing) -> bool:
    """Whether *standing* was last looked at so soon after *cause* cleared or changed that it may just need a moment."""
    assert standing.seen is not None
    since = first_bad(cause) if cause.bad else cleared_at(cause)
    return standing.seen.at < since + timedelta(seconds=standing.policy.settle)


def _adopts(incident: Incident, cause: Standing, standing: Standing, scene: Scene) -> bool:
    """Whether a check that begins to fail is a late symptom of a cause that has just cleared or changed."""
    if not standing.bad or cause.seen is None or not _settles(standing, cause):
        return False
    if cause.bad and not _drifted(cause.subject.check, scene):
        return False
    if blame.kinship(standing, scene.board) == blame.kinship(cause, scene.board, incident.cause):
        return True
    needed = cause.subject.check in all_needs(standing.subject.check, scene.board)
    return needed and not cause.bad and blame.explains(cause, standing, incident.cause)


# -- what becomes of the causes that were told ------------------------------------------------------------------


def _drifted(cause: str, scene: Scene) -> bool:
    """Whether the check that was told as a cause fails by something else now."""
    standing, told = scene.board[cause], scene.causes[cause].cause
    return standing.bad and blame.kinship(standing, scene.board) != blame.kinship(standing, scene.board, told)


def _masked(tips: Iterable[str], scene: Scene) -> Iterator[str]:
    """The told causes that cannot be seen behind another trouble: an expired certificate on a host that went down."""
    drifted = [cause for cause in scene.causes if _drifted(cause, scene)]
    if not drifted:
        return
    strangers = {
        blame.kinship(scene.board[tip], scene.board)
        for tip in tips
        if scene.heads[tip] == tip and tip not in scene.causes and tip not in scene.homes
    }
    others = {blame.kinship(scene.board[c], scene.board) for c in scene.causes if c not in drifted}
    for cause in drifted:
        explained = scene.bottoms.get(cause, (cause,)) != (cause,)
        kin = blame.kinship(scene.board[cause], scene.board)
        own = is_own(scene.causes[cause].cause.reason)
        if kin in strangers or kin in others or (explained and own) or returned_before(cause, scene.board):
            yield cause


def _moved(scene: Scene) -> Iterator[tuple[str, str]]:
    """Told causes for which a deeper one was found. It must be sure: one bad look of a need revises nothing."""
    for cause in scene.causes:
        if not scene.board[cause].bad or cause in scene.masked:
            continue
        for root in scene.bottoms.get(cause, ()):
            head = scene.heads[root]
            if head != cause and (head in scene.causes or _is_sure(scene.board[root])):
                yield cause, head
                break


def _is_sure(root: Standing) -> bool:
    """Whether it fails, and not only by one look more that made it flap."""
    return root.established and all(root.streak.recent[-2:])


def _final(head: str, scene: Scene) -> str:
    """Where *head* ends up after everything that moved."""
    passed = [head]
    while (following := scene.moved.get(passed[-1])) is not None and following not in passed:
        passed.append(following)
    return passed[-1]


def _merged(heads: set[str], scene: Scene) -> dict[str, str]:
    """The heads that are told under another one: causes of one kinship are one cause."""
    kin: dict[tuple[str, ...], list[str]] = {}
    for head in heads:
        standing = scene.board[head]
        told = head in scene.causes
        if (told and _drifted(head, scene)) or (not standing.bad and told and standing.lasting is not Verdict.UNKNOWN):
            # It goes on as what it was told as, and draws nothing else in.
            continue
        kin.setdefault(blame.kinship(standing, scene.board), []).append(head)
    merged: dict[str, str] = {}
    for names in kin.values():
        first = min(names, key=lambda name: _rank(name, scene)) if len(names) > 1 else names[0]
        merged |= {name: first for name in names if name != first}
    return merged


def _rank(name: str, scene: Scene) -> tuple[bool, datetime, bool, int, int]:
    """The cause told first; then a down one, the one that most checks need, the first of the configuration."""
    told = scene.causes.get(name)
    down = scene.board[name].verdict is Verdict.DOWN
    needed = len(dependents(name, scene.board))
    return (told is None, told.opened_at if told else scene.now, not down, -needed, scene.board.order[name])


# -- where one check belongs ------------------------------------------------------------------------------------


def _tops(name: str, scene: Scene) -> tuple[str, ...]:
    """All causes behind *name*; a cause that was told comes first in its own row."""
    found = (_final(scene.heads[root], scene) for root in scene.bottoms[name])
    own = (_final(name, scene),) if name in scene.causes else ()
    return tuple(dict.fromkeys((*own, *found)))


def _owner(name: str, tops: tuple[str, ...], scene: Scene) -> str:
    """The one cause that *name* belongs to: that of its incident as long as that may be, else the surest."""
    sure = tuple(top for top in tops if top in scene.causes or scene.board[top].failing)
    home = scene.homes.get(name)
    if home is None or name in scene.causes:
        return (sure or tops)[0]
    at_home = _final(home.cause.check, scene)
    if at_home in tops or not scene.board[name].bad or not sure:
        return at_home
    return sure[0]
