"""A configuration in a folder of its own, loaded with the small kinds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest

from migrawatch.config import ConfigError, Settings, load
from migrawatch.config.kinds import Kinds
from tests.config.kinds import KINDS

AROUND = """\
ssh: {key: {env: KEY}}
hosts:
  web: {address: 192.0.2.10}
  app: {address: 192.0.2.11}
receivers: {ops: {kind: webhook, url: "http://127.0.0.1/"}}
routes: [{to: ops}]
"""


@dataclass
class Folder:
    """A folder with a configuration `main.yaml`."""

    path: Path
    environ: dict[str, str] = field(default_factory=lambda: {"KEY": "a key"})

    def write(self, name: str, text: str) -> Path:
        """Write a file; its text is dedented."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
        return file

    def load(self, text: str, kinds: Kinds = KINDS, *, secrets_needed: bool = True) -> Settings:
        """The settings of a whole configuration."""
        return load(self.write("main.yaml", text), self.environ, kinds=kinds, secrets_needed=secrets_needed)

    def checks(self, text: str, kinds: Kinds = KINDS) -> Settings:
        """The settings of a section `checks` with hosts, receivers and routes round it."""
        return self.load(AROUND + "checks:\n" + _indented(text), kinds)

    def problems(self, text: str, kinds: Kinds = KINDS) -> list[str]:
        """What is wrong with a whole configuration, as told, without the folder's name."""
        with pytest.raises(ConfigError) as refused:
            self.load(text, kinds)
        return str(refused.value).replace(f"{self.path}/", "").splitlines()

    def check_problems(self, text: str, kinds: Kinds = KINDS) -> list[str]:
        """What is wrong with a section `checks`; lines and columns are those of *text*."""
        lines = self.problems(AROUND + "checks:\n" + _indented(text), kinds)
        return [_moved(line) for line in lines]


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in dedent(text).splitlines())


def _moved(line: str) -> str:
    file, number, column, rest = line.split(":", 3)
    before = AROUND.count("\n") + 1
    if file != "main.yaml" or int(number) <= before:
        return line
    return f"{int(number) - before}:{int(column) - 2}:{rest}"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty folder for a configuration."""
    return Folder(tmp_path)


def names(settings: Settings) -> Mapping[str, tuple[str, ...]]:
    """The needs of every check by name."""
    return {check.name: check.subject.needs for check in settings.checks}
