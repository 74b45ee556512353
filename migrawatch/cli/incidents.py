"""`migrawatch incidents`: what is broken now and what was, read from the daemon's state."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from migrawatch.cli.settings import config_option, settings_from
from migrawatch.decide.incident import Incident
from migrawatch.store.history import read_incidents


@click.command()
@config_option
@click.option("--state", type=click.Path(path_type=Path), help="The state file, if not the configured one.")
@click.option("--open", "only_open", is_flag=True, help="Only what is open now.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many at most.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.argument("incident_id", required=False)
def incidents(
    config: Path, state: Path | None, only_open: bool, limit: int, style: str, incident_id: str | None
) -> int:
    """List the incidents, open ones first, or tell all of the one with INCIDENT_ID."""
    path = state or Path(settings_from(config, secrets_needed=False).daemon.state)
    try:
        found = read_incidents(path, limit if incident_id is None else 10_000)
    except OSError as error:
        raise click.ClickException(f"the state {path} cannot be read: {error}") from error
    if only_open:
        found = tuple(incident for incident in found if incident.resolved_at is None)
    if incident_id is not None:
        found = tuple(incident for incident in found if incident.id.startswith(incident_id))
        if not found:
            raise click.ClickException(f"there is no incident {incident_id!r}")
    _show(found, style, whole=incident_id is not None)
    return 0


def _show(found: tuple[Incident, ...], style: str, whole: bool) -> None:
    if style == "json":
        from migrawatch.show.document import incident_document

        click.echo(json.dumps([incident_document(incident) for incident in found], indent=2))
    elif whole:
        from migrawatch.tell.page import story

        click.echo("\n\n".join("\n".join([incident.cause.summary, *story(incident)]) for incident in found))
    elif not found:
        click.echo("no incidents")
    else:
        for incident in found:
            click.echo(_line(incident))


def _line(incident: Incident) -> str:
    since = incident.first_failed.strftime("%Y-%m-%d %H:%M:%S")
    until = incident.resolved_at.strftime("%H:%M:%S") if incident.resolved_at else "now"
    line = f"{incident.id}  {incident.state:<8}  {incident.severity:<8}  {since} - {until}  {incident.cause.summary}"
    return "  ".join((line, *(f"[{mark}]" for mark in _marks(incident, datetime.now(UTC)))))


def _marks(incident: Incident, now: datetime) -> Iterator[str]:
    """What else one must know of an incident in a list."""
    if incident.ack is None and incident.quiet is None:
        return
    from migrawatch.tell.page import plain

    if incident.ack is not None:
        yield f"on it: {plain(incident.ack.by)}" + ("" if incident.is_answered else " (as a warning)")
    if incident.quiet is not None and incident.is_quiet(now):
        yield f"quiet: {plain(incident.quiet.window)}"
