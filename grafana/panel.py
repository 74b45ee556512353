"""Panels: what is asked of Prometheus, and how the answer is shown."""

from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
When = Literal["always", "fault"]
"""When an expression gives something back: `fault` only while something is broken."""

STANDINGS = (("ok", "green", 0), ("unknown", "purple", 1), ("warn", "orange", 2), ("down", "red", 3))
"""How a check stands, as `standing` counts it: the worse, the higher."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """One expression, and how its series are called (`{{label}}`)."""

    ask: str
    name: str = ""
    when: When = "always"
    exemplars: bool = False


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel *width* of 24 columns wide; *empty* is shown when there is nothing, *steps* are (colour, from)."""

    title: str
    about: str
    kind: str
    queries: tuple[Query, ...]
    unit: str
    empty: str
    width: int
    height: int
    steps: tuple[tuple[str, float | None], ...] = ()
    options: Json = field(default_factory=dict)
    defaults: Json = field(default_factory=dict)
    overrides: tuple[Json, ...] = ()
    changes: tuple[Json, ...] = ()
    form: str = "time_series"
    now: bool = False

    def document(self, number: int, x: int, y: int) -> Json:
        """The panel as Grafana reads it, its upper left corner at *x*, *y*."""
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.about,
            "datasource": DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": self._defaults(), "overrides": list(self.overrides)},
            "options": self.options,
            "targets": [self._target(place, query) for place, query in enumerate(self.queries)],
            "transformations": list(self.changes),
        }

    def _defaults(self) -> Json:
        steps = [{"color": color, "value": value} for color, value in self.steps or (("green", None),)]
        return {
            "unit": self.unit,
            "noValue": self.empty,
            "color": {"mode": "thresholds" if self.steps else "palette-classic"},
            "thresholds": {"mode": "absolute", "steps": steps},
            "mappings": [],
            **self.defaults,
        }

    def _target(self, place: int, query: Query) -> Json:
        return {
            "refId": chr(ord("A") + place),
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": query.ask,
            "legendFormat": query.name or "__auto",
            "format": self.form,
            "instant": self.now,
            "range": not self.now,
            "exemplar": query.exemplars,
        }


def standing(chosen: str, by: str = "check") -> str:
    """How the checks *chosen* by label matchers stand, the worst of each *by*: see STANDINGS."""
    return (
        f'max by ({by}) (probe_verdict{{verdict="unknown",{chosen}}} or 2 * probe_verdict{{verdict="warn",{chosen}}}'
        f' or 3 * probe_verdict{{verdict="down",{chosen}}})'
    )


def standing_shown() -> Json:
    """What shows a standing as its word and colour."""
    words = {str(value): {"text": word.upper(), "color": color, "index": value} for word, color, value in STANDINGS}
    return {"mappings": [{"type": "value", "options": words}]}


def standing_steps() -> tuple[tuple[str, float | None], ...]:
    """The colours of standings as thresholds."""
    return tuple((color, float(value) if value else None) for _, color, value in STANDINGS)


