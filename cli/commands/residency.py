"""`twain residency`: nothing crosses the border. Files of anybody and the stacks of the fleet, against the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.commands import evidence, residency_exports, residency_rules
from cli.options import Scope, context_option, output_option, pass_app
from cli.verbs import Kind, NounGroup, Verb, VerbCommand

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.app import App
    from cli.output import Format
    from cli.residency import Judged

RESIDENCY = Kind(
    name="ResidencyReport",
    item={
        "rule": "string",
        "threats": ["string"],
        "source": "string",
        "world": "cn|row",
        "resource": "string",
        "property": "string",
        "value": "string",
        "allowed": "string",
        "reason": "string",
        "fix": "string",
    },
    extra={
        "sources": [
            {
                "source": "string",
                "world": "cn|row",
                "form": "plan|state|manifests|contract|planned from spec",
                "resources": "integer",
                "judged": "integer",
                "violations": "integer",
            }
        ]
    },
)
CLASSES = Kind(
    name="DataClassList", item={"class": "string", "holds": "string", "crosses": "string", "verbs": ["string"]}
)
CONTRACT = Kind(
    name="TelemetryContract",
    item={"section": "string", "row": "string", "aggregation": "string", "labels": ["string"], "fields": ["string"],
          "least": "integer|null"},
    extra={"version": "string"},
)  # fmt: skip
EGRESS = Kind(
    name="EgressList",
    item={
        "source": "string",
        "world": "cn|row",
        "host": "string",
        "kind": "image|endpoint",
        "lies": "cn|row|private|unknown",
        "inside": "boolean",
        "uses": "integer",
        "example": "string",
    },
)
_CLASSES = {
    "metadata": ("names, states, plans, rules", "the sections of the telemetry contract only, through the gate"),
    "metrics": ("figures about groups", "aggregates of ten requests or more, through the gate"),
    "content": ("prompts, answers, logs", "never; there is no break-glass across the border"),
}


@click.group(cls=NounGroup)
def residency() -> None:
    """Nothing crosses the border: decided from what is declared, before anything exists, with a reason for each no."""


def _judged_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(
        (
            click.option(
                "-f",
                "--file",
                "files",
                multiple=True,
                metavar="FILE",
                help="Judge this (- is stdin); may be given again.",
            ),
            click.option(
                "--world", type=click.Choice(["cn", "row", "all"]), default="all", show_default=True, help="World."
            ),
            click.option("--cell", "cells", multiple=True, metavar="NAME", help="Without files: only this cell."),
            click.option("--fleet", metavar="FLEET", help="With files: the world as this fleet declares it."),
            click.option("--region", "regions", multiple=True, metavar="R", help="With files: only these regions."),
            click.option("--exports", "entries", multiple=True, metavar="PATH", help="With files: export entries."),
            click.option("--host", "hosts", multiple=True, metavar="H", help="With files: a host that is your own."),
        )
    ):
        function = option(function)
    return function


def _look(app: App, given: dict[str, Any], *, security: bool) -> Judged:
    """What was asked for, judged."""
    from cli import residency as judging
    from components.policy import exports

    files, world = given["files"], given["world"]
    if not files:
        if given["fleet"] or given["regions"] or given["hosts"] or given["entries"]:
            message = (
                "--fleet, --region, --exports and --host are about files; the stacks are judged by the context's fleet."
            )
            raise errors.UsageError(message, fix="give --file, or leave them out", id="CFG-SCOPE")
        return judging.of_fleet(app, Scope(world=world, cells=given["cells"]), security=security)
    if world == "all" or given["cells"]:
        message = "a file says not which world it is for."
        raise errors.UsageError(message, fix="give --world cn or --world row, and no --cell", id="CFG-WORLD")
    today, fleet = app.clock.now().date(), given["fleet"]
    entries = exports.of_fleet(fleet, today, given["entries"]) if fleet else exports.permits(given["entries"], today)
    border = judging.border(
        world, fleet=fleet, regions=given["regions"], hosts=given["hosts"], security=security, exports=entries
    )
    return judging.of_files(files, border)


@residency.command(
    "check",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=RESIDENCY,
        examples=(
            "twain residency check",
            "pulumi preview --json --show-sames > plan.json; twain residency check -f plan.json --world cn",
            "pulumi stack export | twain residency check -f - --world row --region europe-west4",
            "twain residency check -f manifests.yaml --world cn --host registry.example.cn --sarif > residency.sarif",
        ),
    ),
)
@_judged_options
@click.option("--security", is_flag=True, help="The rules about access (SEC) too, not residency alone.")
@click.option("--sarif", is_flag=True, help="Print SARIF 2.1.0, for tools of code review.")
@output_option
@context_option
@pass_app
def check(app: App, *, security: bool, sarif: bool, output: Format, **given: Any) -> None:
    """Judge plans, states, Kubernetes objects and telemetry contracts, also those that twain did not make.

    Without --file: every stack of the fleet, by its state where it is up in the own world, else planned from the spec.
    With --file: the output of `pulumi preview --json --show-sames` or `pulumi stack export`, Kubernetes YAML, or a
    contract; no context is needed. A preview that leaves out what would not change is refused. A violation ends
    with 5, a file that cannot be judged with 2. What is not known counts as no.
    """
    from cli.output import Report, to_json

    found = _look(app, given, security=security)
    if sarif:
        from cli import sarif as form
        from cli.app import Exit

        app.console.data(to_json(form.document(found.rows)))
        code = errors.worst([*([errors.POLICY] if found.rows else []), *(row.code for row in found.errors)])
        for row in found.errors:
            app.console.note(f"error {row.id}: {row.message}")
        if code != errors.OK:
            raise Exit(code)
        return
    report = Report(
        kind=RESIDENCY.name,
        items=found.rows,
        columns=_columns(several=len(found.sources) > 1),
        errors=found.errors,
        extra={"sources": found.sources},
        footer=_footer(found),
        empty=_footer(found)[-1],
    )
    app.finish(report, output, code=errors.POLICY if found.rows else errors.OK)


def _columns(*, several: bool) -> tuple[Any, ...]:
    from cli.output import Column

    return (
        Column(title="RULE", key="rule", tone=lambda _: "bad"),
        Column(title="SOURCE", key="source", wide=not several),
        Column(title="RESOURCE", key="resource"),
        Column(title="PROPERTY", key="property"),
        Column(title="VALUE", key="value"),
        Column(title="ALLOWED", key="allowed", wide=True),
        Column(title="REASON", key="reason", wide=True),
    )


def _footer(found: Judged) -> list[str]:
    """Each reason once, then what was judged."""
    lines: list[str] = []
    seen: set[tuple[str, str]] = set()
    for row in found.rows:
        if (row["rule"], row["reason"]) not in seen:
            seen.add((row["rule"], row["reason"]))
            lines += [
                "",
                f"{row['rule']}: {row['reason']}",
                f"  allowed  {_cut(row['allowed'])}",
                f"  fix      {row['fix']}",
            ]
    judged = sum(source["judged"] for source in found.sources)
    total = sum(source["resources"] for source in found.sources)
    verdict = f"{len(found.rows)} violations" if found.rows else "nothing crosses the border"
    if not found.rows and not judged and not _contracts_only(found):
        verdict = "nothing was judged"
    lines += ["", f"{verdict}: {judged} of {total} resources have rules, in {len(found.sources)} sources."]
    return lines


def _contracts_only(found: Judged) -> bool:
    """A telemetry contract is judged as a whole: it has no resources."""
    return bool(found.sources) and all(source["form"] == "contract" for source in found.sources)


def _cut(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:150].rpartition(',')[0]}, … (-o json has all)"


@residency.command(
    "classes", cls=VerbCommand, verb=Verb(data_class="metadata", kind=CLASSES, examples=("twain residency classes",))
)
@output_option
@pass_app
def classes(app: App, *, output: Format) -> None:
    """The data classes: what each holds, what of it may cross, and which verbs are of it."""
    from cli.commands.schema import verbs
    from cli.output import Column, Report
    from cli.verbs import declaration

    declared = [(name, declaration(command)) for name, command in verbs()]
    of = {name: [verb for verb, one in declared if one is not None and one.data_class == name] for name in _CLASSES}
    items = [
        {"class": name, "holds": holds, "crosses": crosses, "verbs": of[name]}
        for name, (holds, crosses) in _CLASSES.items()
    ]
    columns = (
        Column(title="CLASS", key="class"),
        Column(title="HOLDS", key="holds"),
        Column(title="CROSSES", key="crosses"),
        Column(title="VERBS", key=lambda item: len(item["verbs"]), right=True),
        Column(title="NAMES", key="verbs", wide=True),
    )
    app.finish(Report(kind=CLASSES.name, items=items, columns=columns), output)


@residency.command(
    "contract",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=CONTRACT,
        examples=("twain residency contract", "twain residency contract --lang zh > contract.md"),
    ),
)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Language.")
@output_option
@pass_app
def contract(app: App, *, lang: Any, output: Format) -> None:
    """The telemetry contract, as a document for a data-protection officer; -o json gives its rows."""
    from cli.output import Report
    from components.telemetry.contract import load_contract
    from components.telemetry.document import render

    found = load_contract()
    if output in {"table", "wide"}:
        app.console.data(render(found, lang).rstrip("\n"))
        return
    items = [
        {
            "section": section,
            "row": kind,
            "aggregation": row.aggregation,
            "labels": list(row.labels),
            "fields": list(row.fields),
            "least": row.minimum if row.minimum_field else None,
        }
        for section, kinds in found.sections.items()
        for kind, row in kinds.items()
    ]
    app.finish(Report(kind=CONTRACT.name, items=items, extra={"version": found.version}), output)


@residency.command(
    "egress",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=EGRESS,
        examples=("twain residency egress --cell cn-sha-1", "twain residency egress -f plan.json --world cn"),
    ),
)
@_judged_options
@output_option
@context_option
@pass_app
def egress(app: App, *, output: Format, **given: Any) -> None:
    """Every host that the stacks, or the files, name as a place to fetch from or to send to, the outside ones first.

    It is read from what is declared. What a program looks up by itself is not in it.
    """
    from cli import residency as judging
    from cli.output import Column, Report

    found = _look(app, given, security=False)
    items = judging.destinations(found)
    columns = (
        Column(title="SOURCE", key="source"),
        Column(title="HOST", key="host"),
        Column(title="KIND", key="kind"),
        Column(title="LIES", key="lies", tone=lambda lies: "warn" if lies == "unknown" else None),
        Column(title="INSIDE", key="inside", tone=lambda inside: None if inside else "bad"),
        Column(title="USES", key="uses", right=True),
        Column(title="EXAMPLE", key="example", wide=True),
    )
    report = Report(
        kind=EGRESS.name, items=items, columns=columns, errors=found.errors, empty="no host is named anywhere"
    )
    app.finish(report, output)


residency.add_command(residency_rules.explain)
residency.add_command(residency_exports.list_exports)
residency.add_command(evidence.report)
