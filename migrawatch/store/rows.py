"""Between stored values and rows: which row a value becomes, and which value a row was."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import structlog

from migrawatch.decide.incident import Incident
from migrawatch.decide.knowledge import Knowledge
from migrawatch.decide.maintenance import Window
from migrawatch.decide.streak import Streak
from migrawatch.decide.watch import Position
from migrawatch.store.codec import Malformed, dumps, loads
from migrawatch.store.state import Fate, Pending, Remembered, Saved, Transaction

log = structlog.get_logger(__name__)

T = TypeVar("T")

KEEP = timedelta(days=90)
"""How long a resolved incident and its notices stay in the history."""

COLUMNS = {
    "streaks": ("check_name", "body"),
    "incidents": ("id", "resolved_at", "body"),
    "deliveries": ("key", "receiver", "incident", "fate", "body"),
    "memory": ("check_name", "digest", "body"),
    "watches": ("watch", "body"),
    "windows": ("name", "body"),
    "facts": ("check_name", "body"),
}
IDENTITY = {"streaks": 1, "incidents": 1, "deliveries": 2, "memory": 1, "watches": 1, "windows": 1, "facts": 1}
"""How many of a table's columns, from the left, name the row."""


@dataclass(frozen=True, slots=True)
class Put:
    """A whole row that is written; with *once* an existing one stays as it is. Writing it again changes nothing."""

    table: str
    columns: tuple[str | None, ...]
    once: bool = False

    @property
    def row(self) -> tuple[str | None, ...]:
        """What names the row: its table and the identifying columns."""
        return (self.table, *self.columns[: IDENTITY[self.table]])

    @property
    def statement(self) -> tuple[str, tuple[str | None, ...]]:
        """The SQL that writes it."""
        names, marks = COLUMNS[self.table], ", ".join("?" * len(self.columns))
        named, rest = names[: IDENTITY[self.table]], names[IDENTITY[self.table] :]
        update = ", ".join(f"{name} = excluded.{name}" for name in rest)
        conflict = "NOTHING" if self.once else f"UPDATE SET {update}"
        return (
            f"INSERT INTO {self.table} ({', '.join(names)}) VALUES ({marks}) "
            f"ON CONFLICT ({', '.join(named)}) DO {conflict}"
        ), self.columns


@dataclass(frozen=True, slots=True)
class Drop:
    """A row that goes."""

    table: str
    name: str

    @property
    def row(self) -> tuple[str | None, ...]:
        """What names the row."""
        return (self.table, self.name)

    @property
    def statement(self) -> tuple[str, tuple[str | None, ...]]:
        """The SQL that removes it."""
        return f"DELETE FROM {self.table} WHERE {COLUMNS[self.table][0]} = ?", (self.name,)


@dataclass(frozen=True, slots=True)
class Prune:
    """The end of the history: incidents resolved before *before*, and their notices, go."""

    before: str

    @property
    def statements(self) -> tuple[tuple[str, tuple[str | None, ...]], ...]:
        """The SQL that removes them."""
        old = "SELECT id FROM incidents WHERE resolved_at < ?"
        return (
            (f"DELETE FROM deliveries WHERE fate <> 'pending' AND incident IN ({old})", (self.before,)),
            ("DELETE FROM incidents WHERE resolved_at < ?", (self.before,)),
        )


Write = Put | Drop | Prune


def writes_of(transaction: Transaction) -> Iterator[Write]:
    """The rows that *transaction* changes. Removals come first, so that a renamed check may take a name over."""
    for check in transaction.removed:
        yield from (Drop("streaks", check), Drop("memory", check), Drop("facts", check))
    for check, streak in transaction.streaks.items():
        yield Put("streaks", (check, dumps(Streak, streak)))
    for check, known in transaction.facts.items():
        yield Put("facts", (check, dumps(Knowledge, known)))
    for check, kept in transaction.memory.items():
        yield Put("memory", (check, kept.digest, kept.text))
    for watch, position in transaction.positions.items():
        yield Drop("watches", watch) if position is None else Put("watches", (watch, dumps(Position, position)))
    for name, window in transaction.windows.items():
        yield Drop("windows", name) if window is None else Put("windows", (name, dumps(Window, window)))
    for incident in transaction.incidents:
        yield Put("incidents", (incident.id, _date(incident.resolved_at), dumps(Incident, incident)))
    for delivery in transaction.deliveries:
        yield _row_of(Pending(delivery=delivery, next_at=delivery.notice.at), once=True)
    for pending in transaction.posted:
        yield _row_of(pending)
    resolved = [incident.resolved_at for incident in transaction.incidents if incident.resolved_at]
    if resolved:
        yield Prune((max(resolved) - KEEP).astimezone(UTC).isoformat())


def _row_of(pending: Pending, once: bool = False) -> Put:
    body = dumps(Pending, pending)
    return Put("deliveries", (pending.key, pending.delivery.receiver, pending.incident, pending.fate, body), once)


def _date(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def is_live(put: Put) -> bool:
    """Whether a start needs the row: not the history of what is over."""
    match put.table:
        case "incidents":
            return put.columns[1] is None
        case "deliveries":
            return put.columns[3] == Fate.PENDING
        case _:
            return True


def saved_of(rows: Iterable[Put]) -> Saved:
    """The values of live *rows*. One that does not read is passed over, loudly: it must not keep us from starting."""
    tables: dict[str, list[Put]] = {table: [] for table in COLUMNS}
    for put in rows:
        tables[put.table].append(put)
    streaks = ((put, _read(Streak, put)) for put in tables["streaks"])
    facts = ((put, _read(Knowledge, put)) for put in tables["facts"])
    positions = ((put, _read(Position, put)) for put in tables["watches"])
    return Saved(
        streaks={str(put.columns[0]): streak for put, streak in streaks if streak is not None},
        facts={str(put.columns[0]): known for put, known in facts if known is not None},
        incidents=tuple(_read_all(Incident, tables["incidents"])),
        outbox=tuple(_read_all(Pending, tables["deliveries"])),
        memory=_memory_of(tables["memory"]),
        positions={str(put.columns[0]): position for put, position in positions if position is not None},
        windows=tuple(_read_all(Window, tables["windows"])),
    )


def _memory_of(rows: list[Put]) -> Mapping[str, Remembered]:
    return {str(p.columns[0]): Remembered(digest=str(p.columns[1]), text=str(p.columns[2])) for p in rows}


def _read_all(kind: type[T], rows: list[Put]) -> Iterator[T]:
    read: Callable[[Put], T | None] = lambda put: _read(kind, put)  # noqa: E731
    return (value for value in map(read, rows) if value is not None)


def _read(kind: Any, put: Put) -> Any:
    try:
        return loads(kind, str(put.columns[-1]))
    except Malformed as error:
        log.error("row_unreadable", table=put.table, row=put.columns[0], error=str(error))
        return None
