"""Names to addresses: /etc/hosts first, then the servers of resolv.conf, each failure with its own reason."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from migrawatch.model import Down
from migrawatch.parse.resolving import Resolving, parse_hosts, parse_resolv_conf
from migrawatch.reach.here import Here
from migrawatch.reach.resolver import Resolver
from migrawatch.reason import Reason
from tests.servers.names import Zone, name_server
from tests.servers.ports import free_port

ZONE: Zone = {
    ("both.example", "A"): ("both.example 60 IN A 192.0.2.1",),
    ("both.example", "AAAA"): ("both.example 60 IN AAAA 2001:db8::1",),
    ("alias.example", "A"): ("alias.example 60 IN CNAME both.example", "both.example 60 IN A 192.0.2.1"),
    ("many.example", "A"): ("many.example 60 IN A 192.0.2.1", "many.example 60 IN A 192.0.2.2"),
    ("xn--mller-kva.example", "A"): ("xn--mller-kva.example 60 IN A 192.0.2.3",),
    ("large.example", "A"): "truncated",
    ("spoofed.example", "A"): "stranger",
    ("halffails.example", "A"): ("halffails.example 60 IN A 192.0.2.4",),
    ("halffails.example", "AAAA"): "SERVFAIL",
    **{
        (f"{word.lower()}.example", kind): word
        for word in ("NXDOMAIN", "SERVFAIL", "REFUSED", "silent", "garbage")
        for kind in ("A", "AAAA")
    },
}


@asynccontextmanager
async def resolving(folder: Path, *, options: str = "", hosts: str = "") -> AsyncIterator[tuple[Resolver, list[str]]]:
    (folder / "hosts").write_text(hosts)
    (folder / "resolv.conf").write_text(f"nameserver 127.0.0.1\n{options}\n")
    async with name_server(ZONE) as (port, asked):
        yield Resolver(str(folder / "hosts"), str(folder / "resolv.conf"), port), asked


@pytest.mark.parametrize(
    ("name", "family", "addresses"),
    [
        ("both.example", 0, ("192.0.2.1", "2001:db8::1")),
        ("both.example", 4, ("192.0.2.1",)),
        ("both.example", 6, ("2001:db8::1",)),
        ("Both.Example.", 4, ("192.0.2.1",)),
        ("alias.example", 4, ("192.0.2.1",)),
        ("many.example", 0, ("192.0.2.1", "192.0.2.2")),
        ("müller.example", 4, ("192.0.2.3",)),
        ("large.example", 4, ("192.0.2.7",)),
        ("spoofed.example", 4, ("192.0.2.7",)),
        ("halffails.example", 0, ("192.0.2.4",)),
        ("10.1.10.206", 0, ("10.1.10.206",)),
        ("fe80::1%lo", 0, ("fe80::1%lo",)),
        ("localhost", 4, ("127.0.0.1",)),
    ],
)
async def test_names_become_addresses(tmp_path: Path, name: str, family: int, addresses: tuple[str, ...]) -> None:
    async with resolving(tmp_path) as (resolver, _):
        assert await resolver.resolve(name, family) == addresses


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("nxdomain.example", Reason.DNS_NXDOMAIN, "nxdomain.example does not exist (asked 127.0.0.1)"),
        ("nodata.example", Reason.DNS_NODATA, "nodata.example has no A record"),
        ("servfail.example", Reason.DNS_SERVFAIL, "SERVFAIL"),
        ("refused.example", Reason.DNS_REFUSED, "was refused an answer"),
        ("a..b", Reason.DNS_NXDOMAIN, "no valid name"),
        (f"{'x' * 70}.example", Reason.DNS_NXDOMAIN, "no valid name"),
    ],
)
async def test_each_failure_has_its_own_reason(tmp_path: Path, name: str, reason: Reason, words: str) -> None:
    async with resolving(tmp_path) as (resolver, _):
        with pytest.raises(Down) as raised:
            await resolver.resolve(name)

    assert raised.value.reason is reason
    assert words in raised.value.detail


@pytest.mark.slow
@pytest.mark.parametrize("name", ["silent.example", "garbage.example"])
async def test_a_server_without_a_usable_answer_is_a_timeout(tmp_path: Path, name: str) -> None:
    async with resolving(tmp_path, options="options timeout:1 attempts:1") as (resolver, _):
        with pytest.raises(Down) as raised:
            await resolver.resolve(name, 4)

    assert raised.value.reason is Reason.DNS_TIMEOUT
    assert "127.0.0.1: no answer within 1 s" in raised.value.detail


async def test_a_dead_server_is_passed_over(tmp_path: Path) -> None:
    """127.0.0.3 has nothing on the port and says so at once."""
    async with name_server(ZONE) as (port, _):
        (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.3\nnameserver 127.0.0.1\n")
        resolver = Resolver(str(tmp_path / "no-hosts"), str(tmp_path / "resolv.conf"), port)

        assert await resolver.resolve("both.example", 4) == ("192.0.2.1",)


async def test_no_server_at_all_is_a_timeout_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    resolver = Resolver(str(tmp_path / "no-hosts"), str(tmp_path / "resolv.conf"), free_port())

    with pytest.raises(Down, match="refused what we sent") as raised:
        await resolver.resolve("both.example")

    assert raised.value.reason is Reason.DNS_TIMEOUT


async def test_the_hosts_file_comes_first_and_is_read_again_when_it_changes(tmp_path: Path) -> None:
    async with resolving(tmp_path, hosts="127.0.0.9 srv1 both.example # ours\n::9 both.example\n") as (resolver, asked):
        first = await resolver.resolve("BOTH.example")
        (tmp_path / "hosts").write_text("127.0.0.10 both.example\n")
        second = await resolver.resolve("both.example")

    assert (first, second, asked) == (("127.0.0.9", "::9"), ("127.0.0.10",), [])


async def test_names_for_this_machine_are_never_asked_for(tmp_path: Path) -> None:
    async with resolving(tmp_path) as (resolver, asked):
        assert await resolver.resolve("anything.localhost", 4) == ("127.0.0.1",)

    assert asked == []


async def test_here_resolves_as_this_machine_does() -> None:
    assert await Here().resolve("localhost", 4) == ("127.0.0.1",)
    assert await Here().resolve("::1") == ("::1",)


def test_resolv_conf_is_read_as_its_manual_says() -> None:
    text = (
        "# note\nnameserver 10.1.10.5\nnameserver ::1 ; note\nsearch example.org\noptions timeout:3 attempts:4 rotate"
    )

    assert parse_resolv_conf(text) == Resolving(servers=("10.1.10.5", "::1"), patience=3.0, attempts=4)
    assert parse_resolv_conf("options timeout:x") == Resolving(servers=("127.0.0.1",))


def test_hosts_is_read_as_its_manual_says() -> None:
    assert parse_hosts("10.0.0.1 A b # c\n\n# d e\n::1 b\n") == {"a": ("10.0.0.1",), "b": ("10.0.0.1", "::1")}
