"""The daemon: grid, inquiry, shutdown."""
