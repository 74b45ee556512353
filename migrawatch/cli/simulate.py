"""`migrawatch simulate`: what would fail, who would be told, and in which words, if something were down."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from migrawatch.cli.settings import config_option, settings_for_completion, settings_from
from migrawatch.cli.supposition import suppose
from migrawatch.config import Settings, near
from migrawatch.decide.supposed import Outage
from migrawatch.decide.ways import UNSEEN
from migrawatch.model import Verdict
from migrawatch.reason import Reason

SERVICE = "service/"
"""Says that the service is meant where a check has the same name."""


def _names(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """The checks, hosts and services whose names begin so, for the shell's completion."""
    settings = settings_for_completion(ctx)
    return sorted(name for name in _known(settings) if name.startswith(begun)) if settings else []


@click.command()
@click.option(
    "--down",
    "words",
    multiple=True,
    required=True,
    metavar="NAME",
    shell_complete=_names,
    help="A check, a host or a service (also service/NAME); may be given several times.",
)
@config_option
@click.option("--reason", "word", help="How it fails, a word of the runbook; the kind's plainest one unless given.")
@click.option("--warn", is_flag=True, help="It only warns.")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def simulate(words: tuple[str, ...], config: Path, word: str | None, warn: bool, style: str) -> int:
    """Suppose that NAMEs are down: what would fail for it, who would be told, and in which words.

    Nothing is looked at and nobody is told; judged, addressed and written is as the daemon does it.
    The exit code is 0 if somebody would be told of everything, 1 if a failure would reach nobody.
    """
    settings = settings_from(config, secrets_needed=False)
    outage = Outage(
        named=frozenset(named(settings, words)),
        reason=_reason(word),
        verdict=Verdict.WARN if warn else Verdict.DOWN,
    )
    supposition = suppose(settings, outage, datetime.now(UTC))
    if style == "json":
        import json

        from migrawatch.cli.supposition import document

        click.echo(json.dumps(document(supposition, words), indent=2))
    else:
        from migrawatch.cli.terminal import print_supposition

        print_supposition(supposition)
    return 0 if supposition.reaches_people else 1


def named(settings: Settings, words: Iterable[str]) -> Iterator[str]:
    """The checks that fail by themselves if *words* are down. Raise UsageError for a word that names nothing."""
    for word in words:
        found = tuple(_named(settings, word))
        if not found:
            raise click.UsageError(_strange(settings, word))
        yield from found


def _named(settings: Settings, word: str) -> Iterator[str]:
    if settings.check(word) is not None:
        yield word
    elif word in settings.hosts:
        yield from _on_host(settings, word)
    elif not any(item.check == word for item in settings.not_watched):
        service = word.removeprefix(SERVICE)
        yield from (c.name for c in settings.checks if c.subject.service == service and not c.implicit)


def _on_host(settings: Settings, host: str) -> Iterator[str]:
    """What shows that *host* is down: its own check, which all others need. Without one each shows it by itself, and
    so do the machines that run on it."""
    if settings.check(f"host/{host}") is not None:
        yield f"host/{host}"
        return
    for check in settings.checks:
        if check.subject.host == host and check.subject.shows_life:
            yield check.name
    for guest in settings.hosts.values():
        if guest.on == host:
            yield from _on_host(settings, guest.name)


def _strange(settings: Settings, word: str) -> str:
    whys = {item.check: item.why for item in settings.not_watched}
    if word in whys:
        return f"the check {word!r} is not watched: {whys[word]}"
    if word in settings.hosts:
        why = whys.get(f"host/{word}")
        return f"nothing on {word!r} is watched" + (f": {why}" if why else "")
    meant = near(word, sorted({*_known(settings), *whys}))
    return f"no check, host or service is named {word!r}" + (f"; did you mean {meant!r}?" if meant else "")


def _known(settings: Settings) -> set[str]:
    """Everything that can be supposed to be down, by its name."""
    names = ((check.name, check.subject.service) for check in settings.checks)
    return {*settings.hosts, *(name for pair in names for name in pair if name)}


def _reason(word: str | None) -> Reason | None:
    if word is None:
        return None
    usable = {reason.value: reason for reason in Reason if reason not in UNSEEN}
    if word in usable:
        return usable[word]
    if word in {reason.value for reason in UNSEEN}:
        raise click.UsageError(f"nothing is down for {word!r}: it says that we could not look")
    meant = near(word, usable)
    raise click.UsageError(f"no reason is {word!r}" + (f"; did you mean {meant!r}?" if meant else ""))
