"""The kind `s3` against a store that checks signatures and rights, alone and behind a real nginx."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from migrawatch.model import Observation, Secret, Verdict
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reach.tls import Certificate
from migrawatch.reason import Reason
from migrawatch_probes.s3 import S3Probe
from tests.contract.conduct import loop_is_held_at_most, nothing_left_behind
from tests.reach.ssh_servers import login_of
from tests.servers.certificates import Authority
from tests.servers.looking import look_at
from tests.servers.nginx import nginx
from tests.servers.peers import Peer, peer, replying_peer
from tests.servers.ports import closed_port, free_port
from tests.servers.s3_store import BUCKET, Store, s3_store
from tests.servers.sshd import sshd

WARN, DOWN = Verdict.WARN, Verdict.DOWN
EDGE = """
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {issued.chain_file};
        ssl_certificate_key {issued.key_file};
        location / {{ proxy_pass {store}; proxy_set_header Host $http_host; }}
        location /health/ {{ return 200 "OK"; }}
        location /dead/ {{ proxy_pass http://127.0.0.1:{closed}; }}
    }}
"""


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with s3_store() as running:
        yield running


def probe(store: Store, who: str = "full", **changed: Any) -> S3Probe:
    name, key = store.keys[who]
    settings = {"url": store.url, "bucket": BUCKET, "access_key": name, "secret_key": Secret(key)}
    return S3Probe(**(settings | changed))


def said(seen: Observation) -> list[tuple[Verdict, Reason]]:
    return [(finding.verdict, finding.reason) for finding in seen.findings]


def forget(store: Store) -> None:
    """Empty the bucket."""
    for key in store.objects():
        store.client().delete_object(Bucket=BUCKET, Key=key)


async def test_an_object_goes_all_the_way_round_and_is_gone(store: Store) -> None:
    forget(store)
    seen = await look_at(probe(store))

    assert said(seen) == []
    assert [step.name for step in seen.steps] == ["resolve", "connect", "put", "get", "delete", "list"]
    phases = [reading.labels[0] for reading in seen.readings if reading.measure.name == "probe_s3_duration_seconds"]
    assert phases == ["resolve", "connect", "tls", "health", "put", "get", "delete", "list"]
    assert store.objects() == []


@pytest.mark.parametrize(
    ("changed", "reason", "words"),
    [
        ({"secret_key": Secret("another-key")}, Reason.S3_AUTH, "put: HTTP 403 SignatureDoesNotMatch"),
        ({"access_key": "nobody"}, Reason.S3_AUTH, "put: HTTP 403 InvalidAccessKeyId"),
        ({"bucket": "elsewhere"}, Reason.S3_BUCKET, "put: HTTP 404 NoSuchBucket"),
    ],
)
async def test_each_refusal_has_its_reason_and_ends_the_look(
    store: Store, changed: dict[str, Any], reason: Reason, words: str
) -> None:
    seen = await look_at(probe(store, **changed))

    assert said(seen) == [(DOWN, reason)], seen.detail
    assert words in seen.detail
    assert "get" not in [step.name for step in seen.steps]


async def test_a_key_that_may_do_less_is_refused_where_it_matters(store: Store) -> None:
    writer, keeper, blind = [await look_at(probe(store, who)) for who in ("writer", "keeper", "blind")]

    assert [finding.detail.partition(":")[0] for finding in writer.findings] == ["get", "delete", "list"]
    assert said(keeper) == [(DOWN, Reason.S3_AUTH)]
    assert "delete: HTTP 403 AccessDenied" in keeper.detail
    assert said(blind) == [(WARN, Reason.S3_AUTH)]
    forget(store)


async def test_leftovers_of_earlier_looks_are_deleted_and_nothing_else(store: Store) -> None:
    forget(store)
    keys = ("migrawatch/example/20261126T030405-0f", "migrawatch/other/20261126T030405-0f", "backup.tar")
    for key in keys:
        store.client().put_object(Bucket=BUCKET, Key=key, Body=b"x")
    young = await look_at(probe(store))
    kept = store.objects()
    old = await look_at(probe(store), at=datetime.now(UTC) + timedelta(minutes=11))

    assert said(young) == said(old) == []
    assert sorted(kept) == sorted(keys)
    assert sorted(store.objects()) == sorted(keys[1:])
    found = [[one.value for one in seen.readings if one.measure.name == "probe_s3_leftovers"] for seen in (young, old)]
    assert found == [[0.0], [1.0]]
    forget(store)


@pytest.mark.parametrize("prefix", ["", "a b/ü+%~/", "x//y/"])
async def test_whatever_stands_in_a_key_is_signed_as_the_store_reads_it(store: Store, prefix: str) -> None:
    seen = await look_at(probe(store, prefix=prefix))

    assert said(seen) == []


def answering(**answers: bytes) -> Peer:
    """A store that answers each method in this way; what it is not told for it takes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        content = answers.get(head.split(b" ")[0].decode(), b"")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)

    return peer(serve)


async def test_other_content_than_was_put_is_told(store: Store) -> None:
    """No store can be asked to lose bytes."""
    async with answering(GET=b"<ListBucketResult/>") as port:
        seen = await look_at(probe(store, url=f"http://127.0.0.1:{port}"))

    assert said(seen) == [(DOWN, Reason.S3_CONTENT)]
    assert seen.detail == "get: 19 bytes came, which are not the 1024 that were put"


async def test_a_list_that_is_none_is_a_warning(store: Store) -> None:
    async with answering(GET=b"x" * 10) as port:
        seen = await look_at(probe(store, url=f"http://127.0.0.1:{port}", size=1))

    assert said(seen) == [(DOWN, Reason.S3_CONTENT), (WARN, Reason.HTTP_BODY)]


