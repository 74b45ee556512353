"""The gates of a lab's hosts: what the configuration that the drills use asks of each."""

from migrawatch.cli.permits import gate_of
from migrawatch.config import load
from migrawatch.decide.gate import Gate
from tests.drills.outfit import laid_out
from tests.lab.lab import Lab


def gates_of(lab: Lab) -> dict[str, Gate]:
    """Each host's gate, by its name; the resolver, which is not in the map, has none."""
    public_key = lab.key.with_suffix(".pub").read_text().strip()
    with laid_out(lab, 0) as outfit:
        settings = load(outfit.config, outfit.environ)
    return {name: gate_of(settings, name, public_key) for name in lab.machines if name in settings.hosts}
