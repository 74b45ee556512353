"""`python -m tests.fuzz.one NAME [libFuzzer's options] [files and folders]`: one target in this process.

With a file that crashed it, it crashes again. It needs atheris: `make fuzz` has it in .fuzz/.
"""

import sys

import atheris

# What takes what was sent apart, ours and others': a way through it that is new is worth going on from.
with atheris.instrument_imports(
    include=[
        "migrawatch.parse",
        "migrawatch.reach",
        "migrawatch.talk",
        "migrawatch.show",
        "migrawatch.tell",
        "dns",
        "h2",
    ],
):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Feed one target until the runs are done, or something came of it that must not."""
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target.take_bytes)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
