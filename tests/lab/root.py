"""Root file systems of the hosts: one base, one layer a host over it, kept and named by their recipes."""

import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.lab.plan import CACHE, HERE, RECIPES, Host
from tests.lab.shell import require, run

SUITE = "bookworm"
UNUSED = 7 * 86400.0
LAYER = HERE / "layer.sh"
NEEDED = (
    ("mmdebstrap", "mmdebstrap"),
    ("systemd-nspawn", "systemd-container"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("openssl", "openssl"),
    ("ssh-keygen", "openssh-client"),
    ("npm", "npm"),
    ("curl", "curl"),
    ("ssh", "openssh-client"),
    ("psql", "postgresql-client"),
    ("dig", "bind9-dnsutils"),
)


def roots(wanted: Sequence[Host]) -> dict[str, list[Path]]:
    """Give the layers of each of *wanted*, topmost first, building what the cache lacks."""
    require(NEEDED)
    CACHE.mkdir(parents=True, exist_ok=True)
    with locked(CACHE / "lock"):
        base = CACHE / f"base-{_digest(RECIPES / 'base', SUITE.encode(), LAYER.read_bytes())}"
        hosts = {host.name: RECIPES / host.name for host in wanted}
        with ThreadPoolExecutor() as pool:
            modules = pool.submit(_modules, RECIPES / "mpanel-core" / "npm")
            if not base.exists():
                # Lists stay in: the layers install from them without asking again.
                _build_root(base, RECIPES / "base", "cleanup/apt/lists")
            secret = password().encode()
            layers = {
                name: pool.submit(_layer, name, recipe, base, secret, modules.result) for name, recipe in hosts.items()
            }
        found = {name: [layer.result(), base] for name, layer in layers.items()}
        _prune({base, modules.result(), *(stack[0] for stack in found.values())})
        return found


def _prune(used: set[Path]) -> None:
    """Drop roots of older recipes that no lab has asked for in a week."""
    for kept in CACHE.iterdir():
        if kept in used:
            os.utime(kept)
        elif kept.is_dir() and time.time() - kept.stat().st_mtime > UNUSED:
            shutil.rmtree(kept)


def password() -> str:
    """The database password that the cached roots of mpanel-core and db-core share."""
    kept = CACHE / "password"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_hex(16))
    return kept.read_text()


def _digest(recipe: Path, *more: bytes) -> str:
    digest = hashlib.sha256()
    for part in more:
        digest.update(part)
    for path in sorted(path for path in recipe.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(recipe)} {path.stat().st_mode & 0o111}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def bare() -> Path:
    """Give the root of a Debian that has nothing of ours, and what `apt install` of our package will ask for."""
    require(NEEDED[:1])
    CACHE.mkdir(parents=True, exist_ok=True)
    recipe = RECIPES / "bare"
    with locked(CACHE / "lock"):
        root = CACHE / f"bare-{_digest(recipe, SUITE.encode())}"
        if not root.exists():
            _build_root(root, recipe, "cleanup/apt")
        os.utime(root)
        return root


def _build_root(target: Path, recipe: Path, keeping: str) -> None:
    packages = ",".join((recipe / "packages").read_text().split())
    with _fresh(target) as making:
        run(
            "mmdebstrap", "--mode=root", "--variant=minbase", "--quiet", f"--skip={keeping}",
            f"--include={packages}", f"--customize-hook=copy-in {recipe / 'setup.sh'} /",
            f"--customize-hook=cp -r {recipe / 'root'}/. $1/",
            "--customize-hook=chroot $1 sh /setup.sh && rm $1/setup.sh",
            SUITE, str(making), timeout=600,
        )  # fmt: skip


def _layer(name: str, recipe: Path, base: Path, secret: bytes, modules: Callable[[], Path]) -> Path:
    layer = CACHE / f"{name}-{_digest(recipe, base.name.encode(), secret)}"
    if layer.exists():
        return layer
    extra = str(modules()) if (recipe / "npm").exists() else ""
    with _fresh(layer) as making:
        # A mount namespace of its own: whatever ends the build, no mount outlives it.
        run(
            "unshare", "--mount", "--propagation=private",
            "sh", str(LAYER), str(base), str(making), str(recipe), extra,
            stdin=secret.decode(), timeout=600,
        )  # fmt: skip
    return layer


def _modules(recipe: Path) -> Path:
    """Give a folder with node_modules for the locked packages: one npm run, outside the roots."""
    kept = CACHE / f"npm-{_digest(recipe)}"
    if not kept.exists():
        with _fresh(kept) as making:
            shutil.copytree(recipe, making)
            run(
                "npm",
                "ci",
                "--prefix",
                str(making),
                "--omit=optional",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                timeout=300,
            )
    return kept


@contextmanager
def _fresh(target: Path) -> Iterator[Path]:
    """Hand out a place beside *target* that takes its name only when the block succeeded."""
    making = target.with_name(f"{target.name}.part")
    shutil.rmtree(making, ignore_errors=True)
    yield making
    making.rename(target)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until nobody else holds *path*, and hold it inside the block; who is killed holds nothing any more."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
