"""What must survive: streaks, incidents, notices on their way, and what checks remember, in one SQLite file."""

from migrawatch.store.codec import digest_of
from migrawatch.store.database import StoreInUse
from migrawatch.store.history import read_incidents, read_memory
from migrawatch.store.state import Fate, Pending, Remembered, Saved, Transaction
from migrawatch.store.store import Store

__all__ = [
    "Fate", "Pending", "Remembered", "Saved", "Store", "StoreInUse", "Transaction", "digest_of", "read_incidents",
    "read_memory",
]  # fmt: skip
