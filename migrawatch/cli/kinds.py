"""`migrawatch kinds`: what can be asked."""

import inspect
from collections.abc import Mapping

import click

from migrawatch.config.kinds import KindError, discover
from migrawatch.config.reference import settings_in_words
from migrawatch.probe import Probe


@click.command()
@click.argument("kind", required=False)
def kinds(kind: str | None) -> int:
    """List the kinds of probes, or tell the settings, measures and remedies of one KIND."""
    try:
        found = discover()
        if kind is None:
            width = max(len(name) for name in found)
            for name in found:
                click.echo(f"{name:<{width}}  {_first_line(found.find(name))}")
            return 0
        click.echo(_described(kind, found.find(kind)))
    except KindError as error:
        hint = f"; did you mean {error.meant!r}?" if error.meant else ""
        raise click.ClickException(f"{error}{hint}") from error
    return 0


def _first_line(probe: type[Probe]) -> str:
    return (inspect.getdoc(probe) or "").partition("\n")[0]


def _described(name: str, probe: type[Probe]) -> str:
    lines = [f"{name}: {inspect.getdoc(probe)}", "", "settings:"]
    for key, type_name, default, meaning in settings_in_words(name, probe):
        shown = default if not default or default.startswith("must be set") else f"default {default}"
        facts = ", ".join(part for part in (type_name, shown) if part)
        lines.append(f"  {key}: {facts}" + (f". {meaning}" if meaning else ""))
    if probe.measures:
        lines += ["", "measures:", *(f"  {measure.name}: {measure.help}" for measure in probe.measures)]
    # A kind whose remedies depend on its settings has them only once it has settings.
    if isinstance(probe.remedies, Mapping):
        lines += ["", "remedies:"]
        lines += [f"  {reason}: {command}" for reason, commands in probe.remedies.items() for command in commands]
    return "\n".join(lines)
