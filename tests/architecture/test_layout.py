"""The shape of the repository: what must lie where, and what must stand nowhere."""

from __future__ import annotations

import fnmatch
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("cli", "components", "dashboards", "rehearsal", "stacks")
CLOUDS = ("alicloud", "azure", "gcp")
# Facts and rules also have a file per cloud, but no contract: they declare no resources.
FACTS = ("clouds", "money", "parity", "policy", "pricing", "spec", "telemetry")
# A cloud's provider is made by one function; there is no resource behind it to have a contract for.
WITHOUT_CONTRACT = ("provider",)
TEST_FILE = "test_*.py"
# Joined here, so that this file does not hold what it looks for.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("crates", "io"),
        ("deb", "debian", "org"),
        ("maven", "org"),
    )
)
MACHINE_PATHS = tuple("/".join(("", *parts, "")) for parts in (("work", "main"), ("farm",), ("root",)))


def tracked() -> list[Path]:
    """The files that git holds or would hold: tracked, and untracked ones that it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = (ROOT / name for name in listed.stdout.split("\0") if name)
    return sorted({file for file in files if file.is_file() and not file.is_symlink()})


def component_folders() -> list[Path]:
    marks = {"contract.py", *(f"{cloud}.py" for cloud in CLOUDS)}
    folders = {file.parent for file in (ROOT / "components").glob("*/*.py") if file.name in marks}
    return sorted(folder for folder in folders if folder.name not in FACTS)


def test_there_are_components() -> None:
    assert {folder.name for folder in component_folders()} >= {"network", "cluster", "nodepool", "bucket", "identity"}


def test_each_component_is_realised_on_each_cloud_behind_one_contract() -> None:
    lacking: dict[str, list[str]] = {}
    for folder in component_folders():
        wanted = {f"{cloud}.py" for cloud in CLOUDS}
        if folder.name not in WITHOUT_CONTRACT:
            wanted.add("contract.py")
        missing = wanted - {file.name for file in folder.glob("*.py")}
        if missing:
            lacking[folder.name] = sorted(missing)
    assert lacking == {}


def test_the_registry_and_the_tree_agree() -> None:
    from components.registry import COMPONENTS, TABLE

    folders = {folder.name for folder in component_folders()}
    assert folders == {*COMPONENTS, *WITHOUT_CONTRACT}
    files = {target.partition(":")[0].replace(".", "/") + ".py" for target in TABLE.values()}
    assert [name for name in sorted(files) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_an_import_root_resolves_inside_the_repository(package: str) -> None:
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    assert Path(found.origin).resolve() == ROOT / package / "__init__.py"


@pytest.mark.parametrize("package", PACKAGES)
def test_an_import_root_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_nothing_in_stacks_hides_a_module_of_the_standard_library() -> None:
    # The engine runs the program with this folder first on the path.
    names = {path.stem for path in (ROOT / "stacks").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert names & sys.stdlib_module_names == set()


def test_each_test_file_is_one_that_pytest_collects() -> None:
    stray = [
        str(file.relative_to(ROOT))
        for file in tracked()
        if file.is_relative_to(ROOT / "tests")
        and file.suffix == ".py"
        and not fnmatch.fnmatch(file.name, TEST_FILE)
        and re.search(r"^\s*(async )?def test_", file.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert stray == []


def test_each_collected_file_holds_a_test() -> None:
    empty = [
        str(file.relative_to(ROOT))
        for file in tracked()
        if file.is_relative_to(ROOT / "tests")
        and fnmatch.fnmatch(file.name, TEST_FILE)
        and not re.search(r"^\s*(async )?def test_|^@given|RuleBasedStateMachine", file.read_text(), re.MULTILINE)
    ]
    assert empty == []


def test_no_package_registry_is_named() -> None:
    # Where packages come from is the machine's setting; a lock with hashes needs no host.
    assert _holding(tuple(re.compile(rf"(?<![\w.-]){re.escape(host)}") for host in REGISTRY_HOSTS)) == []


def test_no_path_of_a_machine_stands_in_a_file() -> None:
    patterns = [re.compile(rf"(?<![\w.}}>$-]){re.escape(path)}") for path in MACHINE_PATHS]
    if len(ROOT.parts) > 3:
        patterns.append(re.compile(rf"{re.escape(str(ROOT))}\b"))
    assert _holding(tuple(patterns)) == []


def test_no_test_folder_is_a_package() -> None:
    # Under importlib mode a package would make equal file names collide again.
    assert [str(file.relative_to(ROOT)) for file in tracked() if file.match("tests/**/__init__.py")] == []


def _holding(patterns: tuple[re.Pattern[str], ...]) -> list[str]:
    hits: list[str] = []
    for file in tracked():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if any(pattern.search(line) for pattern in patterns):
                hits.append(f"{file.relative_to(ROOT)}:{number}")
    return hits
