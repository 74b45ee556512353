"""Text or bytes in, value out; no I/O."""
