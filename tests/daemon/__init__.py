"""Tests of the running daemon."""
