"""What every request passes: passwords, the rate limit, TLS whatever comes, the route prefix, and no foreign page."""

import asyncio
import ssl
import time
from base64 import b64encode
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.decide.allowance import Allowance
from migrawatch.reach import sealed
from migrawatch.reach.serving import Serving, context_of
from migrawatch.show.gate import Entrance
from migrawatch.show.guard import names_of, refusal
from migrawatch.show.heartbeats import Intake
from migrawatch.show.login import Busy, Logins, parse_basic
from migrawatch.show.server import Door
from migrawatch.show.web import Web
from tests.servers.toolkit import exporter
from tests.show.scenes import healthy
from tests.show.test_server import Reload
from tests.show.web_scenes import Papers, curl, guarded, hashed, papers_in

ALICE = {"alice": hashed(b"wonder land")}


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return papers_in(tmp_path_factory.mktemp("papers"))


def basic(name: str, password: str) -> str:
    return httpx.BasicAuth(name, password)._auth_header


# -- passwords ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (basic("a", "b"), ("a", b"b")),
        (basic("a", "b:c"), ("a", b"b:c")),
        (basic("", ""), ("", b"")),
        (basic("ä", "ö"), ("ä", "ö".encode())),
        ("basic YTpi", ("a", b"b")),
        ("Basic YQ==", None),
        ("Basic /w==", None),
        ("Basic ÿ", None),
        ("Basic", None),
        ("Bearer YTpi", None),
        ("", None),
    ],
)
def test_a_name_and_a_password_are_read(header: str, found: tuple[str, bytes] | None) -> None:
    """RFC 7617: the first colon ends the name; what is no such header is none."""
    assert parse_basic(header) == found


async def test_a_right_password_is_compared_once() -> None:
    """A scrape every 15 s must not cost a bcrypt each; a new hash in the file must."""
    logins = Logins()
    costly = {"alice": hashed(b"x", 11)}
    assert await logins.admit(costly, basic("alice", "x"))

    logins._thread.shutdown()
    assert await logins.admit(costly, basic("alice", "x"))
    with pytest.raises(RuntimeError):
        await logins.admit({"alice": hashed(b"x")}, basic("alice", "x"))
    with pytest.raises(RuntimeError):
        await logins.admit(costly, basic("alice", "y"))


async def test_a_stranger_costs_as_much_as_a_wrong_password() -> None:
    """Who measures must not learn the names: the same hash is computed, whatever its cost."""
    logins = Logins()
    users = {"alice": hashed(b"x", 4), "bob": hashed(b"y", 12)}
    spent = {}
    for name in ("alice", "bob", *(f"stranger{number}" for number in range(20))):
        before = await _cpu(logins)
        assert not await logins.admit(users, basic(name, "wrong"))
        spent[name] = await _cpu(logins) - before
    logins.close()

    strangers = [seconds for name, seconds in spent.items() if name.startswith("stranger")]
    middle = (spent["alice"] * spent["bob"]) ** 0.5
    assert spent["bob"] > 20 * spent["alice"]
    assert {seconds > middle for seconds in strangers} == {True, False}


async def _cpu(logins: Logins) -> float:
    return await asyncio.get_running_loop().run_in_executor(logins._thread, time.thread_time)


async def test_a_stranger_is_the_same_stranger_each_time() -> None:
    """Were the decoy drawn anew, repeated questions would tell names from strangers."""
    logins = Logins()
    users = {str(number): hashed(str(number).encode()) for number in range(8)}

    assert len({logins._decoy(users, "eve") for _ in range(20)}) == 1
    assert len({logins._decoy(users, f"eve{number}") for number in range(40)}) > 1
    logins.close()


async def test_a_strangers_password_that_fits_the_decoy_lets_nobody_in() -> None:
    """With one user, every stranger is compared with that user's hash."""
    logins = Logins()

    assert not await logins.admit(ALICE, basic("eve", "wonder land"))
    assert not await logins.admit(ALICE, basic("eve", "wonder land"))
    logins.close()


@pytest.mark.parametrize("password", ["x" * 73, "x" * 5000, "x\0y", ""])
async def test_no_password_breaks_the_comparison(password: str) -> None:
    """bcrypt looks at 72 bytes; its library raises for more."""
    logins = Logins()
    assert not await logins.admit(ALICE, basic("alice", password))
    assert await logins.admit({"long": hashed(b"x" * 72)}, basic("long", "x" * 90))
    logins.close()


