"""What every kind must keep to, whatever it asks (architecture.md, "The contract every kind must pass").

One suite over every kind found, each from its own config/examples/KIND.yaml. The numbers are the contract's.
"""

import asyncio
import json
import time
from pathlib import Path

import pytest

from migrawatch.check import Check
from migrawatch.look import GRACE, look
from migrawatch.model import Contact, Observation, Verdict
from migrawatch.probe import WIRE_MEASURES
from migrawatch.reach.here import Here
from migrawatch.reach.ssh import Ssh
from migrawatch.reach.vantage import Vantage
from migrawatch.reason import Reason
from migrawatch.show.document import observation_document
from migrawatch.show.series import labels_of, samples_of
from tests.contract.conduct import loop_is_held_at_most, nothing_left_behind, without_holding_the_loop
from tests.contract.conftest import Freezing
from tests.contract.kinds import INVERTED, SECRET, check_of, class_of, kinds
from tests.contract.situations import (
    CLOSED,
    COMMANDS,
    GARBLED,
    GIBBERISH,
    HANGS,
    HUNG_UP,
    SILENT,
    SITUATIONS,
    UNREADABLE,
    Command,
    Gone,
    Instead,
    Reads,
    Situation,
)
from tests.servers.peers import GARBAGE, Serve, peer

pytestmark = pytest.mark.asyncio(loop_scope="module")

TCP = [kind for kind in kinds(Contact.TCP) if kind not in INVERTED]
SHORT = 0.4
AMPLE = 1.0
WARM: set[tuple[str, str]] = set()
PATH = {"connect", "dns"}
"""The families of reasons that speak of the way to a peer, not of what it says."""


async def seen_in(situation: Situation, kind: str, vantage: Vantage) -> Observation:
    """One look of *kind* at a peer in *situation*."""
    async with situation.peer() as port:
        check = check_of(kind, port=port, vantage=vantage.name, timeout=SHORT if situation.lasts else AMPLE)
        return await look(check, vantage)


async def seen_of(command: Command, kind: str, vantage: Vantage) -> Observation:
    """One look of *kind* from a vantage where every command goes wrong in this way."""
    check = check_of(kind, vantage=vantage.name, timeout=SHORT if command is HANGS else AMPLE)
    return await look(check, Instead(vantage, *command.argv))


# -- 1, 2, 3: what is wrong with the target -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TCP)
async def test_1_a_closed_port_is_down_and_refused(kind: str, vantage: Vantage) -> None:
    seen = await seen_in(CLOSED, kind, vantage)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.CONNECT_REFUSED), seen.detail


@pytest.mark.slow
@pytest.mark.parametrize("kind", TCP)
async def test_2_a_silent_peer_is_down_by_the_deadline_in_a_named_step(kind: str, vantage: Vantage) -> None:
    seen = await seen_in(SILENT, kind, vantage)

    assert seen.verdict is Verdict.DOWN, seen.detail
    assert SHORT <= seen.took < SHORT + GRACE
    [*_, unfinished] = [step.name for step in seen.steps if not step.finished]
    assert unfinished in seen.detail
    assert seen.reason is not Reason.CONNECT_TIMEOUT, "it did connect"


@pytest.mark.slow
@pytest.mark.parametrize("kind", kinds(Contact.COMMANDS))
async def test_2_a_command_that_hangs_is_down_by_the_deadline_in_a_named_step(kind: str, vantage: Vantage) -> None:
    seen = await seen_of(HANGS, kind, vantage)

    assert (seen.verdict, seen.reason) == (Verdict.DOWN, Reason.COMMAND_TIMEOUT), seen.detail
    assert SHORT <= seen.took < SHORT + GRACE
    [*_, unfinished] = [step.name for step in seen.steps if not step.finished]
    assert unfinished in seen.detail


