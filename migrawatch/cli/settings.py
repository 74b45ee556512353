"""The `-c/--config` option, and the settings behind it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from migrawatch.config import ConfigError, Settings, load

DEFAULT = "/etc/migrawatch/migrawatch.yaml"

F = TypeVar("F", bound=Callable[..., Any])


def config_option(command: F) -> F:
    """Give *command* the option `-c/--config`."""
    return click.option(
        "-c",
        "--config",
        "config",
        envvar="MIGRAWATCH_CONFIG",
        default=DEFAULT,
        show_default=True,
        show_envvar=True,
        type=click.Path(path_type=Path),
        help="The configuration file.",
    )(command)


def settings_from(path: Path, *, secrets_needed: bool = True) -> Settings:
    """The whole configuration. Raise ClickException with every problem, a line each.

    Without *secrets_needed* one that cannot be read here is a warning: such settings are to be looked at, not used.
    """
    try:
        return load(path, os.environ, secrets_needed=secrets_needed)
    except ConfigError as error:
        raise problems_of(error) from error


def problems_of(error: ConfigError) -> click.ClickException:
    """Every problem, a line each."""
    count = len(error.problems)
    lines = "\n".join(str(problem) for problem in error.problems)
    return click.ClickException(f"{count} problem{'s' if count > 1 else ''} in the configuration\n{lines}")


def settings_for_completion(ctx: click.Context) -> Settings | None:
    """The configuration that the shell completes names of; None while it is wrong."""
    path = ctx.params.get("config") or os.environ.get("MIGRAWATCH_CONFIG") or DEFAULT
    try:
        return settings_from(Path(path), secrets_needed=False)
    except click.ClickException:
        return None