async def test_a_flood_of_guesses_neither_blocks_nor_piles_up() -> None:
    """Each costs a tenth of a second of one thread; the loop goes on, and who comes too many is sent away."""
    logins = Logins()
    users = {"alice": hashed(b"x", 10)}
    right = asyncio.create_task(logins.admit(users, basic("alice", "x")))
    await right

    guesses = [asyncio.create_task(logins.admit(users, basic("alice", f"guess {n}"))) for n in range(60)]
    await asyncio.sleep(0)
    assert await logins.admit(users, basic("alice", "x"))
    assert not any(guess.done() and guess.exception() is None for guess in guesses)
    for guess in guesses:
        guess.cancel()
    seen = await asyncio.gather(*guesses, return_exceptions=True)
    logins.close()

    assert sum(isinstance(each, Busy) for each in seen) >= 60 - 16


# -- the gate -------------------------------------------------------------------------------------------------------


async def test_the_limit_is_a_bucket_of_tokens_for_all() -> None:
    """So many at once, then one an interval; a change of something else does not fill it up."""
    now = [100.0]
    limit = Allowance(most=3, every=2.0)
    entrance = Entrance(Web(limit=limit), lambda: now[0])

    assert [entrance.passes() for _ in range(5)] == [True, True, True, False, False]
    entrance.use(Web(limit=limit, users=ALICE))
    assert not entrance.passes()
    now[0] += 4.0
    assert [entrance.passes() for _ in range(3)] == [True, True, False]
    entrance.use(Web(limit=Allowance(most=1, every=1.0)))
    assert [entrance.passes() for _ in range(2)] == [True, False]
    entrance.use(Web())
    assert all(entrance.passes() for _ in range(100))


async def test_who_comes_too_often_is_told_so() -> None:
    """Before the password is looked at, as exporter-toolkit does."""
    async with guarded(Entrance(Web(limit=Allowance(most=2, every=3600.0), users=ALICE))) as port:
        seen = [(await curl(port, "-u", "alice:wonder land", scheme="http")).split()[0] for _ in range(3)]

    assert seen == ["200", "200", "429"]


async def test_new_settings_hold_for_the_next_request() -> None:
    """A user who is gone is out at once, also on a connection that is open."""
    entrance = Entrance(Web(users=ALICE))
    async with guarded(entrance) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        before = await client.get("/-/healthy", auth=("alice", "wonder land"))
        entrance.use(Web(users={"bob": hashed(b"b")}))
        after = await client.get("/-/healthy", auth=("alice", "wonder land"))

    assert (before.status_code, after.status_code) == (200, 401)


class Taker(Intake):
    """Admits nobody."""

    def admit(self, path: str, token: str) -> object:  # type: ignore[override]
        from http import HTTPStatus

        from migrawatch.show.guard import Refused

        raise Refused(HTTPStatus.FORBIDDEN, f"token {token}")


