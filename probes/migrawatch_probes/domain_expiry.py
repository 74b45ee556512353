"""Ask a domain's registry until when it is registered, and whether it is held, deleted or on its way elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from migrawatch.decide.registration import Asked, faults_of
from migrawatch.model import Finding
from migrawatch.parse.http import Response, maybe_retry_after
from migrawatch.parse.rdap import Registration, parse_domain, server_for
from migrawatch.parse.url import parse_url
from migrawatch.probe import NAME, Access, Contact, Down, Measure, Probe, Reason, Seconds, Unsure, Verdict, Visit
from migrawatch.reach.name import ascii_name
from migrawatch.reach.question import make_question
from migrawatch.talk.errand import Errand
from migrawatch.talk.http_request import Request

EXPIRES = Measure("probe_domain_expiry_timestamp_seconds", "When the registration ends, in unix time.", "seconds")
TOLD = Measure("probe_domain_told_timestamp_seconds", "When the registry told what is judged, in unix time.", "seconds")
LOCKED = Measure("probe_domain_transfer_locked", "Whether it cannot be moved to another registrar as it is.")

_DAY = 86_400.0
_REDIRECTS = 3
_ACCEPT = (("Accept", "application/rdap+json, application/json"),)

WHOIS = "whois {domain}"
AGAIN = "migrawatch probe {check} -v"
TRACE = "dig +trace {domain} NS"
REMEDIES = {
    Reason.DOMAIN_EXPIRING: (WHOIS,),
    Reason.DOMAIN_EXPIRED: (WHOIS, TRACE),
    Reason.DOMAIN_ON_HOLD: (WHOIS, TRACE),
    Reason.DOMAIN_DELETED: (WHOIS, TRACE),
    Reason.DOMAIN_UNREGISTERED: (WHOIS, TRACE),
    Reason.DOMAIN_TRANSFER: (WHOIS,),
    **{reason: (AGAIN, WHOIS) for reason in Reason if reason.family in ("connect", "tls", "http")},
}


@dataclass(frozen=True, kw_only=True)
class _Trouble:
    """The registry did not tell; *pause* is how long it wants to be left alone, if it says."""

    reason: Reason
    words: str
    pause: Seconds | None = None


@dataclass(frozen=True, kw_only=True)
class DomainExpiryProbe(Probe):
    """Ask by RDAP (RFC 9083) for the registration of *domain*: it must not end within *warn*, or *down*.

    The registry's server is found in the list at *bootstrap* (RFC 9224), unless *url* is its base URL. It is asked
    every *ask_every*, however often the check looks, hourly while something is wrong; what it said holds until then,
    also after a restart. *answer_within* is for all of the question. A registry that does not answer says nothing of
    the domain: unknown, once what it said last is a week old.
    """

    domain: str
    url: str = ""
    bootstrap: str = "https://data.iana.org/rdap/dns.json"
    warn: Seconds = 30 * _DAY
    down: Seconds = 7 * _DAY
    ask_every: Seconds = _DAY
    answer_within: Seconds = 8.0
    ca_file: str = ""

    contact: ClassVar[Contact] = Contact.NONE
    shows_life: ClassVar[bool] = False
    memory: ClassVar[type[Any] | None] = Asked
    measures: ClassVar[tuple[Measure, ...]] = (EXPIRES, TOLD, LOCKED)
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = REMEDIES

    def __post_init__(self) -> None:
        make_question(self.domain, "NS", recursion=False)
        if "." not in self.domain.strip("."):
            raise ValueError(f"domain: {self.domain!r} is no domain")
        parse_url(self.url or self.bootstrap)
        if self.down > self.warn:
            raise ValueError(f"down must not be over warn, got {self.down:g} and {self.warn:g}")

    @property
    def target(self) -> str:
        """The domain."""
        return self.domain

    @property
    def silence(self) -> Seconds:
        """How long a silent registry is waited for."""
        return self.answer_within

    @property
    def access(self) -> Access:
        """Any registry: which one it is, the list of registries tells."""
        return Access(places=(("*", parse_url(self.url or self.bootstrap).port),), lookups=((NAME, 0),))

    async def observe(self, visit: Visit) -> None:
        """Ask if it is time to, and judge what is known. Raise Unsure when nothing is."""
        asked = visit.last if isinstance(visit.last, Asked) else Asked()
        if asked.is_due(visit.at):
            asked = await self._asked(visit, asked)
            visit.remember(asked)
        if asked.failures:
            visit.evidence("the registry", asked.trouble)
        if not asked.is_believed(visit.at):
            raise Unsure(asked.reason or Reason.HTTP_STATUS, asked.trouble)
        self._tell(visit, asked)
        registration = asked.registration
        if registration is not None and registration.expires_at is None:
            raise Unsure(Reason.HTTP_JSON, f"the registry does not tell when {self.domain} expires")

    # -- asking -------------------------------------------------------------------------------------------------

    async def _asked(self, visit: Visit, asked: Asked) -> Asked:
        with visit.step("registry", late=Reason.HTTP_TIMEOUT):
            errand = Errand(visit.vantage, self.answer_within, ca_file=self.ca_file)
            server = self.url or asked.known_server(visit.at) or await self._found(errand)
            outcome = server if isinstance(server, _Trouble) else await self._outcome(errand, server)
        if isinstance(outcome, _Trouble):
            return asked.failed(outcome.reason, outcome.words, visit.at, outcome.pause)
        if isinstance(server, str) and not self.url and server != asked.known_server(visit.at):
            asked = asked.found(server, visit.at)
        is_well = not self._faults(outcome, visit)
        return asked.answered(outcome, visit.at, is_well=is_well, every=self.ask_every)

    async def _found(self, errand: Errand) -> str | _Trouble:
        """The base URL of the registry's server, as the list of registries has it, or why it is not known."""
        answer = await _answer(errand, Request(url=parse_url(self.bootstrap)))
        if isinstance(answer, _Trouble) or answer.status != 200:
            return answer if isinstance(answer, _Trouble) else _refused(self.bootstrap, answer)
        try:
            server = server_for(answer.json(), ascii_name(self.domain))
            parse_url(server)
        except ValueError as error:
            return _Trouble(reason=Reason.HTTP_JSON, words=f"{self.bootstrap}: {error}")
        return server

    async def _outcome(self, errand: Errand, server: str) -> Registration | _Trouble | None:
        """The registration, None if there is none, or why it is not known."""
        domain = ascii_name(self.domain)
        place = f"{server.rstrip('/')}/domain/{domain}"
        answer = await _answer(errand, Request(url=parse_url(place), headers=_ACCEPT))
        if isinstance(answer, _Trouble):
            return answer
        if answer.status == 404:
            return None
        if answer.status != 200:
            return _refused(place, answer)
        try:
            return parse_domain(answer.json(), domain)
        except ValueError as error:
            return _Trouble(reason=Reason.HTTP_JSON, words=f"{place}: {error}")

    # -- judging ------------------------------------------------------------------------------------------------

    def _faults(self, registration: Registration | None, visit: Visit) -> tuple[Finding, ...]:
        return faults_of(self.domain, registration, visit.at, self.warn, self.down)

    def _tell(self, visit: Visit, asked: Asked) -> None:
        assert asked.told_at is not None
        registration = asked.registration
        visit.measure(TOLD, asked.told_at.timestamp())
        if registration is not None:
            visit.measure(LOCKED, float(registration.is_locked))
            if registration.expires_at is not None:
                visit.measure(EXPIRES, registration.expires_at.timestamp())
            visit.evidence(f"registry, {asked.told_at:%Y-%m-%d %H:%M:%S} UTC", _words(registration))
        for finding in self._faults(registration, visit):
            (visit.down if finding.verdict is Verdict.DOWN else visit.warn)(finding.reason, finding.detail)


