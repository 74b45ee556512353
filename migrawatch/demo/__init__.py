"""A miniature MigraTeck on loopback."""
