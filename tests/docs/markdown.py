"""The pages for people, taken apart: sections, code, commands, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "tests/lab/README.md")

_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"(?:\w+\s{2,}|\S*/)?migrawatch (.+)")
"""A command of ours as it is typed, in front of it perhaps the label of a page's line or the folder it lies in."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading and the lines below it, up to the next heading of any depth."""

    depth: int
    title: str
    lines: tuple[str, ...]

    @property
    def code(self) -> tuple[str, ...]:
        """The lines of code, without their indentation and their fences."""
        return tuple(line for line, is_code in _sorted_out(self.lines) if is_code)

    @property
    def prose(self) -> str:
        """All that is not code."""
        return "\n".join(line for line, is_code in _sorted_out(self.lines) if not is_code)

    @property
    def spans(self) -> tuple[str, ...]:
        """The pieces of code within the prose."""
        return tuple(_SPAN.findall(self.prose))

    @property
    def links(self) -> tuple[str, ...]:
        """Where its links lead."""
        return tuple(_LINK.findall(_SPAN.sub("", self.prose)))

    @property
    def commands(self) -> tuple[str, ...]:
        """The arguments of every command of ours, as they are typed."""
        found = (_COMMAND.fullmatch(line) for line in (*self.code, *self.spans))
        return tuple(match[1] for match in found if match is not None)

    @property
    def anchor(self) -> str:
        """The name under which a link finds the heading, as GitHub makes it."""
        return re.sub(r"[^\w\- ]", "", self.title.lower()).replace(" ", "-")


def sections(page: Path) -> tuple[Section, ...]:
    """The sections of *page* in their order; what stands before the first heading belongs to none."""
    found: list[tuple[int, str, list[str]]] = []
    for line, is_code in _sorted_out(page.read_text().splitlines(), keep=True):
        heading = None if is_code else re.fullmatch(r"(#+) (.+)", line)
        if heading is not None:
            found.append((len(heading[1]), heading[2], []))
        elif found:
            found[-1][2].append(line)
    return tuple(Section(depth=depth, title=title, lines=tuple(lines)) for depth, title, lines in found)


def _sorted_out(lines: Iterator[str] | tuple[str, ...] | list[str], keep: bool = False) -> Iterator[tuple[str, bool]]:
    """Each line and whether it is code; with *keep* as it stands, fences included."""
    fenced = False
    for line in lines:
        if line.startswith("```"):
            fenced = not fenced
            if keep:
                yield line, True
        elif fenced or line.startswith("    "):
            yield line if keep else (line if fenced else line[4:]), True
        else:
            yield line, False
