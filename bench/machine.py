"""The machine that something was measured on."""

import os
import platform
import sys
from pathlib import Path


def machine() -> dict[str, str]:
    """What it ran on."""
    return {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "kernel": platform.release(),
        "python": sys.version.split()[0],
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def processor() -> str:
    """Its processor's model; its kind where nobody tells."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), platform.machine())
