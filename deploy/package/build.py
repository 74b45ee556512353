"""Build the Debian package, the wheel and the list of what is in them: `make deb`, `make wheel`.

Equal sources give equal bytes: every third-party package is pinned by its hash (requirements.lock), every date is that
of the last commit ($SOURCE_DATE_EPOCH). Runs in the environment of build.lock, and touches nothing outside of --into.
"""

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HOME = Path("usr/lib/migrawatch")
LIBRARY = HOME / "lib/python3.11/site-packages"
GLIBC = 36
"""Debian 12 has glibc 2.36: no binary of a newer one may get in."""

SOURCES_ONLY = "dkimpy"
"""Published without a wheel: built from its pinned source."""

VENV = """\
home = /usr/bin
include-system-site-packages = false
version = 3.11
"""
LAUNCHER = """\
#!/usr/lib/migrawatch/bin/python3 -I
from migrawatch.cli.main import main

main()
"""
TREE = (
    ("deploy/systemd/back-off", HOME / "back-off"),
    ("deploy/systemd/reload", HOME / "reload"),
    ("deploy/systemd/migrawatch.sysusers", Path("usr/lib/sysusers.d/migrawatch.conf")),
    ("deploy/systemd/migrawatch.tmpfiles", Path("usr/lib/tmpfiles.d/migrawatch.conf")),
    ("deploy/systemd/migrawatch.sysctl", Path("usr/lib/sysctl.d/60-migrawatch.conf")),
    ("config/migrawatch.yaml", Path("etc/migrawatch/migrawatch.yaml")),
    ("config/conf.d", Path("etc/migrawatch/conf.d")),
    ("config/examples", Path("usr/share/doc/migrawatch/examples")),
    ("config/prometheus", Path("usr/share/doc/migrawatch/prometheus")),
    ("config/alertmanager", Path("usr/share/doc/migrawatch/alertmanager")),
    ("grafana/dashboards", Path("usr/share/doc/migrawatch/grafana/dashboards")),
    ("grafana/provisioning", Path("usr/share/doc/migrawatch/grafana/provisioning")),
    ("deploy/hosts", Path("usr/share/doc/migrawatch/hosts")),
    ("deploy/ssh", Path("usr/share/doc/migrawatch/ssh")),
    ("docs", Path("usr/share/doc/migrawatch")),
    ("deploy/package/copyright", Path("usr/share/doc/migrawatch/copyright")),
    ("CHANGELOG.md", Path("usr/share/doc/migrawatch/CHANGELOG.md")),
)


def main() -> None:
    """Build what is asked for and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["deb", "wheel"])
    parser.add_argument("--into", type=Path, default=ROOT / "dist")
    parser.add_argument("--revision", default="1", help="the package's own number behind the version")
    asked = parser.parse_args()
    os.environ.setdefault("SOURCE_DATE_EPOCH", _last_commit())
    os.umask(0o022)
    asked.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="migrawatch-") as place:
        wheel = _wheel(Path(place))
        if asked.what == "wheel":
            print(shutil.copy(wheel, asked.into))
            return
        for made in _package(wheel, Path(place), asked.revision):
            print(shutil.copy(made, asked.into))


def _package(wheel: Path, place: Path, revision: str) -> list[Path]:
    """The package and its list of components, built in *place*."""
    if sys.version_info[:2] != (3, 11):
        sys.exit(f"the package is for Debian 12 and its Python 3.11; this is {platform.python_version()}")
    root = place / "root"
    _lay_library(root, wheel)
    _lay_tree(root)
    env = {**os.environ, "PYTHONPATH": str(root / LIBRARY), "PYTHONDONTWRITEBYTECODE": "1"}
    date = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC).date().isoformat()
    # Without site, so that what is in the package stands alone.
    _run(sys.executable, "-S", str(HERE / "manual.py"), str(root), date, env=env)
    version = f"{wheel.name.split('-')[1]}-{revision}"
    architecture = _said("dpkg", "--print-architecture")
    name = f"migrawatch_{version}_{architecture}"
    components = _components(root, place / f"{name}.cdx.json")
    shutil.copy(components, root / "usr/share/doc/migrawatch/components.cdx.json")
    _control(root, version, architecture)
    package = place / f"{name}.deb"
    # More than one thread would cut the archive into blocks, by the number of processors.
    _run("dpkg-deb", "--root-owner-group", "-Zzstd", "-z12", "--threads-max=1", "--build", str(root), str(package))
    return [package, components]


def _wheel(place: Path) -> Path:
    _run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(place), cwd=ROOT)
    return next(place.glob("migrawatch-*.whl"))


def _lay_library(root: Path, wheel: Path) -> None:
    """A virtual environment over Debian's Python: pyvenv.cfg beside bin/ is all that makes one."""
    library = root / LIBRARY
    pip = (
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--no-build-isolation",
        "--root-user-action=ignore", "--target", str(library),
    )  # fmt: skip
    machine = platform.machine()
    fits = [f"--platform=manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 4, -1)]
    _run(
        *pip, "--require-hashes", "--only-binary=:all:", f"--no-binary={SOURCES_ONLY}", "--python-version=3.11",
        "--implementation=cp", *fits, f"--platform=manylinux2014_{machine}", "-r", str(HERE / "requirements.lock"),
    )  # fmt: skip
    _run(*pip, str(wheel))
    # Commands of the libraries and their pages.
    for folder in (library / "bin", library / "share"):
        shutil.rmtree(folder)
    _forget_origin(library)
    home = root / HOME
    (home / "bin").mkdir()
    (home / "bin/python3").symlink_to("/usr/bin/python3.11")
    (home / "pyvenv.cfg").write_text(VENV)
    launcher = home / "bin/migrawatch"
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)


