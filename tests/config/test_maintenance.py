"""The section `maintenance`: what it may say, and what is told of a mistake."""
# ruff: noqa: E501 (a case a line reads best)

from datetime import UTC, datetime

import pytest

from migrawatch.config.changes import compare
from tests.config.conftest import AROUND, Folder

CHECKS = """checks:
  login: {probe: page, host: web, url: a, tags: [client]}
  api-one: {probe: page, host: web, url: a}
  later: {probe: page, host: web, url: CHANGE_ME}
"""


def config(window: str) -> str:
    return f"maintenance:\n  {window}\n{AROUND}{CHECKS}"


def test_one_window_is_held_once_or_again_and_again(folder: Folder) -> None:
    once = folder.load(
        config("w: {at: 2026-12-05 22:00, zone: Europe/Berlin, duration: 2h, checks: [api-*, later], note: a disk}")
    )
    again = folder.load(config("w: {cron: 30 2 * * 6, duration: 90m, hosts: web, tags: [client]}"))

    [window] = once.maintenance
    assert (window.at, window.duration, window.checks) == (
        datetime(2026, 12, 5, 21, tzinfo=UTC),
        7200.0,
        ("api-*", "later"),
    )
    assert (window.note, window.by, once.warnings) == ("a disk", "", ())
    [window] = again.maintenance
    assert (window.cron, window.zone, window.hosts, window.tags) == ("30 2 * * 6", "UTC", ("web",), ("client",))


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        ("w: {cron: 0 2 * * 6, duration: 2h, hosts: [wbe]}", "2:46: maintenance.w.hosts[0]: unknown host 'wbe'; did you mean 'web'?"),
        ("w: {cron: 0 2 * * 6, duration: 2h, checks: logn}", "2:46: maintenance.w.checks[0]: unknown check 'logn'; did you mean 'login'?"),
        ("w: {cron: 0 2 * * 6, duration: 2h, checks: [ap-*]}", "2:47: maintenance.w.checks[0]: no check fits 'ap-*'"),
        ("w: {cron: 0 2 * * 6, duration: 2h, tags: clint}", "2:44: maintenance.w.tags[0]: unknown tag 'clint'; did you mean 'client'?"),
        ("w: {cron: 0 2 * * 6, duration: 2h}", "2:6: maintenance.w.checks: wanted at least one of checks, hosts and tags"),
        ("w: {duration: 2h, hosts: web}", "2:6: maintenance.w.at: wanted either at, for once, or cron, for again and again"),
        ("w: {cron: 0 25 * * *, duration: 2h, hosts: web}", "2:13: maintenance.w.cron: Bad hour in '0 25 * * *'"),
        ("w: {cron: 0 * * * *, duration: 2h, hosts: web}", "2:34: maintenance.w.duration: must be shorter than the 1 h from one to the next"),
        ("w: {at: tomorrow, duration: 2h, hosts: web}", "2:11: maintenance.w.at: wanted a moment such as 2026-12-05 22:00, got 'tomorrow'"),
        ("w: {at: 2026-12-05 22:00, zone: Berlin, duration: 2h, hosts: web}", "2:35: maintenance.w.zone: wanted one such as Europe/Berlin, got 'Berlin'"),
        ("w: {at: 2026-12-05 22:00, duration: 2, hosts: web}", "2:39: maintenance.w.duration: wanted a length of time such as 30s, 5m, 2h or 14d, got '2'; add a unit"),
        ("w: {at: 2026-12-05 22:00, durations: 2h, hosts: web}", "2:6: maintenance.w.duration: must be set"),
        ("w: x", "2:6: maintenance.w: wanted a mapping such as {cron: 30 2 * * 6, duration: 2h, hosts: [pve]}"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_what_was_likely_meant(folder: Folder, window: str, problem: str) -> None:
    """A window that covers nothing because of a letter wakes somebody in the night of the work."""
    assert folder.problems(config(window))[0] == f"main.yaml:{problem}"


@pytest.mark.parametrize(
    ("window", "warning"),
    [
        ("w: {at: CHANGE_ME, duration: 2h, hosts: web}", "maintenance.w: is not held: at is CHANGE_ME"),
        ("w: {at: 2026-12-05 22:00, duration: 2h, hosts: app}", "maintenance.w: covers nothing that is watched"),
        ("w: {at: 2026-12-05 22:00, duration: 2h, checks: later}", "maintenance.w: covers nothing that is watched"),
    ],
)  # fmt: skip
def test_a_window_that_changes_nothing_is_warned_of(folder: Folder, window: str, warning: str) -> None:
    settings = folder.load(config(window))

    assert [f"{found.path}: {found.what}" for found in settings.warnings if found.path.startswith("maintenance")] == [
        warning
    ]


def test_a_changed_window_is_a_change_of_the_settings(folder: Folder) -> None:
    before = folder.load(config("w: {cron: 0 2 * * 6, duration: 2h, hosts: web}"))

    assert compare(before, folder.load(config("w: {cron: 0 3 * * 6, duration: 2h, hosts: web}"))).settings
