"""The commands and the output that the documentation shows, read out of its Markdown.

A fenced `sh` block holds commands, one after the other, as a person types them; a trailing comment `# ends with 13`
says with which exit code, 0 unless told. A `text` block right after it shows what they print. `…` stands for what was
left out. A `console` block shows a session that is not run, its commands behind `$ `.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs import counts

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>\S*)\s*$")
_ENDS = re.compile(r"\s+#\s*ends with (?P<code>\d+)\s*$")
_COMMENT = re.compile(r"\s+#\s.*$")

# What differs from run to run or from machine to machine, and is therefore not compared.
_MEASURED = re.compile(
    r"""^[\[\]()<>=~+*.,:;/%x|-]*$            # no letter and no digit
      | ^[<\[(]*-?[\d.,:/–-]+(ms|s|m|h|d|%|W|GiB|MiB)?[\])…,;]*$   # a number, with or without a unit
      | ^\d{4}-\d\d(-\d\d(T.*)?)?[,;]?$                # a moment
      | ^[0-9a-f]{8,}…?$                     # a hash
      | ^(ms|s|min|W|GiB|MiB|met|missed|idle|ok)[,;]?$
    """,
    re.VERBOSE,
)  # fmt: skip
_VARYING = re.compile(r"(?P<rest>…)|(?P<hash>[0-9a-f]{6,})|(?P<number>\d+(?:\.\d+)?)")


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command of a block, without its comment, and the exit code that the page promises."""

    text: str
    ends_with: int
    line: int


@dataclass(kw_only=True)
class Block:
    """A fenced block. `shown` is the text block right after it, None without one."""

    page: Path
    info: str
    line: int
    lines: list[str] = field(default_factory=list)
    shown: list[str] | None = None

    @property
    def commands(self) -> list[Command]:
        """The commands of an `sh` block, or those behind `$ ` of a `console` block; joined where they go on."""
        numbered = list(enumerate(self.lines, self.line + 1))
        if self.info == "console":
            numbered = [(number, text[2:]) for number, text in numbered if text.startswith("$ ")]
        return list(_commands(numbered))

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page of the documentation, the README first."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def guided() -> list[Path]:
    """The pages whose `sh` blocks a person is to type, in the order in which the tests do."""
    return [ROOT / "README.md", *sorted((ROOT / "docs" / "tutorial").glob("*.md")),
            *sorted((ROOT / "docs" / "how-to").glob("*.md"))]  # fmt: skip


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order. A text block right after a block of commands is its `shown`, too."""
    found: list[Block] = []
    current: Block | None = None
    indent, between = "", False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if current is not None:
            if fence is not None and not fence["info"]:
                current = None
                between = False
            else:
                current.lines.append(line.removeprefix(indent))
        elif fence is not None:
            current, indent = Block(page=page, info=fence["info"], line=number), fence["indent"]
            if current.info == "text" and found and found[-1].info == "sh" and not between:
                found[-1].shown = current.lines
            found.append(current)
        elif line.strip():
            between = True
    assert current is None, f"{page}: the last fence is not closed"
    return found


def _commands(numbered: list[tuple[int, str]]) -> list[Command]:
    """Whole commands: a line that ends with a backslash goes on, and so does one that opens a here-document."""
    found: list[Command] = []
    pending: list[str] = []
    began, until = 0, ""
    for number, line in numbered:
        if not pending and not line.strip():
            continue
        began = began if pending else number
        pending.append(line)
        if until:
            until = "" if line.strip() == until else until
        else:
            opened = re.search(r"<<-?\s*'?(\w+)'?", line)
            until = opened[1] if opened else ""
        if until or line.endswith("\\"):
            continue
        found.append(_command("\n".join(pending), began))
        pending = []
    assert not pending, f"a command that begins in line {began} does not end"
    return [one for one in found if one.text and not one.text.startswith("#")]


def _command(text: str, line: int) -> Command:
    first, newline, rest = text.partition("\n")
    ends = _ENDS.search(first)
    return Command(text=(_COMMENT.sub("", first) + newline + rest).strip(), ends_with=int(ends["code"]) if ends else 0,
                   line=line)  # fmt: skip


def stable(line: str) -> re.Pattern[str] | None:
    """What a shown line promises: its words, in this order, in one line of the output. None where it promises nothing.

    Numbers and hashes inside a word may differ; words that are measured, and the gaps between columns, too. A number
    that is no measurement (`counts.promised`) may not.
    """
    exact = counts.promised(line)
    words: list[str] = []
    for word in re.finditer(r"\S+", line):
        if any(word.start() <= start and end <= word.end() for start, end in exact):
            words.append(rf"(?<!\S){re.escape(word[0])}(?!\S)")
        elif not _MEASURED.match(word[0]):
            words.append(_word(word[0]))
    return re.compile(r".*?".join(words)) if words else None


def _word(word: str) -> str:
    parts: list[str] = []
    at = 0
    for varying in _VARYING.finditer(word):
        parts.append(re.escape(word[at : varying.start()]))
        parts.append(r"\S*" if varying["rest"] else "[0-9a-f]+" if varying["hash"] else r"\d+(?:\.\d+)?")
        at = varying.end()
    return "".join([*parts, re.escape(word[at:])])


def missing(shown: list[str], output: str) -> list[str]:
    """The shown lines whose stable part the output lacks, in this order."""
    lost: list[str] = []
    rest = output.splitlines()
    for line in shown:
        wanted = stable(line)
        if wanted is None:
            continue
        place = next((index for index, text in enumerate(rest) if wanted.search(text)), None)
        if place is None:
            lost.append(line)
        else:
            rest = rest[place + 1 :]
    return lost
