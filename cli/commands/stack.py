"""`twain stack`: the same Pulumi engine on the same folder, with locks, copies of the state and waves over cells."""

from __future__ import annotations

import os
import shlex
from string import Template
from typing import TYPE_CHECKING, Any

import click

from cli import errors, stack_cost_shapes
from cli.commands import stack_life
from cli.commands.stack_life import HEAD as _HEAD
from cli.options import (
    Scope,
    confirm_options,
    context_option,
    exit_code_option,
    output_option,
    pass_app,
    scope_options,
)
from cli.verbs import Kind, NounGroup, Verb, VerbCommand

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.app import App
    from cli.output import Format
    from cli.stacks import Stack

STACKS = Kind(
    name="StackList",
    item={
        **_HEAD,
        "resources": "integer|null",
        "updated": "RFC 3339|null",
        "busy": "boolean|null",
        "state": "up|empty|orphan|damaged|foreign",
        "lift": {"until": "RFC 3339", "by": "string", "reason": "string", "state": "lifting|lifted|over"},
    },
)
PREVIEWS = Kind(
    name="StackPreviewList",
    item={
        **_HEAD,
        "source": "engine|planned from spec",
        "changes": dict.fromkeys(("create", "update", "replace", "delete", "same"), "integer|null"),
        "moving": "boolean|null",
        "resources": [
            {
                "op": "string",
                "type": "string",
                "name": "string",
                "properties": [{"property": "string", "from": "any", "to": "any"}],
            }
        ],
        "cost": stack_cost_shapes.ITEM,
    },
    extra=stack_cost_shapes.EXTRA,
)
RUNS = Kind(
    name="StackRunList",
    item={
        **_HEAD,
        "state": "up|destroyed|failed|skipped",
        "changes": dict.fromkeys(("create", "update", "replace", "delete", "same"), "integer|null"),
    },
)
OUTPUTS = Kind(name="StackOutputsList", item={**_HEAD, "outputs": "object"})


def _layer_option(function: Any) -> Any:
    return click.option(
        "--layer", type=click.Choice(["infra", "platform", "all"]), default="all", show_default=True, help="Layer."
    )(function)


def _layers(layer: str) -> tuple[str, ...]:
    return ("infra", "platform") if layer == "all" else (layer,)


@click.group(cls=NounGroup)
def stack() -> None:
    """The Pulumi stacks of the own world: <fleet>.<cell>.<infra|platform>. State never crosses the border."""


@stack.command(
    "list", cls=VerbCommand, verb=Verb(data_class="metadata", kind=STACKS, examples=("twain stack list -o json",))
)
@output_option
@context_option
@pass_app
def list_(app: App, *, output: Format) -> None:
    """The stacks of this context's backend, and where protection is lifted.

    An `orphan` is of a cell that the fleet no longer has: nothing brings it up any more, and it costs until it is
    destroyed. A `foreign` one is none of this fleet's.
    """
    from cli import stack_lifts, stacks
    from cli.output import Column, Report

    items: list[dict[str, Any]] = []
    lifts: dict[str, stack_lifts.Lift] = {}
    for entry in app.engine.stacks():
        found = stacks.parsed(app, entry["name"])
        state = "foreign"
        if found is not None:
            known = any(cell.name == found.cell for cell in app.fleet.cells_of(app.context.world))
            state = "empty" if not entry.get("resourceCount") else "up" if known else "orphan"
            state = "damaged" if entry.get("damaged") else state
            lift = stack_lifts.read(app.home, found.cell) if found.layer == "infra" else None
            if lift is not None:
                lifts[entry["name"]] = lift
        items.append(
            {
                "world": app.context.world,
                "cell": found.cell if found else None,
                "layer": found.layer if found else None,
                "stack": entry["name"],
                "resources": entry.get("resourceCount"),
                "updated": entry.get("lastUpdate"),
                "busy": entry.get("updateInProgress"),
                "state": state,
                "lift": lifts[entry["name"]].as_json(app.clock.now()) if entry["name"] in lifts else None,
            }
        )
    orphans = sorted({item["cell"] for item in items if item["state"] == "orphan"})
    footer = [f"orphan: cell {name} is not in the fleet; twain stack destroy --cell {name}" for name in orphans]
    damaged = [item["stack"] for item in items if item["state"] == "damaged"]
    footer += [f"damaged: the state of {name} cannot be read; twain stack restore {name}" for name in damaged]
    footer += [lift.told(app.clock.now()) for lift in lifts.values()]
    columns = (
        Column(title="WORLD", key="world"),
        Column(title="STACK", key="stack"),
        Column(title="CELL", key="cell"),
        Column(title="LAYER", key="layer"),
        Column(title="STATE", key="state", tone={"orphan": "warn", "damaged": "bad"}.get),
        Column(title="RESOURCES", key="resources", right=True, missing="unknown"),
        Column(title="UPDATED", key="updated", missing="never"),
    )
    report = Report(kind=STACKS.name, items=items, columns=columns, footer=footer, empty="no stack yet: twain stack up")
    app.finish(report, output)


