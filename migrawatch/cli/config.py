"""`migrawatch check-config` and `migrawatch schema`."""

import json
from pathlib import Path

import click

from migrawatch.cli.settings import config_option, settings_from


@click.command("check-config")
@config_option
@click.option("--without-secrets", is_flag=True, help="Only warn of a secret that cannot be read on this machine.")
def check_config(config: Path, without_secrets: bool) -> int:
    """Read the whole configuration as a reload would, and tell all that is wrong with it at once."""
    settings = settings_from(config, secrets_needed=not without_secrets)
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    for item in settings.not_watched:
        click.echo(f"not watched: {item.check}: {item.why}")
    own = sum(not check.implicit for check in settings.checks)
    click.echo(
        f"{config}: {own} checks on {len(settings.hosts)} hosts, {len(settings.checks) - own} implicit checks, "
        f"{len(settings.watches)} logs, {len(settings.receivers)} receivers, {len(settings.routes)} routes: ok"
    )
    return 0


@click.command()
def schema() -> int:
    """Print the JSON Schema of a configuration, for editors."""
    from migrawatch.config.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
    return 0
