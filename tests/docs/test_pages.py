"""The documentation's blocks: each is of a known kind, what it calls exists, what is not run says so."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, get_args

import click
import pytest
import yaml
from pydantic import BaseModel

from cli import errors
from cli.main import build_root
from components.spec.exports import ExportEntry
from components.spec.model import Fleet, Waiver, Workload
from tests.docs import pages

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {"sh", "text", "yaml", "json", "console", "promql"}
# Commands of the guided pages that the tests cannot run from inside: they are what the tests themselves stand on.
EXCUSED = {
    "git clone …": "the reader has the address; the tests run in the clone",
    "cd twain": "the tests run in the checkout",
    "make rehearse": "the shared rehearsal is what it makes",
    "make test": "it runs this test",
    "make down": "it would end the shared rehearsal; its fixture's teardown tests the same verb",
}
# Words before `twain` or another program that change for whom or where it runs, and not what is called.
PREFIXES = {"row", "cn", "time"}
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (?P<text>.+?)\s*$", re.MULTILINE)


def every_block() -> list[pages.Block]:
    return [block for page in pages.pages() for block in pages.blocks(page)]


def calls(text: str) -> list[list[str]]:
    """The calls of `twain` inside a command, as words after `twain`."""
    found: list[list[str]] = []
    for part in re.split(r"\$\(|\|\||&&|[|;]|(?<!&)&(?!&)", text.split("<<")[0]):
        try:
            words = shlex.split(re.sub(r'\)"?$', "", part.strip()), comments=True)
        except ValueError:  # a quotation that the separators cut in two
            words = part.split()
        for index, word in enumerate(words):
            if word == "twain" and (index == 0 or words[0] in PREFIXES):
                found.append(words[index + 1 :])
                break
    return found


def unknown(words: list[str]) -> str | None:
    """What of a call of `twain` does not exist: a noun, a verb, an option or a choice. None when all of it does."""
    inner: str | None = None
    if "--" in words:
        at = words.index("--")
        words, after = words[:at], words[at + 1 :]
        inner = unknown(after[1:]) if after[:1] == ["twain"] else None
    command: click.Command = build_root()
    context = click.Context(command, info_name="twain")
    rest = [word for word in words if not re.match(r"^\d*[<>]", word)]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest[0])
        if found is None:
            return f"twain has no {' '.join(words[: len(words) - len(rest) + 1])}"
        command, rest = found, rest[1:]
    context = click.Context(command, info_name=command.name)
    known = {opt: param for param in command.get_params(context) for opt in (*param.opts, *param.secondary_opts)}
    for index, word in enumerate(rest):
        name = word.partition("=")[0]
        if not name.startswith("-"):
            continue
        if name not in known:
            return f"twain {command.name} has no option {name}"
        param = known[name]
        value = rest[index + 1] if index + 1 < len(rest) else ""
        if isinstance(param.type, click.Choice) and value and "$" not in value and value not in param.type.choices:
            return f"{name} of twain {command.name} does not take {value!r}"
    return inner


def test_every_block_is_of_a_known_kind() -> None:
    strange = [f"{block}: ```{block.info}" for block in every_block() if block.info not in KINDS]
    generated = "docs/reference/cli.md"
    assert [one for one in strange if not one.startswith(generated)] == []


def test_every_command_of_a_guided_page_is_run_or_excused_by_name() -> None:
    """What follows an excused command in its block is excused with it: the two belong to one place and time."""
    used: set[str] = set()
    for page in pages.guided():
        for block in pages.blocks(page):
            if block.info != "sh":
                continue
            commands = [command.text for command in block.commands]
            excused = [text for text in commands if text in EXCUSED]
            assert not excused or excused == commands, f"{block} mixes what is run with what is not: {commands}"
            used |= set(excused)
    assert used == set(EXCUSED), "an excuse that no page needs"


def test_every_guided_page_has_something_to_type_and_to_see() -> None:
    for page in pages.guided():
        if page.name == "tools.md":
            continue
        found = [block for block in pages.blocks(page) if block.info == "sh"]
        assert found, page
        assert any(block.shown for block in found), f"{page} shows no output"


def test_whatever_is_shown_promises_something() -> None:
    for block in every_block():
        if block.shown is not None:
            assert any(pages.stable(line) for line in block.shown), block


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: str(page.relative_to(pages.ROOT)))
def test_every_verb_and_option_that_a_page_shows_exists(page: Path) -> None:
    wrong: list[str] = []
    for block in pages.blocks(page):
        if block.info in {"sh", "console"}:
            for command in block.commands:
                wrong += [f"{block}: {why}: {command.text}" for call in calls(command.text) if (why := unknown(call))]
    assert wrong == []


def test_inline_calls_name_verbs_that_exist() -> None:
    wrong: list[str] = []
    for page in pages.pages():
        if page.name == "status.md" or page.parent.name == "decisions":
            continue  # they speak of what is missing, too
        for text in re.findall(r"`(twain [^`…]+)`", page.read_text(encoding="utf-8")):
            words = [word for word in text.split() if not re.match(r"^[\[A-Z<]", word)][1:]
            plain = [word for word in words if "|" not in word]
            if plain and (why := unknown(plain)):
                wrong.append(f"{page.relative_to(pages.ROOT)}: {why}: {text}")
    assert wrong == []


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: str(page.relative_to(pages.ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    lost: list[str] = []
    for target in (found["target"] for found in LINK.finditer(page.read_text(encoding="utf-8"))):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists():
            lost.append(target)
        elif anchor and file.suffix == ".md":
            heads = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-")
                     for head in HEADING.findall(file.read_text(encoding="utf-8"))}  # fmt: skip
            lost += [target] if anchor not in heads else []
    assert lost == []


def test_every_page_can_be_found_from_the_index() -> None:
    text = (pages.ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    decisions = (pages.ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    for page in pages.pages()[1:]:
        if page == pages.ROOT / "docs" / "README.md":
            continue
        if page.parent.name == "decisions" and page.name != "README.md":
            assert f"({page.name})" in decisions, page
        else:
            assert f"({page.relative_to(pages.ROOT / 'docs')})" in text, page


def fields_of(kind: type[BaseModel]) -> set[str]:
    """The names of every field of a model and of the models inside it."""
    found: set[str] = set()
    for name, field in kind.model_fields.items():
        found.add(name)
        kinds = [field.annotation, *get_args(field.annotation)]
        inner = [one for part in kinds for one in (part, *get_args(part))]
        for one in inner:
            if isinstance(one, type) and issubclass(one, BaseModel):
                found |= fields_of(one)
    return found


@pytest.mark.parametrize("kind", [Fleet, Workload, Waiver, ExportEntry])
def test_the_page_on_spec_files_names_every_field(kind: type[BaseModel]) -> None:
    text = (pages.ROOT / "docs" / "reference" / "spec-files.md").read_text(encoding="utf-8")
    assert fields_of(kind)
    assert {name for name in fields_of(kind) if not re.search(rf"\b{name}\b", text)} == set()


def test_the_page_on_exit_codes_is_what_the_code_says() -> None:
    text = (pages.ROOT / "docs" / "reference" / "exit-codes.md").read_text(encoding="utf-8")
    rows = {int(code): said for code, said in re.findall(r"^\| (\d+) \| ([^|]+?) \|", text, re.MULTILINE)}
    assert set(rows) == set(errors.MEANINGS)
    order = re.search(r"the first that applies of ([\d, ]+)\.", text)
    assert order is not None
    assert tuple(int(code) for code in order[1].split(",")) == errors.PRECEDENCE


def test_the_page_on_the_telemetry_contract_names_every_kind_of_row() -> None:
    text = (pages.ROOT / "docs" / "reference" / "telemetry-contract.md").read_text(encoding="utf-8")
    contract = yaml.safe_load(
        (pages.ROOT / "components" / "telemetry" / "contract-v1.yaml").read_text(encoding="utf-8")
    )
    rows = set(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", text, re.MULTILINE))
    assert rows == {(section, kind) for section, kinds in contract["sections"].items() for kind in kinds}


@pytest.mark.parametrize(
    ("shown", "output"),
    [
        ("3/3 cells answer; 6/12 GPUs present", "2/3 cells answer; 4/8 GPUs present in the 2 cells"),
        ("cn   cn-sha-1  up  1.36  unknown  2/4  up, 2s old  gate", "cn cn-sha-1 up 1.36 unknown 0/4 up, 14s old gate"),
        ("row/eu-ams-1  gke-eu-ams-1-gpu80g-71539f18    0", "row/eu-ams-1  gke-eu-ams-1-gpu80g-0123abcd 0 gpu-80g"),
        ("eu-ams-1  aurelia/advisor  50.5 ms [0.04-0.06]  met", "eu-ams-1  aurelia/advisor  1.2 s [1-2]  missed"),
    ],
)  # fmt: skip
def test_a_shown_line_is_met_by_the_same_words_with_other_figures(shown: str, output: str) -> None:
    assert pages.missing([shown], output) == []


@pytest.mark.parametrize(
    ("shown", "output"),
    [
        ("cn cn-sha-1 unreachable", "cn cn-sha-1 up"),
        ("error RES-001: cell", "error SPEC-001: cell"),
        ("invoice gcp 0.43 USD: ties", "invoice gcp 0.43 CNY: ties"),
    ],
)
def test_a_shown_line_is_missed_when_a_word_differs(shown: str, output: str) -> None:
    assert pages.missing([shown], output) == [shown]


def test_calls_are_found_wherever_they_stand() -> None:
    assert calls('row twain status --world cn > "$work/out"') == [["status", "--world", "cn", ">", "$work/out"]]
    assert calls('eval "$(twain stack env --world cn)"') == [["stack", "env", "--world", "cn"]]
    assert calls("twain rehearse down && twain version") == [["rehearse", "down"], ["version"]]
    assert calls("pip install twain") == []


def test_a_verb_or_option_that_does_not_exist_is_found() -> None:
    assert unknown(["serve", "aply"]) == "twain has no serve aply"
    assert unknown(["status", "--wrold", "cn"]) == "twain status has no option --wrold"
    assert unknown(["status", "--world", "us"]) == "--world of twain status does not take 'us'"
    assert unknown(["rehearse", "shell", "--world", "cn", "--", "twain", "stats"]) == "twain has no stats"
    assert unknown(["rehearse", "shell", "--world", "cn", "--", "twain", "status"]) is None


@pytest.mark.parametrize(
    "page", sorted((pages.ROOT / "docs" / "zh" / "tutorial").glob("*.md")), ids=lambda page: page.name
)
def test_a_guided_page_in_chinese_has_the_same_blocks_as_the_english_one(page: Path) -> None:
    english = pages.ROOT / "docs" / "tutorial" / page.name
    ours, theirs = ([(block.info, block.lines) for block in pages.blocks(one)] for one in (page, english))
    assert ours == theirs
    text, other = (one.read_text(encoding="utf-8") for one in (page, english))
    assert len(HEADING.findall(text)) == len(HEADING.findall(other))
    assert {target.lstrip("./") for target in LINK.findall(text)} == {
        target.lstrip("./") for target in LINK.findall(other)
    }


def test_every_guided_page_is_there_in_chinese() -> None:
    names = [
        {page.name for page in (pages.ROOT / place).glob("*.md")} for place in ("docs/tutorial", "docs/zh/tutorial")
    ]
    assert names[0] == names[1]
