"""A host on the status page: its checks, the worst first, each with what its last look saw."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from migrawatch.model import Evidence, Observation, Step, Subject, Verdict
from migrawatch.show.markup import Html, fill, joined
from migrawatch.show.moment import length, moment

SIGNS = {Verdict.OK: "✓", Verdict.WARN: "!", Verdict.DOWN: "✕", Verdict.UNKNOWN: "?"}
"""The verdicts as signs: colour alone tells not everybody."""

WAITING = "waiting"
"""How a check that was not looked at yet is called where others have a verdict."""

_ORDER = (Verdict.DOWN, Verdict.WARN, Verdict.UNKNOWN, WAITING, Verdict.OK)


@dataclass(frozen=True, slots=True)
class Row:
    """One check as it is shown; *seen* is None before its first look, *window* the maintenance that it lies in."""

    subject: Subject
    seen: Observation | None
    window: str = ""

    @property
    def state(self) -> str:
        """The verdict, or `waiting`."""
        return self.seen.verdict.value if self.seen else WAITING

    @property
    def rank(self) -> tuple[int, str]:
        """The worst first, then by name."""
        return _ORDER.index(self.state), self.subject.check


def host_card(host: str, rows: Iterable[Row], line: Callable[[Row], Html]) -> Html:
    """All checks of *host*; *line* renders one."""
    ordered = sorted(rows, key=lambda row: row.rank)
    bad = [row for row in ordered if row.state not in (Verdict.OK, WAITING)]
    count = f"{len(bad)} of {len(ordered)} not ok" if bad else f"{len(ordered)} {_checks(len(ordered))}"
    return fill(
        '<section class="host {state}" id="host-{name}">'
        '<h2>{host} <span class="quiet small">{count}</span></h2>{rows}</section>',
        state=ordered[0].state,
        name=host,
        host=host or "no host",
        count=count,
        rows=joined(map(line, ordered)),
    )


def _checks(count: int) -> str:
    return "check" if count == 1 else "checks"


def check_line(row: Row) -> Html:
    """One check: its line, and what its last look saw inside."""
    subject, seen = row.subject, row.seen
    why = "not looked at yet" if seen is None else f"{seen.reason}: {seen.detail}" if seen.reason else ""
    return fill(
        '<details class="check {state}" id="check-{check}"><summary><span class="sign" title="{state}">{sign}</span>'
        '<span class="name">{check} <span class="quiet from">{vantage}</span>{window}</span>'
        '<span class="took">{took}</span><span class="said">{why}</span></summary>{inside}</details>',
        state=row.state,
        check=subject.check,
        sign=SIGNS[seen.verdict] if seen else "·",
        vantage="" if subject.vantage == "here" else f"from {subject.vantage}",
        window=fill(' <span class="window" title="{name}">maintenance</span>', name=row.window) if row.window else "",
        took=length(seen.took) if seen else "",
        why=why,
        inside=fill("<dl>{facts}</dl>", facts=joined(_facts(subject, seen))),
    )


def _facts(subject: Subject, seen: Observation | None) -> Iterator[Html]:
    yield _fact("looks at", f"{subject.target} ({subject.probe})")
    if subject.service:
        yield _fact("service", subject.service)
    if subject.needs:
        links = joined((fill('<a href="#check-{n}">{n}</a>', n=need) for need in subject.needs), " ")
        yield fill('<dt>needs</dt><dd class="chips">{links}</dd>', links=links)
    if seen is None:
        return
    yield fill("<dt>looked</dt><dd>{at}</dd>", at=moment(seen.at))
    for finding in seen.findings[1:]:
        yield _fact("also", f"{finding.reason}: {finding.detail}")
    if seen.steps:
        yield fill("<dt>steps</dt><dd>{steps}</dd>", steps=joined(map(_step, seen.steps), ", "))
    yield from map(_piece, (*seen.evidence, *seen.lent))


def _fact(name: str, text: str) -> Html:
    return fill("<dt>{name}</dt><dd>{text}</dd>", name=name, text=text)


def _step(step: Step) -> Html:
    ending = "" if step.finished else " (not finished)"
    return fill("{name} {length}{ending}", name=step.name, length=length(step.seconds), ending=ending)


def _piece(piece: Evidence) -> Html:
    return fill('<dt>{source}</dt><dd class="evidence">{text}</dd>', source=piece.source, text=piece.text)
