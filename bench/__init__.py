"""Probes per CPU second: migrawatch's whole look against Debian's blackbox_exporter, on the same targets."""
