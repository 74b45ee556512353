"""The command line: `migrawatch run`, `probe`, `check-config` and the rest."""

import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

import click

from migrawatch import __version__

_COMMANDS = {
    "run": ("migrawatch.cli.run", "run", "Watch everything, as systemd starts it."),
    "probe": ("migrawatch.cli.probe", "probe", "Look at checks and all they need, now; name the cause."),
    "simulate": ("migrawatch.cli.simulate", "simulate", "Suppose that something is down: what fails, and who is told."),
    "discover": ("migrawatch.cli.discover", "discover", "Tell what is served but not watched, and what to add."),
    "check-config": ("migrawatch.cli.config", "check_config", "Tell all that is wrong with a configuration."),
    "gate": ("migrawatch.cli.gate", "gate", "Print what a watched host must permit, and no more."),
    "kinds": ("migrawatch.cli.kinds", "kinds", "List the kinds of probes and their settings."),
    "incidents": ("migrawatch.cli.incidents", "incidents", "List what is broken now, and what was."),
    "ack": ("migrawatch.cli.ack", "ack", "Say that somebody is on an incident: no reminders, nobody further called."),
    "maintenance": ("migrawatch.cli.maintenance", "maintenance", "List, make and end maintenance windows."),
    "schema": ("migrawatch.cli.config", "schema", "Print the JSON Schema of a configuration."),
    "demo": ("migrawatch.cli.demo", "demo", "A miniature MigraTeck that breaks and recovers."),
}
"""Where each command lives, and its line in the list: the list must not import them all."""

TROUBLE = 3
"""The exit code of bad usage and of a bad configuration, as a Nagios plugin says UNKNOWN."""


class Lazy(click.Group):
    """A group whose commands are imported when they are called: `--help` must not wait for OpenSSL."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands' names, in the order of their use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in _COMMANDS:
            return None
        module, name, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that *args* begin with. Raise UsageError, naming the one that was meant."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], _COMMANDS, 1)
            ctx.fail(f"no such command {args[0]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, with none of them imported."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in _COMMANDS.items()])


@click.group(
    cls=Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 ok, 1 warn, 2 down, 3 unknown, bad usage or a bad configuration.",
)
@click.version_option(__version__, prog_name="migrawatch", message="%(prog)s %(version)s")
def cli() -> None:
    """Watch MigraTeck's systems, name the thing that broke, and page once."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: run one command and exit with its code."""
    try:
        code = cli.main(
            args=None if arguments is None else list(arguments), prog_name="migrawatch", standalone_mode=False
        )
    except click.ClickException as error:
        error.show()
        code = TROUBLE
    except click.Abort:
        code = 130
    except Exception:  # noqa: BLE001 - Python would exit with 1, and 1 says that a check warns
        traceback.print_exc()
        code = TROUBLE
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
