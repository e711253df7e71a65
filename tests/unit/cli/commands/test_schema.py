"""The reference that the command line gives of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from cli import table, verbs
from cli.commands import schema

ROOT = Path(__file__).parents[4]
LEAVES = list(schema.verbs())


def test_the_reference_page_is_what_the_code_says() -> None:
    """To accept a change: twain schema --markdown > docs/reference/cli.md, and read the difference."""
    page = ROOT / "docs" / "reference" / "cli.md"
    assert page.read_text(encoding="utf-8") == schema.reference()


@pytest.mark.parametrize(("name", "command"), LEAVES, ids=[name for name, _ in LEAVES])
def test_every_verb_declares_its_data_class_helps_in_a_sentence_and_has_an_example(
    name: str, command: click.Command
) -> None:
    declared = verbs.declaration(command)
    assert declared is not None, name
    assert declared.data_class in {"metadata", "metrics", "content"}
    assert declared.examples
    assert (command.help or "").strip().split("\n")[0].rstrip().endswith((".", ":")), command.help
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.help, f"{name} {param.opts}"


@pytest.mark.parametrize(("name", "command"), LEAVES, ids=[name for name, _ in LEAVES])
def test_no_verb_takes_more_than_a_dozen_options_of_its_own(name: str, command: click.Command) -> None:
    shared = {"--world", "--cell", "--maison", "--output", "--timeout", "--context", "--watch", "--yes", "--dry-run"}
    own = [opt for param in command.params for opt in param.opts if opt.startswith("--") and opt not in shared]
    assert len(own) <= 12, name


@pytest.mark.parametrize("name", sorted(schema.kinds()))
def test_every_kind_prints_its_shape(operator: Any, name: str) -> None:
    ran = operator.twain("schema", name)
    assert ran.code == 0
    assert ran.json["kind"] == name
    assert ran.json["items"][0]


def test_an_unknown_kind_ends_with_6_and_names_those_that_exist(operator: Any) -> None:
    ran = operator.twain("schema", "Nothing")
    assert ran.code == 6
    assert "ServiceList" in ran.err


def test_the_verbs_of_the_design_are_all_there() -> None:
    names = {name for name, _ in LEAVES}
    wanted = [
        *("init", "schema", "version", "completion", "doctor", "status", "top gpu", "parity check", "cost report"),
        *(f"context {verb}" for verb in ("list", "use", "get", "grant", "revoke")),
        *("world list", "world get", "cell list", "cell get", "cell kubeconfig", "metrics latency", "metrics gpu"),
        *(f"stack {verb}" for verb in ("list", "env", "preview", "up", "destroy", "outputs", "pulumi")),
        *(f"serve {verb}" for verb in ("plan", "apply", "list", "get", "delete")),
        *(f"gpu {verb}" for verb in ("list", "classes", "offers")),
        *(f"rehearse {verb}" for verb in ("up", "status", "shell", "truth", "load", "partition", "tools", "down")),
    ]
    assert set(wanted) <= names
    assert set(table.TABLE) == {name.partition(" ")[0] for name in names}
