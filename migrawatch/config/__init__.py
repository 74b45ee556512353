"""The configuration: YAML read, validated and resolved whole, or everything that is wrong with it, with its places."""

from migrawatch.config.load import load
from migrawatch.config.problem import ConfigError, Problem, near
from migrawatch.config.settings import Settings, flagged

__all__ = ["ConfigError", "Problem", "Settings", "flagged", "load", "near"]