@stack.command(
    "env", cls=VerbCommand, verb=Verb(data_class="metadata", examples=('eval "$(twain stack env --world cn)"',))
)
@click.option("--world", type=click.Choice(["cn", "row"]), default=None, help="Must be the context's own.")
@context_option
@pass_app
def env(app: App, *, world: str | None) -> None:
    """Print what plain `pulumi` needs to work on this world's stacks, as shell assignments."""
    if world is not None and world != app.context.world:
        message = f"context {app.context.name} is of world {app.context.world}, not {world}."
        raise errors.PolicyError(message, fix=f"use a context of {world}", id="RES-STATE")
    kept = {k: v for k, v in app.context.env.items() if k == "PATH" or k.startswith(("PULUMI_", "TWAIN_"))}
    backend = Template(app.fleet.worlds[app.context.world].backend).safe_substitute(app.engine.env)
    kept.setdefault("PULUMI_BACKEND_URL", backend)
    lines = [f"export {key}={shlex.quote(value)}" for key, value in sorted(kept.items())]
    app.console.data("\n".join(lines))
    if app.context.workspace is not None:
        app.console.note(f"then: cd {shlex.quote(str(app.context.workspace))} && pulumi stack ls")


@stack.command(
    "preview",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=PREVIEWS,
        examples=(
            "twain stack preview",
            "twain stack preview --cell cn-sha-1 --layer infra -o json",
            "twain stack preview --all",
        ),
    ),
)
@_layer_option
@click.option("--all", "whole", is_flag=True, help="Every stack of the fleet; the other world's planned from the spec.")
@exit_code_option
@scope_options
@output_option
@context_option
@pass_app
def preview(app: App, *, layer: str, whole: bool, exit_code: bool, scope: Scope, output: Format) -> None:
    """What `stack up` would change.

    The rules on the fleet are checked first, then the guard's on each plan, and what its cloud would refuse: a
    residency violation ends with 5, another fault with 2, and no engine has started.

    What the change costs a month is told in the currency that each cloud bills, at dated list prices: a range where
    pools grow and shrink, and by name what has no known price.

    Of the own world the engine compares with what is up. A stack that cannot be compared (a platform before its infra,
    the other world's with --all) is planned from the spec and marked so. At most two engines run at once.
    """
    from cli import minor_ends, stack_costs, stack_files, stack_tables, stacks, upgrades
    from cli.check import model
    from cli.output import Report

    if whole and (scope.cells or scope.world != "all"):
        message = "--all is every stack of the fleet; --cell and --world choose some."
        raise errors.UsageError(message, fix="leave one of them out", id="CFG-SCOPE")
    quotas = stacks.check_spec(app)
    layers = _layers(layer)
    chosen = stacks.everywhere(app, layers) if whole else stacks.chosen(app, scope, layers)
    listed = app.engine.stacks()
    ended = minor_ends.refuse(app, chosen, stack_files.filled(listed))
    items, found = stacks.previews(app, chosen, app.console.note, listed=listed)
    moving = upgrades.find(app, chosen, [entry["name"] for entry in listed])
    found += [row for one in moving for row in model.rows(one.findings, world=one.world, cell=one.cell)]
    changed = any(stack_tables.changed(item) for item in items)
    costs = stack_costs.taken(items)
    report = Report(
        kind=PREVIEWS.name,
        items=items,
        columns=stack_tables.preview_columns(),
        errors=found,
        extra=stack_costs.summary(costs),
        footer=[
            *stack_tables.preview_footer(items),
            *stack_costs.footer(costs),
            *(f"upgrade: {one.words}" for one in moving),
            *ended,
            *quotas,
        ],
        next="twain stack up" if changed else None,
    )
    app.finish(report, output, code=errors.DIFFERENCES if exit_code and changed else errors.OK)