async def test_a_store_that_is_full_has_a_reason_of_its_own(store: Store) -> None:
    """MinIO's words for it; a disk would have to be filled."""
    body = b"<Error><Code>XMinioStorageFull</Code><Message>Storage backend has reached its limit</Message></Error>"
    head = b"HTTP/1.1 507 Insufficient Storage\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with replying_peer(head + body) as port:
        seen = await look_at(probe(store, url=f"http://127.0.0.1:{port}"))

    assert said(seen) == [(DOWN, Reason.S3_STORAGE)]


async def test_a_store_that_hangs_is_told_with_the_step(store: Store) -> None:
    with store.frozen():
        seen = await look_at(probe(store), timeout=0.3)

    assert said(seen) == [(DOWN, Reason.HTTP_TIMEOUT)]
    assert seen.detail.startswith("put: ")


async def test_a_store_that_is_gone_is_refused(store: Store) -> None:
    with closed_port() as port:
        seen = await look_at(probe(store, url=f"http://127.0.0.1:{port}"))

    assert said(seen) == [(DOWN, Reason.CONNECT_REFUSED)]


async def test_a_slow_store_is_a_warning(store: Store) -> None:
    seen = await look_at(probe(store, slow_after=0.0001))

    assert said(seen) == [(WARN, Reason.SLOW)]


@pytest.fixture(scope="module")
def edge(store: Store, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The store behind nginx with TLS, for its address and for the bucket's name before the store's."""
    port, issued = free_port(), authority.issue("127.0.0.1", f"{BUCKET}.s3.example.org")
    with closed_port() as closed:
        servers = EDGE.format(port=port, issued=issued, store=store.url, closed=closed)
        with nginx(tmp_path_factory.mktemp("edge"), servers, first_port=port):
            yield f"127.0.0.1:{port}"


def secure(store: Store, edge: str, authority: Authority, **changed: Any) -> S3Probe:
    settings = {"url": f"https://{edge}", "ca_file": str(authority.root_file), "health": "/health/live"}
    return probe(store, **(settings | changed))


async def test_a_store_with_tls_is_asked_for_its_health_first(store: Store, edge: str, authority: Authority) -> None:
    seen = await look_at(secure(store, edge, authority))

    assert said(seen) == []
    assert [step.name for step in seen.steps][:4] == ["resolve", "connect", "tls", "health"]


async def test_the_end_of_a_certificate_is_told_once(store: Store, edge: str, authority: Authority) -> None:
    seen = await look_at(secure(store, edge, authority, certificate=Certificate(warn=100 * 86400)))

    assert said(seen) == [(WARN, Reason.TLS_EXPIRING)]


async def test_a_store_that_nobody_trusts_gets_nothing(store: Store, edge: str, authority: Authority) -> None:
    seen = await look_at(secure(store, edge, authority, ca_file=""))

    assert said(seen) == [(DOWN, Reason.TLS_UNTRUSTED)]


async def test_a_proxy_without_a_store_is_a_gateways_fault(store: Store, edge: str, authority: Authority) -> None:
    seen = await look_at(secure(store, edge, authority, health="/dead/"))

    assert said(seen) == [(DOWN, Reason.HTTP_GATEWAY)]
    assert seen.detail.startswith("health: HTTP 502")


async def test_a_bucket_may_stand_in_the_name_of_the_host(store: Store, edge: str, authority: Authority) -> None:
    url = f"https://s3.example.org:{edge.partition(':')[2]}"
    asked = secure(store, edge, authority, url=url, dial=edge, health="", style="host")
    seen = await look_at(asked)
    by_path = await look_at(secure(store, edge, authority, url=url, dial=edge, health=""))

    assert said(seen) == []
    assert said(by_path) == [(DOWN, Reason.TLS_NAME_MISMATCH)]
    assert asked.target == f"{url}/{BUCKET}"


async def test_no_secret_is_shown(store: Store) -> None:
    """Not even where a store echoes it."""
    body = b"<Error><Code>AccessDenied</Code><Message>your key is s3cr3t-k3y</Message></Error>"
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with replying_peer(head + body) as port:
        looked_at = probe(store, url=f"http://127.0.0.1:{port}", secret_key=Secret("s3cr3t-k3y"))
        seen = await look_at(looked_at)

    assert said(seen) == [(DOWN, Reason.S3_AUTH)]
    assert "s3cr3t-k3y" not in repr(seen) + repr(looked_at) + repr(looked_at._bucket)


async def test_the_same_is_seen_from_a_host(store: Store, tmp_path: Path) -> None:
    with sshd(tmp_path) as host:
        box = Ssh(login_of(host), Here())
        seen = await look_at(probe(store), vantage=box)
        await box.close()

    assert said(seen) == []


@pytest.mark.parametrize("who", ["full", "blind"])
async def test_a_look_leaves_nothing_behind_and_does_not_hold_the_loop(store: Store, who: str) -> None:
    await look_at(probe(store, who))
    async with nothing_left_behind():
        with loop_is_held_at_most():
            await look_at(probe(store, who))


@pytest.mark.parametrize(
    "wrong",
    [{"url": "s3://bucket"}, {"bucket": ""}, {"bucket": "a/b"}, {"size": 0}, {"size": 2_000_000}, {"health": "x"},
     {"dial": "127.0.0.1:x"}],
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    settings = {"url": "http://127.0.0.1", "bucket": "b", "access_key": "a", "secret_key": Secret("s")}
    with pytest.raises(ValueError):
        S3Probe(**(settings | wrong))
