"""How bytes travel: vantages, wires, TLS, names."""
