"""The Debian package and the wheel, built as `make deb` and `make wheel` build them."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / ".build/bin/python"


def built(what: str, into: Path, umask: int = 0o022, **environ: str) -> Path:
    """The folder *into* with what was built there; for equal sources it must not matter where, when and by whom."""
    assert BUILD.exists(), "make .build/.installed comes first"
    argv = [BUILD, ROOT / "deploy/package/build.py", what, "--into", into]
    ended = subprocess.run(
        argv, env={**os.environ, **environ}, umask=umask, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return into


def next_release(package: Path, into: Path, version: str, changed: dict[str, str]) -> Path:
    """*package* as a later *version*, with the text of some files *changed*."""
    tree, made = into / "next", into / f"migrawatch_{version}.deb"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN/control"
    lines = control.read_text().splitlines()
    control.write_text(
        "\n".join(f"Version: {version}" if line.startswith("Version:") else line for line in lines) + "\n"
    )
    for path, text in changed.items():
        (tree / path).write_text(text)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, made], check=True, capture_output=True)
    return made