def stat(title: str, about: str, *queries: Query, unit: str, empty: str, width: int = 4, **more: Any) -> Panel:
    """A number that is read across the room: it colours its whole panel where it has thresholds."""
    options = {
        "colorMode": "background" if more.get("steps") else "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "value_and_name" if len(queries) > 1 else "auto",
        "wideLayout": True,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    return Panel(title=title, about=about, kind="stat", queries=queries, unit=unit, empty=empty, width=width,
                 height=4, now=True, options=options, **more)  # fmt: skip


def standing_of(title: str, about: str, chosen: str, width: int = 4) -> Panel:
    """How one check stands now."""
    return stat(title, about, Query(ask=standing(chosen), name="{{check}}"), unit="none", empty="not watched",
                width=width, steps=standing_steps(), defaults=standing_shown())  # fmt: skip


def lines(
    title: str, about: str, *queries: Query, unit: str, empty: str, width: int = 12, stacked: bool = False, **more: Any
) -> Panel:
    """Lines over time, or areas one on the other."""
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 60 if stacked else 5,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "line" if more.get("steps") else "off"},
    }
    options = {
        "legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    defaults = {"custom": custom, "min": 0, "color": {"mode": "palette-classic"}, **more.pop("defaults", {})}
    return Panel(title=title, about=about, kind="timeseries", queries=queries, unit=unit, empty=empty, width=width,
                 height=8, options=options, defaults=defaults, **more)  # fmt: skip


def timeline(title: str, about: str, chosen: str, by: str, *, width: int = 12, height: int = 8) -> Panel:
    """How the checks *chosen* stood over time, a bar for each *by*."""
    legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
    options = {"mergeValues": True, "showValue": "never", "alignValue": "left", "rowHeight": 0.9, "legend": legend,
               "tooltip": {"mode": "single", "sort": "none"}}  # fmt: skip
    query = Query(ask=standing(chosen, by), name=f"{{{{{by}}}}}")
    return Panel(title=title, about=about, kind="state-timeline", queries=(query,), unit="none", empty="not watched",
                 width=width, height=height, steps=standing_steps(), options=options,
                 defaults={**standing_shown(), "custom": {"lineWidth": 0, "fillOpacity": 80}})  # fmt: skip


def bars(title: str, about: str, *queries: Query, unit: str, empty: str, width: int = 12, **more: Any) -> Panel:
    """Values as they are now, as bars under each other."""
    options = {
        "displayMode": "gradient",
        "orientation": "horizontal",
        "showUnfilled": True,
        "valueMode": "color",
        "minVizHeight": 16,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    legend = {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []}
    defaults = {"min": 0, **more.pop("defaults", {})}
    return Panel(title=title, about=about, kind="bargauge", queries=queries, unit=unit, empty=empty, width=width,
                 height=8, now=True, options={**options, "legend": legend}, defaults=defaults, **more)  # fmt: skip


def table(
    title: str, about: str, *queries: Query, unit: str, empty: str, columns: dict[str, str],
    width: int = 24, height: int = 7, **more: Any,
) -> Panel:  # fmt: skip
    """Rows as they are now. *columns* are those shown, in order, and what stands above them; sorted by the first."""
    hidden = {"Time": True, "__name__": True}
    places = {name: place for place, name in enumerate(columns)}
    order = {"id": "organize", "options": {"excludeByName": hidden, "indexByName": places, "renameByName": columns}}
    changes = ({"id": "merge", "options": {}}, order)
    options = {"showHeader": True, "cellHeight": "sm", "footer": {"show": False},
               "sortBy": [{"displayName": next(iter(columns.values())), "desc": False}]}  # fmt: skip
    links = tuple(_link(name) for name in columns.values() if name == "check")
    overrides = (*links, *more.pop("overrides", ()))
    return Panel(title=title, about=about, kind="table", queries=queries, unit=unit, empty=empty, width=width,
                 height=height, now=True, form="table", options=options, changes=changes, overrides=overrides,
                 defaults={"custom": {"align": "auto", "filterable": True}, **more.pop("defaults", {})},
                 **more)  # fmt: skip


def _link(column: str) -> Json:
    url = "/d/migrawatch-check?var-check=${__value.raw:percentencode}&${__url_time_range}"
    return column_shown(column, links=[{"title": "this check in depth", "url": url}])


def column_shown(column: str, **properties: Any) -> Json:
    """How one column or series of this name is shown: `unit`, `mappings`, `custom.cellOptions` and so on."""
    shown = [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()]
    return {"matcher": {"id": "byName", "options": column}, "properties": shown}


def reasons(chosen: str, what: str, *, width: int = 24, height: int = 6) -> Panel:
    """The checks that are not ok, and why: causes and symptoms alike."""
    labels = "check, host, service, vantage, reason"
    query = Query(
        ask=f"max by ({labels}) (probe_failure_reason{{{chosen}}}) * on (check) group_left() {standing(chosen)}",
        when="fault",
    )
    columns = {"Value": "stands", "check": "check", "reason": "reason", "host": "host", "service": "service",
               "vantage": "seen from"}  # fmt: skip
    return table(
        f"{what} that are not ok, and why",
        "Every check whose last look was not ok. One that fails only because another does stands here too; the cause "
        "is in the list of incidents. The reason's section in the runbook says what to type.",
        query, unit="none", empty="All is well.", columns=columns, width=width, height=height, steps=standing_steps(),
        overrides=(column_shown("stands", custom__cellOptions={"type": "color-background"}, **standing_shown()),),
    )  # fmt: skip
