"""What is wrong with a configuration, and where: problems are gathered and told all at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NamedTuple


class Place(NamedTuple):
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is wrong: where, at which path (`checks.login-page.every`), what, and what was likely meant."""

    place: Place
    path: str
    what: str
    meant: str = ""

    def __str__(self) -> str:
        where = f"{self.place}: {self.path}: " if self.path else f"{self.place}: "
        return where + self.what + (f"; did you mean {self.meant!r}?" if self.meant else "")


class ConfigError(Exception):
    """The configuration cannot be used. *problems* are all that is wrong with it, in the order of the files."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass
class Report:
    """Gathers problems and warnings while a configuration is read; the same words at the same place are told once."""

    problems: dict[tuple[Place, str], Problem] = field(default_factory=dict)
    warnings: dict[tuple[Place, str], Problem] = field(default_factory=dict)

    def wrong(self, place: Place, path: str, what: str, meant: str = "") -> None:
        """Note an error."""
        self.note(Problem(place=place, path=path, what=what, meant=meant))

    def note(self, problem: Problem) -> None:
        """Note an error that was found elsewhere."""
        self.problems.setdefault((problem.place, problem.what), problem)

    def warn(self, place: Place, path: str, what: str) -> None:
        """Note something that does not stop the configuration from being used."""
        self.warnings.setdefault((place, what), Problem(place=place, path=path, what=what))

    def raise_if_wrong(self, files: Iterable[str]) -> None:
        """Raise ConfigError with all that is wrong, in the order of *files* and their lines."""
        if self.problems:
            raise ConfigError(in_order(self.problems.values(), files))


def in_order(problems: Iterable[Problem], files: Iterable[str]) -> tuple[Problem, ...]:
    """*problems* by file and line; those in other files than *files* stand at the end."""
    order = {file: number for number, file in enumerate(files)}

    def key(problem: Problem) -> tuple[int, Place]:
        return order.get(problem.place.file, len(order)), problem.place

    return tuple(sorted(problems, key=key))


def near(word: str, known: Iterable[str]) -> str:
    """The known word that *word* was likely meant to be; empty if none is near."""
    candidates = list(known)
    folded = {candidate.lower().replace("-", "_"): candidate for candidate in candidates}
    if (same := folded.get(word.lower().replace("-", "_"))) is not None:
        return same
    return next(iter(get_close_matches(word, candidates, n=1, cutoff=0.6)), "")
