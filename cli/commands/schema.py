"""`twain schema`: the verb tree and the shape of every JSON answer, from the declarations that the verbs carry."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.options import output_option, pass_app
from cli.verbs import Kind, Verb, VerbCommand, declaration, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.app import App
    from cli.output import Format

_SCHEMA = Kind(
    name="VerbList",
    item={
        "verb": "string",
        "help": "string",
        "dataClass": "metadata|metrics|content",
        "mutates": "boolean",
        "kind": "string|null",
        "options": ["string"],
        "examples": ["string"],
    },
    extra={"kinds": "object: kind → shape of its answer"},
)
_EXIT_CODES = Kind(name="ExitCodeList", item={"code": "integer", "meaning": "string"})
_ENVELOPE: dict[str, Any] = {
    "apiVersion": "twain/v1",
    "kind": "string",
    "partial": "boolean",
    "errors": [{"id": "string", "cell": "string|null", "message": "string", "fix": "string|null"}],
}


@click.command(
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=_SCHEMA,
        examples=(
            "twain schema",
            "twain schema ServiceList",
            "twain schema exit-codes -o json",
            "twain schema --markdown > cli.md",
        ),
    ),
)
@click.argument("kind", required=False)
@click.option("--markdown", is_flag=True, help="The whole reference as Markdown, as docs/reference/cli.md holds it.")
@output_option
@pass_app
def schema(app: App, *, kind: str | None, markdown: bool, output: Format) -> None:
    """Print the verb tree; with KIND the JSON shape of that kind; with `exit-codes` what they mean."""
    from cli.output import Column, Report, to_json

    if markdown:
        app.console.data(reference())
        return
    if kind == "exit-codes":
        items = [{"code": code, "meaning": meaning} for code, meaning in sorted(errors.MEANINGS.items())]
        columns = (Column(title="CODE", key="code", right=True), Column(title="MEANING", key="meaning"))
        app.finish(Report(kind=_EXIT_CODES.name, items=items, columns=columns), output)
        return
    if kind is not None:
        app.console.data(to_json(shape(kind)))
        return
    columns = (
        Column(title="VERB", key="verb"),
        Column(title="DATA", key="dataClass"),
        Column(title="CHANGES THINGS", key="mutates"),
        Column(title="KIND", key="kind"),
        Column(title="HELP", key="help", wide=True),
    )
    extra = {"kinds": {name: shape(name) for name in sorted(kinds())}}
    report = Report(kind=_SCHEMA.name, items=list(tree()), columns=columns, extra=extra, next="twain schema KIND")
    app.finish(report, output)


def verbs() -> Iterator[tuple[str, click.Command]]:
    """Every leaf of the command line with its full name."""
    from cli.lazy import load
    from cli.table import TABLE

    for name, entry in TABLE.items():
        yield from walk(name, load(entry))


def tree() -> Iterator[dict[str, Any]]:
    """One row per verb."""
    for name, command in verbs():
        declared = declaration(command)
        yield {
            "verb": name,
            "help": command.get_short_help_str(limit=200),
            "dataClass": declared.data_class if declared is not None else None,
            "mutates": declared.mutates if declared is not None else None,
            "kind": declared.kind.name if declared is not None and declared.kind is not None else None,
            "options": sorted(opt for param in command.params for opt in param.opts if opt.startswith("--")),
            "examples": list(declared.examples) if declared is not None else [],
        }


def kinds() -> dict[str, Kind]:
    """Every JSON kind by name. Raises RuntimeError when two verbs declare one name with different shapes."""
    found: dict[str, Kind] = {_EXIT_CODES.name: _EXIT_CODES}
    for name, command in verbs():
        declared = declaration(command)
        if declared is None or declared.kind is None:
            continue
        known = found.setdefault(declared.kind.name, declared.kind)
        if known != declared.kind:
            message = f"{name} declares kind {known.name} with another shape"
            raise RuntimeError(message)
    return found


def shape(kind: str) -> dict[str, Any]:
    """The JSON shape of a kind. Raises NotFoundError with the kinds that exist."""
    found = kinds()
    if kind not in found:
        message = f"there is no kind {kind!r}; there are {', '.join(sorted(found))}."
        raise errors.NotFoundError(message, fix="twain schema", id="SCH-404")
    declared = found[kind]
    return {**_ENVELOPE, "kind": kind, "items": [dict(declared.item)], **dict(declared.extra)}


def reference() -> str:
    """The reference page: every verb with its options and examples, every JSON shape, the exit codes."""
    from cli.output import to_json

    lines = ["# Command line", "", "Made by `twain schema --markdown`; a test compares it with the code.", ""]
    lines += ["## Exit codes", "", "| code | meaning |", "|---:|---|"]
    lines += [f"| {code} | {meaning} |" for code, meaning in sorted(errors.MEANINGS.items())]
    lines += [
        "",
        "All errors are listed. The code is the first that applies of 5, 2, 3, 14, 16, 15, 4, 13, 9, 12, 11, 10.",
    ]
    lines += ["", "## Verbs", ""]
    for name, command in verbs():
        declared = declaration(command)
        lines += [f"### twain {name}", "", inspect.cleandoc(command.help or "").replace("\b\n", ""), ""]
        if declared is not None:
            asks = any(param.name == "yes" for param in command.params)
            changes = "changes things: it shows a plan and asks" if asks else "changes things, and does not ask"
            told = changes if declared.mutates else "only reads"
            kind = f" JSON kind: `{declared.kind.name}`." if declared.kind is not None else ""
            lines += [f"Data class {declared.data_class}; {told}.{kind}", ""]
        lines += [_option_line(param) for param in command.params if isinstance(param, click.Option)]
        if declared is not None and declared.examples:
            lines += ["", "```", *declared.examples, "```"]
        lines.append("")
    lines += [
        "## JSON",
        "",
        "Keys are camelCase, times RFC 3339, durations seconds, money a string with a currency.",
        "",
    ]
    for name in sorted(kinds()):
        lines += [f"### {name}", "", "```json", to_json(shape(name)), "```", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _option_line(param: click.Option) -> str:
    choices = f" ({', '.join(map(str, param.type.choices))})" if isinstance(param.type, click.Choice) else ""
    return f"- `{', '.join(param.opts)}`{choices}: {param.help or ''}"
