"""What a reload changes, and what it must leave alone."""

import pytest

from migrawatch.config.changes import Changes, compare
from migrawatch.config.remedy import Remedies
from migrawatch.tell.censor import secrets_in
from tests.config.conftest import Folder


def changes(folder: Folder, before: str, after: str) -> Changes:
    return compare(folder.checks(before), folder.checks(after))


def test_the_same_configuration_changes_nothing(folder: Folder) -> None:
    text = "x: {probe: page, host: web, url: a, expect: {json: {a: [1]}}, headers: {a: {env: KEY}}}"

    told = changes(folder, text, text + "  # a comment")

    assert told.nothing
    assert told.unchanged == ("x", "host/web")


def test_checks_are_added_removed_changed_and_renamed(folder: Folder) -> None:
    told = changes(
        folder,
        """\
        same: {probe: page, host: web, url: a}
        other: {probe: page, host: web, url: a}
        gone: {probe: page, host: web, url: a}
        old: {probe: page, host: web, url: a}
        """,
        """\
        same: {probe: page, host: web, url: a}
        other: {probe: page, host: web, url: a, every: 1m}
        fresh: {probe: page, host: web, url: a}
        new: {probe: page, host: web, url: a, was: old}
        """,
    )

    assert told == Changes(
        added=("fresh",), removed=("gone",), changed=("other",), unchanged=("same", "host/web"), renamed={"new": "old"}
    )


def test_a_rename_that_was_done_already_is_no_change(folder: Folder) -> None:
    told = changes(
        folder,
        "new: {probe: page, host: web, url: a, was: old}",
        "new: {probe: page, host: web, url: a}",
    )

    assert told.nothing


def test_a_changed_secret_changes_its_check(folder: Folder) -> None:
    text = "x: {probe: page, host: web, url: a, token: {env: KEY}}"
    before = folder.checks(text)
    folder.environ["KEY"] = "another"

    told = compare(before, folder.checks(text))

    assert told.changed == ("x",)
    assert told.settings


def test_a_changed_need_changes_its_check(folder: Folder) -> None:
    told = changes(
        folder,
        "x: {probe: page, host: web, url: a}\ny: {probe: page, host: web, url: a}",
        "x: {probe: page, host: web, url: a, needs: y}\ny: {probe: page, host: web, url: a}",
    )

    assert told.changed == ("x",)


def test_receivers_are_compared(folder: Folder) -> None:
    def text(*receivers: str) -> str:
        return "receivers: {" + ", ".join(receivers) + "}"

    a, b, c = (f"{name}: {{kind: webhook, url: 'http://{name}/'}}" for name in "abc")

    told = compare(folder.load(text(a, b)), folder.load(text(a.replace("//a", "//x"), c)))

    assert (told.receivers_added, told.receivers_removed, told.receivers_changed) == (("c",), ("b",), ("a",))


def test_a_remedy_of_its_own_is_a_change(folder: Folder) -> None:
    told = changes(
        folder,
        """\
        same: {probe: page, host: web, url: a, remedy: {slow: "wait for {service}"}}
        other: {probe: page, host: web, url: a, remedy: {slow: "wait"}}
        """,
        """\
        same: {probe: page, host: web, url: a, remedy: {slow: "wait for {service}"}}
        other: {probe: page, host: web, url: a, remedy: {slow: "wait longer"}}
        """,
    )

    assert (told.changed, told.unchanged) == (("other",), ("same", "host/web"))


def test_comparing_fills_in_no_remedy(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of 10,000 checks are 50 MB, and hardly one is ever read."""
    text = "x: {probe: page, host: web, url: a}"
    before, after = folder.checks(text), folder.checks(text)
    monkeypatch.setattr(Remedies, "__getitem__", lambda *_: pytest.fail("a remedy was filled in"))

    assert compare(before, after).nothing
    assert tuple(secrets_in(after.secretive)) == ()
