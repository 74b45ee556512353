"""blackbox_exporter's configuration, read as it is: a module and a target become a check of an ordinary kind.

Only who serves /probe pays for importing what reads it.
"""
