"""Where something listens, as people write it."""


def place_of(address: str, port: int, name: str = "") -> str:
    """`address:port`, an IPv6 address in brackets; with a *name* that is another, `name at address:port`."""
    place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    return f"{name} at {place}" if name and name != address else place
