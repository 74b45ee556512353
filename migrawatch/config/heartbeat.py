"""The section `heartbeat`: who is told again and again that migrawatch lives, and cries out when it is not told."""

from dataclasses import dataclass

from migrawatch.config.problem import Report, near
from migrawatch.config.receivers import Alertmanager, refuse_strange_url, text_of
from migrawatch.config.secrets import Secrets
from migrawatch.config.tree import CHANGE_ME, Items, Table, unset
from migrawatch.config.validate import validate
from migrawatch.model import Seconds, Secret


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """Tells others every so often that migrawatch lives, so that they cry out when it does not: a watchman outside."""

    urls: tuple[str | Secret, ...] = ()
    """Addresses to post to, such as a check of healthchecks.io; as secrets if they carry a token."""
    to: tuple[str, ...] = ()
    """Receivers of kind `alertmanager`: they get the alert `MigrawatchAlive`, which fires always."""
    every: Seconds = 60.0
    """How often; an alert that is not told again ends after three times this."""

    def __post_init__(self) -> None:
        for url in self.urls:
            refuse_strange_url(text_of(url))
        if not 5 <= self.every <= 3600:
            raise ValueError("every: must be from 5s to 1h")


def read_heartbeat(
    section: Table, receivers: Table, usable: dict[str, object], secrets: Secrets, report: Report
) -> Heartbeat | None:
    """The heartbeat, if there is one that can be told."""
    if not section:
        return None
    if key := unset(section):
        report.warn(section.place, "heartbeat", f"tells nobody: {key} is {CHANGE_ME}")
        return None
    heartbeat = validate(Heartbeat, section, "heartbeat", secrets, report)
    if heartbeat is None:
        return None
    if not heartbeat.urls and not heartbeat.to:
        report.wrong(section.place, "heartbeat", "tells nobody: wanted urls or to")
    to = section.get("to")
    for number, name in enumerate(heartbeat.to):
        place = to[number].place if isinstance(to, Items) else section.places["to"]
        path = f"heartbeat.to[{number}]"
        if name not in receivers:
            report.wrong(place, path, f"unknown receiver {name!r}", near(name, receivers))
        elif name in usable and not isinstance(usable[name], Alertmanager):
            report.wrong(place, path, f"{name} is no Alertmanager; what else can be told by an address stands in urls")
    return heartbeat
