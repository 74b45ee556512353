"""Following one unit's journal, from the last entry that was seen on."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import datetime

from migrawatch.daemon.tail import Piece
from migrawatch.decide.watch import Position, is_fresh
from migrawatch.model import NUMBER
from migrawatch.parse.journal import maybe_entry
from migrawatch.parse.log_line import shown
from migrawatch.reach.vantage import Vantage

SAID = 3
"""Lines of journalctl's own complaints that are kept."""


class JournalEnded(Exception):
    """journalctl ended, and what it said at the end."""


def journalctl(unit: str, since: int) -> tuple[str, ...]:
    """The command that follows *unit*, *since* being in microseconds of unix time; 0 for from now on.

    Its words are such that a gate can list them. It ends when its output is closed, which is all that can be done to
    a command of an sshd that serves root.
    """
    return _following(unit, "--since", f"@{since // 1_000_000}") if since else _following(unit, "-n", "0")


def journalctls(unit: str) -> tuple[tuple[str, ...], ...]:
    """All that `journalctl` may give, as a gate lists them."""
    return (_following(unit, "-n", "0"), _following(unit, "--since", f"@{NUMBER}"))


def _following(unit: str, *begin: str) -> tuple[str, ...]:
    return ("journalctl", "-f", "-u", unit, *begin, "--no-pager", "-o", "json", "--output-fields=MESSAGE")


async def entries(
    vantage: Vantage, unit: str, position: Position | None, now: Callable[[], datetime]
) -> AsyncGenerator[Piece, None]:
    """The messages of *unit* as they are written. Raise Lost when the way there is gone, JournalEnded at the end."""
    # A journal that was never read has no place to go on from.
    last = position.journal if position is not None and is_fresh(position, now()) else 0
    said: list[str] = []
    async with vantage.follow(journalctl(unit, last)) as lines:
        passed, begun = last, now()
        yield Piece(lines=(), position=Position(at=begun, journal=last or int(begun.timestamp() * 1_000_000)))
        async for line in lines:
            entry = maybe_entry(line)
            if entry is None:
                said = [*said, shown(line.encode())][-SAID:]
            elif entry.at > passed:
                last, passed = entry.at, 0
                yield Piece(lines=((f"journal of {unit}", entry.message),), position=Position(at=now(), journal=last))
            # A flood must not keep others from their turn.
            await asyncio.sleep(0)
    raise JournalEnded(f"journalctl ended: {' / '.join(said) or 'it said nothing'}")
