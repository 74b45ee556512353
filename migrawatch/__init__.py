"""migrawatch: finds the thing that broke and pages once, with cause, evidence and the next command."""

__version__ = "0.1.0"
