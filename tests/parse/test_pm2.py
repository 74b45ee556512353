"""What `pm2 jlist` printed in the lab, and whatever else somebody may print."""

import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrawatch.parse.pm2 import listening, parse_jlist
from tests.servers.recorded import SOCKETS, process


def test_a_process_is_read_without_what_else_is_told() -> None:
    """The list holds every password of every process."""
    [read] = parse_jlist(json.dumps([process(restarts=3)]))

    assert (read.name, read.status, read.restarts, read.memory_bytes) == ("mpanel-backend", "online", 3, 72163328)
    assert read.started_at == datetime(2026, 11, 24, 8, 26, 3, 137000, UTC)
    assert "hunter2" not in repr(read)


@pytest.mark.parametrize(
    "words", ["", "[PM2] Spawning PM2 daemon\n", "[PM2][WARN] old\n>>>> In-memory PM2 is out-of-date\n"]
)
def test_words_of_pm2_may_stand_before_the_list(words: str) -> None:
    assert [read.name for read in parse_jlist(words + json.dumps([process()]))] == ["mpanel-backend"]


def test_no_process_at_all_is_an_empty_list() -> None:
    assert parse_jlist("[]\n") == ()


@pytest.mark.parametrize("text", ["", "v18.20.4\n", "[PM2] done\n", '[{"name": "hunter2"', "[1, 2]"])
def test_what_is_no_list_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="printed no list") as caught:
        parse_jlist(text)
    assert "hunter2" not in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
)
named = st.sampled_from(["name", "pm2_env", "monit", "pid"])
env = st.dictionaries(st.sampled_from(["status", "restart_time", "pm_uptime"]), json_values)


@given(st.lists(st.dictionaries(named, json_values | env)))
def test_any_list_is_read(written: list[dict[str, object]]) -> None:
    assert len(parse_jlist(json.dumps(written))) == len(written)


def test_only_a_listening_socket_counts() -> None:
    connected = SOCKETS.replace("00010000 0001 01 20417", "00000000 0001 03 20417")

    assert listening(SOCKETS) == ("/run/systemd/private", "/root/.pm2/rpc.sock")
    assert listening(connected) == ("/run/systemd/private",)


def test_the_kernel_tells_who_listens(tmp_path: Path) -> None:
    """A socket file outlives whoever listened on it; the kernel's list does not."""
    path = str(tmp_path / "rpc.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        while_it_runs = listening(Path("/proc/net/unix").read_text())

    assert path in while_it_runs
    assert Path(path).exists()
    assert path not in listening(Path("/proc/net/unix").read_text())


@given(st.text())
def test_any_text_is_a_list_of_sockets(text: str) -> None:
    assert "/root/.pm2/rpc.sock" not in listening(text)
