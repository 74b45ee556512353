"""The section `watch` and the key `tripwire`: what they may say, and what is told of a mistake."""
# ruff: noqa: E501 (a case a line reads best)

import pytest

from tests.config.conftest import AROUND, Folder

CHECKS = """checks:
  login: {probe: page, host: web, url: a}
  api-one: {probe: page, host: web, url: a}
  api-two: {probe: page, host: app, url: a}
  later: {probe: page, host: web, url: CHANGE_ME}
"""


def config(watch: str) -> str:
    return f"watch:\n  {watch}\n{AROUND}{CHECKS}"


def test_checks_are_named_or_fitted_by_a_pattern(folder: Folder) -> None:
    settings = folder.load(config("w: {host: web, file: /l/a.log, match: x, checks: [api-*, login, api-one]}"))

    [watch] = settings.watches
    assert watch.checks == ("api-one", "api-two", "login")
    assert (watch.match, watch.limit) == (("x",), 10.0)


def test_a_log_of_this_machine_needs_no_host(folder: Folder) -> None:
    settings = folder.load(config("w: {host: here, journal: nginx.service, match: x, checks: login}"))

    assert [watch.place for watch in settings.watches] == ["here: journal of nginx.service"]


@pytest.mark.parametrize(
    ("watch", "problem"),
    [
        ("w: {host: wbe, file: /l, match: x, checks: login}", "2:13: watch.w.host: unknown host 'wbe'; did you mean 'web'?"),
        ("w: {host: web, file: /l, match: x, checks: logn}", "2:46: watch.w.checks[0]: unknown check 'logn'; did you mean 'login'?"),
        ("w: {host: web, file: /l, match: x, checks: [ap-*]}", "2:47: watch.w.checks[0]: no check fits 'ap-*'"),
        ("w: {host: web, file: /l, match: '(', checks: login}", "2:35: watch.w.match: not a regular expression (RE2): missing ): ("),
        ("w: {host: web, match: x, checks: login}", "2:6: watch.w: wanted either file or journal"),
        ("w: {host: web, file: /l, journal: a, match: x, checks: login}", "2:6: watch.w: wanted either file or journal"),
        ("w: {host: web, file: l, match: x, checks: login}", "2:6: watch.w: file: wanted an absolute path, a pattern in its last part only, got 'l'"),
        ("w: {host: web, file: /*/l, match: x, checks: login}", "2:6: watch.w: file: wanted an absolute path, a pattern in its last part only, got '/*/l'"),
        ("w: {host: web, journal: 'a b', match: x, checks: login}", "2:6: watch.w: journal: wanted a unit such as nginx.service, got 'a b'"),
        ("w: {host: web, file: /l, match: [], checks: login}", "2:6: watch.w: match: wanted at least one"),
        ("w: {host: web, file: /l, match: x, checks: login, limit: 0s}", "2:6: watch.w: limit: wanted at least 1s"),
        ("w: {host: web, fil: /l, match: x, checks: login}", "2:18: watch.w.fil: unknown key; did you mean 'file'?"),
        ("w: x", "2:6: watch.w: wanted a mapping such as {host: srv1, file: ..., match: ..., checks: ...}"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_what_was_likely_meant(folder: Folder, watch: str, problem: str) -> None:
    assert folder.problems(config(watch)) == [f"main.yaml:{problem}"]


@pytest.mark.parametrize(
    ("watch", "warning"),
    [
        ("w: {host: web, file: CHANGE_ME, match: x, checks: login}", "watch.w: is not followed: file is CHANGE_ME"),
        ("w: {host: web, file: /l, match: x, checks: later}", "watch.w.checks[0]: goes without 'later', which is not watched"),
    ],
)  # fmt: skip
def test_what_is_not_known_yet_is_a_warning(folder: Folder, watch: str, warning: str) -> None:
    settings = folder.load(config(watch))

    assert settings.watches == ()
    assert warning in [f"{each.path}: {each.what}" for each in settings.warnings]


def test_a_check_that_is_wrong_itself_is_told_once(folder: Folder) -> None:
    text = config("w: {host: web, file: /l, match: x, checks: bad}") + "  bad: {probe: page, host: web}\n"

    assert [problem.partition(": ")[2] for problem in folder.problems(text)] == ["checks.bad.url: must be set"]


def test_a_watch_that_is_off_is_checked_and_not_followed(folder: Folder) -> None:
    off = "w: {host: web, file: /l, match: x, checks: login, enabled: false}"

    assert folder.load(config(off)).watches == ()
    assert folder.problems(config(off.replace("login", "logn")))


def test_a_tripwire_needs_a_port(folder: Folder) -> None:
    [problem] = folder.check_problems("x: {probe: page, host: web, url: a, tripwire: true}")

    assert "1:47: checks.x.tripwire: page connects to no one port that could be held" in problem
