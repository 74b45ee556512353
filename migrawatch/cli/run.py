"""`migrawatch run`: the daemon in the foreground, as systemd starts it."""

import asyncio
import faulthandler
import os
from pathlib import Path

import click
import structlog

from migrawatch.cli.settings import config_option, problems_of, settings_from
from migrawatch.config import ConfigError, flagged
from migrawatch.logs import LEVELS, set_up_logs

log = structlog.get_logger(__name__)

STDERR = 2

BROKEN = os.EX_SOFTWARE
"""The exit code after a mistake of ours: systemd starts a new daemon on what is stored."""

LATER = os.EX_TEMPFAIL
"""The exit code when the address or the state cannot be had now: another try may find them free."""


@click.command(
    epilog="Exit codes: 0 told to end, 3 bad usage or a bad configuration (trying again changes nothing), "
    f"{LATER} the address or the state cannot be had now, {BROKEN} a mistake of migrawatch itself."
)
@config_option
@click.option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True)
@click.option(
    "--web.config.file",
    "web_config_file",
    type=click.Path(),
    help="TLS, logins, headers and a rate limit, in exporter-toolkit's format; instead of daemon.web_config_file.",
)
@click.option("--web.external-url", "external_url", help="Where people find us; instead of daemon.external_url.")
@click.option("--web.route-prefix", "route_prefix", help="What our paths begin with; instead of daemon.route_prefix.")
def run(config: Path, log_level: str, **web: str | None) -> int:
    """Watch everything the configuration names, until SIGTERM. SIGHUP reloads; a bad configuration changes nothing."""
    from migrawatch.daemon.dump import forbid_core_dumps
    from migrawatch.daemon.service import Service
    from migrawatch.store import StoreInUse

    set_up_logs(log_level)
    # systemd's watchdog ends a loop that hangs by SIGABRT: the journal gets where it hung.
    faulthandler.enable(STDERR)
    flags = _flags(**web)
    try:
        settings = flagged(settings_from(config), flags)
    except ValueError as error:
        raise click.UsageError(f"--web.{error}") from error
    forbid_core_dumps()
    try:
        asyncio.run(Service(config, settings, flags=flags).run())
    except ConfigError as error:
        raise problems_of(error) from error
    except StoreInUse as error:
        return _cannot_begin(str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _cannot_begin(f"{where}{error.strerror or error}")
    except ExceptionGroup:
        return BROKEN  # it is in the log already, with its traceback
    except Exception as error:
        log.error("daemon_failed", errors=[str(error)], exc_info=error)
        return BROKEN
    return 0


def _cannot_begin(why: str) -> int:
    click.echo(f"Error: cannot begin: {why}", err=True)
    return LATER


def _flags(**web: str | None) -> dict[str, str]:
    """What was said on the command line, by the key that it stands instead of."""
    said = {key: value for key, value in web.items() if value is not None}
    if file := said.get("web_config_file"):
        said["web_config_file"] = str(Path(file).absolute())
    return said