@pytest.mark.parametrize("situation", GARBLED, ids=str)
@pytest.mark.parametrize("kind", TCP)
async def test_3_garbage_is_down_with_a_reason_of_the_protocol(
    kind: str, situation: Situation, vantage: Vantage
) -> None:
    seen = await seen_in(situation, kind, vantage)

    assert seen.verdict is Verdict.DOWN, seen.detail
    assert seen.reason is not None
    assert seen.reason.family not in PATH or seen.reason is Reason.DNS_MALFORMED, seen.detail


@pytest.mark.parametrize("situation", HUNG_UP, ids=str)
@pytest.mark.parametrize("kind", TCP)
async def test_3_a_peer_that_hangs_up_is_down(kind: str, situation: Situation, vantage: Vantage) -> None:
    seen = await seen_in(situation, kind, vantage)

    assert seen.verdict is Verdict.DOWN, seen.detail


@pytest.mark.parametrize("command", COMMANDS, ids=str)
@pytest.mark.parametrize("kind", kinds(Contact.COMMANDS))
async def test_3_a_command_that_goes_wrong_is_never_ok_and_never_a_bug(
    kind: str, command: Command, vantage: Vantage
) -> None:
    seen = await seen_of(command, kind, vantage)

    assert seen.verdict in (Verdict.DOWN, Verdict.UNKNOWN), seen
    assert seen.reason is not Reason.BUG, seen.detail


@pytest.mark.slow
@pytest.mark.parametrize("kind", kinds(Contact.FILES))
async def test_2_files_that_hang_are_down_by_the_deadline_in_a_named_step(
    kind: str, vantage: Vantage, fifo: Path
) -> None:
    check = check_of(kind, vantage=vantage.name, timeout=SHORT)
    seen = await look(check, Reads(vantage, str(fifo)))

    assert seen.verdict is Verdict.DOWN, seen.detail
    assert seen.reason in (Reason.COMMAND_TIMEOUT, Reason.MOUNT_HUNG), seen.detail
    assert SHORT <= seen.took < SHORT + GRACE
    [*_, unfinished] = [step.name for step in seen.steps if not step.finished]
    assert unfinished in seen.detail


@pytest.mark.parametrize("error", UNREADABLE, ids=str)
@pytest.mark.parametrize("kind", kinds(Contact.FILES))
async def test_3_files_that_cannot_be_read_are_never_ok_and_never_a_bug(
    kind: str, error: OSError, vantage: Vantage
) -> None:
    seen = await look(check_of(kind, vantage=vantage.name, timeout=AMPLE), Reads(vantage, error=error))

    assert seen.verdict in (Verdict.DOWN, Verdict.UNKNOWN), seen
    assert seen.reason is not Reason.BUG, seen.detail


@pytest.mark.parametrize("said", GIBBERISH, ids=repr)
@pytest.mark.parametrize("kind", kinds(Contact.FILES))
async def test_3_files_that_hold_garbage_are_never_ok_and_never_a_bug(kind: str, said: bytes, vantage: Vantage) -> None:
    seen = await look(check_of(kind, vantage=vantage.name, timeout=AMPLE), Reads(vantage, said=said))

    assert seen.verdict in (Verdict.DOWN, Verdict.UNKNOWN), seen
    assert seen.reason is not Reason.BUG, seen.detail


@pytest.mark.parametrize("kind", sorted(INVERTED))
@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
async def test_123_the_inversion_is_down_for_whatever_accepts(
    kind: str, situation: Situation, vantage: Vantage
) -> None:
    """`port_closed`: a refusal is health, and a peer that accepts is exposed, whatever it says or does not say."""
    seen = await seen_in(situation, kind, vantage)

    wanted = (Verdict.OK, None) if situation is CLOSED else (Verdict.DOWN, Reason.PORT_EXPOSED)
    assert (seen.verdict, seen.reason) == wanted, seen.detail


# -- 4: what is wrong with us ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind not in kinds(Contact.REPORTS)])
async def test_4_a_lost_vantage_is_unknown(kind: str) -> None:
    seen = await look(check_of(kind, port=1, vantage="gone"), Gone("gone"))

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.VANTAGE_LOST), seen.detail


