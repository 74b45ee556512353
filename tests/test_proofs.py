"""What counts as having seen a reason, and what only looks like it."""

import pytest

from migrawatch.reason import Reason
from tests.proofs import Module

SEEN = "async def test_it():\n    seen = await look_at(probe())\n    assert seen.reason is Reason.SLOW\n"
FIXTURE = "@pytest.fixture\ndef host():\n    return Recorded({})\n"

PROVEN = {
    "compared": SEEN,
    "in a table": (
        "TABLE = {'a': (1, Reason.SLOW)}\n"
        "@pytest.mark.parametrize('name', TABLE)\n"
        "async def test_it(name):\n    _, reason = TABLE[name]\n    assert (await look()).reason is reason\n"
    ),
    "in what it is compared with": (
        "async def test_it():\n    wanted = {'a': Reason.SLOW}\n    assert await look() == wanted\n"
    ),
    "by a helper": (
        "async def check():\n    assert (await look()).reason is Reason.SLOW\nasync def test_it():\n    await check()\n"
    ),
    "waited for": "async def test_it(itself):\n    await itself.says(Reason.SLOW)\n",
    "by a command": (
        "def test_it():\n    seen = seen_in_own_network('', '')\n    assert seen['reason'] == Reason.SLOW\n"
    ),
    "in a class": "class TestIt:\n    async def test_it(self):\n        assert (await look()).reason is Reason.SLOW\n",
}
RECORDED = {
    "by itself": SEEN.replace("probe()", "probe(), vantage=Recorded({})"),
    "by a fixture": FIXTURE + SEEN.replace("test_it()", "test_it(host)"),
    "by a helper": "def host():\n    return Instead(1)\n" + SEEN.replace("probe()", "probe(), vantage=host()"),
    "by its class": (
        "class TestIt:\n    def host(self):\n        return Recorded({})\n"
        "    async def test_it(self):\n        assert (await look(self.host())).reason is Reason.SLOW\n"
    ),
}
NEITHER = {
    "only named": "async def test_it():\n    raise Down(Reason.SLOW, 'x')\n",
    "given to what is asked": "async def test_it():\n    assert await ask(probe=PROBE)\nPROBES = [Reason.SLOW]\n",
    "said not to be": "async def test_it():\n    assert (await look()).reason is not Reason.SLOW\n",
    "looked up by": "async def test_it():\n    assert 'curl' in probe().remedies[Reason.SLOW]\n",
    "without a look": "def test_it():\n    assert reason_of(TimeoutError()) is Reason.SLOW\n",
    "in no test": "async def helper():\n    assert (await look()).reason is Reason.SLOW\n",
}


@pytest.mark.parametrize("name", PROVEN)
def test_what_is_seen_of_somebody_who_is_there_is_proven(name: str) -> None:
    module = Module(PROVEN[name])

    assert (module.proven, module.recorded) == ({Reason.SLOW}, set())


@pytest.mark.parametrize("name", RECORDED)
def test_what_is_seen_of_a_stand_in_is_only_recorded(name: str) -> None:
    module = Module(RECORDED[name])

    assert (module.proven, module.recorded) == (set(), {Reason.SLOW})


@pytest.mark.parametrize("name", NEITHER)
def test_what_is_only_named_is_nothing(name: str) -> None:
    module = Module(NEITHER[name])

    assert (module.proven, module.recorded) == (set(), set())
