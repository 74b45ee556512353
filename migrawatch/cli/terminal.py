"""An inquiry on a terminal by rich: colours and a spinner there, plain lines in a pipe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from migrawatch.cli.chain import cause_lines, fact_of, headline, lines_of
from migrawatch.cli.supposition import Supposition, further, quiet_until, text_of, why_nobody
from migrawatch.config.values import format_duration
from migrawatch.decide.route import Told
from migrawatch.inquiry import Inquest
from migrawatch.model import Observation, Severity, Verdict
from migrawatch.reach.vantage import HERE
from migrawatch.tell.page import names

_LABELS = {"CAUSE": "red bold", "now": "green bold"}
_COLOURS = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.DOWN: "red", Verdict.UNKNOWN: "magenta"}


def print_inquest(inquest: Inquest, took: float, verbose: bool = False) -> None:
    """Print the chain, then each cause with its evidence and the next command, then one line for all."""
    # Long lines are left to the terminal to wrap: what is printed here gets copied and grepped.
    console = Console(highlight=False, soft_wrap=True)
    for row in _rows(inquest, verbose):
        console.print(row)
    for incident in inquest.causes:
        console.print()
        for label, text in cause_lines(incident):
            for number, line in enumerate(text.splitlines()):
                console.print(Text.assemble((f"{'' if number else label:<10}", _LABELS.get(label, "dim")), line))
    console.print()
    head = Text.assemble((inquest.verdict, f"{_COLOURS[inquest.verdict]} bold"), f"  {headline(inquest)}  ")
    console.print(head.append(f"{took:.2f} s", "dim"))


def _rows(inquest: Inquest, verbose: bool) -> Iterator[Text]:
    """A row a check, in columns as wide as their widest."""
    lines = lines_of(inquest, verbose)
    names = ["  " * line.depth + line.seen.subject.check for line in lines]
    froms = ["" if line.seen.subject.vantage == HERE else f"from {line.seen.subject.vantage}" for line in lines]
    wide = [max(map(len, column), default=0) for column in (names, [x.seen.subject.probe for x in lines], froms)]
    for line, name, vantage in zip(lines, names, froms, strict=True):
        seen = line.seen
        row = Text.assemble((f"{seen.verdict:<7}  ", _COLOURS[seen.verdict]), f"{name:<{wide[0]}}  ")
        row.append(f"{seen.subject.probe:<{wide[1]}}  {vantage:<{wide[2]}}  ", "dim")
        row.append(fact_of(seen), "" if seen.findings else "dim")
        yield row
        if verbose and seen.steps:
            steps = "  ".join(f"{s.name} {s.seconds * 1000:.1f} ms{'' if s.finished else ' ...'}" for s in seen.steps)
            yield Text(f"{'':<9}{'':<{wide[0]}}  {steps}", "dim")


def print_supposition(supposition: Supposition) -> None:
    """Print what would fail, then each page with who would read it, then what is not watched, then one line for all."""
    console = Console(highlight=False, soft_wrap=True)
    for row in _supposed_rows(supposition):
        console.print(row)
    for one in supposition.told:
        console.print()
        console.print(_addressed(one, supposition))
        for line in _besides(one, supposition):
            console.print(Text(line, "dim"))
        first, *rest = text_of(one).splitlines()
        console.print(Text(first, "red bold" if one.notice.incident.severity is Severity.CRITICAL else "yellow bold"))
        for line in rest:
            console.print(Text(line))
    console.print()
    unwatched = tuple(item.check for item in supposition.settings.not_watched)
    if unwatched:
        console.print(Text(f"not watched, and so not in here (see check-config): {names(unwatched)}", "dim"))
    console.print(_outcome(supposition))


def _supposed_rows(supposition: Supposition) -> Iterator[Text]:
    """A row a check that does not hold, in the order of the configuration."""
    findings = supposition.findings
    wide = max(map(len, findings), default=0)
    for name, finding in findings.items():
        row = Text.assemble((f"{finding.verdict:<7}  ", _COLOURS[finding.verdict]), f"{name:<{wide}}  ")
        yield row.append(f"{finding.reason}  ").append(finding.detail, "dim")


def _addressed(one: Told, supposition: Supposition) -> Text:
    incident = one.notice.incident
    if one.receivers:
        return Text(f"{one.notice.change} ({incident.severity}) to {', '.join(one.receivers)}:", "green bold")
    why = "; ".join(why_nobody(incident, supposition.settings))
    return Text(f"{one.notice.change} ({incident.severity}) reaches nobody: {why}", "red bold")


def _besides(one: Told, supposition: Supposition) -> Iterator[str]:
    """What else becomes of a notice: whom it goes to later, and what would keep it from going out."""
    incident, settings = one.notice.incident, supposition.settings
    for step in further(incident, settings):
        yield f"after {format_duration(step.after)} without `migrawatch ack` also to {', '.join(step.to)}"
    if (quiet := quiet_until(incident, settings, one.notice.at)) is not None:
        yield f"not before {quiet[1]:%Y-%m-%d %H:%M} UTC: the maintenance {quiet[0]} keeps it quiet"


def _outcome(supposition: Supposition) -> Text:
    findings = supposition.findings.values()
    unseen = sum(finding.verdict is Verdict.UNKNOWN for finding in findings)
    incidents = len({one.notice.incident.id for one in supposition.told})
    counts = f"{len(findings) - unseen} fail, {unseen} cannot be looked at, {incidents} to be told"
    if supposition.reaches_people:
        return Text.assemble(("told", "green bold"), f"  {counts}")
    return Text.assemble(("untold", "red bold"), f"  {counts}, {len(supposition.unreached)} of them reach nobody")


@contextmanager
def progress() -> Iterator[Callable[[Observation], None]]:
    """A bar on stderr that counts the looks; it is gone at the end."""
    columns = (TextColumn("looking"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[name]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("looking", total=None, name="")
        yield lambda seen: bar.update(task, advance=1, name=seen.subject.check)
