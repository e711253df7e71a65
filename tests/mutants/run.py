"""Breaks the code on purpose, one small patch at a time, and asks whether a test notices.

    python tests/mutants/run.py               all patches
    python tests/mutants/run.py --check       only whether each patch still applies and is well-formed (seconds)
    python tests/mutants/run.py NAME...       these patches, by file name without ".patch"

A patch is an ordinary unified diff (`git diff`, `git apply`) with a head of comment lines before it:

    # breaks: one sentence on what is wrong afterwards
    # kills: tests/unit/money/test_money.py::test_yuan_and_euros_are_never_added

Each named test must be green in a copy of the tree and red in the same copy with the patch. "Red" is exit code 1 of
pytest, a test that failed: a patch that only keeps the test from being collected proves nothing and is reported.

The copy holds what git tracks and what it does not ignore, so neither the checkout nor its index is touched.
Exit code: 0 all killed; 1 a mutant survived or a patch is unfit; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
_TEST_TIMEOUT_S = 600
_FAILED, _PASSED = 1, 0


class UnfitError(Exception):
    """A patch that cannot be used: no head, an unknown test, or it no longer applies."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One patch: its name, what it breaks, the tests that must turn red."""

    name: str
    path: Path
    breaks: str
    kills: tuple[str, ...]


def read(path: Path) -> Mutant:
    """Reads a patch's head. Raises UnfitError."""
    text = path.read_text(encoding="utf-8")
    head = text.partition("\ndiff --git ")[0]
    breaks = re.search(r"^# breaks: (\S.*)$", head, re.MULTILINE)
    kills = tuple(re.findall(r"^# kills: (\S+)$", head, re.MULTILINE))
    if breaks is None or not kills:
        raise UnfitError(
            f"{path.name}: its head needs a line `# breaks: …` and at least one `# kills: tests/…::test_…`"
        )
    for test in kills:
        file, _, name = test.partition("::")
        function = name.rpartition("::")[2].partition("[")[0]
        source = ROOT / file
        if not source.is_file() or not re.search(rf"def {re.escape(function)}\(", source.read_text(encoding="utf-8")):
            raise UnfitError(f"{path.name}: there is no test {test}")
    touched = re.findall(r"^\+\+\+ b/(\S+)$", text, re.MULTILINE)
    if not touched or any(name.startswith("tests/") for name in touched):
        raise UnfitError(f"{path.name}: a mutant changes the product, never a test")
    return Mutant(name=path.stem, path=path, breaks=breaks.group(1), kills=kills)


def applies(mutant: Mutant, *, tree: Path, really: bool = False) -> None:
    """Applies the patch to a tree, or asks whether it would. Raises UnfitError with git's own words."""
    # A repository above the copy would make `git apply` skip the copy's files without a word.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
    command = ["git", "apply", *([] if really else ["--check"]), str(mutant.path)]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UnfitError(f"{mutant.path.name} no longer applies: {done.stderr.strip()}")


def copy_tree(target: Path) -> None:
    """Copies what git tracks and what it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, copy = ROOT / name, target / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)


def result(tests: tuple[str, ...], *, tree: Path) -> tuple[int, str]:
    """The exit code of pytest for these tests in that tree, and its last lines."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "GIT_"))}
    # The copy comes first on the path, before the checkout that an editable installation points to.
    environment |= {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TEST_TIMEOUT_S,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, "\n".join((done.stdout + done.stderr).splitlines()[-15:])


def judge(mutant: Mutant, *, base: Path) -> str | None:
    """None when every named test is green without the patch and red with it; else what was seen instead."""
    code, words = result(mutant.kills, tree=base)
    if code != _PASSED:
        return f"not green without the patch (pytest ended with {code})\n{words}"
    with tempfile.TemporaryDirectory(prefix="twain-mutant-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(base, tree)
        applies(mutant, tree=tree, really=True)
        # One by one: a head that names three tests promises three.
        for test in mutant.kills:
            code, words = result((test,), tree=tree)
            if code != _FAILED:
                return f"{test} did not fail with the patch (pytest ended with {code})\n{words}"
    return None


def run(mutants: list[Mutant]) -> int:
    """Judges each mutant, one line each; the number of those that were not killed."""
    unkilled = 0
    with tempfile.TemporaryDirectory(prefix="twain-mutants-") as folder:
        base = Path(folder) / "tree"
        base.mkdir()
        copy_tree(base)
        for number, mutant in enumerate(mutants, start=1):
            began = time.monotonic()
            complaint = judge(mutant, base=base)
            unkilled += complaint is not None
            word = "killed" if complaint is None else "SURVIVED"
            say(f"[{number}/{len(mutants)}] {word:8} {mutant.name}: {mutant.breaks} ({time.monotonic() - began:.1f} s)")
            if complaint is not None:
                say("  " + complaint.replace("\n", "\n  "))
    say(f"{len(mutants) - unkilled} of {len(mutants)} killed")
    return unkilled


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help="patches to try (default: all)")
    parser.add_argument("--check", action="store_true", help="only see whether each patch still applies")
    options = parser.parse_args(argv)
    paths = sorted(HERE.glob("*.patch"))
    unknown = set(options.names) - {path.stem for path in paths}
    if unknown:
        say(f"no such patch: {', '.join(sorted(unknown))}")
        return 2
    chosen = [path for path in paths if not options.names or path.stem in options.names]
    mutants: list[Mutant] = []
    unfit: list[str] = []
    for path in chosen:
        try:
            mutant = read(path)
            applies(mutant, tree=ROOT)
        except UnfitError as error:
            unfit.append(str(error))
        else:
            mutants.append(mutant)
    for line in unfit:
        say(f"unfit: {line}")
    if options.check:
        say(f"{len(mutants)} of {len(chosen)} patches apply")
        return 1 if unfit else 0
    return 1 if run(mutants) or unfit else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
