"""Dialogues over a wire: HTTP and the client of others."""
