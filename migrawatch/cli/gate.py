"""`migrawatch gate`: what a watched host must permit, as the files that say so there."""

from pathlib import Path

import click

from migrawatch.cli.permits import gate_of
from migrawatch.cli.settings import config_option, settings_for_completion, settings_from
from migrawatch.config import Settings, near
from migrawatch.decide.gate import PROGRAM, Gate
from migrawatch.model import Access, Lost, Secret

_PLACES = {
    "account": "the account, as root",
    "authorized_keys": "~{user}/.ssh/authorized_keys, owned by root, mode 644",
    "commands": "/etc/migrawatch-gate, read by " + PROGRAM,
    "sudoers": "/etc/sudoers.d/migrawatch, mode 440",
    "sshd": "/etc/ssh/sshd_config.d/migrawatch.conf; then: systemctl reload ssh",
}
"""The parts, and where each belongs."""

_NO_KEY = "PUBLIC_KEY"


def _hosts(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    settings = settings_for_completion(ctx)
    return sorted(name for name in settings.hosts if name.startswith(begun)) if settings else []


@click.command()
@config_option
@click.option("--host", required=True, metavar="HOST", shell_complete=_hosts, help="The watched host.")
@click.option("--part", type=click.Choice(list(_PLACES)), help="This part alone, as its file has it.")
def gate(config: Path, host: str, part: str | None) -> int:
    """Print what HOST must permit for the checks that are configured, and no more.

    That is an account, its line of authorized_keys, the list of the commands that deploy/ssh/migrawatch-gate runs, the
    lines of sudoers, and what sshd itself must forbid. The exit code is 1 if nothing is asked of HOST by SSH.
    """
    settings = settings_from(config, secrets_needed=False)
    found = gate_of(settings, _known(settings, host), _public_key(settings.hosts[host].ssh.key))
    if found.access == Access():
        click.echo(f"no check is looked at from {host}, and none logs in there", err=True)
        return 1
    try:
        told = {name: getattr(found, name) for name in ([part] if part else _PLACES)}
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(told[part] if part else _shown(host, found, told), nl=False)
    return 0


def _shown(host: str, found: Gate, told: dict[str, str]) -> str:
    parts = [f"# {host}: {_PLACES[name].format(user=found.user)}\n{text}" for name, text in told.items() if text]
    return "\n".join(parts)


def _known(settings: Settings, host: str) -> str:
    if host not in settings.hosts:
        meant = near(host, settings.hosts)
        raise click.UsageError(f"no host is named {host!r}" + (f"; did you mean {meant!r}?" if meant else ""))
    return host


def _public_key(key: Secret | None) -> str:
    from migrawatch.reach.ssh_keys import public_line

    if key is None or not key.reveal():
        click.echo(f"the key cannot be read here: put its public half in place of {_NO_KEY}", err=True)
        return _NO_KEY
    try:
        return f"{public_line(key)} migrawatch"
    except Lost as lost:
        raise click.ClickException(lost.detail) from lost
