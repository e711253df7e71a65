"""`twain context`: who is operating, and who of the other world may call this world's gate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.options import DURATION, confirm_options, context_option, output_option, pass_app
from cli.verbs import Kind, NounGroup, Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Format

CONTEXTS = Kind(
    name="ContextList",
    item={
        "name": "string",
        "current": "boolean",
        "world": "cn|row",
        "identity": "string",
        "fleet": "string",
        "workspace": "string|null",
        "gates": ["string"],
    },
)
GRANTS = Kind(
    name="GrantList",
    item={
        "world": "cn|row",
        "cell": "string",
        "name": "string",
        "state": "granted|revoked|absent",
        "expires": "RFC 3339|null",
        "tokenFile": "string|null",
    },
)
SHORTEST_S = 600


@click.group(cls=NounGroup)
def context() -> None:
    """Contexts: a world, an identity, and for the other world a gate token at most."""


@context.command(
    "list", cls=VerbCommand, verb=Verb(data_class="metadata", kind=CONTEXTS, examples=("twain context list",))
)
@output_option
@pass_app
def list_(app: App, *, output: Format) -> None:
    """Every context of this machine."""
    _show(app, app.contexts.names(), output)


@context.command(
    "get", cls=VerbCommand, verb=Verb(data_class="metadata", kind=CONTEXTS, examples=("twain context get",))
)
@click.argument("name", required=False)
@output_option
@context_option
@pass_app
def get(app: App, *, name: str | None, output: Format) -> None:
    """One context; without NAME the current one."""
    _show(app, [app.contexts.get(name or app.context_name).name], output)


@context.command(
    "use", cls=VerbCommand, verb=Verb(data_class="metadata", examples=("twain context use row-sre",), mutates=True)
)
@click.argument("name")
@pass_app
def use(app: App, *, name: str) -> None:
    """Make a context the current one. Touches this machine only, so it does not ask."""
    chosen = app.contexts.use(name)
    app.console.note(f"context {chosen.name} is current: world {chosen.world}, identity {chosen.identity}.")
    app.console.note("next: twain status")


@context.command(
    "grant",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=GRANTS,
        examples=(
            "twain context grant --to row-sre --ttl 1h -y",
            "twain context grant --to row-sre --out row.token -y",
        ),
        mutates=True,
    ),
)
@click.option("--to", "name", required=True, metavar="NAME", help="Whom the token is for.")
@click.option("--ttl", type=DURATION, default="1h", show_default=True, help="How long it is good; 10m at least.")
@click.option("--out", metavar="FILE", help="Where to write the token, 0600; default under the home folder.")
@confirm_options
@output_option
@context_option
@pass_app
def grant(app: App, *, name: str, ttl: float, out: str | None, yes: bool, dry_run: bool, output: Format) -> None:
    """Let somebody of the other world call this world's gate for a while.

    Mints a token for a service account of this world's gate cell that can do nothing but call the gate. The token is
    written to a file and never printed.
    """
    from cli import grants

    if ttl < SHORTEST_S:
        message = f"a gate token lives at least {SHORTEST_S // 60} minutes, not {ttl:.0f} s."
        raise errors.UsageError(message, fix="--ttl 10m", id="CFG-TTL")
    place = Path(out) if out else app.home / "grants" / f"{grants.account(name)}.token"
    cell = grants.gate_cell(app)
    app.console.note(f"plan: in cell {cell}, mint a gate token for {name}, good for {ttl:.0f} s, into {place}")
    if app.confirm("grant it?", yes=yes, dry_run=dry_run):
        row = app.run(grants.grant(app, name=name, ttl_s=int(ttl), place=place))
        _grants(app, row, output, f"hand {place} to {name} over a private channel")


@context.command(
    "revoke",
    cls=VerbCommand,
    verb=Verb(data_class="metadata", kind=GRANTS, examples=("twain context revoke --to row-sre -y",), mutates=True),
)
@click.option("--to", "name", required=True, metavar="NAME", help="Whose tokens end.")
@confirm_options
@output_option
@context_option
@pass_app
def revoke(app: App, *, name: str, yes: bool, dry_run: bool, output: Format) -> None:
    """End every gate token of somebody at once."""
    from cli import grants

    cell = grants.gate_cell(app)
    app.console.note(f"plan: in cell {cell}, delete the account {grants.account(name)}; all of its tokens end")
    if app.confirm("revoke it?", yes=yes, dry_run=dry_run):
        _grants(app, app.run(grants.revoke(app, name=name)), output, "twain context list")


def _show(app: App, names: list[str], output: Format) -> None:
    from cli.output import Column, Report

    current = app.context_name or app.contexts.current_name()
    items: list[dict[str, Any]] = []
    for name in names:
        found = app.contexts.get(name)
        items.append(
            {
                "name": found.name,
                "current": found.name == current,
                "world": found.world,
                "identity": found.identity,
                "fleet": str(found.fleet),
                "workspace": str(found.workspace) if found.workspace is not None else None,
                "gates": sorted(found.gates),
            }
        )
    columns = (
        Column(title="CURRENT", key=lambda item: "*" if item["current"] else ""),
        Column(title="NAME", key="name"),
        Column(title="WORLD", key="world"),
        Column(title="IDENTITY", key="identity"),
        Column(title="GATES", key="gates"),
        Column(title="FLEET", key="fleet", wide=True),
        Column(title="WORKSPACE", key="workspace", wide=True),
    )
    report = Report(kind=CONTEXTS.name, items=items, columns=columns, empty="no context yet: twain rehearse up")
    app.finish(report, output)


def _grants(app: App, row: dict[str, Any], output: Format, after: str) -> None:
    from cli.output import Column, Report

    columns = tuple(
        Column(title=title, key=key)
        for title, key in (
            ("WORLD", "world"), ("CELL", "cell"), ("NAME", "name"), ("STATE", "state"), ("EXPIRES", "expires"),
            ("TOKEN FILE", "tokenFile"),
        )
    )  # fmt: skip
    app.finish(Report(kind=GRANTS.name, items=[row], columns=columns, next=after), output)
