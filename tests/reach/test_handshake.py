"""Each broken handshake has its own reason, and what comes inside is never a bug."""

import asyncio
import ssl

import pytest

from migrawatch.model import Down
from migrawatch.reach.tls import Tls
from migrawatch.reason import Reason
from tests.reach.shaking import dialled, refusal, shake
from tests.servers.certificates import Authority
from tests.servers.peers import closing_peer, peer, replying_peer, resetting_peer
from tests.servers.tls import alerting_server, server_context, tls_server

# -- the handshake --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [b"220 mail.example ESMTP\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x01\x02"])
async def test_a_peer_that_speaks_something_else_is_quoted(said: bytes) -> None:
    async with replying_peer(said) as port:
        fault = await refusal(port)

    assert fault.reason is Reason.TLS_NOT_TLS
    assert repr(said)[2:12] in fault.detail


async def test_garbage_in_the_shape_of_a_handshake_is_not_tls() -> None:
    async with replying_peer(b"\x16\x03\x03\x00\x10" + b"garbage in a record") as port:
        fault = await refusal(port)

    assert fault.reason is Reason.TLS_NOT_TLS


async def test_an_alert_is_named(authority: Authority) -> None:
    context = server_context(authority.issue("localhost"))
    context.sni_callback = lambda *_: ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    with alerting_server(context) as port:
        fault = await refusal(port)

    assert fault.reason is Reason.TLS_ALERT
    assert "unrecognized name" in fault.detail


async def test_no_common_version_is_told_as_such(authority: Authority) -> None:
    """A server that can only speak TLS 1.1 answers with its version, and it is we who must refuse."""
    # A ServerHello for TLS 1.1: record, handshake, version, random, no session, a cipher, no compression.
    hello = b"\x03\x02" + bytes(32) + b"\x00" + b"\xc0\x13" + b"\x00"
    handshake = b"\x02" + len(hello).to_bytes(3) + hello
    async with replying_peer(b"\x16\x03\x02" + len(handshake).to_bytes(2) + handshake) as port:
        fault = await refusal(port)

    assert fault.reason is Reason.TLS_ALERT
    assert "unsupported protocol" in fault.detail


async def test_closing_during_the_handshake_is_the_end() -> None:
    async with closing_peer(after_first_bytes=True) as port, dialled(port) as wire:
        with pytest.raises(EOFError):
            await wire.start_tls(Tls(name="localhost"))


async def test_a_reset_during_the_handshake_is_a_reset() -> None:
    async with resetting_peer(after_first_bytes=True) as port, dialled(port) as wire:
        with pytest.raises(ConnectionResetError):
            await wire.start_tls(Tls(name="localhost"))


