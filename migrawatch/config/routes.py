"""The section `routes`: who is told of what, again, and in the end."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from migrawatch.check import Check
from migrawatch.config.problem import Place, Report, near
from migrawatch.config.secrets import Secrets
from migrawatch.config.shape import meant
from migrawatch.config.tree import Items, Scalar, Table, Tree
from migrawatch.config.validate import validate
from migrawatch.config.values import format_duration
from migrawatch.decide.route import Route
from migrawatch.model import Severity

OFTEN = 300.0
"""Seconds: who is reminded more often than this reads nothing any more."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a route may name: the *receivers* as they are written, those that are *unusable* yet, and the *hosts*."""

    receivers: Table
    unusable: Mapping[str, str]
    hosts: tuple[str, ...]

    def reminds_by_itself(self, name: str) -> bool:
        """Whether a receiver owns its reminders."""
        written = self.receivers.get(name)
        kind = written.get("kind") if isinstance(written, Table) else None
        return isinstance(kind, Scalar) and kind.text == "alertmanager"

    def usable(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of *names* that can be told."""
        return tuple(name for name in names if name not in self.unusable)


def read_routes(section: Iterable[Tree], told: Told, secrets: Secrets, report: Report) -> tuple[Route, ...]:
    """The routes in order, each without the receivers that cannot be used."""
    routes = []
    for number, tree in enumerate(section):
        path = f"routes[{number}]"
        if not isinstance(tree, Table):
            report.wrong(tree.place, path, "wanted a mapping such as {severity: critical, to: [ops]}")
        elif (route := validate(Route, tree, path, secrets, report)) is not None:
            _refuse_unknown(route, tree, path, told, report)
            _weigh_escalation(route, tree, path, report)
            _weigh_reminders(route, tree, path, told, report)
            escalate = tuple(replace(step, to=told.usable(step.to)) for step in route.escalate)
            routes.append(replace(route, to=told.usable(route.to), escalate=escalate))
    return tuple(routes)


def _refuse_unknown(route: Route, tree: Table, path: str, told: Told, report: Report) -> None:
    for place, where, name in (*_named(tree, path, route.to), *_escalated_to(route, tree, path)):
        if name not in told.receivers:
            report.wrong(place, where, f"unknown receiver {name!r}", near(name, told.receivers))
    if route.host and route.host not in told.hosts:
        meant_host = near(route.host, told.hosts)
        report.wrong(tree["host"].place, f"{path}.host", f"unknown host {route.host!r}", meant_host)


def _named(tree: Table, path: str, names: tuple[str, ...]) -> Iterator[tuple[Place, str, str]]:
    """Where each of *names* stands in the key `to` of *tree*."""
    to = tree["to"]
    for number, name in enumerate(names):
        yield to[number].place if isinstance(to, Items) else to.place, f"{path}.to[{number}]", name


def _escalated_to(route: Route, tree: Table, path: str) -> Iterator[tuple[Place, str, str]]:
    for number, (step, written) in enumerate(zip(route.escalate, _written_steps(tree), strict=True)):
        yield from _named(written, f"{path}.escalate[{number}]", step.to)


def _written_steps(tree: Table) -> list[Table]:
    """The steps as they were written: one, or a list of them."""
    written = tree.get("escalate")
    several = written if isinstance(written, Items) else (written,)
    return [step for step in several if isinstance(step, Table)]


def _weigh_escalation(route: Route, tree: Table, path: str, report: Report) -> None:
    if not route.escalate:
        return
    if route.severity is Severity.WARNING:
        report.wrong(tree.places["escalate"], f"{path}.escalate", "only what is critical is escalated")
    for number, (step, written) in enumerate(zip(route.escalate, _written_steps(tree), strict=True)):
        where = f"{path}.escalate[{number}]"
        if step.after <= 0:
            what = "must be longer than nothing; who is told at once stands in to"
            report.wrong(written["after"].place, f"{where}.after", what)
        for place, named, name in _named(written, where, step.to):
            if name in route.to:
                report.warn(place, named, f"{name} is told from the beginning")


def _weigh_reminders(route: Route, tree: Table, path: str, told: Told, report: Report) -> None:
    if not route.remind:
        return
    place = tree["remind"].place
    if all(map(told.reminds_by_itself, route.reaches)):
        what = "reminds nobody: an Alertmanager does so by itself (repeat_interval)"
        report.warn(place, f"{path}.remind", what)
    elif route.remind < OFTEN:
        report.warn(place, f"{path}.remind", f"reminds every {format_duration(route.remind)}")


def warn_of_silence(routes: tuple[Route, ...], checks: tuple[Check, ...], whole: Table, report: Report) -> None:
    """Warn of every severity of which nobody would be told, and of every route that no check's incident can take."""
    place = whole.places.get("routes", whole.place)
    for severity in Severity:
        if not any(route.to and route.severity in (None, severity) for route in routes):
            report.warn(place, "routes", f"nobody is told of what is {severity}")
    services = {check.subject.service for check in checks}
    tags = {tag for check in checks for tag in check.subject.tags}
    for number, route in enumerate(routes):
        for key, wanted, there in (("service", route.service, services), ("tag", route.tag, tags)):
            if wanted and wanted not in there:
                report.warn(
                    place, f"routes[{number}].{key}", f"no check has the {key} {wanted!r}" + meant(wanted, there)
                )
