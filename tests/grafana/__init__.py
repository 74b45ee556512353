"""Tests of the dashboards: their shape, and what a real Prometheus answers to everything they ask."""
