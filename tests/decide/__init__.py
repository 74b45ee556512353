"""Tests of the pure decisions: schedule, streak, blame, incident."""
