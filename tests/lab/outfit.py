"""What only a running lab has: host keys, our key, certificates, the signer's key, where hosts find each other."""

import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from migrawatch.decide.gate import PROGRAM, Gate
from tests.lab.authority import Authority, Certificate
from tests.lab.machine import Machine
from tests.lab.plan import HERE, MAIL_NAME, POLICY_NAME, RESOLVER, SELECTOR, SITES, WORDS_PATH, Host
from tests.lab.shell import run

GATE = HERE.parents[1] / "deploy" / "ssh" / "migrawatch-gate"


def dress(machine: Machine, keys: Path, authority: Authority, hosts: Sequence[Host], gate: Gate | None) -> None:
    """Write this lab's own files onto the disk of a host that is not running yet. *hosts* are all of the lab's."""
    disk = machine.disk
    (disk / "etc/hostname").write_text(f"{machine.host.name}\n")
    (disk / "etc/machine-id").write_text(f"{secrets.token_hex(16)}\n")
    names = "".join(f"{host.address} {host.name}\n" for host in hosts)
    (disk / "etc/hosts").write_text(f"127.0.0.1 localhost\n{names}")
    if any(host.address == RESOLVER for host in hosts):
        (disk / "etc/resolv.conf").write_text(f"nameserver {RESOLVER}\n")
    (disk / WORDS_PATH).write_text("\n".join(part.read_text() for part in sorted((HERE / "words").glob("*.sh"))))
    _let_us_in(machine, keys, gate)
    OWN.get(machine.host.name, _nothing_more)(machine, keys, authority)


def _let_us_in(machine: Machine, keys: Path, gate: Gate | None) -> None:
    host, disk = machine.host, machine.disk
    own = disk / "etc/ssh/ssh_host_ed25519_key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", host.name, "-f", str(own))
    kind, text, *_ = own.with_suffix(".pub").read_text().split()
    with (keys / "known_hosts").open("a") as known:
        known.write(f"{host.name},{host.address} {kind} {text}\n")
    labs = (keys / "id_lab.pub").read_text()
    gated = _behind(disk, gate) if gate is not None else ""
    (disk / "home/migrawatch/.ssh/authorized_keys").write_text(f"{gated}restrict {labs}")


def _behind(disk: Path, gate: Gate) -> str:
    """Set up *gate* as docs/deployment.md has it, and give the line of the key that stands behind it."""
    shutil.copy(GATE, disk / PROGRAM.lstrip("/"))
    (disk / "etc/migrawatch-gate").write_text(gate.commands)
    (disk / "etc/ssh/sshd_config.d/migrawatch.conf").write_text(gate.sshd)
    rules = disk / "etc/sudoers.d/migrawatch"
    rules.write_text(gate.sudoers)
    rules.chmod(0o440)
    return gate.authorized_keys


def install(disk: Path, site: str, certificate: Certificate) -> None:
    """Put a site's certificate where certbot would: a new number in archive, links to it in live."""
    archive = disk / "etc/letsencrypt/archive" / site
    archive.mkdir(parents=True, exist_ok=True)
    number = len(list(archive.glob("fullchain*.pem"))) + 1
    for kind, text in (("fullchain", certificate.fullchain), ("privkey", certificate.key)):
        kept = archive / f"{kind}{number}.pem"
        kept.touch(mode=0o600 if kind == "privkey" else 0o644)
        kept.write_text(text)
    _link(disk, site, number)


def withdraw(disk: Path, site: str) -> None:
    """Go back to a site's first certificate, as if there never was another."""
    _link(disk, site, 1)
    for kept in (disk / "etc/letsencrypt/archive" / site).iterdir():
        if kept.stem not in ("fullchain1", "privkey1"):
            kept.unlink()


def _link(disk: Path, site: str, number: int) -> None:
    live = disk / "etc/letsencrypt/live" / site
    live.mkdir(parents=True, exist_ok=True)
    for kind in ("fullchain", "privkey"):
        link = live / f"{kind}.pem"
        link.unlink(missing_ok=True)
        link.symlink_to(f"../../archive/{site}/{kind}{number}.pem")


def _nothing_more(_machine: Machine, _keys: Path, _authority: Authority) -> None:
    """Most hosts have nothing of their own."""


def _sites(machine: Machine, _keys: Path, authority: Authority) -> None:
    for site in SITES:
        install(machine.disk, site, authority.issue(site, f"www.{site}"))


def _database(machine: Machine, _keys: Path, authority: Authority) -> None:
    certificate = authority.issue("db-core", machine.host.address)
    folder = machine.disk / "etc/postgresql/15/main"
    for name, text in (("server.crt", certificate.fullchain), ("server.key", certificate.key)):
        _keep(folder / name, text)


def _mail(machine: Machine, keys: Path, authority: Authority) -> None:
    install(machine.disk, MAIL_NAME, authority.issue(MAIL_NAME))
    _keep(machine.disk / f"etc/opendkim/keys/{SELECTOR}.private", signing_key(keys).read_text())


def _zones(machine: Machine, keys: Path, _authority: Authority) -> None:
    """Write the zones as files; the host loads them before its server starts."""
    folder = machine.disk / "etc/lab/zones"
    every = (folder / "every").read_text()
    texts = {"@SERIAL@": str(int(time.time())), "@DKIM@": key_record(keys)}
    for domain in SITES:
        more = folder / f"{domain}.more"
        zone = every + (more.read_text() if more.exists() else "")
        for place, text in {**texts, "@DOMAIN@": domain}.items():
            zone = zone.replace(place, text)
        (folder / f"{domain}.zone").write_text(zone)


def _policy(machine: Machine, _keys: Path, authority: Authority) -> None:
    install(machine.disk, POLICY_NAME, authority.issue(POLICY_NAME))


OWN: dict[str, Callable[[Machine, Path, Authority], None]] = {
    "srv1": _sites,
    "db-core": _database,
    "mail-core": _mail,
    "dns-core": _zones,
    "resolver": _policy,
}


def _keep(path: Path, text: str) -> None:
    """Write a secret as a file of whoever owns its folder."""
    owner = path.parent.stat()
    path.touch(mode=0o600)
    path.write_text(text)
    run("chown", f"{owner.st_uid}:{owner.st_gid}", str(path))


def signing_key(keys: Path) -> Path:
    """The key that mail-core signs with; made at the first call."""
    kept = keys / "dkim.pem"
    if not kept.exists():
        run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(kept))
    return kept


def public_key(keys: Path) -> str:
    """The public half of the signer's key, as PEM."""
    return run("openssl", "pkey", "-in", str(signing_key(keys)), "-pubout")


def key_record(keys: Path) -> str:
    """The DKIM record of the signer's key as a zone file has it: strings of at most 255 characters."""
    text = "v=DKIM1; k=rsa; p=" + "".join(public_key(keys).splitlines()[1:-1])
    return " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))
