"""A fault met by one look: `migrawatch probe --all` in the lab."""

import json
import subprocess
from typing import Any

from tests.drills.outfit import Outfit


def probe_all(outfit: Outfit, *names: str) -> dict[str, Any]:
    """The JSON report over every check (or *names*), as a shell on migraguard-quantum would get it."""
    asked = names or ("--all",)
    done = subprocess.run(
        outfit.argv("probe", *asked, "--format", "json"),
        env=outfit.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if not done.stdout.startswith("{"):
        raise AssertionError(f"migrawatch probe ended with {done.returncode}: {done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report
