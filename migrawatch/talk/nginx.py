"""What two kinds ask of nginx: its whole configuration."""

import asyncio
import re
from typing import Protocol

from migrawatch.model import Unsure
from migrawatch.parse.nginx import Dump, parse_dump
from migrawatch.reach.vantage import Completed
from migrawatch.reason import Reason

# Left out of what is told: the time and the process differ from look to look, the fault does not.
_HEAD = re.compile(r"^(?:nginx: |\d{4}/\d\d/\d\d \d\d:\d\d:\d\d )?(?:\[\w+\] )?(?:\d+#\d+: )?")


class Runs(Protocol):
    """Who runs commands: a visit."""

    async def run(self, *argv: str) -> Completed:
        """Run a command and wait for its end."""
        ...


def testing(program: str, config: str, sudo: bool) -> tuple[str, ...]:
    """The command that tests what is on disk and prints it. It reads private keys and opens logs: root's."""
    return (*(("sudo", "-n") if sudo else ()), program, "-T", *(("-c", config) if config else ()))


async def ask(visit: Runs, command: tuple[str, ...]) -> Completed:
    """What nginx says of its configuration. Raise Unsure when it was not nginx that spoke."""
    answer = await visit.run(*command)
    if answer.status != 0 and "nginx: " not in answer.stderr:
        words = answer.stderr.strip().splitlines()
        raise Unsure(
            Reason.COMMAND_FAILED, f"{' '.join(command)} ended with {answer.status}: {''.join(words[:1])[:200]}"
        )
    return answer


async def dump(visit: Runs, command: tuple[str, ...]) -> Dump:
    """The configuration on disk. Raise Unsure when it is invalid: that is the finding of the kind `nginx_config`."""
    answer = await ask(visit, command)
    if answer.status != 0:
        raise Unsure(Reason.CONFIG_INVALID, f"the configuration on disk is invalid: {complaint(answer)}")
    return await read(answer)


async def read(answer: Completed) -> Dump:
    """The dump that nginx printed. A large one takes longer to read than the loop may wait."""
    try:
        return await asyncio.to_thread(parse_dump, answer.stdout)
    except ValueError as error:
        raise Unsure(Reason.COMMAND_FAILED, str(error)) from error


def words_of(answer: Completed) -> str:
    """All that nginx said on standard error, without times and process ids."""
    return "\n".join(_HEAD.sub("", line) for line in answer.stderr.strip().splitlines())[:1000]


def complaint(answer: Completed) -> str:
    """What nginx has against its configuration, in its own words."""
    lines = answer.stderr.strip().splitlines()
    wrong = [line for line in lines if "[emerg]" in line or "[crit]" in line or "[alert]" in line]
    return _HEAD.sub("", (wrong or lines or ["no word"])[0])[:300]
