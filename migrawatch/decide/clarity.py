"""What only several looks together can tell: cut paths, and hosts that answer after all.

The rules are those of judging.md (A whole host, A cut path).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from migrawatch.decide.board import HOST_PROBE, SSH_PROBE, Board, Standings, all_needs, peers, port_of
from migrawatch.decide.nature import CONNECT, GONE, NO_SIGN_OF_LIFE, SHUT
from migrawatch.decide.standing import Glance, Standing, first_bad
from migrawatch.decide.streak import Failing
from migrawatch.model import Finding, Observation, Verdict
from migrawatch.reason import Reason


def clarify(standings: Standings) -> Board:
    """*standings* as a board on which what looks contradict each other in is cleared up, or pending."""
    board = Board(standings)
    down = [name for name in board.astir if board[name].verdict is Verdict.DOWN]
    clear = {name: _cleared_up(board[name], board) for name in down}
    board.update({name: standing for name, standing in clear.items() if standing is not None})
    cuts = {
        (standing.subject.vantage, standing.subject.host): standing.detail
        for standing in clear.values()
        if standing is not None and standing.reason is Reason.PATH_BROKEN
    }
    cut = {name: _along_a_cut(standings[name], cuts) for name in down}
    board.update({name: standing for name, standing in cut.items() if standing is not None})
    board.pending = frozenset(name for name in clear if board[name].verdict is Verdict.UNKNOWN)
    return board


def _cleared_up(standing: Standing, board: Board) -> Standing | None:
    if standing.subject.probe in (HOST_PROBE, SSH_PROBE):
        return _host_cleared_up(standing, board)
    if standing.reason not in CONNECT:
        return None
    if standing.reason not in GONE and (_server_is_down(standing, board) or _was_restarted(standing, board)):
        return None
    holding = [
        board[peer]
        for peer in dict.fromkeys((*peers(standing.subject.check, board), *_same_server(standing, board)))
        if board[peer].verdict in (Verdict.OK, Verdict.WARN) and _looked_since(board[peer], standing)
    ]
    if not holding:
        return None
    for peer in holding:
        if not _began_after(peer, standing):
            return _cut(standing, standing.subject.target, peer.subject.vantage)
    return _pending(standing, holding[0])


def _server_is_down(standing: Standing, board: Board) -> bool:
    """Whether what serves the target is known to be down: between two crashes it may hold for a look from elsewhere."""
    host = standing.subject.host
    needs = (board[need] for need in all_needs(standing.subject.check, board))
    return any(
        need.verdict is Verdict.DOWN and need.subject.host == host and need.reason not in NO_SIGN_OF_LIFE
        for need in needs
        if _tells_of_its_host(need)
    )


def _was_restarted(standing: Standing, board: Board) -> bool:
    """Whether what serves the target was started since *standing* began to fail: then looks before and after it differ
    for that reason, whatever they came from."""
    starts = (board[need].started_at for need in all_needs(standing.subject.check, board))
    return any(start is not None and start >= first_bad(standing) for start in starts)


def _same_server(standing: Standing, board: Board) -> Iterator[str]:
    """Looks at the same server by another address, such as on the machine itself.

    They count where not even a refusal comes back: that does not hang on which address a server listens at.
    """
    mine = standing.subject
    if standing.reason not in GONE:
        return
    for name in board.on_host[mine.host]:
        other = board[name].subject
        alike = (other.probe, other.service) == (mine.probe, mine.service) and other.vantage != mine.vantage
        if alike and port_of(other) == port_of(mine):
            yield name


def _along_a_cut(standing: Standing, cuts: Mapping[tuple[str, str], str]) -> Standing | None:
    """A check without a look from elsewhere to compare with, on a path that another check shows to be cut."""
    subject = standing.subject
    detail = cuts.get((subject.vantage, subject.host))
    if detail is None or standing.reason not in GONE:
        return None
    return _restated(standing, Verdict.DOWN, Reason.PATH_BROKEN, detail)


def _host_cleared_up(standing: Standing, board: Board) -> Standing | None:
    subject = standing.subject
    if subject.probe == SSH_PROBE and standing.reason not in GONE:
        return None
    answering = [
        board[other]
        for other in board.on_host[subject.host]
        if _shows_life(board[other]) and _looked_since(board[other], standing)
    ] or _refusing(standing, board)
    sure = [other for other in answering if not _began_after(other, standing)]
    if not answering:
        return None
    if not sure:
        return _pending(standing, answering[0])
    # A look through the host's own SSH came as far as the host, from here.
    from_here = [other for other in answering if other.subject.vantage in (subject.vantage, subject.host)]
    near = [other for other in from_here if other in sure]
    if not near and standing.reason in GONE:
        return _pending(standing, from_here[0]) if from_here else _cut(standing, subject.host, sure[0].subject.vantage)
    if subject.probe == SSH_PROBE:
        return None
    assert standing.seen is not None
    detail = f"{standing.seen.detail}, but {(near or sure)[0].subject.check} answers"
    return _restated(standing, Verdict.WARN, Reason.SSH_TIMEOUT, detail)


def _refusing(host: Standing, board: Board) -> list[Standing]:
    """What refuses connections on a host of which nothing else but the SSH server accepts them and stays silent."""
    others = [
        board[other]
        for other in board.on_host[host.subject.host]
        if _tells_of_its_host(board[other])
        and board[other].verdict is Verdict.DOWN
        and _looked_since(board[other], host)
    ]
    if any(other.reason in SHUT - CONNECT for other in others):
        return []
    return [other for other in others if other.reason is Reason.CONNECT_REFUSED]


def _tells_of_its_host(other: Standing) -> bool:
    return other.subject.shows_life and other.subject.probe not in (HOST_PROBE, SSH_PROBE)


def _shows_life(other: Standing) -> bool:
    if not _tells_of_its_host(other) or other.verdict is Verdict.UNKNOWN:
        return False
    reason = other.reason
    return not other.bad or (reason not in NO_SIGN_OF_LIFE and reason is not None and reason.family != "dns")


def _looked_since(other: Standing, standing: Standing) -> bool:
    """Whether *other* was looked at since the failure of *standing* began."""
    return other.seen is not None and other.seen.at >= first_bad(standing)


def _began_after(other: Standing, standing: Standing) -> bool:
    """Whether no look had found *other* as it is before the last bad one at *standing* began, since that is bad, so
    that *standing* may be well again by now and just not know it."""
    assert other.seen is not None and standing.seen is not None
    since, last = first_bad(standing), standing.seen.at
    looks: tuple[Glance | Observation, ...] = (*other.earlier, other.seen)
    alike = (look for look in looks if _are_alike(look, other.seen))
    # What a look found was so at its end: it may have waited for it.
    return not any(since <= look.at and look.at + timedelta(seconds=look.took) <= last for look in alike)


def _are_alike(look: Glance | Observation, other: Observation) -> bool:
    return (look.verdict, look.reason) == (other.verdict, other.reason)


def _cut(standing: Standing, target: str, elsewhere: str) -> Standing:
    assert standing.seen is not None
    detail = f"{standing.subject.vantage} cannot reach {target}, {elsewhere} can ({standing.seen.detail})"
    return _restated(standing, Verdict.DOWN, Reason.PATH_BROKEN, detail)


def _pending(standing: Standing, other: Standing) -> Standing:
    detail = f"not looked at again since {other.subject.check} was seen to answer"
    return _restated(standing, Verdict.UNKNOWN, Reason.NO_HISTORY, detail)


def _restated(standing: Standing, verdict: Verdict, reason: Reason, detail: str) -> Standing:
    seen = standing.seen
    assert seen is not None
    finding = Finding(verdict, reason, detail)
    streak = standing.streak
    if isinstance(streak, Failing):
        known = verdict is not Verdict.UNKNOWN
        loud = streak.down and verdict is Verdict.DOWN
        streak = replace(streak, finding=finding if known else streak.finding, down=loud)
    return replace(standing, streak=streak, seen=replace(seen, findings=(finding, *seen.findings[1:])))
