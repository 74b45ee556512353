"""Ask Postfix what waits in its queue, for how long, and for whom."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from migrawatch.decide.series import in_words
from migrawatch.parse.mail_queue import QUEUES, Mail, Waiting, lines_of, parse_mail
from migrawatch.probe import Access, Completed, Contact, Down, Measure, Probe, Reason, Seconds, Unsure, Visit

MESSAGES = Measure(
    "probe_mail_queue_messages", "Mails in each of Postfix's queues; at least, when very many.", "", ("queue",)
)
SIZE = Measure("probe_mail_queue_bytes", "Size of all mails in the queue.", "bytes")
OLDEST = Measure(
    "probe_mail_queue_oldest_timestamp_seconds",
    "When the oldest mail arrived that is not on hold, in unix time.",
    "seconds",
)
LATE_DOMAINS = Measure("probe_mail_queue_late_domains", "Recipient domains that mail has waited for too long.")

_EMPTY = "Mail queue is empty"
_LISTING = "-Queue ID-"
_IS_DOWN = 69
"""What postqueue exits with when nobody but root could read the queue, since Postfix does not run (EX_UNAVAILABLE)."""

_NOT_TAKEN_UP = frozenset({"maildrop", "incoming"})
_TRIED = frozenset({"deferred", "active"})
_SLICE = 100
_NAMED = 4
_REASONS = 3


@dataclass(frozen=True, kw_only=True)
class MailQueueProbe(Probe):
    """Ask Postfix for its queue, by `postqueue -j` on its host; no privilege is needed.

    Mail that has waited longer than *late_after* for *several* recipient domains or more is our own way out: down. For
    fewer it is most likely theirs: a warning that names them. Bounces do not count: on every server some wait for days
    for a sender that was forged. More than *length_warn* mails warn, more than *length_down* are down, those on hold
    left out; 0 is no limit.
    """

    late_after: Seconds = 1800.0
    several: int = 3
    length_warn: int = 100
    length_down: int = 1000
    program: str = "/usr/sbin/postqueue"

    contact: ClassVar[Contact] = Contact.COMMANDS
    measures: ClassVar[tuple[Measure, ...]] = (MESSAGES, SIZE, OLDEST, LATE_DOMAINS)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {
        Reason.MAIL_QUEUE: (
            'ssh {host} "qshape deferred | head -n 20; grep status=deferred /var/log/mail.log | tail -n 5"',
            'once it is mended: ssh {host} "postqueue -f"',
        ),
        Reason.COMMAND_FAILED: ('ssh {host} "postfix status; postqueue -p | tail -n 1"',),
        Reason.COMMAND_TIMEOUT: ('ssh {host} "uptime; systemctl is-system-running"',),
    }

    def __post_init__(self) -> None:
        if self.several < 2:
            raise ValueError("several: one domain alone says nothing of our way out; wanted 2 or more")
        if 0 < self.length_down < self.length_warn:
            raise ValueError(f"length_down: {self.length_down} is below length_warn ({self.length_warn})")

    @property
    def target(self) -> str:
        """The command that is asked."""
        return self.program

    @property
    def access(self) -> Access:
        """The queue, in both forms."""
        return Access(commands=((self.program, "-j"), (self.program, "-p")))

    async def observe(self, visit: Visit) -> None:
        """Ask once, and judge. Raise Down when Postfix does not run."""
        mails, is_cut = await self._ask(visit)
        moving = [mail for mail in mails if mail.queue != "hold"]
        self._note(visit, mails, moving)
        self._judge_length(visit, len(moving), len(mails), is_cut)
        late = [mail for mail in moving if visit.at.timestamp() - mail.arrived_at > self.late_after]
        if stuck := [mail for mail in late if mail.queue in _NOT_TAKEN_UP]:
            visit.down(
                Reason.MAIL_QUEUE, f"{_mails(len(stuck))} not taken up by Postfix for {in_words(self.late_after)}"
            )
        waiting = [each for mail in late if mail.queue in _TRIED and not mail.is_bounce for each in mail.waiting]
        self._judge_late(visit, waiting)

    def _note(self, visit: Visit, mails: Iterable[Mail], moving: Iterable[Mail]) -> None:
        counted = Counter(mail.queue for mail in mails)
        for queue in sorted(QUEUES | counted.keys()):
            visit.measure(MESSAGES, counted[queue], queue=queue)
        visit.measure(SIZE, sum(mail.size_bytes for mail in mails))
        if arrivals := [mail.arrived_at for mail in moving]:
            visit.measure(OLDEST, min(arrivals))

    def _judge_length(self, visit: Visit, moving: int, read: int, is_cut: bool) -> None:
        held = f", {read - moving} of them on hold" if read > moving else ""
        told = f"{'at least ' if is_cut else ''}{_mails(read)} in the queue{held}"
        if 0 < self.length_down < moving:
            visit.down(Reason.MAIL_QUEUE, f"{told}, more than {self.length_down}")
        elif 0 < self.length_warn < moving:
            visit.warn(Reason.MAIL_QUEUE, f"{told}, more than {self.length_warn}")
        elif is_cut:
            visit.warn(Reason.MAIL_QUEUE, f"{told}, and more than we read")

    def _judge_late(self, visit: Visit, waiting: list[Waiting]) -> None:
        """Whether mail waits for many or for few, which tells our fault from theirs."""
        domains = Counter(each.domain for each in waiting)
        visit.measure(LATE_DOMAINS, len(domains))
        if not domains:
            return
        for why, count in Counter(each.why for each in waiting if each.why).most_common(_REASONS):
            among = sorted({each.domain for each in waiting if each.why == why})
            visit.evidence(f"{visit.subject.host}: postqueue -j", f"{count} for {_named(among)}: {why[:300]}")
        named = _named([domain for domain, _ in domains.most_common()])
        told = f"mail for {named} waits longer than {in_words(self.late_after)} ({len(waiting)} recipients)"
        if len(domains) >= self.several:
            visit.down(Reason.MAIL_QUEUE, f"{told}: {len(domains)} domains, so it is our way out")
        else:
            visit.warn(Reason.MAIL_QUEUE, f"{told}: theirs, most likely")

    # -- asking -------------------------------------------------------------------------------------------------

    async def _ask(self, visit: Visit) -> tuple[list[Mail], bool]:
        answer = await self._asked(visit, "-j")
        if not answer.stdout:
            await self._confirm_empty(visit)
        try:
            lines, is_cut = lines_of(answer.stdout)
            mails = []
            for number, line in enumerate(lines, 1):
                mails.append(parse_mail(line))
                if number % _SLICE == 0:  # a long queue must not hold up everybody else's looks
                    await asyncio.sleep(0)
        except ValueError as error:
            raise Unsure(Reason.COMMAND_FAILED, str(error)) from error
        return mails, is_cut

    async def _confirm_empty(self, visit: Visit) -> None:
        """An empty queue is no output at all, and so is many a fault: Postfix is asked to say it in words."""
        answer = await self._asked(visit, "-p")
        if not answer.stdout.startswith((_EMPTY, _LISTING)):  # a mail may have come meanwhile
            raise Unsure(Reason.COMMAND_FAILED, f"{self.program} printed neither mails nor that there are none")

    async def _asked(self, visit: Visit, option: str) -> Completed:
        answer = await visit.run(self.program, option)
        if answer.status == 0:
            return answer
        words = " ".join(answer.stderr.split())[:200]
        fault = Down if answer.status == _IS_DOWN else Unsure
        raise fault(Reason.COMMAND_FAILED, f"{self.program} {option} ended with {answer.status}: {words}")


def _mails(count: int) -> str:
    return "1 mail" if count == 1 else f"{count} mails"


def _named(domains: list[str]) -> str:
    more = len(domains) - _NAMED
    return ", ".join(domains[:_NAMED]) + (f" and {more} more" if more > 0 else "")
