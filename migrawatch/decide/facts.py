"""The facts of an incident, read from the group of checks that fail for one cause."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from migrawatch.decide.blame import kinship, roots
from migrawatch.decide.board import Board, all_needs, dependents, port_of
from migrawatch.decide.group import Group
from migrawatch.decide.incident import Cause
from migrawatch.decide.nature import NOT_OURS, REFUSED_LOGINS
from migrawatch.decide.standing import Standing, first_bad
from migrawatch.decide.streak import Failing
from migrawatch.decide.watch import LENT
from migrawatch.model import Evidence, Severity, Verdict
from migrawatch.reason import Reason

HERE = "here"


def first_failed_of(group: Group, board: Board) -> datetime:
    """When the earliest of the group's checks first failed."""
    return min(_failed_since(board[name]) for name in group.failing)


def _failed_since(standing: Standing) -> datetime:
    streak = standing.streak
    if not isinstance(streak, Failing):
        return streak.blind_since or first_bad(standing)
    # While it was not decided yet it was one trouble, whatever it looked like.
    changed = streak.changed_at is not None and streak.changed_at > streak.decided
    return first_bad(standing) if changed else streak.first_bad


def symptoms_of(group: Group, known: tuple[str, ...]) -> tuple[str, ...]:
    """The checks that people are told of besides the cause; *known* were told before."""
    return tuple(name for name in dict.fromkeys((*known, *group.own, *group.shared)) if name != group.head)


def severity_of(group: Group, board: Board) -> Severity:
    """How loud the group is: down at its checks' severity, warn at `warning` at most (judging.md, Severity).

    Two causes open at `warning` although their check is down. A refused password while all that needs the service
    holds is judging.md's own. The other is `delegated_away`: nobody asks our servers for such a zone any more, nothing
    on them can mend it, and its owner may have wanted it so. They can be asked in office hours; a page at night would
    change nothing. What fails for it (its mail records, its pages) is as quiet, for it is not ours to mend either.
    """
    others = [board[name] for name in (*group.own, *group.shared) if name != group.head]
    return _severity(board[group.head], others, [board[name] for name in group.failing])


def surely_severity_of(group: Group, board: Board) -> Severity:
    """The same by what fails for its cause, and was seen to often enough; a member that fails by something else now
    says nothing yet."""
    head = board[group.head]
    kin = kinship(head, board)
    others = [board[name] for name in (*group.own, *group.shared) if name != group.head and board[name].failing]
    loud = [name for name in group.failing if board[name].loud]
    explained = [name for name in loud if any(kinship(board[r], board) == kin for r in roots(name, board))]
    return _severity(head, others, [board[name] for name in explained])


def _severity(head: Standing, others: list[Standing], failing: list[Standing]) -> Severity:
    if head.reason in REFUSED_LOGINS and all(_holds_without_login(other) for other in others):
        # Everything that needs the service holds: it is our copy of the password that is refused.
        return Severity.WARNING
    if head.reason in NOT_OURS:
        return Severity.WARNING
    critical = (one.loud and one.policy.severity is Severity.CRITICAL for one in failing)
    return Severity.CRITICAL if any(critical) else Severity.WARNING


def _holds_without_login(other: Standing) -> bool:
    # What only warns does hold: mail that waits for a while is no outage.
    return other.reason in REFUSED_LOGINS or other.lasting is Verdict.WARN


def blind_of(head: str, board: Board) -> tuple[str, ...]:
    """The checks that could not be looked at because of *head*; not those that merely wait for a look."""
    return tuple(
        name
        for name in dependents(head, board)
        if board[name].verdict is Verdict.UNKNOWN and board[name].seen is not None and name not in board.pending
    )


def evidence_of(group: Group, board: Board) -> tuple[Evidence, ...]:
    """The cause's own evidence first, what a log said, then one line for each check that failed because of it."""
    head = board[group.head]
    found = list(head.seen.evidence) if head.seen else []
    lent = (piece for name in (*group.own, *group.shared) for piece in board[name].lent)
    found += tuple(dict.fromkeys(lent))[:LENT]
    for name in (*group.own, *group.shared):
        standing = board[name]
        where = f"{name} from {standing.subject.vantage}"
        if standing.seen is not None and standing.seen.findings:
            found.append(Evidence(where, f"{standing.seen.reason}: {standing.seen.detail}"))
        if isinstance(standing.streak, Failing) and standing.streak.flapping:
            bad, looks = sum(standing.streak.recent), len(standing.streak.recent)
            found.append(Evidence(where, f"{Reason.FLAPPING}: {bad} of its last {looks} looks failed"))
    return (*found, *_doubtful_needs(head, {group.head, *group.own, *group.shared}, board))


def _doubtful_needs(head: Standing, known: set[str], board: Board) -> Iterator[Evidence]:
    """What was seen last of each need of the cause that is not well, although it is not to blame."""
    for name in all_needs(head.subject.check, board):
        need = board[name]
        if name not in known and need.seen is not None and need.seen.findings:
            yield Evidence(f"{name} from {need.subject.vantage}", f"{need.seen.reason}: {need.seen.detail}")


def remedy_of(cause: Cause, standing: Standing) -> tuple[str, ...]:
    """The commands to type next. For a cut path they test the path; they never restart the target."""
    configured = standing.remedies.get(cause.reason, ())
    if configured or cause.reason is not Reason.PATH_BROKEN:
        return configured
    url = urlsplit(cause.target if "//" in cause.target else f"//{cause.target}")
    test = f"nc -zv {url.hostname} {port_of(standing.subject)}"
    return (test if cause.vantage == HERE else f'ssh {cause.vantage} "{test}"',)