async def _answer(errand: Errand, request: Request) -> Response | _Trouble:
    """The answer, whatever it is, or why none came."""
    try:
        return await errand.ask(request, _REDIRECTS)
    except Down as fault:
        return _Trouble(reason=fault.reason, words=f"{request.url}: {fault.detail}")


def _refused(place: str, answer: Response) -> _Trouble:
    pause = maybe_retry_after(dict(answer.headers))
    asks = "" if pause is None else f", asks for {pause:g} s"
    words = f"{place}: HTTP {answer.status}{asks}, wanted 200"
    return _Trouble(reason=Reason.HTTP_STATUS, words=words, pause=pause)


def _words(registration: Registration) -> str:
    """The facts for people."""
    facts = [f"registrar {registration.registrar or 'not told'}"]
    if registration.registered_at is not None:
        facts.append(f"registered {registration.registered_at:%Y-%m-%d %H:%M:%S} UTC")
    if registration.expires_at is not None:
        facts.append(f"expires {registration.expires_at:%Y-%m-%d %H:%M:%S} UTC")
    facts.append("locked against a transfer" if registration.is_locked else "not locked against a transfer")
    facts.append("signed" if registration.is_signed else "not signed")
    facts.append(f"status {', '.join(registration.statuses) or 'none'}")
    return "; ".join(facts)
