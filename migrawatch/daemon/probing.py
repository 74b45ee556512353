"""Looks that others ask for, at `/probe`: each stands for itself, and only what is admitted is dialled."""

from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

from migrawatch.check import Check
from migrawatch.config.blackbox.module import Asked, Module, TargetError, TwoHosts
from migrawatch.config.blackbox.section import BlackboxSettings
from migrawatch.look import look
from migrawatch.model import Fault, Finding, Observation, Seconds, Subject, Verdict
from migrawatch.parse.place import is_socket
from migrawatch.probe import Probe
from migrawatch.reach.fence import Fence
from migrawatch.reach.here import Here
from migrawatch.reach.name import is_literal
from migrawatch.reach.vantage import HERE
from migrawatch.reason import Reason
from migrawatch.show.probe_endpoint import Probed, Unprobed, Wanted
from migrawatch.show.probe_text import Reached
from migrawatch.tell.censor import secrets_in

LEAST: Seconds = 0.05
"""A look is given at least so long, whatever a scraper says."""


class Probings:
    """Looks at what is asked for, as the configuration in use has it; *settings* gives that."""

    def __init__(self, settings: Callable[[], BlackboxSettings | None]) -> None:
        self._settings = settings
        self._going = 0

    @property
    def serves(self) -> bool:
        """Whether there is a blackbox.yml."""
        return self._settings() is not None

    def known(self, module: str) -> bool:
        """Whether there is such a module."""
        return module in self._used.modules

    def configuration(self) -> str:
        """All modules for people, secrets hidden."""
        blocks = [
            f"  {name}:\n" + "".join(f"    {line}\n" for line in module.shown.splitlines())
            for name, module in self._used.modules.items()
        ]
        return "modules:\n" + "".join(blocks)

    async def look(self, wanted: Wanted) -> Probed:
        """Look once. Raise Unprobed for a module that cannot be used and a target that may not be asked for."""
        used = self._used
        module = used.modules[wanted.module]
        if module.refused:
            raise Unprobed(HTTPStatus.BAD_REQUEST, f'the module "{module.name}" cannot be used: {module.refused}')
        if self._going >= used.at_once:
            raise Unprobed(HTTPStatus.SERVICE_UNAVAILABLE, f"{self._going} probes are going on; come again")
        self._going += 1
        try:
            return await self._look(wanted, module, used)
        finally:
            self._going -= 1

    async def _look(self, wanted: Wanted, module: Module, used: BlackboxSettings) -> Probed:
        timeout = timeout_of(module.options.timeout, wanted.patience, used.timeout_offset)
        asked = Asked(target=wanted.target, hostname=wanted.hostname, timeout=timeout)
        fence = Fence(Here(), used.admission.admits, module.family, fallback=module.falls_back)
        is_target = True
        try:
            probe = module.make(asked)
            seen = await self._seen(probe, fence, wanted, module, timeout)
        except TargetError as error:
            if isinstance(error.__cause__, TwoHosts):
                raise Unprobed(HTTPStatus.BAD_REQUEST, str(error)) from error
            is_target = False
            seen = _unseen(wanted, module, Finding(Verdict.UNKNOWN, Reason.TARGET_REFUSED, str(error)))
        if fence.refusal:
            raise Unprobed(HTTPStatus.FORBIDDEN, f"{fence.refusal}: see blackbox.allow in migrawatch.yaml")
        reached = Reached(
            prober=module.options.prober,
            is_target=is_target,
            lookup=fence.lookup,
            address=fence.address,
            unverified=module.is_unverified,
            zone=module.options.dns is not None and module.options.dns.query_type == "SOA",
        )
        return Probed(seen=seen, reached=reached, shown=module.shown, secrets=tuple(secrets_in(module.options)))

    async def _seen(self, probe: Probe, fence: Fence, wanted: Wanted, module: Module, timeout: Seconds) -> Observation:
        subject = _subject(wanted, module)
        address, _ = probe.dialled
        if is_literal(address) or is_socket(address):
            # A visit takes an address as it is, and neither UDP nor a unix socket is a vantage's to connect.
            try:
                fence.admit(address)
            except Fault as error:
                return _unseen(wanted, module, error.finding)
        return await look(Check(subject=subject, probe=probe, timeout=timeout), fence)

    @property
    def _used(self) -> BlackboxSettings:
        settings = self._settings()
        assert settings is not None
        return settings


def timeout_of(own: Seconds, patience: Seconds, offset: Seconds) -> Seconds:
    """How long a look may last: what the scraper waits less the *offset*, or the module's *own* timeout if shorter."""
    left = patience - offset
    if own and (own < left or left < 0):
        return own
    return max(left, LEAST)


def _subject(wanted: Wanted, module: Module) -> Subject:
    return Subject(
        check=f"/probe {module.name}",
        probe=module.options.prober,
        host=HERE,
        service=module.name,
        vantage=HERE,
        target=wanted.target,
    )


def _unseen(wanted: Wanted, module: Module, finding: Finding) -> Observation:
    return Observation(subject=_subject(wanted, module), at=datetime.now(UTC), took=0.0, findings=(finding,))
