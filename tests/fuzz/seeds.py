"""What a target begins with: its samples, some damaged already, and the words that they are made of."""

import re
from pathlib import Path

from tests.fuzz.targets import SECOND_SAMPLES, TARGETS

ODD = (
    b"\x00", b"\xff\xfe", b"\x1b[2J", b"\r\n", b"\n", b'"', b"'", b"\\", b"{", b"}", b"%", b"=", b";", b"\xed\xa0\x80",
    b"-1", b"1e999", b"NaN", b"Infinity", b"99999999999999999", b"{99999999999}\r\n", b"<!DOCTYPE", b"\\ud800",
    b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-14:00",
)  # fmt: skip
"""Words that mean something to some parser or other."""

DEEP = (b"[" * 3000, b"(" * 3000, b'{"a":' * 1000, b"<a>" * 1000)
"""What is nested deeper than anybody's stack."""

_WORD = re.compile(rb"[A-Za-z0-9_.:/-]{2,40}|[^A-Za-z0-9\s]{1,8}")
_MOST_WORDS = 120


def seeds_of(name: str) -> tuple[bytes, ...]:
    """The inputs that the target *name* begins with."""
    sample = TARGETS[name].sample_bytes
    numbers = [found.span() for found in re.finditer(rb"[0-9]+", sample)][:20]
    huge = tuple(sample[:begin] + b"9" * 5000 + sample[end:] for begin, end in numbers)
    return (sample, sample * 2, *SECOND_SAMPLES.get(name, ()), *huge, *DEEP)


def words_of(name: str) -> tuple[bytes, ...]:
    """The words that inputs of the target *name* are made of."""
    found = b"\n".join((TARGETS[name].sample_bytes, *SECOND_SAMPLES.get(name, ())))
    return tuple(dict.fromkeys((*_WORD.findall(found)[:_MOST_WORDS], *ODD)))


def write_seeds(name: str, folder: Path) -> tuple[Path, Path]:
    """The corpus and the dictionary of the target *name* as libFuzzer reads them, below *folder*."""
    corpus, words = folder / "corpus", folder / "words"
    corpus.mkdir()
    for number, seed in enumerate(seeds_of(name)):
        (corpus / f"{number:03}").write_bytes(seed)
    quoted = ("".join(f"\\x{byte:02x}" for byte in word) for word in words_of(name))
    words.write_text("".join(f'"{word}"\n' for word in quoted))
    return corpus, words
