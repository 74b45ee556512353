"""`migrawatch maintenance`: windows in which nobody is told; they are kept by the running daemon."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from migrawatch.cli.daemon import ask, who
from migrawatch.cli.settings import config_option, settings_from
from migrawatch.config.values import format_duration, parse_duration
from migrawatch.tell.page import plain

PATH = "/api/v1/maintenance"


@click.group()
def maintenance() -> None:
    """List, make and end maintenance windows: times in which nobody is told of what they cover.

    They hide nothing: everything is looked at and shown as ever. What is still down at the end is told then.
    """


@maintenance.command("list")
@config_option
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_windows(config: Path, style: str) -> int:
    """List the windows, open ones first: those of the configuration and those that were made."""
    found = ask(settings_from(config, secrets_needed=False), "GET", PATH)["windows"]
    order = ("open", "planned", "over")
    windows = sorted(found, key=lambda one: (order.index(one["state"]), one["next"]["from"] if one["next"] else ""))
    if style == "json":
        click.echo(json.dumps(windows, indent=2))
    elif not windows:
        click.echo("no maintenance windows")
    for window in windows if style == "text" else ():
        click.echo(_line(window))
    return 0


def _seconds(ctx: click.Context, parameter: click.Parameter, value: str) -> float:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@maintenance.command("create")
@config_option
@click.option("--check", "checks", multiple=True, metavar="NAME|PATTERN", help="A check; may be given several times.")
@click.option("--host", "hosts", multiple=True, help="A host; may be given several times.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be given several times.")
@click.option(
    "--for", "duration", callback=_seconds, required=True, metavar="DURATION", help="How long it lasts, such as 2h."
)
@click.option(
    "--at", default="", metavar="MOMENT", help="When it begins, such as '2026-12-05 22:00'; now unless given."
)
@click.option("--cron", default="", metavar="EXPRESSION", help="Or when it begins again and again: '30 2 * * 6'.")
@click.option("--zone", default="UTC", show_default=True, help="The time zone of --at and --cron.")
@click.option("--name", default="", help="What it is called; a few letters are made up unless given.")
@click.option("--by", default=who, help="Who makes it; you unless given.")
@click.option("--note", default="", help="What it is for.")
def create(config: Path, duration: float, **words: Any) -> int:
    """Make a window. Of --check, --host and --tag whatever is given must fit, one of several each.

    It applies to causes: what fails elsewhere because of what lies in it is not told either.
    """
    wanted = {key: list(value) if isinstance(value, tuple) else value for key, value in words.items()}
    settings = settings_from(config, secrets_needed=False)
    window = ask(settings, "POST", PATH, {**wanted, "duration_seconds": duration})
    click.echo(_line(window))
    click.echo(f"covers {len(window['covers'])}: {', '.join(window['covers'])}")
    return 0


@maintenance.command("delete")
@config_option
@click.argument("name")
def delete(config: Path, name: str) -> int:
    """End the window NAME now, for good. What it kept quiet is looked at, and told if it is still down."""
    ask(settings_from(config, secrets_needed=False), "DELETE", f"{PATH}/{quote(name)}")
    click.echo(f"ended {name}")
    return 0


def _line(window: dict[str, Any]) -> str:
    what = [f"{key} {', '.join(window[key])}" for key in ("checks", "hosts", "tags") if window[key]]
    notes = ": ".join(filter(None, (window["by"], window["note"])))
    line = f"{window['name']:<12}  {window['state']:<7}  {_when(window):<38}  {'; '.join(what)}"
    return plain(f"{line}  ({notes})" if notes else line)


def _when(window: dict[str, Any]) -> str:
    if window["open"]:
        return f"until {_clock(window['open']['until'])} UTC"
    if window["next"]:
        lasts = format_duration(window["duration_seconds"])
        return f"from {_clock(window['next']['from'])} UTC for {lasts}"
    return "over"


def _clock(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%d %H:%M")