def _forget_origin(library: Path) -> None:
    """Drop where a wheel lay on the machine that built it."""
    for origin in library.glob("*.dist-info/direct_url.json"):
        record = origin.with_name("RECORD")
        lines = record.read_text().splitlines(keepends=True)
        record.write_text("".join(line for line in lines if "direct_url.json" not in line))
        origin.unlink()


def _lay_tree(root: Path) -> None:
    for source, target in TREE:
        _lay(ROOT / source, root / target)
    for unit in sorted((ROOT / "deploy/systemd").glob("migrawatch*")):
        if unit.suffix in (".service", ".socket", ".timer"):
            _lay(unit, root / "lib/systemd/system" / unit.name)
    (root / "etc/migrawatch/credentials").mkdir(mode=0o700)
    (root / "etc/migrawatch/shards").mkdir()
    command = root / "usr/bin/migrawatch"
    command.parent.mkdir(parents=True)
    command.symlink_to("../lib/migrawatch/bin/migrawatch")


def _lay(source: Path, target: Path) -> None:
    """Copy a file or a folder; of its mode only whether it can be run is kept."""
    if source.is_dir():
        for path in sorted(source.iterdir()):
            _lay(path, target / path.name)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def _components(root: Path, target: Path) -> Path:
    """List what is in the package (CycloneDX), read from what was really laid there."""
    python = target.with_name("python-of-the-package")
    python.write_text(f'#!/bin/sh\nPYTHONPATH={root / LIBRARY} exec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    _run(
        sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--validate",
        "--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application", "-o", str(target), str(python),
    )  # fmt: skip
    return target


def _control(root: Path, version: str, architecture: str) -> None:
    control = root / "DEBIAN"
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    shutil.copytree(HERE / "debian", control)
    size = sum(path.stat().st_size // 1024 + 1 for path in files)
    text = (control / "control").read_text()
    for word, value in (("@VERSION@", version), ("@ARCHITECTURE@", architecture), ("@SIZE@", str(size))):
        text = text.replace(word, value)
    (control / "control").write_text(text)
    kept = [path.relative_to(root) for path in files]
    (control / "conffiles").write_text("".join(f"/{path}\n" for path in kept if path.parts[0] == "etc"))
    sums = ((hashlib.md5((root / path).read_bytes(), usedforsecurity=False).hexdigest(), path) for path in kept)
    (control / "md5sums").write_text("".join(f"{digest}  {path}\n" for digest, path in sums if path.parts[0] != "etc"))


def _last_commit() -> str:
    return _said("git", "-C", str(ROOT), "log", "-1", "--format=%ct")


def _said(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def _run(*argv: str, **options: object) -> None:
    """Run *argv*; what it says goes to stderr, and its failure ends the build."""
    ended = subprocess.run(argv, stdout=sys.stderr, check=False, **options)  # type: ignore[call-overload]
    if ended.returncode:
        sys.exit(f"{' '.join(argv[:4])} ...: exit {ended.returncode}")


main()