@stack.command(
    "up",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=RUNS,
        examples=(
            "twain stack up --cell cn-sha-1",
            "twain stack up --all --canary eu-ams-1 -y",
            "twain stack up --cell eu-par-1 --refresh",
        ),
        mutates=True,
    ),
)
@_layer_option
@click.option("--all", "whole", is_flag=True, help="Every cell of the own world, as without any scope.")
@click.option("--refresh", is_flag=True, help="Put back what drifted; refused where a store is gone.")
@click.option("--canary", metavar="CELL", help="The cell that goes first; default the first of them.")
@confirm_options
@scope_options
@output_option
@context_option
@pass_app
def up(
    app: App,
    *,
    layer: str,
    whole: bool,
    refresh: bool,
    canary: str | None,
    yes: bool,
    dry_run: bool,
    scope: Scope,
    output: Format,
) -> None:
    """Bring cells up, wave by wave: infra of the canary cell, infra of the others, then platform likewise.

    Two engines at most run at once. Each stack of a wave is worked on to its end; after one that failed, no further
    wave is begun. Safe to repeat: what is up stays as it is, and what a killed run left undone is done. A changed
    kubernetes_minor is an upgrade: what stands against it (a skipped minor, a removed API in use, old nodes) is told
    before it begins. So is a changed line of `nodes`: other images or another GPU driver, for which nodes are replaced.
    """
    from cli import minor_ends, stack_files, stack_plans, stacks, upgrades

    if whole and (scope.cells or scope.world != "all"):
        message = "--all is every cell of the own world; --cell and --world choose some."
        raise errors.UsageError(message, fix="leave one of them out", id="CFG-SCOPE")
    quotas = stacks.check_spec(app)
    chosen = stacks.chosen(app, scope, _layers(layer))
    _refuse_stray(app, chosen, canary)
    listed = app.engine.stacks()
    for words in (*quotas, *minor_ends.refuse(app, chosen, stack_files.filled(listed))):
        app.console.note(words)
    stack_plans.check(app, chosen, listed)
    moving = upgrades.find(app, chosen, [entry["name"] for entry in listed])
    for one in moving:
        app.console.note(f"plan: upgrade {one.words}")
    upgrades.refuse(moving)
    _plan(app, chosen, "bring up", canary=canary)
    if not app.confirm("bring these stacks up?", yes=yes, dry_run=dry_run):
        return
    upgrades.begin(app, moving)

    def work(one: Stack) -> dict[str, Any]:
        return stacks.up(app, one, app.console.note, refresh=refresh)

    _run(app, chosen, work, "stack up", canary=canary, output=output)


@stack.command(
    "destroy",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=RUNS,
        examples=("twain stack destroy --cell eu-par-1 --layer platform", "twain stack destroy --all"),
        mutates=True,
    ),
)
@_layer_option
@click.option("--all", "whole", is_flag=True, help="Every cell of the own world.")
@confirm_options
@scope_options
@output_option
@context_option
@pass_app
def destroy(app: App, *, layer: str, whole: bool, yes: bool, dry_run: bool, scope: Scope, output: Format) -> None:
    """Destroy what stacks hold: platform before infra.

    Where one holds what is protected, that is named, nothing at all is destroyed, and the command ends with 4; `twain
    stack unprotect` is a step of its own. A cell that was taken out of the fleet is named like any other: the state
    knows what it holds.
    """
    from cli import stack_lifts, stacks

    if whole == bool(scope.cells):
        message = "which cells? Name them with --cell, or say --all."
        raise errors.UsageError(message, fix="twain stack list", id="CFG-SCOPE")
    chosen = stacks.standing(app, scope, _layers(layer))
    _plan(app, chosen, "DESTROY everything in", backwards=True)
    stack_lifts.refuse_protected(app, chosen)
    if not app.confirm("destroy everything in these stacks?", yes=yes, dry_run=dry_run):
        return
    _run(
        app,
        chosen,
        lambda one: stacks.destroy(app, one, app.console.note),
        "stack destroy",
        output=output,
        backwards=True,
    )


