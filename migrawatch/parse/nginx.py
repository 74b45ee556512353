"""nginx's configuration: from the text of `nginx -T` to a tree of directives, includes put where they are read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import translate
from functools import lru_cache
from pathlib import PurePosixPath

from migrawatch.parse.nginx_syntax import MOST_NESTED, Directive, parse_config


@dataclass(frozen=True, kw_only=True, slots=True)
class Dump:
    """What `nginx -T` printed: the files it read (the main one first), and their directives under one root."""

    files: tuple[str, ...]
    root: Directive

    @property
    def prefix(self) -> str:
        """The directory that relative names in the configuration start from."""
        return str(PurePosixPath(self.files[0]).parent)

    @property
    def pid_file(self) -> str:
        """The file with the master's process id."""
        told = self.root.first("pid")
        return self.path(told.words[0]) if told is not None and told.words else "/run/nginx.pid"

    def path(self, name: str) -> str:
        """*name* as an absolute path."""
        return str(PurePosixPath(self.prefix) / name)


MOST_READ = 10_000_000
"""Characters of all files, each as often as it is included."""

_COST = 2000
"""Characters that an inclusion counts for besides: however short the file, it is looked for and read anew."""

_FILE = re.compile(r"^# configuration file (/.*):$", re.MULTILINE)


@lru_cache(maxsize=8)
def parse_dump(text: str) -> Dump:
    """Read `nginx -T`: every file under a line `# configuration file PATH:`.

    Raise ValueError, with file and line, for what nginx itself would not take. Equal texts are read once: several
    checks ask about one configuration.
    """
    marks = list(_FILE.finditer(text))
    if not marks:
        raise ValueError("nginx -T printed no configuration file")
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    texts = {mark[1]: text[mark.end() + 1 : end] for mark, end in zip(marks, ends, strict=True)}
    files = tuple(texts)
    read = _Reading(texts, str(PurePosixPath(files[0]).parent))
    return Dump(files=files, root=Directive(name="", block=tuple(read.file(files[0], 0))))


class _Reading:
    """Puts the directives of included files where they are included."""

    def __init__(self, texts: Mapping[str, str], prefix: str) -> None:
        self._texts = texts
        self._prefix = PurePosixPath(prefix)
        self._left = MOST_READ

    def file(self, path: str, depth: int) -> Iterator[Directive]:
        """The directives of one file, *depth* blocks and includes below the main one."""
        if depth > MOST_NESTED:
            raise ValueError(f"{path[:200]}: includes go in circles, or too deep")
        # Files that each include the next one twice are few, and double every time.
        self._left -= len(self._texts[path]) + _COST
        if self._left < 0:
            raise ValueError(f"{path[:200]}: more than {MOST_READ} characters are included")
        return self._joined(parse_config(self._texts[path], path), depth)

    def _joined(self, directives: tuple[Directive, ...], depth: int) -> Iterator[Directive]:
        for each in directives:
            if each.name == "include" and len(each.words) == 1:
                for path in self._matching(each.words[0]):
                    yield from self.file(path, depth + 1)
            elif each.block is None:
                yield each
            else:
                yield replace(each, block=tuple(self._joined(each.block, depth + 1)))

    def _matching(self, pattern: str) -> list[str]:
        """The files that an include names, in the order in which nginx reads them."""
        parts = (self._prefix / pattern).parts
        return sorted(path for path in self._texts if _is_match(PurePosixPath(path).parts, parts))


def _is_match(parts: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    """Whether a path matches a glob: a star stops at a slash, and leaves hidden names out."""
    return len(parts) == len(patterns) and all(
        part == pattern or (_glob(pattern).match(part) is not None and not (part[0] == "." and pattern[0] != "."))
        for part, pattern in zip(parts, patterns, strict=True)
    )


@lru_cache(maxsize=64)
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))
