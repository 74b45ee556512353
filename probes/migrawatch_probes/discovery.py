"""Tell what is served and watched by no check: sites of nginx, zones of PowerDNS."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from migrawatch.decide.forgotten import Forgotten, forgotten_sites, forgotten_zones
from migrawatch.parse.nginx_sites import sites_of
from migrawatch.probe import Access, Contact, Covered, Measure, Probe, Reason, Visit
from migrawatch.talk.nginx import dump, testing
from migrawatch.talk.powerdns import listing, zones

SERVED = Measure("probe_discovery_served", "Names that are served and not ignored.", "", ("of",))
UNWATCHED = Measure("probe_discovery_unwatched", "Names that are served and watched by no check.", "", ("sort",))

_PROGRAMS = {"sites": "/usr/sbin/nginx", "zones": "/usr/bin/pdnsutil"}
_NAMED = 5
_SHOWN = 100


@dataclass(frozen=True, kw_only=True)
class DiscoveryProbe(Probe):
    """Compare what a host serves with what all checks watch: *of* `sites` of nginx, or *of* `zones` of PowerDNS.

    A name and its `www.` are one site where one server has both or one leads to the other. *ignore* has names and
    globs that need no watching. *watched* has names that somebody else watches; those of all checks here are added to
    it. *program* is nginx or pdnsutil, *config* the main file or the folder of `pdns.conf`, where they are not the
    usual ones; without *sudo* we log in as one who may read it.
    """

    of: Literal["sites", "zones"]
    ignore: tuple[str, ...] = ()
    watched: Covered = field(default_factory=Covered)
    program: str = ""
    config: str = ""
    sudo: bool = True

    contact: ClassVar[Contact] = Contact.COMMANDS
    measures: ClassVar[tuple[Measure, ...]] = (SERVED, UNWATCHED)
    memory = Forgotten
    remedies: ClassVar[Mapping[Reason, tuple[str, ...]]] = {Reason.UNWATCHED: ("migrawatch discover",)}

    @property
    def target(self) -> str:
        """What is compared, by the program that serves it."""
        return f"{self.of} of {'nginx' if self.of == 'sites' else 'PowerDNS'}"

    def knowing(self, covered: Covered) -> "DiscoveryProbe":
        """This probe, told what all checks cover."""
        return replace(self, watched=self.watched | covered)

    @property
    def access(self) -> Access:
        """The command that lists what is served."""
        return Access(commands=(self._listing,))

    async def observe(self, visit: Visit) -> None:
        """Read what is served, and warn of what nobody watches. Raise Unsure when it cannot be read."""
        forgotten = await (self._sites(visit) if self.of == "sites" else self._zones(visit))
        visit.remember(forgotten)
        self._note(visit, forgotten)
        if not forgotten.names:
            return
        self._show(visit, forgotten)
        more = len(forgotten.names) - _NAMED
        named = ", ".join(forgotten.names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        count = f"{len(forgotten.names)} of {forgotten.served} {self.of} on {visit.subject.host}"
        visit.warn(Reason.UNWATCHED, f"no check watches {count}: {named}")

    async def _sites(self, visit: Visit) -> Forgotten:
        configuration = await dump(visit, self._listing)
        # A large configuration takes longer to go through than the loop may wait.
        sites = await asyncio.to_thread(sites_of, configuration)
        return forgotten_sites(sites, self.watched, self.ignore)

    async def _zones(self, visit: Visit) -> Forgotten:
        found = await zones(visit, self._listing)
        return forgotten_zones(found, self.watched, self.ignore)

    @property
    def _listing(self) -> tuple[str, ...]:
        tell = testing if self.of == "sites" else listing
        return tell(self.program or _PROGRAMS[self.of], self.config, self.sudo)

    def _note(self, visit: Visit, forgotten: Forgotten) -> None:
        visit.measure(SERVED, forgotten.served, of=self.of)
        if self.of == "zones":
            visit.measure(UNWATCHED, len(forgotten.zones), sort="zone")
            return
        patterns = sum(site.is_pattern for site in forgotten.sites)
        visit.measure(UNWATCHED, len(forgotten.sites) - patterns, sort="site")
        visit.measure(UNWATCHED, patterns, sort="pattern")

    def _show(self, visit: Visit, forgotten: Forgotten) -> None:
        """Every name with its place, and which of them the last look did not see yet."""
        lines = [f"{site.name} ({site.place})" for site in forgotten.sites] or list(forgotten.zones)
        more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
        visit.evidence(f"{visit.subject.host}: {self.target}", "\n".join([*lines[:_SHOWN], *more]))
        if isinstance(visit.last, Forgotten) and (new := set(forgotten.names) - set(visit.last.names)):
            visit.evidence("new since the last look", ", ".join(sorted(new)[:_SHOWN]))
