"""A mailbox in which marked mails are looked for, read and deleted, and no others are touched."""

from dataclasses import dataclass
from datetime import datetime

from migrawatch.model import Down, Seconds
from migrawatch.parse.marked_mail import HEADER, Mark, leftovers, maybe_mark
from migrawatch.reason import Reason
from migrawatch.talk.imap import Imap

_RECENT = 5000
"""Leftovers are looked for among so many messages, the newest: the answer must fit into a line."""
_AT_ONCE = 200
"""Leftovers that are deleted at once: each takes two lines to tell its mark."""


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """A mailbox that is open in the session *talk*: what that announces, and where in it to look.

    *recent* is the set of its newest messages, empty if it has none; from *next_uid* on a message is new.
    """

    talk: Imap
    announced: frozenset[str]
    recent: str
    next_uid: int

    async def tidy(self, check: str, at: datetime, age: Seconds) -> int:
        """Delete the mails with the mark of *check* that are older than *age*; how many these were."""
        if not self.recent:
            return 0
        marked = (await self.talk.search(f"{self.recent} UNDELETED", HEADER, check))[:_AT_ONCE]
        if not marked:
            return 0
        fetched = await self.talk.fetch(marked, f"HEADER.FIELDS ({HEADER})")
        old = leftovers(((one.uid, maybe_mark(one.content)) for one in fetched), check, at, age)
        if old:
            await self.talk.delete(old, self.announced)
        return len(old)

    async def find(self, mark: Mark) -> tuple[int, ...]:
        """The numbers of the new mails with *mark*: more than one if it was delivered more than once."""
        await self.talk.refresh()
        # `n:*` holds the last message even if its number is below n: that has another mark.
        return await self.talk.search(f"UID {self.next_uid}:* UNDELETED", HEADER, mark.look)

    async def read(self, number: int) -> bytes:
        """The whole mail."""
        fetched = await self.talk.fetch((number,), "")
        if not fetched:
            raise Down(Reason.IMAP_MAILBOX, "fetch: the mail was found, and somebody took it away before it was read")
        return fetched[0].content


async def open_mailbox(talk: Imap, name: str) -> Mailbox:
    """Open the mailbox *name* in a session that is logged in."""
    announced = await talk.capability()
    opened = await talk.select(name)
    recent = f"{max(1, opened.messages - _RECENT + 1)}:*" if opened.messages else ""
    return Mailbox(talk=talk, announced=announced, recent=recent, next_uid=opened.next_uid)