@stack.command(
    "outputs",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata", kind=OUTPUTS, examples=("twain stack outputs", "twain stack outputs --cell cn-sha-1")
    ),
)
@_layer_option
@scope_options
@output_option
@context_option
@pass_app
def outputs(app: App, *, layer: str, scope: Scope, output: Format) -> None:
    """What stacks give, secrets as `[secret]`; and refresh what read verbs know of each cell."""
    from cli import stacks
    from cli.output import Column, Report

    existing = app.engine.names()
    items: list[dict[str, Any]] = []
    for one in stacks.chosen(app, scope, _layers(layer)):
        if one.name in existing:
            found = stacks.remember(app, app.engine, one) if one.layer == "infra" else app.engine.outputs(one.name)
            items.append({**one.head, "outputs": found})
    columns = (
        Column(title="STACK", key="stack"),
        Column(title="OUTPUTS", key=lambda item: ", ".join(sorted(item["outputs"]))),
    )
    report = Report(kind=OUTPUTS.name, items=items, columns=columns, empty="no stack is up", next="twain cell list")
    app.finish(report, output)


@stack.command(
    "pulumi",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata", examples=("twain stack pulumi -- stack ls", "twain stack pulumi -- about"), mutates=True
    ),
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@pass_app
def pulumi(app: App, *, args: tuple[str, ...]) -> None:
    """Run plain `pulumi` with this context's workspace, backend and environment. Becomes that process."""
    from cli import anchors

    engine = app.engine
    # The first word alone: what follows can be a secret (`config set --secret`).
    anchors.recorded(app, "stack pulumi", cells=[], command=args[0] if args else "")
    os.chdir(engine.workspace)
    os.umask(0o077)
    os.execve(engine.program(), ["pulumi", *args], engine.env)  # noqa: S606 - this is the verb


for _command in stack_life.COMMANDS:
    stack.add_command(_command)


def _plan(app: App, chosen: list[Stack], what: str, *, canary: str | None = None, backwards: bool = False) -> None:
    from cli import stacks

    if not chosen:
        message = "no stack of this world lies in the scope."
        raise errors.NotFoundError(message, fix="twain stack list", id="STK-404")
    for wave in stacks.waves(chosen, canary, backwards=backwards):
        for one in wave:
            app.console.note(f"plan: {what} {one.name}")


def _refuse_stray(app: App, chosen: list[Stack], canary: str | None) -> None:
    """A canary that is not among the cells would go nowhere, and all others at once."""
    if canary is None or not chosen or canary in (names := [one.cell for one in chosen]):
        return
    cell = app.fleet.cell(canary)
    of = f"lies in world {cell.world}; this is of {chosen[0].world}" if cell.world != chosen[0].world else "is left out"
    message = f"canary {canary} is none of the cells to bring up: it {of}."
    fix = f"name one of {', '.join(dict.fromkeys(names))}, or leave --canary out"
    raise errors.UsageError(message, fix=fix, where=canary, id="CFG-SCOPE")


def _run(
    app: App,
    chosen: list[Stack],
    work: Callable[[Stack], dict[str, Any]],
    verb: str,
    *,
    output: Format,
    canary: str | None = None,
    backwards: bool = False,
) -> None:
    from cli import anchors, stack_tables, stacks
    from cli.output import Report

    cells = list(dict.fromkeys(one.cell for one in chosen))
    anchors.recorded(app, verb, cells=cells, stacks=[one.name for one in chosen])
    rows, found = stacks.run_waves(chosen, work, canary=canary, note=app.console.note, backwards=backwards)
    if not backwards:
        app.run(anchors.catch_up(app, cells))
    columns = stack_tables.run_columns()
    app.finish(Report(kind=RUNS.name, items=rows, columns=columns, errors=found, next="twain status"), output)
