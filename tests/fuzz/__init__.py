"""Every parser of what comes from outside, fed with whatever makes it take another way (see targets.py)."""
