"""nginx's workers, by the output of `ps --ppid MASTER -o etimes=,args=`."""

_WORKER = "nginx: worker process"


def parse_workers(text: str) -> tuple[int, ...]:
    """The ages in whole seconds of the workers that take new requests.

    Those that are shutting down serve what they began under an older configuration, and take nothing new.
    """
    lines = (line.split(maxsplit=1) for line in text.splitlines())
    return tuple(
        int(words[0]) for words in lines if len(words) == 2 and words[0].isdecimal() and words[1].strip() == _WORKER
    )
