"""What is served and forgotten: sites and zones that no check watches, and nobody said to ignore."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from migrawatch.model import Covered
from migrawatch.parse.nginx_route import takes
from migrawatch.parse.nginx_sites import Site


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """What one host serves unwatched; *served* is how many names it serves in all, ignored ones left out."""

    served: int = 0
    sites: tuple[Site, ...] = ()
    zones: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The forgotten names, as they are written where they are served."""
        return (*(site.name for site in self.sites), *self.zones)


def forgotten_sites(sites: Sequence[Site], covered: Covered, ignore: Iterable[str]) -> Forgotten:
    """The sites that no check asks for.

    A name and its `www.` are one site where one server has both, or one leads to the other: a check of either is a
    check of both. A name with a star, or an expression, is watched if one of the names that it stands for is.
    """
    patterns = tuple(ignore)
    kept = [site for site in sites if not _is_ignored(site.name, patterns)]
    leading = {(site.name, site.leads_to_host) for site in sites}
    # A name that has a server of its own is not taken by a pattern.
    loose = covered.sites - {site.name for site in sites}
    unwatched = (
        site
        for site in kept
        if not (_is_met(site, loose) if site.is_pattern else _is_watched(site, covered.sites, leading))
    )
    return Forgotten(served=len(kept), sites=tuple(sorted(unwatched, key=lambda site: (site.is_pattern, site.name))))


def forgotten_zones(zones: Iterable[str], covered: Covered, ignore: Iterable[str]) -> Forgotten:
    """The zones of which no check asks."""
    patterns = tuple(ignore)
    kept = [zone for zone in zones if not _is_ignored(zone, patterns)]
    return Forgotten(served=len(kept), zones=tuple(sorted(zone for zone in kept if zone not in covered.zones)))


def _is_ignored(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern.lower()) or name == pattern for pattern in patterns)


def _is_watched(site: Site, watched: frozenset[str], leading: set[tuple[str, str]]) -> bool:
    twin = site.name.removeprefix("www.") if site.name.startswith("www.") else f"www.{site.name}"
    is_one = twin in site.beside or (site.name, twin) in leading or (twin, site.name) in leading
    return site.name in watched or (is_one and twin in watched)


def _is_met(pattern: Site, watched: frozenset[str]) -> bool:
    """Whether one of the *watched* names is one that *pattern* stands for."""
    try:
        return any(takes(pattern.name, name) for name in watched)
    except ValueError:
        return False  # an expression that cannot be read here is told, and may be ignored
