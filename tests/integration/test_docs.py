"""The guided pages, typed as a person types them: page by page, each in one shell, on the shared rehearsal."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.docs import pages
from tests.docs.test_pages import EXCUSED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.conftest import Stage

PAGE_S = 300


def runnable(page: Path) -> list[pages.Block]:
    """The blocks of a page that are to be typed here."""
    found = [block for block in pages.blocks(page) if block.info == "sh"]
    return [block for block in found if not any(command.text in EXCUSED for command in block.commands)]


def script(page: Path, folder: Path) -> str:
    """The page as one shell script. Of each command the output, the exit code and its time go to files of its own."""
    lines = [f"cd {shlex.quote(str(pages.ROOT))}"]
    for number, block in enumerate(runnable(page)):
        for place, command in enumerate(block.commands):
            name = shlex.quote(str(folder / f"{number}.{place}"))
            lines += [
                f"began=$EPOCHREALTIME; {{ {command.text}",
                f'}} >{name}.out 2>&1 </dev/null; echo "$? $began $EPOCHREALTIME" >{name}.end',
            ]
    return "\n".join(lines) + "\n"


@pytest.fixture(autouse=True)
def _border_open_again(stage: Stage) -> Iterator[None]:
    """A page that fails half-way must not leave the border cut for the tests after it."""
    yield
    shown = stage.twain("rehearse", "partition", "show", "-o", "json")
    if any(item["mode"] != "open" for item in shown.items):
        stage.checked("rehearse", "partition", "off")


@pytest.mark.parametrize(
    "page", [page for page in pages.guided() if runnable(page)], ids=lambda page: str(page.relative_to(pages.ROOT))
)
def test_a_guided_page_does_what_it_says(stage: Stage, page: Path, tmp_path: Path) -> None:
    typed = tmp_path / "page.sh"
    typed.write_text(script(page, tmp_path), encoding="utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # What a page makes with `mktemp` goes with the test; a short path, because sockets may be made beneath it.
    with tempfile.TemporaryDirectory(prefix="tw-") as scratch:
        env = stage._env({"PATH": path, "TMPDIR": scratch})  # pyright: ignore[reportPrivateUsage]
        command = ["bash", str(typed)]
        subprocess.run(command, env=env, cwd=pages.ROOT, stdin=subprocess.DEVNULL, timeout=PAGE_S, check=True)
    for number, block in enumerate(runnable(page)):
        output = ""
        for place, command in enumerate(block.commands):
            printed = (tmp_path / f"{number}.{place}.out").read_text(encoding="utf-8")
            code, began, ended = (tmp_path / f"{number}.{place}.end").read_text(encoding="utf-8").split()
            sys.stdout.write(f"{float(ended) - float(began):6.1f} s  {command.text.splitlines()[0]}\n")
            assert int(code) == command.ends_with, (
                f"{page}:{command.line}: {command.text}\nended with {code}:\n{printed}"
            )
            output += printed
        lost = pages.missing(block.shown or [], output)
        assert not lost, f"{block} shows what was not printed:\n" + "\n".join(lost) + f"\n--- printed:\n{output}"
