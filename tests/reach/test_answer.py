"""Whatever a server sends is read, or refused as no DNS: nothing in it is a bug of ours."""

import random
import struct

import dns.message
import dns.rrset

from migrawatch.decide.zone import Since
from migrawatch.reach.answer import read_answer
from migrawatch.reach.query import NoAnswer, ask_by_stream
from migrawatch.reach.question import make_question
from migrawatch.reach.wire import Wire
from migrawatch.store.codec import dumps, loads

RECORDS = (
    ("TXT", '"a" "b"'),
    ("MX", "10 mail.example.org."),
    ("SOA", "a. b. 1 2 3 4 5"),
    ("CAA", '0 issue "ca.example"'),
    ("SVCB", "1 . alpn=h2"),
    ("DNSKEY", f"257 3 13 {'ab' * 40}"),
    ("RRSIG", "TXT 13 2 300 20261201000000 20261101000000 1 example.org. abcd"),
)


class Played:
    """A stream that gives what it was made with, and ends."""

    peer = "a recording"

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def receive(self, limit: int) -> bytes:
        taken, self._content = self._content[:limit], self._content[limit:]
        return taken

    async def send(self, content: bytes) -> None:
        pass

    def close(self) -> None:
        pass


async def test_an_answer_with_any_bytes_changed_is_read_or_refused() -> None:
    question = make_question("example.org", "TXT", recursion=False, dnssec=True)
    answer = dns.message.make_response(dns.message.from_wire(question.content))
    answer.answer = [dns.rrset.from_text("example.org.", 300, "IN", *record) for record in RECORDS]
    whole, chance, read, refused = answer.to_wire(), random.Random(7), 0, 0

    for _ in range(600):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 5)):
            content[chance.randrange(4, len(content))] = chance.randrange(256)
        try:
            stream = Wire(Played(struct.pack("!H", len(content)) + content))
            message = await ask_by_stream(question, stream)
        except NoAnswer:
            refused += 1
            continue
        told = read_answer(question, message, server="192.0.2.53:53", over="tcp")
        assert all(line.isprintable() for line in (told.owner, *told.values))
        read += 1

    assert read > 50
    assert refused > 50


def test_what_a_zone_check_remembers_survives_a_restart() -> None:
    since = Since((("drift ns2.example.org (192.0.2.54)", 1795316645.5),))

    assert loads(Since, dumps(Since, since)) == since
