"""`migrawatch check-config` and `migrawatch schema`."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from migrawatch.check import Check
from migrawatch.cli.settings import config_option, problems_of, settings_from
from migrawatch.config import ConfigError, Settings


@click.command("check-config")
@config_option
@click.option("--without-secrets", is_flag=True, help="Only warn of a secret that cannot be read on this machine.")
@click.option("-v", "--verbose", is_flag=True, help="Every check by its name, below its host.")
def check_config(config: Path, without_secrets: bool, verbose: bool) -> int:
    """Read the whole configuration as a reload would, and tell all that is wrong with it at once.

    What is watched is told by host, and what is not with the reason.
    """
    settings = settings_from(config, secrets_needed=not without_secrets)
    _check_web(settings, without_secrets)
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    for item in settings.not_watched:
        click.echo(f"not watched: {item.check}: {item.why}")
    for line in _watched(settings.checks, verbose):
        click.echo(line)
    own = sum(not check.implicit for check in settings.checks)
    click.echo(
        f"{config}: {own} checks on {len(settings.hosts)} hosts, {len(settings.checks) - own} implicit checks, "
        f"{len(settings.watches)} logs, {len(settings.receivers)} receivers, {len(settings.routes)} routes: ok"
    )
    return 0


def _check_web(settings: Settings, without_secrets: bool) -> None:
    """The web configuration is read too; what it holds is secret, so it may rightly not be there *without_secrets*."""
    from migrawatch.config.exposure import refuse_exposure

    file = settings.daemon.web_config_file
    if file and without_secrets and not os.access(file, os.R_OK):
        click.echo(f"warning: the web configuration {file} cannot be read", err=True)
        return
    try:
        refuse_exposure(settings, _is_protected(Path(file)) if file else False)
    except ConfigError as error:
        raise problems_of(error) from error


def _is_protected(web_config_file: Path) -> bool:
    from migrawatch.config.web import read_web

    return read_web(web_config_file).is_protected


def _watched(checks: Iterable[Check], verbose: bool) -> Iterator[str]:
    """What is watched on each host: how many checks of which kind, the most first; with *verbose* their names too."""
    by_host: dict[str, list[Check]] = {}
    for check in checks:
        by_host.setdefault(check.subject.host, []).append(check)
    for host, each in by_host.items():
        counted = Counter(check.subject.probe for check in each).most_common()
        yield f"watched on {host}: " + ", ".join(f"{count} {kind}" for kind, count in counted)
        if verbose:
            yield from (f"  {check.name}" for check in each)


@click.command()
def schema() -> int:
    """Print the JSON Schema of a configuration, for editors."""
    from migrawatch.config.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
    return 0
