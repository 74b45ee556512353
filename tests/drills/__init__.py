"""Drills: faults of the lab, met by migrawatch itself; what it says is held against the truth table."""
