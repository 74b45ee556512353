"""The status page: what is broken first, then every check by host. Nothing of it is loaded from elsewhere."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from importlib.resources import files

from migrawatch import __version__
from migrawatch.decide.incident import Incident
from migrawatch.decide.maintenance import WindowStanding
from migrawatch.model import Severity, Verdict
from migrawatch.show.board import Board
from migrawatch.show.host_card import WAITING, Row, check_line, host_card
from migrawatch.show.incident_card import incident_card
from migrawatch.show.maintenance import covered
from migrawatch.show.markup import Html, fill, joined
from migrawatch.show.moment import moment
from migrawatch.show.turns import Turns

_HERE = files("migrawatch.show")
STYLE = _HERE.joinpath("status.css").read_text()
SCRIPT = _HERE.joinpath("status.js").read_text()


def allowed(text: str) -> str:
    """How a Content-Security-Policy names a style or a script that stands in the page: by its digest."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


POLICY_FRAME = (
    "default-src 'none'; {sources}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
POLICY = POLICY_FRAME.format(
    sources=f"style-src {allowed(STYLE)}; script-src {allowed(SCRIPT)}; connect-src 'self'",
)
"""The page's Content-Security-Policy: our one style and our one script, by their digests, and nothing else."""

_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:image/svg+xml,{icon}">
<style>{style}</style></head><body>
<header id="summary">{summary}</header>
<main><div id="incidents">{incidents}</div><div id="hosts">{hosts}</div></main>
<footer class="quiet small">migrawatch {version}, up since {started} · <span id="live">not live</span> ·
<a href="metrics">metrics</a> · <a href="api/v1/checks">checks</a> ·
<a href="api/v1/incidents">incidents</a> · <a href="api/v1/maintenance">maintenance</a> ·
<a href="api/v1/watches">logs</a> · <a href="runbook">runbook</a> ·
{modules}<a href="-/healthy">healthy</a> · <a href="-/ready">ready</a></footer>
<script>{script}</script></body></html>
"""

MODULES = Html('<a href="config">modules of /probe</a> · ')

_ICON = (
    "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Ccircle cx='8' cy='8' r='7' fill='%23{colour}'/%3E%3C/svg%3E"
)
COLOURS = {"ok": "2e9d5b", "warning": "c98a12", "critical": "d43d3d"}


class Page:
    """Renders the board; a check is rendered anew only when it was seen."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._lines: dict[str, tuple[Row, Html]] = {}

    async def prepare(self) -> None:
        """Render the checks that were seen since, in slices, so that nobody waits long for a thousand of them."""
        rows = self._rows()
        for gone in self._lines.keys() - self._board.subjects.keys():
            del self._lines[gone]
        turns = Turns()
        for row in rows:
            self._line(row)
            await turns.give()

    def parts(self) -> dict[str, Html]:
        """What stands above the hosts, by the id of the element that holds it."""
        incidents = joined(incident_card(each, self._board.now()) for each in _worst_first(self._board.incidents))
        return {"summary": self._summary(self._rows()), "incidents": incidents}

    def cards(self) -> dict[str, Html]:
        """The hosts by their element's id, the worst first."""
        hosts: dict[str, list[Row]] = {}
        for row in self._rows():
            hosts.setdefault(row.subject.host, []).append(row)
        ordered = sorted(hosts.items(), key=lambda item: (min(row.rank[0] for row in item[1]), item[0]))
        return {f"host-{host}": host_card(host, rows, self._line) for host, rows in ordered}

    def whole(self, *, has_modules: bool = False) -> str:
        """The page as it is loaded. *has_modules* says that there are modules of `/probe` to be shown."""
        state = _state(self._board.incidents)
        return fill(
            _FRAME,
            title=title(self._board.incidents),
            icon=Html(_ICON.format(colour=COLOURS[state])),
            style=Html(STYLE),
            script=Html(SCRIPT),
            version=__version__,
            started=moment(self._board.started_at),
            modules=MODULES if has_modules else Html(""),
            hosts=joined(self.cards().values()),
            **self.parts(),
        )

    def _rows(self) -> list[Row]:
        seen, windows = self._board.seen, covered(self._board.maintenance())
        names = {check: standing.window.name for check, standing in windows.items()}
        return [Row(each, seen.get(each.check), names.get(each.check, "")) for each in self._board.subjects.values()]

    def _line(self, row: Row) -> Html:
        kept = self._lines.get(row.subject.check)
        if kept is None or kept[0] != row:
            kept = self._lines[row.subject.check] = (row, check_line(row))
        return kept[1]

    def _summary(self, rows: list[Row]) -> Html:
        incidents = self._board.incidents
        counts = {state: sum(row.state == state for row in rows) for state in (*Verdict, WAITING)}
        chips = joined(
            fill('<span class="count {state}"><b>{count}</b> {state}</span>', state=state, count=count)
            for state, count in counts.items()
            if count or state == Verdict.OK
        )
        trouble = " ".join(self._trouble())
        return fill(
            '<div class="banner {state}" data-title="{title}" data-colour="{colour}"><h1>{headline}</h1>'
            '<p class="counts">{chips}</p></div>{windows}{trouble}',
            state=_state(incidents) if incidents or counts[Verdict.OK] == len(rows) else "doubt",
            title=title(incidents),
            colour=COLOURS[_state(incidents)],
            headline=headline(incidents, counts),
            chips=chips,
            windows=joined(_window(standing) for standing in self._board.maintenance() if standing.span),
            trouble=fill('<p class="trouble">{text}</p>', text=trouble) if trouble else Html(""),
        )

    def _trouble(self) -> Iterator[str]:
        """What stands in our own way: nobody should trust the page without knowing it."""
        board = self._board
        if board.trouble():
            yield f"State is not written to disk: {board.trouble()}."
        for file in board.set_aside():
            yield f"The state was not usable and was begun anew; what it was lies in {file}."
        if board.reload_refused:
            yield "The last reload was refused: what is on disk is not what is watched."
        if (web := board.web_config()) and web.is_refused:
            yield "The web configuration on disk is wrong: the one before it guards this page."
        for name, up in board.vantages.items():
            if not up:
                yield f"No way to look from {name}."
        for watch in board.watches():
            if not watch.up:
                yield f"The log {watch.log} on {watch.host} is not followed: {watch.why or 'not yet'}."
        for queue in board.queues():
            if queue.refused:
                refused = _count(len(queue.refused), "notice was", "notices were")
                yield f"{refused} refused by {queue.receiver} ({', '.join(queue.refused[-3:])}): {queue.trouble}."
            elif queue.trouble:
                where = queue.receiver or "a receiver that is gone"
                yield f"{_count(queue.waiting, 'notice waits', 'notices wait')} for {where}: {queue.trouble}."


def _window(standing: WindowStanding) -> Html:
    """One open maintenance window in a line."""
    window, count = standing.window, len(standing.checks)
    told = ": ".join(filter(None, (window.by, window.note)))
    return fill(
        '<p class="maintenance"><b>Maintenance</b> {name} until {until} '
        '<span class="quiet">· {checks}, of which nobody is told{told}</span></p>',
        name=window.name,
        until=moment(standing.span.end) if standing.span else "",
        checks=_count(count, "check", "checks"),
        told=f" · {told}" if told else "",
    )


def headline(incidents: tuple[Incident, ...], counts: Mapping[str, int]) -> str:
    """The page in one line; *counts* are the checks by state."""
    critical = sum(incident.severity is Severity.CRITICAL for incident in incidents)
    if critical:
        return _count(critical, "thing is broken", "things are broken")
    if incidents:
        return _count(len(incidents), "warning", "warnings")
    in_doubt = counts[Verdict.DOWN] + counts[Verdict.WARN]
    if in_doubt:
        return _count(in_doubt, "check is being looked into", "checks are being looked into")
    if counts[WAITING]:
        return "Looking around for the first time"
    if counts[Verdict.UNKNOWN]:
        return _count(counts[Verdict.UNKNOWN], "check cannot be looked at", "checks cannot be looked at")
    return "Everything holds" if counts[Verdict.OK] else "Nothing is watched"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def title(incidents: tuple[Incident, ...]) -> str:
    """What the browser's tab says."""
    if not incidents:
        return "✓ migrawatch"
    return f"✕ {len(incidents)} · {_worst_first(incidents)[0].cause.summary}"


def _worst_first(incidents: Iterable[Incident]) -> list[Incident]:
    return sorted(incidents, key=lambda found: (found.severity is not Severity.CRITICAL, found.opened_at))


def _state(incidents: tuple[Incident, ...]) -> str:
    severities = {incident.severity for incident in incidents}
    if Severity.CRITICAL in severities:
        return "critical"
    return "warning" if severities else "ok"
