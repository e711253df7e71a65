"""Words that are read without click mean what click says they mean; all others are left to click."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import reading
from cli.app import App
from cli.commands.status import status

if TYPE_CHECKING:
    from collections.abc import Sequence

OPTIONS = ("--world", "--cell", "--maison", "-o", "--output", "--timeout", "--context", "--watch", "-w", "-h", "--nope")
VALUES = (
    "cn",
    "row",
    "all",
    "eu-ams-1",
    "json",
    "table",
    "10s",
    "1.5m",
    "90",
    "",
    "-",
    "--cell",
    "moon",
    "1y",
    "=",
    "a=b",
)


def by_click(words: Sequence[str]) -> dict[str, Any] | None:
    """What click makes of the words; None when it ends with help or an error."""
    context = click.Context(status, obj=(app := App()))
    try:
        with context:
            status.parse_args(context, list(words))
    except (click.ClickException, click.exceptions.Exit):
        return None
    return {**context.params, "context": app.context_name}


def written(option: str, value: str, form: str) -> list[str]:
    return {"apart": [option, value], "joined": [f"{option}={value}"], "glued": [option + value], "bare": [option]}[
        form
    ]


@given(
    st.lists(
        st.builds(
            written,
            st.sampled_from(OPTIONS),
            st.sampled_from(VALUES),
            st.sampled_from(["apart", "joined", "glued", "bare"]),
        ),
        max_size=4,
    )
)
def test_what_is_understood_without_click_is_what_click_understands(parts: list[list[str]]) -> None:
    words = [word for part in parts for word in part]
    asked = reading.understand(words)
    if asked is None:
        return
    assert by_click(words) == {
        "world": asked.scope.world,
        "cells": asked.scope.cells,
        "maison": asked.scope.maison,
        "output": asked.output,
        "timeout": asked.timeout,
        "watch": None,
        "context": asked.context,
    }


@pytest.mark.parametrize(
    "line",
    [
        "",
        "--world cn -o json",
        "--world=row --cell eu-ams-1 --cell=eu-par-1",
        "--timeout 3s --context sre --maison a --output wide",
    ],
)
def test_the_usual_words_are_understood_without_click(line: str) -> None:
    assert reading.understand(line.split()) is not None


@pytest.mark.parametrize(
    "line", ["--help", "-w", "--watch 5s", "--world moon", "-o xml", "--timeout soon", "more", "--cell"]
)
def test_help_watching_and_mistakes_are_left_to_click(line: str) -> None:
    assert reading.understand(line.split()) is None
