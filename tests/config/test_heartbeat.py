"""The section `heartbeat`: who waits for us, and what is told of a mistake."""

import pytest

from migrawatch.config.changes import compare
from tests.config.conftest import Folder

RECEIVERS = """receivers:
  pager: {kind: alertmanager, urls: ["http://127.0.0.1:9093"]}
  ops: {kind: webhook, url: "http://127.0.0.1:1/"}
routes:
  - {to: [pager, ops]}
"""


def config(heartbeat: str) -> str:
    return f"heartbeat: {heartbeat}\n{RECEIVERS}"


def test_it_is_told_by_addresses_and_by_alertmanagers(folder: Folder) -> None:
    settings = folder.load(config('{every: 30s, to: pager, urls: ["https://hc.example/x"]}'))

    assert settings.heartbeat is not None
    assert (settings.heartbeat.every, settings.heartbeat.to) == (30.0, ("pager",))
    assert settings.heartbeat.urls == ("https://hc.example/x",)
    assert compare(settings, folder.load(config("{to: pager}"))).settings


def test_without_the_section_nobody_waits(folder: Folder) -> None:
    assert folder.load(RECEIVERS).heartbeat is None


def test_one_that_is_not_filled_in_yet_is_warned_of(folder: Folder) -> None:
    settings = folder.load(config("{urls: [CHANGE_ME]}"))

    assert settings.heartbeat is None
    assert "heartbeat: tells nobody: urls" in str(settings.warnings[0])


@pytest.mark.parametrize(
    ("heartbeat", "problem"),
    [
        ("{to: [paper]}", "1:18: heartbeat.to[0]: unknown receiver 'paper'; did you mean 'pager'?"),
        (
            "{to: ops}",
            "1:13: heartbeat.to[0]: ops is no Alertmanager; what else can be told by an address stands in urls",
        ),
        ("{every: 1m}", "1:12: heartbeat: tells nobody: wanted urls or to"),
        ("{to: pager, every: 1s}", "1:12: heartbeat: every: must be from 5s to 1h"),
        ("{urls: [ftp://x]}", "1:12: heartbeat: an address to post to begins with http:// or https://"),
    ],
)
def test_a_mistake_is_told_where_it_stands(folder: Folder, heartbeat: str, problem: str) -> None:
    assert problem in folder.problems(config(heartbeat))[0]
