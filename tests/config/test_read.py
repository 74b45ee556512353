"""A configuration in several files is one configuration."""

from pathlib import Path

import pytest

from migrawatch.config import ConfigError, load
from migrawatch.config.kinds import KindError, Kinds, discover, without_clashes
from tests.config.conftest import Folder, names
from tests.config.kinds import KINDS


def test_included_files_are_joined_in_the_order_of_their_names(folder: Folder) -> None:
    folder.write("conf.d/b.yaml", "checks: {b: {probe: page, host: web, url: a}}\nroutes: [{to: []}]")
    folder.write("conf.d/a.yaml", "hosts: {web: {address: x}}\nchecks: {a: {probe: page, host: web, url: a}}")
    folder.write("conf.d/c.yml", "broken: [")

    settings = folder.load("include: [conf.d/*.yaml]\nchecks: {main: {probe: page, host: web, url: a}}\nroutes: []")

    assert list(names(settings)) == ["main", "a", "b", "host/web"]
    assert len(settings.routes) == 1
    assert [Path(file.path).name for file in settings.files] == ["main.yaml", "a.yaml", "b.yaml"]


def test_a_digest_changes_with_its_file(folder: Folder) -> None:
    before = folder.load("checks: {}").files
    after = folder.load("checks: {}  # the same checks").files

    assert before[0].path == after[0].path
    assert before[0].digest != after[0].digest


def test_a_pattern_may_match_nothing(folder: Folder) -> None:
    assert folder.load("include: [conf.d/*.yaml]").checks == ()


def test_a_pattern_may_be_absolute_and_may_lead_out_of_the_folder(folder: Folder) -> None:
    folder.write("there/a.yaml", "hosts: {a: {address: x}}")
    folder.write("here/main.yaml", f"include: [../there/*.yaml, {folder.path}/th*e/a.yaml]")

    with pytest.raises(ConfigError, match=r"hosts\.a: defined twice"):
        load(folder.path / "here/main.yaml", {}, kinds=KINDS)


def test_a_check_in_two_files_is_told_with_both_places(folder: Folder) -> None:
    folder.write("conf.d/a.yaml", "checks:\n  x: {probe: page, host: web, url: a}")

    told = folder.problems(
        "include: conf.d/*.yaml\nhosts: {web: {address: x}}\nchecks: {x: {probe: page, host: web, url: a}}"
    )

    assert told == [
        f"conf.d/a.yaml:2:3: checks.x: defined twice; first at {folder.path}/main.yaml:3:10".replace(
            f"{folder.path}/", ""
        )
    ]


def test_only_the_first_file_includes(folder: Folder) -> None:
    folder.write("conf.d/a.yaml", "include: b.yaml")

    assert folder.problems("include: conf.d/*.yaml") == [
        "conf.d/a.yaml:1:1: include: only the first file may include others"
    ]


def test_mistakes_of_several_files_are_told_together(folder: Folder) -> None:
    folder.write("conf.d/a.yaml", "chekcs: {}")
    folder.write("conf.d/b.yaml", "a: [")

    told = folder.problems("include: conf.d/*.yaml\nhsts: {}")

    assert [line.partition(": ")[0] for line in told] == ["main.yaml:2:1", "conf.d/a.yaml:1:1", "conf.d/b.yaml:2:1"]


def test_our_own_kinds_are_found_by_their_files() -> None:
    kinds = discover()

    assert {"http", "tcp", "postgres"} <= set(kinds)
    assert not any(name.startswith("_") for name in kinds)
    assert kinds.find("tcp").__name__ == "TcpProbe"


def test_a_kind_that_two_modules_define_is_refused_naming_both() -> None:
    with pytest.raises(KindError, match=r"the kind 'redis' is defined twice: by ours\.redis and by theirs\.redis"):
        without_clashes([("redis", "ours.redis"), ("redis", "theirs.redis")])


def test_a_module_that_cannot_be_loaded_is_told(folder: Folder) -> None:
    told = folder.check_problems("x: {probe: redis, host: web}", Kinds({"redis": "no_such_package.redis"}))

    why = "ModuleNotFoundError: No module named 'no_such_package'"
    assert told == [f"1:12: checks.x.probe: no_such_package.redis cannot be loaded: {why}"]


@pytest.mark.parametrize(("module", "names_of"), [("tests.config.kinds", "Greedy, Host, Looking"), ("json", "none")])
def test_a_module_defines_exactly_one_probe(module: str, names_of: str) -> None:
    with pytest.raises(KindError, match=f"{module} must define exactly one Probe, it defines {names_of}"):
        Kinds({"kind": module}).find("kind")
