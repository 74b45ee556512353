"""How many random examples the invariants are held to: the same few each time, or as many new ones as are asked for.

`INVARIANTS_EXAMPLES=5000 pytest --timeout=0 tests/daemon/test_invariants.py tests/daemon/test_paging.py` looks for
histories that nobody has thought of. What it finds is kept in .hypothesis, and tried first from then on.
"""

import os

from hypothesis import HealthCheck, settings

_ASKED_FOR = int(os.environ.get("INVARIANTS_EXAMPLES", "0"))

MANY = settings(
    max_examples=_ASKED_FOR or 60,
    deadline=None,
    # Without being asked for nothing new is tried: a test that fails was broken by whoever sees it fail.
    derandomize=not _ASKED_FOR,
    suppress_health_check=list(HealthCheck),
)
