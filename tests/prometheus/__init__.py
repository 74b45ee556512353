"""Tests of what is shipped for Prometheus and Alertmanager, by their own tools."""
