"""The SQLite file: opened, brought up to date, written in whole transactions. Blocking; it lives in one thread."""

import fcntl
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

import structlog

from migrawatch.store.aside import lying_aside, set_aside
from migrawatch.store.rows import COLUMNS, Prune, Put, Write

log = structlog.get_logger(__name__)

MIGRATIONS = (
    """
    CREATE TABLE streaks (check_name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE memory (check_name TEXT PRIMARY KEY, digest TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE incidents (id TEXT PRIMARY KEY, resolved_at TEXT, body TEXT NOT NULL);
    CREATE INDEX incidents_by_end ON incidents (resolved_at);
    CREATE TABLE deliveries (
        number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, receiver TEXT NOT NULL, incident TEXT NOT NULL,
        fate TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (key, receiver)
    );
    CREATE INDEX deliveries_by_incident ON deliveries (incident);
    CREATE INDEX deliveries_pending ON deliveries (number) WHERE fate = 'pending';
    """,
    "CREATE TABLE watches (watch TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;",
    "CREATE TABLE windows (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;",
    "CREATE TABLE facts (check_name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;",
)
"""Each brings `PRAGMA user_version` one further; a released one is never edited."""

BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
"""The file itself is damaged: writing on will not help."""


REFUSED = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
"""The disk does not take it now, and may later."""


class StoreInUse(Exception):
    """Another migrawatch runs on the same file."""


class Database:
    """One open file. Every method blocks and belongs into the store's own thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = _locked(path)
        self._open: sqlite3.Connection | None = None
        self.aside: tuple[str, ...] = ()
        """The damaged files that lie beside this one, as far as it was looked."""
        try:
            self._open = self._opened()
        except sqlite3.OperationalError as error:
            # A full disk cannot even be opened for writing. Whoever watches must start all the same.
            if error.sqlite_errorcode & 0xFF not in REFUSED:
                os.close(self._lock)
                raise
            log.error("state_not_opened", path=str(path), error=str(error))
        self.look_aside()

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            self._open = self._opened()
        return self._open

    def live_rows(self) -> list[Put]:
        """The rows that a start needs, those of each table in the order in which they were first written."""
        try:
            return self._live_rows()
        except sqlite3.Error as error:
            if self._open is not None:
                raise
            log.error("state_not_read", path=str(self.path), error=str(error))
            return []

    def _live_rows(self) -> list[Put]:
        wheres = {"incidents": "WHERE resolved_at IS NULL", "deliveries": "WHERE fate = 'pending' ORDER BY number"}
        with closing(reading(self.path)) as connection:
            return [
                Put(table, row)
                for table, names in COLUMNS.items()
                for row in connection.execute(f"SELECT {', '.join(names)} FROM {table} {wheres.get(table, '')}")
            ]

    def write(self, writes: Iterable[Write]) -> None:
        """Write all of *writes* in one transaction, or nothing. Raise sqlite3.Error."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for write in writes:
                for statement in write.statements if isinstance(write, Prune) else (write.statement,):
                    self._connection.execute(*statement)
            self._connection.execute("COMMIT")
        except BaseException:
            # A full disk may have rolled it back already.
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def start_over(self, error: sqlite3.Error) -> None:
        """Set the damaged file aside and go on with an empty one."""
        self._shut()
        self._set_aside(error)
        self._open = _connect(self.path)

    def look_aside(self) -> None:
        """Find out which damaged files lie there now. What a sick disk does not tell stays as it was known."""
        try:
            self.aside = lying_aside(self.path)
        except OSError as error:
            log.error("set_aside_not_read", path=str(self.path), error=str(error))

    def close(self) -> None:
        """Close the file; the write-ahead log is merged into it."""
        self._shut()
        os.close(self._lock)

    def _shut(self) -> None:
        if self._open is not None:
            with suppress(sqlite3.Error):
                self._open.close()
        self._open = None

    def _opened(self) -> sqlite3.Connection:
        try:
            return _connect(self.path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and not is_broken(error):
                raise
            self._set_aside(error)
            return _connect(self.path)

    def _set_aside(self, error: sqlite3.Error) -> None:
        set_aside(self.path, str(error))
        self.look_aside()


def reading(path: Path) -> sqlite3.Connection:
    """A connection that only reads; a daemon may write to the file meanwhile. Raise sqlite3.Error."""
    place = path.absolute().as_uri()
    connection = sqlite3.connect(f"{place}?mode=ro", uri=True, timeout=2.0)
    try:
        connection.execute("SELECT 1 FROM incidents LIMIT 1")
    except sqlite3.OperationalError:
        connection.close()
        if path.with_name(path.name + "-wal").exists():
            raise
        # Without a daemon there is no shared memory file, and a reader that may not write cannot make one.
        # Nobody writes now, so the file may be read as it lies.
        return sqlite3.connect(f"{place}?immutable=1", uri=True)
    return connection


def is_broken(error: sqlite3.Error) -> bool:
    """Whether *error* says that the file is damaged (the extended codes share their low byte)."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in BROKEN


def _locked(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise StoreInUse(f"{path} is in use by another migrawatch") from error
    return lock


def _connect(path: Path) -> sqlite3.Connection:
    # Evidence is for those on call: nobody else reads the file, nor the log files that SQLite makes like it.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        # A log that once grew (a reader held it up) does not keep its size.
        connection.execute("PRAGMA journal_size_limit = 4194304")
        _check(connection)
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(f"damaged: {found}")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise sqlite3.DatabaseError(
            f"written by a newer migrawatch: version {version}, this one knows {len(MIGRATIONS)}"
        )


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")