async def test_a_jobs_token_stands_for_a_login_and_nothing_else_does() -> None:
    """A job has one Authorization header; its token is judged by who takes the report."""
    door = Door(board=healthy(), reload=Reload(), intake=Taker(), prefix="/watch")  # type: ignore[abstract]
    token = {"Authorization": "Bearer abc"}
    async with (
        guarded(Entrance(Web(users=ALICE)), door) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        report = await client.post("/watch/api/v1/heartbeats/nightly", headers=token)
        bare = await client.post("/watch/api/v1/heartbeats/nightly")
        others = [
            await client.get("/watch/api/v1/heartbeats/nightly", headers=token),
            await client.post("/watch/api/v1/heartbeats/../../../-/reload", headers=token),
            await client.post("/watch/-/reload", headers=token),
            await client.get("/watch/metrics", headers=token),
        ]

    assert (report.status_code, report.text) == (403, "refused: token abc\n")
    assert bare.status_code == 401
    assert [answer.status_code for answer in others] == [401] * 4


# -- TLS ------------------------------------------------------------------------------------------------------------


def serving(papers: Papers) -> Web:
    tls = Serving(certificate=papers.server.chain_file.read_bytes(), key=papers.server.key_file.read_bytes())
    return Web(tls=tls, context=context_of(tls))


async def test_much_is_sent_and_taken_whole(papers: Papers) -> None:
    """The page and a long answer through TLS, over one connection, many times."""
    trust = ssl.create_default_context(cafile=str(papers.root))
    async with (
        guarded(Entrance(serving(papers))) as port,
        httpx.AsyncClient(base_url=f"https://localhost:{port}", verify=trust) as client,
    ):
        first = await client.get("/")
        pages = [await client.get("/") for _ in range(20)]
        async with client.stream("GET", "/api/v1/events") as live:
            event = await anext(live.aiter_lines())

    assert first.status_code == 200
    assert {len(page.text) for page in pages} == {len(first.text)}
    assert event == "event: parts"


async def test_tls_comes_and_goes_with_the_file(papers: Papers) -> None:
    """On the same port, and the listener is never closed; a plain connection that is older is turned away."""
    trust = ssl.create_default_context(cafile=str(papers.root))
    entrance = Entrance()
    async with guarded(entrance) as port, httpx.AsyncClient(verify=trust) as client:
        plain = await client.get(f"http://localhost:{port}/-/healthy")
        entrance.use(serving(papers))
        older = await client.get(f"http://localhost:{port}/-/healthy")
        closed = older.headers.get("connection")
        encrypted = await client.get(f"https://localhost:{port}/-/healthy")
        newer = await client.get(f"http://localhost:{port}/-/healthy")
        entrance.use(Web())
        again = await client.get(f"http://localhost:{port}/-/healthy")

    assert [answer.status_code for answer in (plain, older, encrypted, newer, again)] == [200, 400, 200, 400, 200]
    assert closed == "close"


async def test_a_new_certificate_is_shown_to_who_comes_next(papers: Papers, tmp_path: Path) -> None:
    """Nothing is dropped: what is open goes on with the old one."""
    trust = ssl.create_default_context(cafile=str(papers.root))
    other = papers_in(tmp_path)
    entrance = Entrance(serving(papers))
    async with guarded(entrance) as port, httpx.AsyncClient(verify=trust) as client:
        url = f"https://localhost:{port}/-/healthy"
        assert (await client.get(url)).status_code == 200
        entrance.use(serving(other))
        assert (await client.get(url)).status_code == 200
        seen = await curl(port, "--cacert", str(other.root))
        strange = await curl(port, "--cacert", str(papers.root))

    assert (seen.split()[0], strange) == ("200", "refused")


@pytest.mark.parametrize(
    "said", [b"\x16", b"\x16\x03\x01\xff\xff" + b"\0" * 100, b"\0" * 2000, b"GET", b"\x80\x2e\x01"]
)
async def test_what_is_no_handshake_harms_nobody(said: bytes, papers: Papers, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cut off: at once where that is clear, else when its time is over."""
    monkeypatch.setattr(sealed, "PATIENCE", 0.2)
    async with guarded(Entrance(serving(papers))) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        try:
            left = await asyncio.wait_for(reader.read(), 30)
        except ConnectionError:
            left = b""
        writer.close()
        # On a busy machine an honest handshake takes longer than that.
        monkeypatch.undo()
        after = await curl(port, "--cacert", str(papers.root))

    assert b"HTTP/1.1" not in left
    assert after.split()[0] == "200"


async def test_a_handshake_byte_by_byte_is_a_handshake(papers: Papers) -> None:
    """TCP promises no pieces."""
    client, into, out = _client(papers)
    async with guarded(Entrance(serving(papers))) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def pump() -> None:
            for byte in out.read():
                writer.write(bytes([byte]))
                await writer.drain()
            into.write(await reader.read(65_536))

        await _until(client.do_handshake, pump)
        client.write(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await _until(lambda: client.read(65_536), pump)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 200")


async def test_the_end_does_not_wait_for_a_handshake(papers: Papers) -> None:
    """Somebody who connected and says nothing must not hold up a restart."""
    loop = asyncio.get_running_loop()
    async with guarded(Entrance(serving(papers))) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        assert (await curl(port, "--cacert", str(papers.root))).split()[0] == "200"
        began = loop.time()
    took = loop.time() - began
    writer.close()

    assert took < sealed.PATIENCE / 2


def _client(papers: Papers) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    trust = ssl.create_default_context(cafile=str(papers.root))
    return trust.wrap_bio(into, out, server_hostname="localhost"), into, out


async def _until(step, pump):  # type: ignore[no-untyped-def]
    while True:
        try:
            return step()
        except ssl.SSLWantReadError:
            await pump()


# -- prefix ---------------------------------------------------------------------------------------------------------

PATHS = (
    "/",
    "/watch",
    "/watch/",
    "/watch/-/healthy",
    "/watch/metrics",
    "/-/healthy",
    "/metrics",
    "/watchful",
    "/other",
)


async def test_below_a_prefix_it_answers_as_an_exporter_does(tmp_path: Path) -> None:
    """`--web.external-url` gives the prefix; `/` leads there, and nothing else is outside."""
    door = Door(board=healthy(), reload=Reload(), prefix="/watch", seen_as="/watch")

    with exporter(tmp_path, None, "--web.external-url=http://status.example/watch/") as theirs:
        async with guarded(Entrance(), door) as ours, httpx.AsyncClient() as client:
            seen = [[await client.get(f"http://127.0.0.1:{port}{path}") for port in (theirs, ours)] for path in PATHS]

    statuses = {path: tuple(answer.status_code for answer in pair) for path, pair in zip(PATHS, seen, strict=True)}
    assert statuses["/watch/"] == (200, 200)
    assert {path: mine for path, (_, mine) in statuses.items()} == {
        **{path: theirs for path, (theirs, _) in statuses.items()},
        # Go's mux sends everything that it does not know home; we say that it is not there.
        **DIFFERENT,
    }
    assert seen[0][1].headers["location"] == "/watch/"


DIFFERENT = {"/-/healthy": 404, "/metrics": 404, "/watchful": 404, "/other": 404, "/watch": 302}


async def test_every_link_of_the_page_leads_somewhere(tmp_path: Path) -> None:
    """Relative, so that they hold below any prefix, also one that a proxy adds."""
    for prefix in ("", "/watch", "/a/b"):
        door = Door(board=healthy(), reload=Reload(), prefix=prefix)
        async with guarded(Entrance(), door) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            page = await client.get(f"{prefix}/")
            links = [part.partition('"')[0] for part in page.text.split('<a href="')[1:]]
            own = [link for link in links if "//" not in link and not link.startswith("#")]
            statuses = {link: (await client.get(str(page.url.join(link)))).status_code for link in own}

        assert {"metrics", "runbook", "api/v1/checks", "api/v1/incidents", "-/healthy"} <= statuses.keys()
        # There is nobody here who keeps windows.
        assert {link for link, status in statuses.items() if status == 404} == {"api/v1/maintenance"}
        assert 'EventSource("api/v1/events")' in page.text


# -- foreign pages --------------------------------------------------------------------------------------------------

OURS = names_of("https://status.example:8443/watch")


@pytest.mark.parametrize(
    ("headers", "may"),
    [
        ({"host": "127.0.0.1:12271", "origin": "http://127.0.0.1:12271"}, True),
        ({"host": "127.0.0.1:12271", "origin": "http://127.0.0.1:3000"}, False),
        ({"host": "127.0.0.1:12271", "origin": "http://127.0.0.1"}, False),
        ({"host": "localhost:12271", "origin": "http://127.0.0.1:12271"}, False),
        ({"host": "status.example:8443", "origin": "https://status.example:8443"}, True),
        ({"host": "127.0.0.1:12271", "origin": "https://status.example:8443"}, True),
        ({"host": "status.example", "origin": "https://status.example:9999"}, False),
        ({"host": "status.example.evil.example", "origin": "https://status.example.evil.example"}, False),
        ({"host": "127.0.0.1:12271", "origin": "null"}, False),
        ({"host": "127.0.0.1:12271", "origin": "http://["}, False),
        ({"host": "127.0.0.1:12271", "origin": "http://127.0.0.1:x"}, False),
        ({"host": "127.0.0.1:12271", "sec-fetch-site": "same-site"}, False),
        ({"host": "127.0.0.1:12271", "sec-fetch-site": "cross-site"}, False),
        ({"host": "127.0.0.1:12271", "sec-fetch-site": "same-origin"}, True),
        ({"host": "127.0.0.1:12271", "sec-fetch-site": "none"}, True),
        ({"host": "127.0.0.1:12271"}, True),
    ],
)
def test_only_our_own_page_orders(headers: dict[str, str], may: bool) -> None:
    """Another port of the machine is another site; a proxy that changes Host is known by external_url."""
    assert (refusal(headers, OURS) == "") is may


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "Text/Plain;x=y"]
)
async def test_what_a_form_can_send_orders_nothing(kind: str) -> None:
    """Should a browser send neither Origin nor Sec-Fetch-Site."""
    reload = Reload()
    door = Door(board=healthy(), reload=reload)
    async with guarded(Entrance(), door) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        answer = await client.post("/-/reload", headers={"Content-Type": kind}, content="a=b")
        good = await client.post("/-/reload")

    assert (answer.status_code, good.status_code, reload.asked) == (415, 200, 1)


@given(st.text() | st.binary().map(lambda raw: "Basic " + b64encode(raw).decode()))
def test_no_header_breaks_the_reading(header: str) -> None:
    """It comes from whoever reaches the port."""
    found = parse_basic(header)

    assert found is None or ":" not in found[0]