@pytest.mark.slow
@pytest.mark.parametrize("kind", TCP)
async def test_4_a_vantage_that_freezes_under_a_look_is_unknown(kind: str, freezing: Freezing) -> None:
    async with SILENT.peer() as port:
        check = check_of(kind, port=port, vantage=freezing.vantage.name, timeout=5)
        seen = await freezing.look(check, freezing.vantage)

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.VANTAGE_LOST), seen.detail


@pytest.mark.slow
@pytest.mark.parametrize("kind", kinds(Contact.COMMANDS))
async def test_4_a_vantage_that_freezes_under_a_command_is_unknown(kind: str, freezing: Freezing) -> None:
    check = check_of(kind, vantage=freezing.vantage.name, timeout=5)

    seen = await freezing.look(check, Instead(freezing.vantage, *HANGS.argv))

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.VANTAGE_LOST), seen.detail


# -- 5: cancelling --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*TCP, *kinds(Contact.NONE)])
async def test_5_cancelling_goes_through_at_once(kind: str, vantage: Vantage) -> None:
    async with SILENT.peer() as port:
        await cancelled_at_once(check_of(kind, port=port, vantage=vantage.name, timeout=10), vantage)


@pytest.mark.parametrize("kind", kinds(Contact.COMMANDS))
async def test_5_cancelling_a_command_goes_through_at_once(kind: str, vantage: Vantage) -> None:
    await cancelled_at_once(check_of(kind, vantage=vantage.name, timeout=10), Instead(vantage, *HANGS.argv))


@pytest.mark.parametrize("kind", kinds(Contact.FILES))
async def test_5_cancelling_a_read_goes_through_at_once(kind: str, vantage: Vantage, fifo: Path) -> None:
    await cancelled_at_once(check_of(kind, vantage=vantage.name, timeout=10), Reads(vantage, str(fifo)))


async def cancelled_at_once(check: Check, vantage: Vantage) -> None:
    """Cancel a look that waits, and see that nothing waits any longer."""
    looking = asyncio.ensure_future(look(check, vantage))
    await asyncio.sleep(0.1)
    assert not looking.done(), looking.result()

    began = time.perf_counter()
    looking.cancel()
    await asyncio.wait((looking,), timeout=2)

    assert looking.cancelled()
    assert time.perf_counter() - began < GRACE / 2


# -- 6: through Ssh as from Here ------------------------------------------------------------------------------------


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
@pytest.mark.parametrize("kind", TCP)
async def test_6_the_same_is_said_through_ssh_as_from_here(kind: str, situation: Situation, far: Ssh) -> None:
    near = await seen_in(situation, kind, Here())
    through = await seen_in(situation, kind, far)

    assert through.verdict is near.verdict, f"{near.detail} / {through.detail}"
    # A channel of SSH knows no reset: it only ends.
    assert through.reason is near.reason or situation in HUNG_UP, f"{near.detail} / {through.detail}"


# -- 7, 8, 9: conduct -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
@pytest.mark.parametrize("kind", kinds(Contact.TCP, Contact.NONE, Contact.UDP))
async def test_7_8_9_only_what_is_declared_is_said_and_nothing_stays(
    kind: str, situation: Situation, vantage: Vantage, capfd: pytest.CaptureFixture[str]
) -> None:
    await warm(kind, vantage)
    async with nothing_left_behind(), situation.peer() as port:
        check = check_of(kind, port=port, vantage=vantage.name, timeout=SHORT)
        seen = await without_holding_the_loop(lambda: look(check, vantage))

    assert_declared(kind, seen)
    assert_no_secret(check, seen, capfd)


async def warm(kind: str, vantage: Vantage) -> None:
    """Have what is made once for all looks (contexts, pollers, imports) made before anything is counted."""
    if (kind, vantage.name) not in WARM:
        WARM.add((kind, vantage.name))
        for situation in (CLOSED, GARBLED[0], HUNG_UP[1]):
            await seen_in(situation, kind, vantage)


