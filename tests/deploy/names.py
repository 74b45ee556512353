"""A name server on the lab's bridge that knows one address for every name."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset

from tests.lab.lab import Lab


@contextmanager
def naming(lab: Lab, server: str, address: str) -> Iterator[None]:
    """Inside the block *server* answers on port 53: every name has the IPv4 address *address*, and no other."""
    with lab.entered():
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        wire.bind((server, 53))
    thread = threading.Thread(target=_answer, args=(wire, address), daemon=True)
    thread.start()
    try:
        yield
    finally:
        # A datagram wakes the thread, which finds that it is empty.
        with lab.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waking:
            waking.sendto(b"", (server, 53))
        thread.join()
        wire.close()


def _answer(wire: socket.socket, address: str) -> None:
    while True:
        asked, who = wire.recvfrom(4096)
        if not asked:
            return
        query = dns.message.from_wire(asked)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        question = query.question[0]
        if question.rdtype == dns.rdatatype.A:
            answer.answer.append(dns.rrset.from_text(question.name, 1, "IN", "A", address))
        with suppress(OSError):
            wire.sendto(answer.to_wire(), who)
