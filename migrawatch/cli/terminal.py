"""An inquiry on a terminal by rich: colours and a spinner there, plain lines in a pipe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from migrawatch.cli.chain import cause_lines, fact_of, headline, lines_of
from migrawatch.inquiry import Inquest
from migrawatch.model import Observation, Verdict
from migrawatch.reach.vantage import HERE

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


@contextmanager
def progress() -> Iterator[Callable[[Observation], None]]:
    """A bar on stderr that counts the looks; it is gone at the end."""
    columns = (TextColumn("looking"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[name]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("looking", total=None, name="")
        yield lambda seen: bar.update(task, advance=1, name=seen.subject.check)
