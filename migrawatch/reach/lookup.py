"""Questions to one set of name servers, each asked once a look, and answered as text."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from migrawatch.model import Down
from migrawatch.parse.records import NXDOMAIN, Records
from migrawatch.reach.answer import Answer
from migrawatch.reach.nameserver import Nameserver, ask_server
from migrawatch.reach.together import all_of
from migrawatch.reach.vantage import Vantage
from migrawatch.reason import Reason

_MOST_VALUES = 200
"""Records of one answer that are taken: nobody serves as many to mail."""

_BY_CODE = {"REFUSED": Reason.DNS_REFUSED}


class AskedOnce(ABC):
    """Answers questions, and remembers the answers for as long as it lives."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Records] = {}
        self.asked = 0
        """Questions that went out so far."""

    @property
    def answers(self) -> tuple[Records, ...]:
        """All that was asked so far and answered."""
        return tuple(seen for seen in self._known.values() if seen.is_known)

    async def __call__(self, name: str, kind: str) -> Records:
        """The answer, be it that there is none; what is no name does not exist. Raise Lost for the vantage only."""
        key = (name.lower().removesuffix("."), kind)
        if key not in self._known:
            self._known[key] = await self._ask(*key)
        return self._known[key]

    async def ahead(self, questions: Iterable[tuple[str, str]]) -> None:
        """Ask *questions* (name and type) side by side: whoever asks one of them afterwards has the answer at once."""
        keys = dict.fromkeys((name.lower().removesuffix("."), kind) for name, kind in questions)
        wanted = [key for key in keys if key not in self._known]
        self._known.update(zip(wanted, await all_of(*(self._ask(*key) for key in wanted)), strict=True))

    def know(self, answers: Iterable[Records]) -> None:
        """Take *answers* for given, so that their questions are not asked."""
        self._known.update(((seen.name, seen.kind), seen) for seen in answers)

    @abstractmethod
    async def _ask(self, name: str, kind: str) -> Records:
        """Ask for *name* (in lower case, without final dot)."""


class Lookups(AskedOnce):
    """Asks *servers* in their order until one answers.

    *recursion* is for resolvers; an authoritative server is asked for what it has itself.
    """

    def __init__(self, vantage: Vantage, servers: Sequence[Nameserver], *, recursion: bool) -> None:
        super().__init__()
        self._vantage = vantage
        self._servers = tuple(servers)
        self._recursion = recursion

    async def _ask(self, name: str, kind: str) -> Records:
        seen = Records(name=name, kind=kind, code="", problem="there is no server to ask", reason=Reason.DNS_TIMEOUT)
        problems: list[str] = []
        for server in self._servers:
            seen = await self._asked_at(server, name, kind)
            if seen.is_known:
                return seen
            problems.append(seen.problem)
        return Records(
            name=name, kind=kind, code=seen.code, reason=seen.reason, problem="; ".join(problems) or seen.problem
        )

    async def _asked_at(self, server: Nameserver, name: str, kind: str) -> Records:
        plain = escaped(name)
        self.asked += 1
        try:
            answer = await ask_server(server, plain, kind, self._vantage, recursion=self._recursion)
        except ValueError:
            return Records(name=name, kind=kind, code=NXDOMAIN)
        except Down as fault:
            if fault.reason is Reason.DNS_NXDOMAIN:  # no name at all: nobody was asked
                return Records(name=name, kind=kind, code=NXDOMAIN)
            return Records(name=name, kind=kind, code="", problem=fault.detail, reason=fault.reason)
        return _read(name, kind, answer)


def escaped(name: str) -> str:
    """*name* as a question takes it: one that a macro of SPF made may hold anything."""
    # A backslash would escape what follows it.
    return name.replace("\\", "\\\\")


def texts_or_values(answer: Answer) -> tuple[str, ...]:
    """The values as text, not more of them than anybody serves to mail."""
    # A byte a character, so that what is no ASCII is seen as that, and nothing is lost.
    several = tuple(text.decode("latin-1") for text in answer.texts) if answer.kind == "TXT" else answer.values
    return several[:_MOST_VALUES]


def _read(name: str, kind: str, answer: Answer) -> Records:
    alias = answer.owner if answer.owner != answer.name else ""
    seen = Records(name=name, kind=kind, code=answer.rcode, values=texts_or_values(answer), alias=alias)
    if seen.is_known:
        return seen
    reason = _BY_CODE.get(answer.rcode, Reason.DNS_SERVFAIL)
    problem = f"{answer.server} answered {answer.rcode}"
    return Records(name=name, kind=kind, code=answer.rcode, problem=problem, reason=reason)
