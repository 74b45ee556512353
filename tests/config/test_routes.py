"""The section `routes`: who is reminded, who is called in the end, and what is strange about it."""

import pytest

from migrawatch.decide.route import Step
from tests.config.conftest import Folder

RECEIVERS = """\
receivers:
  ops: {kind: webhook, url: "http://127.0.0.1/"}
  boss: {kind: webhook, url: "http://127.0.0.1/"}
  later: {kind: webhook, url: CHANGE_ME}
  am: {kind: alertmanager, urls: "http://127.0.0.1/"}
routes: [{severity: warning, to: ops}, ROUTE]
"""


def load(folder: Folder, route: str) -> tuple[str, ...]:
    """The warnings about the second route."""
    settings = folder.load(RECEIVERS.replace("ROUTE", route))
    return tuple(f"{found.path}: {found.what}" for found in settings.warnings if found.path.startswith("routes[1]"))


def test_reminders_and_steps_are_read_and_a_receiver_that_is_not_known_yet_is_left_out(folder: Folder) -> None:
    text = "{to: ops, remind: 4h, escalate: [{after: 15m, to: [boss, later]}, {after: 1h, to: am}]}"
    settings = folder.load(RECEIVERS.replace("ROUTE", text))

    route = settings.routes[1]
    assert route.remind == 14_400.0
    assert route.escalate == (Step(after=900.0, to=("boss",)), Step(after=3600.0, to=("am",)))
    assert (settings.routes[0].remind, settings.routes[0].escalate) == (0.0, ())


@pytest.mark.parametrize(
    ("route", "warning"),
    [
        ("{to: am, remind: 4h}", "remind: reminds nobody: an Alertmanager does so by itself (repeat_interval)"),
        ("{to: ops, remind: 4s}", "remind: reminds every 4s"),
        ("{to: ops, escalate: {after: 1h, to: [ops, boss]}}", "escalate[0].to[0]: ops is told from the beginning"),
    ],
)
def test_what_is_likely_not_meant_is_warned_of(folder: Folder, route: str, warning: str) -> None:
    assert load(folder, route) == (f"routes[1].{warning}",)


@pytest.mark.parametrize("route", ["{to: [am, ops], remind: 4h}", "{to: ops, escalate: {after: 1h, to: boss}}"])
def test_what_is_likely_meant_is_not(folder: Folder, route: str) -> None:
    assert load(folder, route) == ()