@pytest.mark.parametrize("command", [HANGS, *COMMANDS], ids=str)
@pytest.mark.parametrize("kind", kinds(Contact.COMMANDS))
async def test_7_8_9_only_what_is_declared_is_said_and_no_command_stays(
    kind: str, command: Command, vantage: Vantage, capfd: pytest.CaptureFixture[str]
) -> None:
    check = check_of(kind, vantage=vantage.name, timeout=SHORT)
    await look(check, Instead(vantage, *command.argv))
    async with nothing_left_behind():
        with loop_is_held_at_most():
            seen = await look(check, Instead(vantage, *command.argv))

    assert_declared(kind, seen)
    assert_no_secret(check, seen, capfd)


@pytest.mark.parametrize("kind", kinds(Contact.FILES))
async def test_7_8_9_only_what_is_declared_is_said_and_no_file_stays_open(
    kind: str, vantage: Vantage, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    check = check_of(kind, vantage=vantage.name, timeout=SHORT)
    for error in (None, *UNREADABLE):
        await look(check, Reads(vantage, error=error))
        async with nothing_left_behind():
            with loop_is_held_at_most():
                seen = await look(check, Reads(vantage, error=error))

        assert_declared(kind, seen)
        assert_no_secret(check, seen, capfd)


@pytest.mark.parametrize("kind", kinds(Contact.REPORTS))
async def test_7_8_9_only_what_is_declared_is_said_where_nobody_is_asked(
    kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    check = check_of(kind, timeout=SHORT)
    async with nothing_left_behind():
        with loop_is_held_at_most():
            seen = await look(check, Gone("here"))

    assert (seen.verdict, seen.reason) == (Verdict.UNKNOWN, Reason.NO_HISTORY), seen.detail
    assert_declared(kind, seen)
    assert_no_secret(check, seen, capfd)


# -- unix sockets: 2, 3, 5, 7, 8, 9 ----------------------------------------------------------------------------------


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(GARBAGE)
    await reader.read()


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Leaves at once."""


@pytest.mark.slow
@pytest.mark.parametrize("serve", [silent, garbage, hangs_up])
@pytest.mark.parametrize("kind", kinds(Contact.SOCKET))
async def test_2_3_7_8_9_of_a_socket(
    kind: str, serve: Serve, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    check = check_of(kind, timeout=SHORT, path=str(tmp_path / "s"))
    async with peer(serve, str(tmp_path / "s")):
        await look(check, Here())
        async with nothing_left_behind():
            with loop_is_held_at_most():
                seen = await look(check, Here())

    assert seen.verdict is Verdict.DOWN, seen.detail
    assert (SHORT if serve is silent else 0) <= seen.took < SHORT + GRACE
    assert_declared(kind, seen)
    assert_no_secret(check, seen, capfd)


@pytest.mark.parametrize("kind", kinds(Contact.SOCKET))
async def test_5_cancelling_goes_through_at_once_at_a_socket(kind: str, tmp_path: Path) -> None:
    async with peer(silent, str(tmp_path / "s")):
        await cancelled_at_once(check_of(kind, timeout=10, path=str(tmp_path / "s")), Here())


def assert_declared(kind: str, seen: Observation) -> None:
    phases = class_of(kind).phase_measure
    declared = {measure.name for measure in (*class_of(kind).measures, *WIRE_MEASURES, *((phases,) if phases else ()))}
    assert {reading.measure.name for reading in seen.readings} <= declared


def assert_no_secret(check: Check, seen: Observation, capfd: pytest.CaptureFixture[str]) -> None:
    printed = capfd.readouterr()
    assert SECRET not in printed.out + printed.err
    assert SECRET not in repr(seen) + repr(check)
    assert SECRET not in json.dumps(observation_document(seen))
    assert SECRET.encode() not in b"".join((labels_of(seen.subject), *samples_of(seen)[1]))
