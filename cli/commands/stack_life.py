"""The verbs of `twain stack` for living with what is up: drift."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.options import context_option, exit_code_option, output_option, pass_app
from cli.verbs import Kind, Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Format

HEAD = {"world": "cn|row", "cell": "string", "layer": "infra|platform", "stack": "string"}
DRIFT = Kind(
    name="StackDriftList",
    item={
        **HEAD,
        "type": "string",
        "resource": "string",
        "property": "string",
        "state": "changed|gone",
        "expected": "any",
        "found": "any",
    },
    extra={
        "stacks": [
            {
                "stack": "string",
                "state": "clean|drifted|unknown",
                "resources": "integer|null",
                "differences": "integer|null",
                "moving": "boolean",
            }
        ]
    },
)


@click.command(
    "drift",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=DRIFT,
        examples=("twain stack drift rehearsal.eu-ams-1.infra", "twain stack drift --all --exit-code -o json"),
    ),
)
@click.argument("names", nargs=-1, metavar="[STACK]...")
@click.option("--all", "whole", is_flag=True, help="Every stack of the own world that is up.")
@exit_code_option
@output_option
@context_option
@pass_app
def drift(app: App, *, names: tuple[str, ...], whole: bool, exit_code: bool, output: Format) -> None:
    """What was changed behind our back: each resource is asked for at its cloud and compared with the state.

    Changes nothing and takes no lock. Of a stack that could not be compared the drift is unknown, and that is said.
    What somebody made in the cloud and no program ever declared is in no state, and so not found here.
    """
    from cli import stack_drift
    from cli.output import Report

    if whole == bool(names):
        message = "which stacks? Name them, or say --all."
        raise errors.UsageError(message, fix="twain stack list", id="CFG-SCOPE")
    chosen = stack_drift.chosen(app, names)
    rows, looked, failed = stack_drift.look(app, chosen, app.console.note)
    report = Report(
        kind=DRIFT.name,
        items=rows,
        columns=_drift_columns(),
        errors=failed,
        extra={"stacks": looked},
        footer=_drift_footer(rows, looked),
        empty="no drift found." if looked else "no stack is up: there is nothing to compare.",
    )
    app.finish(report, output, code=errors.DIFFERENCES if exit_code and rows else errors.OK)


def _drift_columns() -> tuple[Any, ...]:
    from cli.output import Column

    return (
        Column(title="STACK", key="stack"),
        Column(title="RESOURCE", key="resource"),
        Column(title="TYPE", key="type", wide=True),
        Column(title="PROPERTY", key="property"),
        Column(title="STATE", key="state", tone=lambda state: "bad" if state == "gone" else "warn"),
        Column(title="EXPECTED", key="expected", show=_value, missing="(absent)"),
        Column(title="FOUND", key="found", show=_value, missing="(absent)"),
    )


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _drift_footer(rows: list[dict[str, Any]], looked: list[dict[str, Any]]) -> list[str]:
    counted = sum(one["resources"] or 0 for one in looked)
    known = [one for one in looked if one["state"] != "unknown"]
    lines = ["", f"{len(known)} of {len(looked)} stacks compared, {counted} resources, {len(rows)} differences."]
    lines += [f"unknown: {one['stack']}" for one in looked if one["state"] == "unknown"]
    lines += [f"state moving: somebody is at work on {one['stack']}, so ask again" for one in looked if one["moving"]]
    if any(row["state"] == "changed" for row in rows):
        lines.append("what is declared comes back with: twain stack up --refresh")
    return lines


COMMANDS = (drift,)
