"""Boards on which some of the production checks fail."""

from collections.abc import Iterable, Mapping

from migrawatch.decide import blame
from migrawatch.decide.board import Board
from migrawatch.decide.clarity import clarify
from migrawatch.model import Subject
from migrawatch.reason import Reason
from tests.decide.boards import Room


def room_with(bad: Mapping[str, Reason], times: int = 3) -> Room:
    """The production checks after *times* looks at all of them, those of *bad* failing."""
    room = Room()
    for _ in range(times):
        room.wait(1)
        for name in room.standings:
            room.see(name, bad.get(name))
    return room


def board_with(bad: Mapping[str, Reason]) -> Board:
    return clarify(room_with(bad).standings)


def roots(name: str, bad: Mapping[str, Reason]) -> tuple[str, ...]:
    return blame.roots(name, board_with(bad))


def kin(one: str, other: str, bad: Mapping[str, Reason]) -> bool:
    """Whether two failing checks are one cause."""
    board = board_with(bad)
    return blame.kinship(board[one], board) == blame.kinship(board[other], board)


def root_among(subjects: Iterable[Subject], bad: Mapping[str, Reason]) -> str:
    """At which check the failure of the first of *bad* lies, among *subjects* of which nothing else was looked at."""
    room = Room(subjects=subjects)
    for name, reason in bad.items():
        room.fail(name, reason=reason)
    [found] = blame.roots(next(iter(bad)), clarify(room.standings))
    return found


STOPPED = {
    "pm2/mpanel-backend": Reason.PROCESS_STOPPED,
    **dict.fromkeys(("backend@srv1", "backend@mpanel-core", "backend@here"), Reason.CONNECT_REFUSED),
    **dict.fromkeys(("api-public", "graphql-public", "checkout-cors", "checkout-route"), Reason.HTTP_GATEWAY),
}
"""What fails while the backend's process is stopped."""

NO_DATABASE = {
    "db-unit": Reason.UNIT_INACTIVE,
    **dict.fromkeys(("db-select-1@mpanel-core", "db-select-1@here"), Reason.CONNECT_REFUSED),
}

EXPIRED = dict.fromkeys(
    ("login-page", "panel-www", "api-public", "graphql-public", "checkout-cors", "checkout-route"), Reason.TLS_EXPIRED
)
"""What fails while the panel's certificate is expired."""
