"""The templates of pages for mail programs and chats. What was seen is escaped: evidence is not markup.

An operator may have templates of their own. One that fails costs nobody a page: the built-in one says that it did.
"""

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FunctionLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateSyntaxError,
    select_autoescape,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from migrawatch.tell.page import headline, lines_of
from migrawatch.tell.receiver import Letter

log = structlog.get_logger(__name__)

NAMES = ("mail.txt", "mail.html", "chat.txt")
"""What may be replaced: a mail as text and as HTML, and what chats get."""

BUILT_IN = "builtin"
"""Where a template of the operator's finds ours: `{% include "builtin/mail.txt" %}`."""


@dataclass(frozen=True, slots=True)
class Broken:
    """What is wrong with a template: in which file, at which line, and what."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


class Templates:
    """The built-in templates, and before them those of *own*: texts by their paths, in one folder."""

    def __init__(self, own: Mapping[Path, str] | None = None) -> None:
        self._own = {path.name: (str(path), text) for path, text in (own or {}).items()}
        self._environment = _made(
            ChoiceLoader([FunctionLoader(self._source), PrefixLoader({BUILT_IN: PackageLoader("migrawatch.tell")})])
        )

    def _source(self, name: str) -> tuple[str, str, Any] | None:
        found = self._own.get(name)
        return None if found is None else (found[1], found[0], lambda: True)

    def rendered(self, name: str, letter: Letter, link: str = "") -> str:
        """The template *name* filled with *letter*; *link* is where people find the status page, if they can."""
        words = _words(letter, link)
        if name not in self._own:
            return _built_in().get_template(name).render(words)
        broken = self._broken(name, words)
        if isinstance(broken, str):
            return broken
        log.error("template_broken", file=broken.file, line=broken.line, trouble=broken.what, key=letter.notice.key)
        return _built_in().get_template(name).render({**words, "trouble": f"{Path(broken.file).name}: {broken.what}"})

    def broken(self, letters: tuple[Letter, ...]) -> Iterator[Broken]:
        """What is wrong with each of the operator's templates, as far as *letters* show it: the first of each."""
        for name in self._own:
            if name in NAMES:
                found = (self._broken(name, _words(letter, "https://status.example")) for letter in letters)
                yield from [each for each in found if isinstance(each, Broken)][:1]

    def _broken(self, name: str, words: Mapping[str, Any]) -> str | Broken:
        """The template *name* filled, or why it cannot be."""
        path, _ = self._own[name]
        try:
            text = self._environment.get_template(name).render(words)
        except TemplateSyntaxError as error:
            return Broken(error.filename or path, error.lineno, error.message or "cannot be read")
        except Exception as error:  # noqa: BLE001  # whatever it trips over, the page goes out
            return Broken(*self._place_of(error, path), f"{type(error).__name__}: {error}")
        return text if text.strip() else Broken(path, 1, "gives an empty page")

    def _place_of(self, error: Exception, path: str) -> tuple[str, int]:
        """The file and line that *error* came from, be it in a part that *path* includes: Jinja traces them."""
        own = {file for file, _ in self._own.values()}
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in own]
        return (frames[-1].filename, frames[-1].lineno or 1) if frames else (path, 1)


def read_templates(folder: str) -> Templates:
    """The built-in templates with those in *folder* before them. Raise OSError, or ValueError for what is no text."""
    if not folder:
        return Templates()
    files = sorted(path for path in Path(folder).iterdir() if path.suffix in (".txt", ".html"))
    return Templates({path: path.read_text(encoding="utf-8") for path in files})


def _words(letter: Letter, link: str) -> dict[str, Any]:
    incident = letter.notice.incident
    return {
        "headline": headline(letter),
        "lines": tuple(lines_of(letter)),
        "incident": incident,
        "change": letter.notice.change.value,
        "resolved": incident.resolved_at is not None,
        "link": f"{link.rstrip('/')}/#incident-{incident.id}" if link else "",
        "trouble": "",
    }


def _made(loader: BaseLoader) -> Environment:
    return ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _built_in() -> Environment:
    return _made(PackageLoader("migrawatch.tell"))
