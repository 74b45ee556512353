"""One look in a network namespace of its own, whose kernel has the addresses and rules that a test gives it."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SCRIPT = """
ip link set lo up
{setup}
exec {user} {python} -m migrawatch probe --format json -c {config} example
"""


def seen_in_own_network(setup: str, check: str, *, address: str, user: str = "") -> dict[str, Any]:
    """What `migrawatch probe` says, as JSON, of the check `example`, set as *check* on a host at *address*.

    *setup* is shell, run as root in the namespace, where only loopback is up; *user* is the command that drops rights.
    """
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)  # the user must read it
        config = Path(made) / "example.yaml"
        config.write_text(f"hosts: {{a: {{address: {address}}}}}\nchecks:\n  example: {{{check}, host: a}}\n")
        script = SCRIPT.format(setup=setup, user=user, python=sys.executable, config=config)
        asked = subprocess.run(
            ["unshare", "--net", "sh", "-euc", script],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    assert asked.stdout, asked.stderr
    [seen] = [each for each in json.loads(asked.stdout)["observations"] if each["check"] == "example"]
    return dict(seen)
