"""The package and the wheel: the same bytes from the same sources, and in them what is pinned and nothing else."""

import gzip
import hashlib
import json
import re
import subprocess
import sys
import sysconfig
import venv
from email.parser import HeaderParser
from pathlib import Path

import pytest

from migrawatch import __version__
from migrawatch.cli.main import cli
from tests.deploy.packages import ROOT, built

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LOCK = ROOT / "deploy/package/requirements.lock"
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)


@pytest.fixture(scope="session")
def tree(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the package lays below /, and its own DEBIAN/."""
    laid = tmp_path_factory.mktemp("tree") / "root"
    subprocess.run(["dpkg-deb", "-R", package, laid], check=True)
    return laid


def plain(name: str) -> str:
    """A project's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned() -> dict[str, str]:
    return {plain(name): version for name, version in PINNED.findall(LOCK.read_text())}


def test_building_twice_gives_the_same_bytes(package: Path, tmp_path: Path) -> None:
    """In another folder, time zone and language, with another umask: who has the sources can check the package."""
    again = built("deb", tmp_path / "elsewhere", umask=0o077, TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="7")

    for made in (package, package.with_suffix(".cdx.json")):
        assert hashlib.sha256((again / made.name).read_bytes()).digest() == hashlib.sha256(made.read_bytes()).digest()


def test_what_is_in_it_is_what_is_pinned(tree: Path) -> None:
    library = tree / "usr/lib/migrawatch/lib/python3.11/site-packages"
    facts = [HeaderParser().parsestr(found.read_text()) for found in library.glob("*.dist-info/METADATA")]

    assert {plain(fact["Name"]): fact["Version"] for fact in facts} == {**pinned(), "migrawatch": __version__}


def test_every_pin_has_a_hash() -> None:
    """Else an index could hand out other files under the same version."""
    for lock in (LOCK, LOCK.with_name("build.lock")):
        entries = re.split(r"\n(?=[a-z])", lock.read_text(), flags=re.IGNORECASE)
        assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_everything_that_is_needed_is_pinned() -> None:
    """A library that was added to pyproject.toml alone would be missing on the host."""
    needed = re.search(r"^dependencies = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL | re.MULTILINE)
    assert needed
    names = {plain(name) for name in re.findall(r'"([A-Za-z0-9_.-]+)', needed[1])}

    assert names <= set(pinned())


def test_the_components_are_listed_with_their_licenses(package: Path, tree: Path) -> None:
    """CycloneDX: every pinned package by its version; the list also lies in the package."""
    listed = package.with_suffix(".cdx.json")
    document = json.loads(listed.read_text())
    found = {plain(one["name"]): one for one in document["components"]}

    assert {name: one["version"] for name, one in found.items() if name != "migrawatch"} == pinned()
    assert document["metadata"]["component"]["name"] == "migrawatch"
    assert [name for name, one in found.items() if name != "migrawatch" and not one.get("licenses")] == []
    assert (tree / "usr/share/doc/migrawatch/components.cdx.json").read_bytes() == listed.read_bytes()


def test_every_file_below_etc_is_the_operators(tree: Path) -> None:
    """dpkg asks before it replaces one of these (conffiles), and replaces all others."""
    kept = (tree / "DEBIAN/conffiles").read_text().split()

    assert set(kept) == {f"/{path.relative_to(tree)}" for path in (tree / "etc").rglob("*") if path.is_file()}
    assert "/etc/migrawatch/conf.d/edge.yaml" in kept


def test_nobody_but_root_reads_credentials(tree: Path) -> None:
    assert (tree / "etc/migrawatch/credentials").stat().st_mode & 0o777 == 0o700


def test_nothing_in_it_knows_where_it_was_built(tree: Path) -> None:
    """No path of the build, no bytecode, no commands of libraries."""
    library = tree / "usr/lib/migrawatch"

    assert list(library.rglob("*.pyc")) == list(library.rglob("direct_url.json")) == []
    assert sorted(path.name for path in (library / "bin").iterdir()) == ["migrawatch", "python3"]


def test_every_command_has_a_page(tree: Path) -> None:
    pages = tree / "usr/share/man/man1"

    assert {path.name for path in pages.iterdir()} == {"migrawatch.1.gz"} | {
        f"migrawatch-{name}.1.gz"
        for name in cli.list_commands(None)  # type: ignore[arg-type]
    }
    probe = gzip.decompress((pages / "migrawatch-probe.1.gz").read_bytes()).decode()
    assert ".SH SYNOPSIS\n.B migrawatch probe" in probe
    assert "\\-\\-format" in probe


def test_no_page_breaks_out_of_its_markup(tree: Path) -> None:
    """A line of text that begins with a dot would be an order to troff."""
    known = {".TH", ".SH", ".PP", ".TP", ".B", ".I"}
    for page in (tree / "usr/share/man/man1").iterdir():
        lines = gzip.decompress(page.read_bytes()).decode().splitlines()
        assert [line for line in lines if line.startswith((".", "'")) and line.split()[0] not in known] == []


@pytest.mark.parametrize(
    ("shell", "path"),
    [
        ("bash", "bash-completion/completions/migrawatch"),
        ("zsh", "zsh/vendor-completions/_migrawatch"),
        ("fish", "fish/vendor_completions.d/migrawatch.fish"),
    ],
)
def test_every_shell_completes(shell: str, path: str, tree: Path) -> None:
    assert f"_MIGRAWATCH_COMPLETE={shell}_complete" in (tree / "usr/share" / path).read_text()


def test_the_shell_can_read_all_that_dpkg_runs(tree: Path) -> None:
    for script in (
        *(tree / "DEBIAN").glob("p*"),
        *(tree / "usr/lib/migrawatch" / name for name in ("back-off", "reload")),
    ):
        assert script.stat().st_mode & 0o111
        subprocess.run(["sh", "-n", script], check=True)


def test_the_wheel_is_a_whole_migrawatch(tmp_path: Path) -> None:
    """As pipx and uv install it: kinds, pages and the demo's configuration come along."""
    [wheel] = built("wheel", tmp_path).glob("*.whl")
    home = tmp_path / "home"
    venv.create(home)
    library = home / f"lib/python3.{sys.version_info[1]}/site-packages"
    (library / "tested.pth").write_text(sysconfig.get_path("purelib"))
    pip = [sys.executable, "-m", "pip", "--python", home / "bin/python", "install", "-q", "--no-index", "--no-deps"]
    subprocess.run([*pip, wheel], check=True)

    listed = subprocess.run(
        [home / "bin/migrawatch", "kinds"], capture_output=True, text=True, check=True, cwd=tmp_path
    )

    assert {path.stem for path in (ROOT / "probes/migrawatch_probes").glob("[a-z]*.py")} <= set(listed.stdout.split())
    for brought in ("demo/demo.yaml", "show/status.css", "show/runbook.md", "config/reference.md"):
        assert (library / "migrawatch" / brought).exists()
