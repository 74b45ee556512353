"""What the pages for people say of commands and of other pages."""

import shlex
from functools import cache
from pathlib import Path

import click
import pytest

from migrawatch.cli.main import cli
from migrawatch.cli.probe import selected
from migrawatch.config import Settings, load
from tests.docs.markdown import PAGES, ROOT, sections

COMMANDS = [(page, command) for page in PAGES for section in sections(page) for command in section.commands]
LINKS = [(page, link) for page in PAGES for section in sections(page) for link in section.links if "://" not in link]


def named(cases: list[tuple[Path, str]]) -> list[str]:
    return [f"{page.relative_to(ROOT)}: {text}" for page, text in cases]


@cache
def production() -> Settings:
    return load(ROOT / "config/migrawatch.yaml", {}, secrets_needed=False)


def read_as_typed(command: str) -> click.Context:
    """*command* as the command line reads it; nothing is done. Raise UsageError."""
    # The settings of the group count: click remembers a command's help option as its first context had it.
    group = click.Context(cli, info_name="migrawatch", **cli.context_settings)
    name, found, rest = cli.resolve_command(group, shlex.split(command, comments=True))
    assert found is not None
    return found.make_context(name, rest, parent=group)


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=named(COMMANDS))
def test_every_command_can_be_typed_as_it_stands(page: Path, command: str) -> None:
    typed = read_as_typed(command)

    if typed.info_name == "probe":
        asked = {option: typed.params[option] for option in ("names", "host", "kind", "tag")}
        if "NAME" not in asked["names"]:
            # A check that is not there is a usage error at 3 a.m.
            assert selected(production(), **asked)


def test_a_command_that_is_wrong_is_found() -> None:
    with pytest.raises(click.UsageError):
        read_as_typed("incidents --opened")
    with pytest.raises(click.UsageError):
        read_as_typed("prob api-public")


@pytest.mark.parametrize(("page", "link"), LINKS, ids=named(LINKS))
def test_every_link_leads_somewhere(page: Path, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page

    assert target.exists()
    if anchor:
        assert anchor in {section.anchor for section in sections(target)}


@pytest.mark.parametrize("found", [COMMANDS, LINKS], ids=["commands", "links"])
def test_the_readme_and_the_runbook_are_read(found: list[tuple[Path, str]]) -> None:
    """A page that is taken apart wrongly must not pass for want of anything to hold."""
    assert {ROOT / "README.md", ROOT / "docs/runbook.md"} <= {page for page, _ in found}
