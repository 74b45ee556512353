"""The kinds of probe: one file each, the file name is the kind."""
