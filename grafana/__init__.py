"""Dashboards for Grafana, made of a few words: what is asked, and how it is shown."""
