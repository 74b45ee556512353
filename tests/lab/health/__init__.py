"""Whether a lab is well, by curl, ssh, psql, dig, SMTP and IMAP: nothing of migrawatch judges itself here."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from tests.lab.health import backups, chain, mail, names
from tests.lab.health.chain import curl
from tests.lab.shell import LabError

if TYPE_CHECKING:
    from tests.lab.lab import Lab

__all__ = ["ailments", "answers", "curl", "questions"]

Question = Callable[["Lab"], list[str]]

# What is asked, and the hosts that a lab must have for it.
QUESTIONS: tuple[tuple[Question, frozenset[str]], ...] = (
    (chain.pages, frozenset({"srv1", "mpanel-core", "db-core"})),
    (chain.database, frozenset({"db-core"})),
    (mail.submission, frozenset({"mail-core"})),
    (mail.exchanger, frozenset({"mail-core"})),
    (mail.round_trip, frozenset({"mail-core"})),
    (mail.queue, frozenset({"mail-core"})),
    (mail.outgoing, frozenset({"mail-core", "resolver"})),
    (mail.signer, frozenset({"mail-core", "dns-core", "resolver"})),
    (names.zones, frozenset({"dns-core", "resolver"})),
    (names.delegations, frozenset({"dns-core", "resolver"})),
    (names.policy, frozenset({"resolver"})),
    (backups.backups, frozenset({"pve"})),
)
FULL = 90
"""Per cent."""


def ailments(lab: "Lab") -> list[str]:
    """Tell everything that is not well in *lab*; empty when all is."""
    return [said for answer in answers(lab, questions(lab)).values() for said in answer]


def questions(lab: "Lab") -> tuple[Question, ...]:
    """All that can be asked of *lab*, by the hosts that it has."""
    wanted = [question for question, hosts in QUESTIONS if hosts <= lab.machines.keys()]
    return (*wanted, *(partial(_login, host=name) for name in lab.machines))


def answers(lab: "Lab", asked: Iterable[Question]) -> dict[Question, list[str]]:
    """Those of the *asked* questions that are not answered well, with what ails."""
    with ThreadPoolExecutor(8) as pool:
        asking = {question: pool.submit(question, lab) for question in asked}
        return {question: said for question, answer in asking.items() if (said := answer.result())}


def _login(lab: "Lab", host: str) -> list[str]:
    """A login, as migrawatch's user, that sees how full the disk is."""
    try:
        used = lab.ssh(host, "df --output=pcent,ipcent / | tail -n 1", timeout=6)
    except LabError as error:
        return [f"ssh {host}: {str(error)[-120:]}"]
    # A file system without a count of inodes says "-".
    full = [part for part in used.split() if part.rstrip("%").isdigit() and int(part.rstrip("%")) >= FULL]
    return [f"{host}: / is {part} full" for part in full]
