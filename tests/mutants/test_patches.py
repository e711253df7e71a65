"""The harness of the mutants: every patch still applies, and a harmless patch is not taken for a kill."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATCHES = sorted(Path(__file__).parent.glob("*.patch"))
TEST = "tests/unit/test_sum.py::test_two_and_two_are_four"
HARMFUL = """\
# breaks: the sum is off by one
# kills: {test}

diff --git a/product/sums.py b/product/sums.py
--- a/product/sums.py
+++ b/product/sums.py
@@ -1,2 +1,2 @@
 def add(a, b):
-    return a + b
+    return a + b{change}
"""


def harness(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(tree / "tests" / "mutants" / "run.py"), *arguments],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository with one function, one test and the harness."""
    tree = tmp_path / "small"
    for folder in ("product", "tests/unit", "tests/mutants"):
        (tree / folder).mkdir(parents=True)
    (tree / "product" / "sums.py").write_text("def add(a, b):\n    return a + b\n")
    (tree / "tests" / "unit" / "test_sum.py").write_text(
        "from product.sums import add\n\n\ndef test_two_and_two_are_four():\n    assert add(2, 2) == 4\n"
    )
    shutil.copy(ROOT / "tests" / "mutants" / "run.py", tree / "tests" / "mutants")
    subprocess.run(["git", "init", "--quiet", str(tree)], check=True)
    return tree


def patch(tree: Path, *, test: str = TEST, change: str = " + 1") -> None:
    (tree / "tests" / "mutants" / "one.patch").write_text(HARMFUL.format(test=test, change=change))


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: path.stem)
def test_a_patch_still_applies_and_names_its_test(path: Path) -> None:
    done = harness(ROOT, "--check", path.stem)
    assert done.returncode == 0, done.stdout


def test_there_are_a_dozen_mutants_over_most_packages() -> None:
    touched = {
        line[6:].split("/")[0] for path in PATCHES for line in path.read_text().splitlines() if line[:6] == "+++ b/"
    }
    assert len(PATCHES) >= 12
    assert touched >= {"cli", "components", "rehearsal"}


def test_a_mutant_that_its_test_notices_is_killed(small: Path) -> None:
    patch(small)
    done = harness(small)
    assert done.returncode == 0, done.stdout
    assert "killed   one: the sum is off by one" in done.stdout
    assert (small / "product" / "sums.py").read_text().endswith("a + b\n")


def test_a_mutant_that_changes_nothing_survives(small: Path) -> None:
    patch(small, change=" + 0")
    done = harness(small)
    assert done.returncode == 1
    assert "SURVIVED one" in done.stdout


def test_a_patch_that_keeps_the_test_from_being_collected_is_no_kill(small: Path) -> None:
    patch(small, change=" +")
    done = harness(small)
    assert done.returncode == 1
    assert "did not fail with the patch (pytest ended with 4)" in done.stdout


def test_a_patch_for_a_test_that_does_not_exist_is_unfit(small: Path) -> None:
    patch(small, test="tests/unit/test_sum.py::test_of_nothing")
    done = harness(small, "--check")
    assert done.returncode == 1
    assert "there is no test tests/unit/test_sum.py::test_of_nothing" in done.stdout


def test_a_patch_for_code_that_has_moved_on_is_unfit(small: Path) -> None:
    patch(small)
    (small / "product" / "sums.py").write_text("def add(a, b):\n    return b + a\n")
    done = harness(small, "--check")
    assert done.returncode == 1
    assert "one.patch no longer applies" in done.stdout
