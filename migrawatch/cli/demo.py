"""`migrawatch demo`: a miniature MigraTeck on loopback that breaks and recovers."""

import asyncio
import re
from subprocess import CalledProcessError

import click

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(s|m)?")


def _seconds(ctx: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    match = _LENGTH.fullmatch(value)
    if match is None:
        raise click.BadParameter(f"wanted a length such as 60s or 2m, got {value!r}")
    return float(match[1]) * (60 if match[2] == "m" else 1)


@click.command()
@click.option("--for", "length", callback=_seconds, help="End by itself after this long, such as 60s.")
def demo(length: float | None) -> int:
    """Start a small MigraTeck on loopback and watch it: all green, the backend dies, the page comes, it recovers."""
    from migrawatch.demo.story import tell

    try:
        return asyncio.run(tell(length))
    except asyncio.CancelledError:
        return 130
    except OSError as error:
        # A taken port is the usual reason, and its message names the address; a file's must be put before it.
        why = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
        raise click.ClickException(f"the demo cannot run: {why}") from error
    except CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip()
        raise click.ClickException(f"the demo's PostgreSQL cannot be made: {error.cmd}: {said}") from error
