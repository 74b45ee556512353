"""Lengths of time for people."""

from datetime import timedelta


def span(length: timedelta) -> str:
    """A length of time in its two largest units: `4 s`, `37 min`, `2 h 5 min`, `3 d 4 h`."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 100:
        return f"{seconds} s"
    minutes, hours, days = round(seconds / 60), seconds // 3600, seconds // 86400
    if minutes < 100:
        return f"{minutes} min"
    if days < 2:
        return f"{hours} h {seconds % 3600 // 60} min"
    return f"{days} d {seconds % 86400 // 3600} h"
