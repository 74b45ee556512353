"""Whose fault it is: which down need explains a failing check, and which failing checks share one cause.

The rules are those of judging.md (Cause, A whole host).
"""

from collections.abc import Iterable, Iterator

from migrawatch.decide.board import (
    HOST_PROBE,
    SSH_PROBE,
    UPLINK_PROBE,
    Board,
    Standings,
    all_needs,
    board_of,
    dependents,
)
from migrawatch.decide.clarity import clarify
from migrawatch.decide.incident import Cause
from migrawatch.decide.nature import (
    CERTIFICATE,
    CONNECT,
    DOOR,
    NAME_PROBES,
    STORAGE,
    UNSERVED,
    behind,
    is_cut_off,
    is_own,
    shared_at_the_door,
    shuts_door,
)
from migrawatch.decide.standing import Standing
from migrawatch.model import Subject, Verdict
from migrawatch.reason import Reason

__all__ = ["clarify", "door", "explains", "kinship", "may_be_kin", "roots"]


def explains(need: Standing, check: Standing, told: Cause | None = None) -> bool:
    """Whether *need*, if down, can be why *check* is not ok: only what lies behind a failure explains it.

    What was *told* of the need stands for what is now.
    """
    reason, why = check.reason, told.reason if told else need.reason
    if reason is not None and need.subject.probe == UPLINK_PROBE:
        # A path that is cut from elsewhere is not cut by what we ourselves have lost.
        ours = check.subject.vantage == need.subject.vantage
        return is_cut_off(reason) and (ours or reason is not Reason.PATH_BROKEN)
    if reason is None or reason is Reason.PATH_BROKEN or need.subject.probe == SSH_PROBE:
        # A look that went through a dead SSH server is unknown; what was seen was not seen through it.
        return False
    if why is Reason.COMMAND_TIMEOUT:
        return False  # it was asked about and did not answer, which is not how it serves
    if is_own(reason):
        no_name_server = why in CONNECT and need.subject.probe not in NAME_PROBES
        return why in behind(reason) and not no_name_server
    same_host = need.subject.host == check.subject.host
    if reason is Reason.HEARTBEAT_FAILED and need.subject.probe == HOST_PROBE:
        return False  # the job said so itself, so its host was up
    if need.subject.probe == HOST_PROBE and (same_host or check.subject.probe == HOST_PROBE):
        cut = why is Reason.PATH_BROKEN
        return not cut or (need.subject.vantage == check.subject.vantage and reason in CONNECT)
    if reason.family == "backup":
        return why in STORAGE
    if reason is Reason.DNS_TIMEOUT and need.subject.probe in NAME_PROBES and why in UNSERVED:
        # Whoever asks for a name stands at a resolver's door; its server may be silent for want of who has the zone.
        return True
    if reason in DOOR:
        return same_host and shuts_door(why)
    if reason.family == "unit":
        # A unit fails for what it reads at its start and what it cannot write, not for whom it talks to.
        return why in (Reason.CONFIG_INVALID, Reason.DISK_FULL)
    return True


def roots(name: str, standings: Standings) -> tuple[str, ...]:
    """The checks at whose bottom the failure of *name* lies; itself if no need explains it."""
    return _roots(name, board_of(standings), (name,))


def _roots(name: str, board: Board, trail: tuple[str, ...]) -> tuple[str, ...]:
    if name not in board.roots:
        below = (_roots(need, board, (*trail, need)) for need in _blamed(name, board) if need not in trail)
        board.roots[name] = tuple(dict.fromkeys(root for found in below for root in found)) or (name,)
    return board.roots[name]


def _blamed(name: str, board: Board) -> Iterator[str]:
    """The nearest needs that are to blame.

    An unknown need hides what is behind it: it is looked through. So is one that held when it was looked at, but only
    to what crashes over and over: between two crashes everything above it holds for a moment.
    """
    check = board[name]
    if check.reason is Reason.COMMAND_TIMEOUT:
        yield from _served_badly(check, board)
    queue = [(need, False) for need in check.subject.needs]
    met = set()
    for need_name, held_before in queue:
        need = board.get(need_name)
        if need is None or (need_name, held_before) in met:
            continue
        met.add((need_name, held_before))
        if need.verdict in (Verdict.UNKNOWN, Verdict.OK):
            held = held_before or need.verdict is Verdict.OK
            queue.extend((deeper, held) for deeper in need.subject.needs)
        elif held_before and need.reason is not Reason.PROCESS_CRASH_LOOP:
            continue
        elif _may_blame(need, check) and explains(need, check):
            yield need_name


