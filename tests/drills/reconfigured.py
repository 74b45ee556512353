"""The daemon of a drill with another main file for a while: it reloads, and reloads again afterwards."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.drills.daemon import Daemon


@contextmanager
def reconfigured(daemon: Daemon, **sections: Any) -> Iterator[None]:
    """Have *sections* of the main file stand instead of its own inside the block."""
    config = daemon.outfit.config
    before = config.read_text()
    config.write_text(json.dumps({**json.loads(before), **sections}))
    try:
        _reload(daemon)
        yield
    finally:
        config.write_text(before)
        _reload(daemon)


def _reload(daemon: Daemon) -> None:
    said = daemon.outfit.lab.run("curl", "-s", "-m", "20", "-X", "POST", "http://127.0.0.1:12271/-/reload")
    if said != "reloaded\n":
        raise AssertionError(f"the configuration is not used: {said}")
