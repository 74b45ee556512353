"""MigraTeck in a network namespace: the map's hosts as containers, and faults injected into them for real."""
