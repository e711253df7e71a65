"""The page about a fourth cloud names every file that knows a cloud by its name, and no other."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "add-a-cloud.md"
# One cloud stands for the three: what knows this one has a row for each.
_CLOUD = re.compile(r"\bazure\b|azure[-_]native|\bAzure|_AZURE|AZURE_")
_PACKAGES = ("components", "stacks", "cli", "dashboards", "rehearsal")


def _knows(path: Path) -> bool:
    """Whether a name or a string of the code is the cloud's; comments and docstrings do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    words = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, holders) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in words:
            if _CLOUD.search(node.value):
                return True
        elif isinstance(node, ast.Name) and _CLOUD.search(node.id):
            return True
    return False


def _files() -> list[str]:
    told = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *_PACKAGES],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [name for name in told.stdout.split() if name.endswith(".py")]


def test_the_page_names_every_table_and_nothing_else() -> None:
    own = [name for name in _files() if not any(part.startswith("azure") for part in Path(name).parts)]
    known = {name for name in own if (ROOT / name).is_file() and _knows(ROOT / name)}
    # COMPONENT and CLOUD stand for names.
    named = {
        one
        for one in re.findall(r"`([\w./]+\.py)`", PAGE.read_text(encoding="utf-8"))
        if "/" in one and one.lower() == one
    }
    assert known - named == set()
    assert named - known == set()


def test_no_stack_and_no_platform_knows_a_cloud_by_its_name() -> None:
    """Above the cloud files nothing asks which cloud it is."""
    above = [name for name in _files() if name.startswith(("stacks/", "components/platform/"))]
    assert above
    assert [name for name in above if _knows(ROOT / name)] == []
