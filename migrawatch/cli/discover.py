"""`migrawatch discover`: what is served and watched by no check, and the YAML that watches it."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from migrawatch.check import Check
from migrawatch.cli.chain import cause_lines
from migrawatch.cli.settings import config_option, settings_from
from migrawatch.config import Settings
from migrawatch.decide.forgotten import Forgotten
from migrawatch.decide.incident import Incident
from migrawatch.inquiry import Inquest, inquire
from migrawatch.model import Observation
from migrawatch.parse.nginx_sites import Site

_KIND = "discovery"
_UNREAD = 3
_NONE = f"no check of the kind {_KIND} is watched: see `migrawatch kinds {_KIND}`"


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What one check found: *forgotten* is None when it could not look, which *seen* explains."""

    check: Check
    seen: Observation
    forgotten: Forgotten | None

    @property
    def host(self) -> str:
        return self.check.subject.host


@click.command()
@click.argument("names", nargs=-1, metavar="[CHECK]...")
@config_option
@click.option("--format", "style", type=click.Choice(["text", "json", "yaml"]), default="text", show_default=True)
def discover(names: tuple[str, ...], config: Path, style: str) -> int:
    """Ask hosts what they serve, tell which names no check watches, and print the checks to add.

    Asked are the CHECKs of the kind `discovery`, all of them unless some are named. YAML goes into a file beside the
    configuration's others as it is. The exit code is 0 when nothing is forgotten, 1 when something is, 3 when a host
    could not be asked.
    """
    settings = settings_from(config)
    asked = _asked(settings, names)
    inquest, found = asyncio.run(_inquire(settings, asked))
    seen = [_Seen(check=check, seen=_of(inquest, check.name), forgotten=found.get(check.name)) for check in asked]
    added = _added(config, settings, seen)
    if style == "json":
        click.echo(json.dumps(_document(seen, inquest, added), indent=2))
    elif style == "yaml":
        _print_yaml(seen, added)
    else:
        _print_text(seen, inquest, added)
    if any(one.forgotten is None for one in seen):
        return _UNREAD
    return int(any(one.forgotten.names for one in seen if one.forgotten))


def _asked(settings: Settings, names: Iterable[str]) -> list[Check]:
    known = {check.name: check for check in settings.checks if check.subject.probe == _KIND}
    for name in names:
        if name not in known:
            raise click.UsageError(f"no check of the kind {_KIND} is named {name!r}; there are: {', '.join(known)}")
    if not known:
        raise click.ClickException(_NONE)
    return [known[name] for name in dict.fromkeys(names)] or list(known.values())


def _of(inquest: Inquest, name: str) -> Observation:
    return next(seen for seen in inquest.observations if seen.subject.check == name)


async def _inquire(settings: Settings, asked: Iterable[Check]) -> tuple[Inquest, dict[str, Forgotten]]:
    """Look at the checks and what they need, so that a host that cannot be asked is told as what it is."""
    from migrawatch.daemon.vantages import Vantages
    from migrawatch.look import look

    found: dict[str, Forgotten] = {}
    vantages = Vantages()
    vantages.use(settings)

    async def seen(check: Check) -> Observation:
        remembered: list[Any] = []
        observation = await look(check, vantages.by_name[check.subject.vantage], remember=remembered.append)
        if remembered and isinstance(remembered[0], Forgotten):
            found[check.name] = remembered[0]
        return observation

    try:
        checks = {check.name: check for check in settings.checks}
        return await inquire([check.name for check in asked], checks, seen), found
    finally:
        await vantages.close()


def _added(config: Path, settings: Settings, seen: Iterable[_Seen]) -> str:
    from migrawatch.config.suggest import suggestion

    by_host: dict[str, Forgotten] = {}
    for one in seen:
        if one.forgotten is not None:
            there = by_host.get(one.host, Forgotten())
            by_host[one.host] = Forgotten(
                sites=(*there.sites, *one.forgotten.sites), zones=(*there.zones, *one.forgotten.zones)
            )
    return suggestion(config, settings, by_host)


# -- telling ----------------------------------------------------------------------------------------------------------


def _print_text(seen: Iterable[_Seen], inquest: Inquest, added: str) -> None:
    for one in seen:
        for line in _lines(one):
            click.echo(line)
    for incident in _behind(inquest):
        click.echo()
        for label, text in cause_lines(incident):
            click.echo(f"{label:<10}{text}")
    if added:
        click.echo(f"\n# a file of its own beside the others, or lines of theirs:\n{added}", nl=False)


def _behind(inquest: Inquest) -> tuple[Incident, ...]:
    """Why hosts could not be asked: the causes that are not the checks' own."""
    return tuple(incident for incident in inquest.causes if incident.cause.check not in inquest.asked)


def _lines(one: _Seen) -> Iterator[str]:
    yield _headline(one)
    if one.forgotten is None:
        return
    names = [(site.name, _fact(site)) for site in one.forgotten.sites] + [(zone, "") for zone in one.forgotten.zones]
    wide = max((len(name) for name, _ in names), default=0)
    for name, fact in names:
        yield f"  {name:<{wide}}  {fact}".rstrip()


def _headline(one: _Seen) -> str:
    """One check in one line."""
    where = f"{one.host}: {one.check.subject.target}"
    if one.forgotten is None:
        return f"{where}: could not be read: {one.seen.reason}: {one.seen.detail}"
    count = len(one.forgotten.names)
    told = f"{count} of {one.forgotten.served} watched by no check" if count else f"all {one.forgotten.served} watched"
    return f"{where}: {told}"


def _fact(site: Site) -> str:
    """What to know of a site before it is watched."""
    if site.is_pattern:
        told = "stands for many names: watch one of them, or ignore it"
    elif site.status and not site.tls and site.leads_to_host == site.name:
        told = f"leads to {site.leads_to}, for which no server has the name"
    elif site.status:
        told = f"leads to {site.leads_to or 'elsewhere'}"
    else:
        told = "https" if site.tls else "http alone"
    return f"{told}, {site.place}"


def _print_yaml(seen: Iterable[_Seen], added: str) -> None:
    """Only what may stand in a file: all that is no check is a comment."""
    for one in seen:
        if one.forgotten is None:
            click.echo(_headline(one), err=True)
        for line in _lines(one):
            click.echo(f"# {line}")
    click.echo(added, nl=False)


def _document(seen: Iterable[_Seen], inquest: Inquest, added: str) -> Mapping[str, Any]:
    """Version 1: keys are added, never changed."""
    causes = [incident.cause for incident in _behind(inquest)]
    return {
        "version": 1,
        "checks": [_described(one) for one in seen],
        "causes": [{"check": cause.check, "reason": cause.reason, "detail": cause.detail} for cause in causes],
        "yaml": added,
    }


def _described(one: _Seen) -> dict[str, Any]:
    subject, seen, forgotten = one.check.subject, one.seen, one.forgotten
    told: dict[str, Any] = {"check": subject.check, "host": subject.host, "target": subject.target,
                            "verdict": seen.verdict, "reason": seen.reason, "detail": seen.detail}  # fmt: skip
    if forgotten is None:
        return {**told, "served": None, "sites": [], "zones": []}
    sites = [
        {"name": site.name, "pattern": site.is_pattern, "https": site.tls, "port": site.port,
         "leads_to": site.leads_to, "place": site.place}
        for site in forgotten.sites
    ]  # fmt: skip
    return {**told, "served": forgotten.served, "sites": sites, "zones": list(forgotten.zones)}
