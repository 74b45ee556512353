"""How fast something fills up, by how much of it was used at earlier looks, and when it will be full."""

from collections.abc import Sequence
from dataclasses import dataclass

from migrawatch.model import Bytes, Seconds

FINE: Seconds = 300.0
HOUR: Seconds = 3600.0
"""Within the last hour a sample is kept every five minutes, before that one an hour."""

WINDOW: Seconds = 26 * HOUR
"""So far back samples are kept: a whole day, with the rotation of its logs and its nightly jobs."""

BRIEF: Seconds = 900.0
"""So long something must have been seen filling before that counts as a rate: a file that is unpacked is none."""

A_DAY: Seconds = 20 * HOUR
"""With less than this, what every day comes and goes would be taken for growth."""

Sample = tuple[float, Bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Filling:
    """What a check remembers: (unix time of a look, bytes used then), oldest first, of something of *size_bytes*."""

    size_bytes: Bytes = 0
    samples: tuple[Sample, ...] = ()

    def noted(self, at: float, used: Bytes, size: Bytes) -> "Filling":
        """With one look more, or just this if the last is young enough. What was resized or renewed starts anew."""
        if size != self.size_bytes or (self.samples and at < self.samples[-1][0]):
            return Filling(size_bytes=size, samples=((at, used),))
        if self.samples and at - self.samples[-1][0] < FINE:
            return self
        return Filling(size_bytes=size, samples=(*_thinned(self.samples, at), (at, used)))

    def lasts(self, free: Bytes) -> tuple[Seconds | None, Seconds | None]:
        """In how many seconds *free* is used up: at the rate of the last hour, and at that of the last day.

        None where it was not watched for long enough, or does not grow.
        """
        latest = self.samples[-1][0] if self.samples else 0.0
        recent = [sample for sample in self.samples if latest - sample[0] <= HOUR]
        # One an hour: the many of the last hour would outweigh the day, and a dump just being written be its growth.
        hourly = _spaced(self.samples)
        return _lasts(recent, BRIEF, free), _lasts(hourly, A_DAY, free)


def _thinned(samples: Sequence[Sample], now: float) -> list[Sample]:
    old = [sample for sample in samples if HOUR < now - sample[0] <= WINDOW]
    return _spaced(old) + [sample for sample in samples if now - sample[0] <= HOUR]


def _spaced(samples: Sequence[Sample]) -> list[Sample]:
    kept: list[Sample] = []
    for sample in samples:
        if not kept or sample[0] - kept[-1][0] >= HOUR:
            kept.append(sample)
    return kept


def _lasts(samples: Sequence[Sample], span: Seconds, free: Bytes) -> Seconds | None:
    if len(samples) < 3 or samples[-1][0] - samples[0][0] < span:
        return None
    rate = _slope(samples)
    return free / rate if rate > 0 else None


def _slope(samples: Sequence[Sample]) -> float:
    """Bytes a second, by least squares: one sample that stands out does not make it."""
    mean_at = sum(at for at, _ in samples) / len(samples)
    mean_used = sum(used for _, used in samples) / len(samples)
    spread = sum((at - mean_at) ** 2 for at, _ in samples)
    return sum((at - mean_at) * (used - mean_used) for at, used in samples) / spread
