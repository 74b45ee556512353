"""Real servers on 127.0.0.1 for tests, and peers for the faults that no real server can be asked for."""
