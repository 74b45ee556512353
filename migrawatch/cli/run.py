"""`migrawatch run`: the daemon in the foreground, as systemd starts it."""

import asyncio
from pathlib import Path

import click

from migrawatch.cli.settings import config_option, settings_from
from migrawatch.logs import LEVELS, set_up_logs


@click.command()
@config_option
@click.option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True)
def run(config: Path, log_level: str) -> int:
    """Watch everything the configuration names, until SIGTERM. SIGHUP reloads; a bad configuration changes nothing."""
    from migrawatch.daemon.service import Service
    from migrawatch.store import StoreInUse

    set_up_logs(log_level)
    settings = settings_from(config)
    try:
        asyncio.run(Service(config, settings).run())
    except StoreInUse as error:
        raise click.ClickException(f"cannot begin: {error}") from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise click.ClickException(f"cannot begin: {where}{error.strerror or error}") from error
    except ExceptionGroup:
        return 3  # it is in the log already, with its traceback; systemd starts a new one
    return 0
