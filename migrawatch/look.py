"""One run of a check with a hard deadline: whatever happens becomes one observation."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from time import perf_counter
from typing import Any, TypeAlias

import structlog

from migrawatch.check import Check
from migrawatch.model import Fault, Finding, Observation, Unsure, Verdict
from migrawatch.probe import Probe, Visit
from migrawatch.reach.vantage import Vantage
from migrawatch.reason import Reason

log = structlog.get_logger(__name__)

GRACE = 0.25
"""Seconds a cancelled probe is given to clean up (product.md, promise 2)."""


Adopt: TypeAlias = Callable[[asyncio.Task[None]], None]

_stragglers: set[asyncio.Task[None]] = set()
"""Those that nobody adopted: a loop holds its tasks only weakly."""


async def look(
    check: Check,
    vantage: Vantage,
    *,
    at: datetime | None = None,
    last: Any = None,
    kept: dict[str, Any] | None = None,
    remember: Callable[[Any], None] | None = None,
    adopt: Adopt | None = None,
) -> Observation:
    """Look at *check* from *vantage* once; never raise but CancelledError.

    *at* is when it begins, now unless given. *last* is what the previous look remembered, *remember* takes what this
    one does, *kept* holds live resources, *adopt* takes a straggler: a task that did not end within the grace after the
    deadline.
    """
    began = perf_counter()
    visit = Visit(check.subject, vantage, at or datetime.now(UTC), last, kept)
    task = asyncio.get_running_loop().create_task(_observe(check.probe, visit))
    try:
        if await _ends_within(task, check.timeout):
            ended_by = _ended_by(task, visit)
        else:
            await _end(task, visit, adopt)
            ended_by = _overrun(task, visit, check.timeout)
    except asyncio.CancelledError:
        await _end(task, visit, adopt)
        raise
    if (phases := check.probe.phase_measure) is not None:
        visit.note_phases(phases, check.probe.steps_as)
    seen = visit.observation(perf_counter() - began, ended_by)
    if remember is not None and visit.remembered is not None:
        remember(visit.remembered)
    return seen


async def _observe(probe: Probe, visit: Visit) -> None:
    """Within the deadline, and within the grace after it, so that closing cannot outlast them either."""
    try:
        await probe.observe(visit)
    finally:
        if visit.is_to_close:
            await visit.leave()


async def _ends_within(task: asyncio.Task[None], seconds: float) -> bool:
    """Whether *task* ended before *seconds* had passed, by one future and one timer: asyncio.wait costs four times."""
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()
    release = partial(_release, waiter)
    timer = loop.call_later(seconds, release)
    task.add_done_callback(release)
    try:
        await waiter
    finally:
        timer.cancel()
        task.remove_done_callback(release)
    return task.done()


def _release(waiter: asyncio.Future[None], _: object = None) -> None:
    if not waiter.done():
        waiter.set_result(None)


async def _end(task: asyncio.Task[None], visit: Visit, adopt: Adopt | None) -> None:
    """Break *task* off, cancel it, and give it the grace; one that does not end is somebody else's from then on."""
    for error in visit.broken_off():
        log.error("break_off_failed", check=visit.subject.check, exc_info=error)
    task.cancel()
    if await _ends_within(task, GRACE):
        task.cancelled() or task.exception()  # retrieved: the deadline is the finding
    elif adopt is not None:
        adopt(task)
    else:
        _stragglers.add(task)
        task.add_done_callback(_stragglers.discard)


def _overrun(task: asyncio.Task[None], visit: Visit, timeout: float) -> Finding:
    # A vantage that is cancelled while it does not answer itself says Lost: the silence is not the target's.
    error = task.exception() if task.done() and not task.cancelled() else None
    if isinstance(error, Unsure):
        return error.finding
    step = visit.innermost
    if step is None:
        return Finding(Verdict.DOWN, Reason.COMMAND_TIMEOUT, f"did not end within {timeout:g} s")
    return Finding(Verdict.DOWN, step.late, f"{step.name}: not done within {timeout:g} s")


def _ended_by(task: asyncio.Task[None], visit: Visit) -> Finding | None:
    error = asyncio.CancelledError("by something within") if task.cancelled() else task.exception()
    return None if error is None else reason_of(error, visit)


def reason_of(error: BaseException, visit: Visit) -> Finding:
    """The finding that *error* means; an exception that is not the service's fault is a bug, and unknown."""
    step = visit.innermost
    where = f"{step.name}: " if step else ""
    match error:
        case Fault():
            return error.finding
        case EOFError():
            return Finding(Verdict.DOWN, step.closed if step else Reason.CONNECT_RESET, f"{where}closed by the peer")
        case ConnectionResetError() | BrokenPipeError():
            return Finding(Verdict.DOWN, step.closed if step else Reason.CONNECT_RESET, f"{where}reset by the peer")
        case _:
            log.error("look_failed", check=visit.subject.check, exc_info=error)
            return Finding(Verdict.UNKNOWN, Reason.BUG, f"{where}{type(error).__name__}: {error}")
