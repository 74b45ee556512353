"""What a server started, read from /proc; a process that ends meanwhile has no name and no children."""

from pathlib import Path


def descendants(pid: int) -> list[int]:
    """The processes that *pid* started, and theirs."""
    children = children_of(pid)
    return children + [below for child in children for below in descendants(child)]


def children_of(pid: int) -> list[int]:
    """The processes that *pid* started."""
    return [int(child) for child in _told(pid, f"task/{pid}/children").split()]


def name_of(pid: int) -> str:
    """What the kernel calls the process."""
    return _told(pid, "comm").strip()


def is_running(pid: int) -> bool:
    """Whether *pid* lives; a zombie that its new parent has not reaped yet does not."""
    return _told(pid, "stat").rpartition(")")[2].split()[:1] not in ([], ["Z"])


def _told(pid: int, file: str) -> str:
    try:
        return Path(f"/proc/{pid}/{file}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
