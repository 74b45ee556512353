"""`migrawatch ack`: somebody is on an incident, so nobody is reminded of it and nobody else is called."""

from pathlib import Path
from urllib.parse import quote

import click

from migrawatch.cli.daemon import ask, who
from migrawatch.cli.settings import config_option, settings_from
from migrawatch.tell.page import plain


@click.command()
@config_option
@click.option("--by", default=who, help="Who is on it; you unless given.")
@click.option("--note", default="", help="What others should know.")
@click.option("--undo", is_flag=True, help="Nobody is on it any longer.")
@click.argument("incident")
def ack(config: Path, by: str, note: str, undo: bool, incident: str) -> int:
    """Say that somebody is on INCIDENT, the id of an open one or its first letters.

    It ends reminders, and nobody further is called. That it becomes worse, has another cause or is over is told all the
    same. An incident that was acknowledged as a warning counts anew once it is critical.
    """
    settings = settings_from(config, secrets_needed=False)
    path = f"/api/v1/incidents/{quote(incident, safe='')}/ack"
    found = ask(settings, "DELETE", path) if undo else ask(settings, "POST", path, {"by": by, "note": note})
    what = "nobody is on it" if undo else f"{by} is on it"
    click.echo(plain(f"{found['id']}  {what}: {found['cause']['summary']}"))
    return 0
