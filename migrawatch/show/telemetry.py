"""The daemon's own metrics: few, so prometheus_client keeps and renders them."""

import sys
from collections.abc import Callable, Iterable
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from migrawatch import __version__
from migrawatch.decide.incident import Incident
from migrawatch.model import Severity

# When each counter began is no news: all of them begin with the daemon.
disable_created_metrics()  # type: ignore[no-untyped-call]

MILLISECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

Rows = Iterable[tuple[tuple[str, ...], float]]


class Asked(Collector):
    """A gauge whose rows are asked for when it is scraped."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...], rows: Callable[[], Rows]) -> None:
        self._name, self._text, self.labels, self._rows = name, text, labels, rows

    def describe(self) -> Iterable[Metric]:
        """Its name, without asking."""
        return [GaugeMetricFamily(self._name, self._text, labels=self.labels)]

    def collect(self) -> Iterable[Metric]:
        """Its rows, as they are now."""
        family = GaugeMetricFamily(self._name, self._text, labels=self.labels)
        # Two incidents may look alike in their labels; a series may be there only once.
        for labels, value in dict(self._rows()).items():
            family.add_metric(labels, value)
        return [family]


class Telemetry:
    """What the daemon tells of itself. Times are unix times, never ages."""

    def __init__(
        self, started_at: float, incidents: Callable[[], Iterable[Incident]], now: Callable[[], datetime]
    ) -> None:
        self.registry = registry = CollectorRegistry()
        self._asked: dict[str, Asked] = {}
        ProcessCollector(registry=registry)
        self.looks = Counter("migrawatch_looks", "Looks that ended, by verdict.", ("verdict",), registry=registry)
        self.skips = Counter(
            "migrawatch_looks_skipped", "Looks not begun because the last one was still going.", registry=registry
        )
        self.lateness = Histogram(
            "migrawatch_look_lateness_seconds", "How late looks began.", buckets=MILLISECONDS, registry=registry
        )
        self.lag = Histogram(
            "migrawatch_loop_lag_seconds", "How late the loop woke.", buckets=MILLISECONDS, registry=registry
        )
        self.notices = Counter(
            "migrawatch_notices", "Attempts to tell, by outcome.", ("receiver", "outcome"), registry=registry
        )
        self.matches = Counter(
            "migrawatch_watch_matches", "Lines of a watched log that matched.", ("watch",), registry=registry
        )
        self.triggers = Counter(
            "migrawatch_triggers", "Looks caused by a watch or tripwire.", ("source",), registry=registry
        )
        self.reload_ok = Gauge(
            "migrawatch_config_last_reload_successful", "Whether the last reload was used.", registry=registry
        )
        self.reloaded_at = Gauge(
            "migrawatch_config_last_reload_success_timestamp_seconds",
            "When the configuration in use was read, in unix time.",
            registry=registry,
        )
        self._facts(started_at)
        self.ask("migrawatch_incident", INCIDENT_HELP, INCIDENT_LABELS, lambda: map(_incident_row, incidents()))
        self.ask(
            "migrawatch_incident_quiet",
            "An open incident of which a maintenance keeps what is new from being told.",
            INCIDENT_LABELS,
            lambda: (_incident_row(found) for found in incidents() if found.is_quiet(now())),
        )
        self.ask(
            "migrawatch_incident_acknowledged",
            "An open incident that somebody is on.",
            INCIDENT_LABELS,
            lambda: (_incident_row(found) for found in incidents() if found.is_answered),
        )
        self.ask("migrawatch_incidents_open", "Open incidents.", ("severity",), lambda: _count(incidents()))
        self.ask(
            "migrawatch_incident_opened_timestamp_seconds",
            "When an open incident was opened, in unix time.",
            INCIDENT_LABELS,
            lambda: ((_incident_row(found)[0], found.opened_at.timestamp()) for found in incidents()),
        )

    def ask(self, name: str, text: str, labels: tuple[str, ...], rows: Callable[[], Rows]) -> None:
        """Show a gauge whose *rows* are asked for at every scrape; one of this name that is there makes way."""
        if name in self._asked:
            self.registry.unregister(self._asked[name])
        self._asked[name] = Asked(name, text, labels, rows)
        self.registry.register(self._asked[name])

    def labels_of(self, name: str) -> tuple[str, ...]:
        """The labels of one of these metrics, by its family's name; none for the library's own."""
        if name in self._asked:
            return self._asked[name].labels
        kept = (found for found in vars(self).values() if isinstance(found, MetricWrapperBase))
        return next((tuple(found._labelnames) for found in kept if found._name == name), ())

    def render(self, openmetrics: bool) -> bytes:
        """All of it, as whole families; in OpenMetrics the end of the exposition too."""
        if openmetrics:
            return bytes(generate_openmetrics(self.registry))  # type: ignore[no-untyped-call]
        return generate_latest(self.registry)

    def _facts(self, started_at: float) -> None:
        self.build = Gauge("migrawatch_build_info", "What runs.", ("version", "python"), registry=self.registry)
        self.build.labels(__version__, ".".join(map(str, sys.version_info[:3]))).set(1)
        start = Gauge(
            "migrawatch_start_timestamp_seconds", "When the daemon started, in unix time.", registry=self.registry
        )
        start.set(started_at)


INCIDENT_HELP = "An open incident, by its cause as opened; 1 while it is open."
INCIDENT_LABELS = ("check", "host", "service", "severity", "reason")


def _incident_row(incident: Incident) -> tuple[tuple[str, ...], float]:
    identity = incident.identity
    severity, reason = incident.severity.value, incident.cause.reason.value
    return (identity.check, identity.host, identity.service, severity, reason), 1.0


def _count(incidents: Iterable[Incident]) -> Rows:
    severities = [incident.severity for incident in incidents]
    return (((severity.value,), float(severities.count(severity))) for severity in Severity)
