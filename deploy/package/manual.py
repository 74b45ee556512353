"""Man pages and completions, as the command line describes itself; `manual.py ROOT DATE` lays them below ROOT."""

import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from migrawatch import __version__
from migrawatch.cli.main import cli

COMPLETIONS = {
    "bash": "bash-completion/completions/migrawatch",
    "zsh": "zsh/vendor-completions/_migrawatch",
    "fish": "fish/vendor_completions.d/migrawatch.fish",
}
FILES = (
    ("/etc/migrawatch/migrawatch.yaml", "The configuration; it includes conf.d/*.yaml beside it."),
    ("/etc/migrawatch/credentials/", "Keys and passwords, a file each, for {credential: FILE}."),
    ("/etc/migrawatch/known_hosts", "The keys of the hosts that are looked from."),
    ("/var/lib/migrawatch/state.db", "Open incidents, and notices that nobody has taken yet."),
)


def main() -> None:
    """Write everything."""
    root, date = Path(sys.argv[1]) / "usr/share", sys.argv[2]
    pages = root / "man/man1"
    pages.mkdir(parents=True)
    top = click.Context(cli, info_name="migrawatch", **cli.context_settings)
    _write(pages / "migrawatch.1.gz", "\n".join(_main_page(top, date)))
    for name in cli.list_commands(top):
        context = _below(top, name)
        _write(pages / f"migrawatch-{name}.1.gz", "\n".join(_page(context, date)))
    for shell, path in COMPLETIONS.items():
        _write_completion(shell, root / path)


def _write(path: Path, text: str) -> None:
    # Neither a name nor a date in the head: equal text is equal bytes.
    with path.open("wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
        packed.write(f"{text}\n".encode())


def _write_completion(shell: str, path: Path) -> None:
    path.parent.mkdir(parents=True)
    script = "from migrawatch.cli.main import main; main()"
    variables = {
        "_MIGRAWATCH_COMPLETE": f"{shell}_source",
        "PYTHONPATH": ":".join(sys.path),
        "PATH": "/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    made = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, text=True, check=True)
    path.write_text(made.stdout)


def _below(parent: click.Context, name: str) -> click.Context:
    assert isinstance(parent.command, click.Group)
    command = parent.command.get_command(parent, name)
    assert command is not None
    return click.Context(command, parent=parent, info_name=name, **command.context_settings)


def _main_page(top: click.Context, date: str) -> Iterator[str]:
    yield from _page(top, date)
    yield ".SH COMMANDS"
    for name in cli.list_commands(top):
        yield f".TP\n.B migrawatch\\-{_roff(name)}(1)\n{_roff(_below(top, name).command.get_short_help_str(200))}"
    yield ".SH FILES"
    for path, meaning in FILES:
        yield f".TP\n.I {_roff(path)}\n{_roff(meaning)}"
    yield ".SH SEE ALSO\nThe pages in /usr/share/doc/migrawatch; systemctl(1), journalctl(1)"


def _page(context: click.Context, date: str) -> Iterator[str]:
    name = context.command_path.replace(" ", "-")
    yield f'.TH "{_roff(name.upper())}" "1" "{date}" "migrawatch {_roff(__version__)}" "migrawatch"'
    yield f".SH NAME\n{_roff(name)} \\- {_roff(context.command.get_short_help_str(200).rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield from _synopsis(context)
    yield ".SH DESCRIPTION"
    yield _paragraphs(context.command.help or "")
    yield from _options(context, ".SH OPTIONS")
    if context.parent is not None and isinstance(context.command, click.Group):
        for below in context.command.list_commands(context):
            yield from _section(_below(context, below))
    if context.command.epilog:
        yield f".SH EXIT STATUS\n{_roff(context.command.epilog)}"


def _section(context: click.Context) -> Iterator[str]:
    yield f'.SH "{_roff(context.command_path.upper())}"'
    yield from _synopsis(context)
    yield f".PP\n{_paragraphs(context.command.help or '')}"
    yield from _options(context, ".PP")


def _synopsis(context: click.Context) -> Iterator[str]:
    pieces = " ".join(context.command.collect_usage_pieces(context))
    yield f".B {_roff(context.command_path)}\n{_roff(pieces)}"


def _options(context: click.Context, heading: str) -> Iterator[str]:
    records = [record for param in context.command.get_params(context) if (record := param.get_help_record(context))]
    if records:
        yield heading
    for written, meaning in records:
        yield f".TP\n.B {_roff(written)}\n{_roff(meaning)}"


def _paragraphs(text: str) -> str:
    return "\n.PP\n".join(_roff(" ".join(part.split())) for part in text.replace("\b", "").split("\n\n"))


def _roff(text: str) -> str:
    """*text* with nothing in it that troff would obey."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in escaped.splitlines())


main()
