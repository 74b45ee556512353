"""`migrawatch probe`: look at checks and all they need, now, and name the cause."""

import asyncio
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from migrawatch.check import Check
from migrawatch.cli.settings import config_option, settings_for_completion, settings_from
from migrawatch.config import Settings, near
from migrawatch.inquiry import Inquest, inquire
from migrawatch.model import Observation


def _names(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """The checks whose names begin so, for the shell's completion."""
    settings = settings_for_completion(ctx)
    return [check.name for check in settings.checks if check.name.startswith(begun)] if settings else []


@click.command()
@click.argument("names", nargs=-1, metavar="[CHECK|GLOB]...", shell_complete=_names)
@config_option
@click.option("--host", help="The checks on this host.")
@click.option("--kind", help="The checks of this kind of probe.")
@click.option("--tag", help="The checks with this tag.")
@click.option("--all", "everything", is_flag=True, help="Every check.")
@click.option("--format", "style", type=click.Choice(["text", "json", "nagios"]), default="text", show_default=True)
@click.option("-v", "--verbose", is_flag=True, help="Also the hosts that are well, and the timed steps.")
def probe(
    names: tuple[str, ...],
    config: Path,
    host: str | None,
    kind: str | None,
    tag: str | None,
    everything: bool,
    style: str,
    verbose: bool,
) -> int:
    """Look at CHECKs and everything they need, from where they are used, and name the cause.

    The exit code is the worst verdict asked for: 0 ok, 1 warn, 2 down, 3 unknown.
    """
    if not (names or host or kind or tag or everything):
        raise click.UsageError("say which checks: names, globs, --host, --kind, --tag or --all")
    settings = settings_from(config)
    asked = selected(settings, names, host, kind, tag)
    started_at, began = datetime.now(UTC), perf_counter()
    with _progress(style) as on_seen:
        inquest = asyncio.run(_inquire(settings, asked, on_seen))
    took = perf_counter() - began
    if style == "json":
        _print_json(inquest, started_at, took)
    elif style == "nagios":
        from migrawatch.cli.chain import nagios_line

        click.echo(nagios_line(inquest))
    else:
        from migrawatch.cli.terminal import print_inquest

        print_inquest(inquest, took, verbose)
    return inquest.verdict.exit_code


def selected(
    settings: Settings, names: Iterable[str], host: str | None, kind: str | None, tag: str | None
) -> tuple[str, ...]:
    """The names of the checks asked for, in the order of the configuration. Raise UsageError for what is not there."""
    patterns = tuple(names)
    known = [check.name for check in settings.checks]
    unwatched = {item.check: item.why for item in settings.not_watched}
    for pattern in patterns:
        if any(fnmatchcase(name, pattern) for name in known):
            continue
        if pattern in unwatched:
            raise click.UsageError(f"the check {pattern!r} is not watched: {unwatched[pattern]}")
        meant = near(pattern, known)
        raise click.UsageError(f"no check is named {pattern!r}" + (f"; did you mean {meant!r}?" if meant else ""))

    def asked_for(check: Check) -> bool:
        named = not patterns and not check.implicit
        named = named or any(fnmatchcase(check.name, pattern) for pattern in patterns)
        subject = check.subject
        return (
            named
            and host in (None, subject.host)
            and kind in (None, subject.probe)
            and (tag is None or tag in subject.tags)
        )

    found = tuple(check.name for check in settings.checks if asked_for(check))
    if not found:
        raise click.UsageError("no check fits what was asked for")
    return found


async def _inquire(settings: Settings, asked: tuple[str, ...], on_seen: Callable[[Observation], None]) -> Inquest:
    from migrawatch.cli.reported import looking
    from migrawatch.daemon.vantages import Vantages

    vantages = Vantages()
    vantages.use(settings)
    try:
        checks = {check.name: check for check in settings.checks}
        return await inquire(asked, checks, looking(settings, vantages.by_name), on_seen)
    finally:
        await vantages.close()


def _progress(style: str) -> AbstractContextManager[Callable[[Observation], Any]]:
    if style == "text" and sys.stderr.isatty():
        from migrawatch.cli.terminal import progress

        return progress()
    return nullcontext(_unseen)


def _unseen(_: Observation) -> None:
    """Nobody watches the looks come in."""


def _print_json(inquest: Inquest, started_at: datetime, took: float) -> None:
    import json

    from migrawatch.show.document import report

    asked = [seen for seen in inquest.observations if seen.subject.check in inquest.asked]
    click.echo(json.dumps(report(asked, inquest.observations, inquest.causes, started_at, took), indent=2))