async def test_bytes_before_the_handshake_are_an_injection() -> None:
    """What was buffered in the clear must never be taken for what came encrypted (STARTTLS)."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 go ahead\r\n250 injected\r\n")
        await reader.read()

    async with peer(serve) as port, dialled(port) as wire:
        await wire.readline()
        with pytest.raises(Down, match="sent b'250 injected") as raised:
            await wire.start_tls(Tls(name="localhost"))

    assert raised.value.reason is Reason.TLS_NOT_TLS


async def test_a_server_that_wants_our_certificate_is_told_when_it_says_so(authority: Authority) -> None:
    """In TLS 1.3 the refusal comes after our side of the handshake is over (RFC 8446, 4.4.2.4)."""
    context = server_context(authority.issue("localhost"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.root_file)

    with alerting_server(context) as port:
        async with dialled(port) as wire:
            await wire.start_tls(Tls(name="localhost", ca_file=str(authority.root_file)))
            with pytest.raises(Down, match="certificate required") as raised:
                await wire.readline()

    assert raised.value.reason is Reason.TLS_ALERT


async def test_old_ciphers_have_the_names_of_the_rfcs(authority: Authority) -> None:
    context = server_context(authority.issue("localhost"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")

    async with tls_server(context) as port:
        handshake = await shake(port, authority)

    assert (handshake.version, handshake.cipher) == ("TLS 1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")


async def test_what_is_agreed_by_alpn_is_told(authority: Authority) -> None:
    context = server_context(authority.issue("localhost"))
    context.set_alpn_protocols(["h2", "http/1.1"])

    async with tls_server(context) as port:
        offered = (await shake(port, authority, alpn=("h2", "http/1.1"))).alpn
        not_offered = (await shake(port, authority)).alpn

    assert (offered, not_offered) == ("h2", "")


# -- the talk inside ------------------------------------------------------------------------------------------------


async def test_a_large_talk_survives(authority: Authority) -> None:
    async def mirror(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        content = await reader.readexactly(1_000_000)
        writer.write(content[::-1])
        await writer.drain()

    content = bytes(range(250)) * 4000
    async with tls_server(server_context(authority.issue("localhost")), mirror) as port, dialled(port) as wire:
        await wire.start_tls(Tls(name="localhost", verify=False))
        await wire.write(content)
        assert await wire.readexactly(len(content)) == content[::-1]


async def test_a_server_that_speaks_first_hears_the_end_of_the_handshake(authority: Authority) -> None:
    """Our last flight waits for what we say; reading must send it, or an IMAP server would wait for ever."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        await writer.drain()

    async with tls_server(server_context(authority.issue("localhost")), greet) as port, dialled(port) as wire:
        await wire.start_tls(Tls(name="localhost", verify=False))
        assert await wire.readline() == b"* OK ready\r\n"
        assert await wire.read() == b""


async def test_an_empty_write_ends_the_handshake(authority: Authority) -> None:
    """A server must not log a broken handshake for each of our looks at its certificate."""
    finished = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        finished.set_result(None)  # asyncio calls only once the handshake is over

    async with tls_server(server_context(authority.issue("localhost")), serve) as port, dialled(port) as wire:
        await wire.start_tls(Tls(name="localhost", verify=False))
        await wire.write(b"")
        async with asyncio.timeout(2):
            await finished


async def test_garbage_within_the_session_is_no_bug(authority: Authority) -> None:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with dialled(port) as far:
            await far.write(await reader.read(65536))
            writer.write(await far.read(65536))
            await reader.read(65536)
            writer.write(b"\x17\x03\x03\x00\x20" + b"x" * 32)
            await reader.read(65536)

    async with (
        tls_server(server_context(authority.issue("localhost"))) as port,
        peer(relay) as broken,
        dialled(broken) as wire,
    ):
        await wire.start_tls(Tls(name="localhost", verify=False))
        await wire.write(b"ping\n")
        with pytest.raises(Down, match="broke the session off") as raised:
            await wire.readline()

    assert raised.value.reason is Reason.TLS_ALERT


async def test_a_server_without_the_certificates_key_is_refused(authority: Authority) -> None:
    """The chain alone proves nothing: a flipped bit in the signature of the key exchange must end the handshake."""
    context = server_context(authority.issue("localhost"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    async with tls_server(context) as port:
        assert (await shake(port, authority)).problem is None
        async with peer(lambda reader, writer: flip_signature(reader, writer, port)) as forged:
            fault = await refusal(forged)

    assert fault.reason is Reason.TLS_ALERT
    assert "no handshake with" in fault.detail


async def flip_signature(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Relay one TLS 1.2 handshake and change the last byte of ServerKeyExchange (RFC 5246, 7.4.3)."""
    async with dialled(port) as far:
        await far.write(await reader.read(65536))
        while True:
            head = await far.readexactly(5)
            record = bytearray(await far.readexactly(int.from_bytes(head[3:])))
            if record[0] == 12:
                record[-1] ^= 1
            writer.write(head + record)
            await writer.drain()
            if record[0] == 14:
                break
        await reader.read(65536)