def _served_badly(check: Standing, board: Board) -> Iterator[str]:
    """What is down of the service that *check* asked about in vain: a process that spins has no time to be asked."""
    for name in dependents(check.subject.check, board):
        other = board[name]
        alike = (other.subject.host, other.subject.service) == (check.subject.host, check.subject.service)
        if alike and other.verdict is Verdict.DOWN:
            yield name


def _may_blame(need: Standing, check: Standing) -> bool:
    """Whether *need* is bad enough to be the cause: what is down, and a warning of a check that warns itself.

    A warning is no cause of what is down (judging.md, Cause), with one exception: `lame_delegation` is a warning
    because the zone's other servers answer. That is true of the zone and of no single question: one that was sent to
    the lame server fails whole, with a name that is not found or mail that is not delivered, and nothing else is wrong
    that could be named for it.
    """
    if need.verdict is Verdict.DOWN:
        return True
    # A warning host is one whose SSH server alone is dead: it explains nothing.
    warns = need.verdict is Verdict.WARN and need.subject.probe != HOST_PROBE
    return warns and (check.lasting is Verdict.WARN or need.reason is Reason.LAME_DELEGATION)


def kinship(cause: Standing, board: Standings, told: Cause | None = None) -> tuple[str, ...]:
    """Causes with the same key are one cause seen by several checks. What was *told* of it stands for what is now."""
    subject, reason = cause.subject, told.reason if told else cause.reason
    if reason is Reason.PATH_BROKEN:
        # From several vantages at once it is still one firewall or one cable: that of the host they all want to reach.
        return ("path", subject.host)
    if reason is not None and cause.lasting is Verdict.UNKNOWN and told is None:
        return ("blind", str(reason), subject.probe if reason is Reason.BUG else subject.vantage)
    if subject.probe in (HOST_PROBE, SSH_PROBE):
        whole = reason in (Reason.HOST_DOWN, Reason.HOST_UNRESPONSIVE)
        return ("host" if whole else "ssh", subject.host)
    if reason is Reason.PROCESS_MISSING:
        # The process manager itself went away: it takes all its processes with it.
        return ("missing", subject.host)
    if shared := shared_at_the_door(reason):
        return (shared, subject.host, *door(cause, board))
    if reason in CERTIFICATE and (fingerprint := (told and told.certificate) or _presented(cause, board)):
        # One certificate may be presented by several servers.
        return ("certificate", subject.host, str(reason), fingerprint)
    return (subject.host, subject.service, str(reason))


def _presented(cause: Standing, board: Standings) -> str:
    """The certificate that was presented to *cause*, or to another check of the same service."""
    if cause.certificate:
        return cause.certificate
    subject = cause.subject
    beside = (board[name] for name in board_of(board).on_host[subject.host])
    same = (one for one in beside if one.subject.service == subject.service and one.reason == cause.reason)
    return min((one.certificate for one in same if one.certificate), default="")


def may_be_kin(other: Standing, cause: Standing, board: Standings) -> bool:
    """Whether *other*, on the same host, would fail too if *cause* is what many checks see: one door, one service."""
    reason = cause.reason
    if reason in CERTIFICATE and (other.certificate or other.seen is None):
        return True
    if other.subject.probe != cause.subject.probe:
        return False
    if (reason in CONNECT or reason is Reason.PATH_BROKEN) and other.subject.vantage == cause.subject.vantage:
        return True
    if shared_at_the_door(reason):
        return door(other, board) == door(cause, board)
    return reason is Reason.PROCESS_MISSING or other.subject.service == cause.subject.service


def door(check: Standing, board: Standings) -> tuple[str, ...]:
    """The services behind which *check* stands on its host: nginx for every site of an edge; else its own.

    Those are the ones that it names itself and that are seen on the host. A port that names another port (submission
    asks Dovecot for passwords) is behind the same door as one that does not.
    """
    subject = check.subject
    named = _services(subject, subject.needs, board, within=True)
    return named or _services(subject, all_needs(subject.check, board), board) or (subject.service,)


def _services(subject: Subject, needs: Iterable[str], board: Standings, within: bool = False) -> tuple[str, ...]:
    """The services of *needs* on the host of *subject*, or only those that are seen *within* that host."""
    found = (board[need].subject for need in needs if need in board)
    here = (one for one in found if one.host == subject.host and one.probe not in (HOST_PROBE, SSH_PROBE))
    return tuple(sorted({one.service for one in here if not within or one.vantage == one.host}))
