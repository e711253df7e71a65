"""`twain context`: who is operating, and who of the other world may call this world's gate."""

from __future__ import annotations

import re
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
        "maisons": ["string"],
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
_CONTEXT_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


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
    "add",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        examples=(
            "twain context add row-sre --world row --fleet prod.yaml",
            "twain context add cn-platform --world cn --fleet prod.yaml --identity li.wei",
        ),
        mutates=True,
    ),
)
@click.argument("name")
@click.option("--world", type=click.Choice(["cn", "row"]), required=True, help="The world whose operator this is.")
@click.option(
    "--fleet", metavar="FILE", required=True, help="The fleet; its form is checked before anything is written."
)
@click.option("--identity", default="", metavar="WHO", help="Who acts, for the audit log.  [default: NAME]")
@click.option("--maison", "maisons", multiple=True, metavar="NAME", help="Whose content it may see; repeatable.")
@click.option("--workspace", metavar="DIR", help="The folder of Pulumi.yaml.  [default: the nearest above the fleet]")
@click.option("--use", "current", is_flag=True, help="Make it the current context.")
@pass_app
def add(
    app: App,
    *,
    name: str,
    world: str,
    fleet: str,
    identity: str,
    maisons: tuple[str, ...],
    workspace: str | None,
    current: bool,
) -> None:
    """Add a context. Touches this machine only, so it does not ask; credentials stay with the clouds' own tools."""
    from cli.fleet import FleetView

    if not _CONTEXT_NAME.fullmatch(name):
        message = f"{name!r} cannot be a name: lower-case letters, digits and '-', 63 at most."
        raise errors.UsageError(message, id="CFG-NAME")
    place = Path(fleet).expanduser().resolve()
    view = FleetView.load(place, app.home / "cache")
    if world not in view.worlds:
        message = f"fleet {view.name} has no world {world}; it has {', '.join(view.worlds)}."
        raise errors.NotFoundError(message, fix="name one of them", where=str(place), id="WORLD-404")
    if strange := [maison for maison in maisons if maison not in view.maisons]:
        message = f"fleet {view.name} has no maison {', '.join(strange)}; it has {', '.join(view.maisons) or 'none'}."
        raise errors.NotFoundError(message, fix="name one of them", where=str(place), id="MAISON-404")
    value: dict[str, Any] = {"world": world, "identity": identity or name, "fleet": str(place)}
    value |= {"maisons": list(maisons)} if maisons else {}
    project = _project(Path(workspace).expanduser().resolve() if workspace else None, place)
    made = app.contexts.add(name, value | ({"workspace": str(project)} if project else {}), current=current)
    app.console.note(f"context {made.name}: world {made.world}, identity {made.identity}, fleet {made.fleet}.")
    told = f"stacks run in {project}." if project else "no Pulumi.yaml was found: stack verbs need --workspace."
    app.console.note(told)
    ahead = "twain stack preview" if app.contexts.read()["current"] == name else f"twain context use {name}"
    app.console.note(f"next: {ahead}")


@context.command(
    "remove",
    cls=VerbCommand,
    verb=Verb(data_class="metadata", examples=("twain context remove row-sre -y",), mutates=True),
)
@click.argument("name")
@confirm_options
@pass_app
def remove(app: App, *, name: str, yes: bool, dry_run: bool) -> None:
    """Forget a context and the gate tokens that it took in. Clusters and stacks are not touched."""
    found = app.contexts.get(name)
    tokens = "".join(f", its gate token for {world}" for world in sorted(found.gates))
    app.console.note(f"plan: forget context {found.name} (world {found.world}){tokens}")
    if app.confirm("forget it?", yes=yes, dry_run=dry_run):
        app.contexts.remove(name)
        app.console.note("next: twain context list")


@context.command(
    "accept",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        examples=(
            "twain context accept --world cn --url https://gate.cn.example:8443 --ca cn.crt --token cn.token",
            "twain context accept --world cn --url https://gate.cn.example:8443 --ca cn.crt --token - < cn.token",
        ),
        mutates=True,
    ),
)
@click.option("--world", type=click.Choice(["cn", "row"]), required=True, help="The world that granted the token.")
@click.option("--url", required=True, help="The address of its gate; https only.")
@click.option("--ca", metavar="FILE", required=True, help="The certificate authority of the gate, as PEM.")
@click.option("--token", "token_file", metavar="FILE", required=True, help="The gate token; - for standard input.")
@context_option
@pass_app
def accept(app: App, *, world: str, url: str, ca: str, token_file: str) -> None:
    """Take in a gate token that another world granted, so that this context can call that world's gate.

    Keeps a copy of the token and the certificate, 0600, and replaces one of the same world. The token is never a
    command-line argument, where other people of the machine could read it.
    """
    from cli import grants

    mine = app.context
    if world == mine.world:
        message = f"context {mine.name} is of world {world} itself and goes direct there; a gate is for the other one."
        raise errors.UsageError(message, fix="--world of the one that granted the token", id="CFG-WORLD")
    token = grants.read_token(token_file)
    gate = app.contexts.accept(
        mine.name, world=world, url=grants.gate_url(url), token=token, ca_pem=grants.read_ca(Path(ca).expanduser())
    )
    until = grants.expiry(token)
    app.console.note(f"context {mine.name} calls the gate of {world} at {gate.url}, until {until or 'not said'}.")
    app.console.note(f"next: twain status --world {world}")


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


def _project(chosen: Path | None, fleet: Path) -> Path | None:
    """The folder of Pulumi.yaml: the chosen one, else the nearest above the fleet or above where we are."""
    if chosen is not None:
        if not (chosen / "Pulumi.yaml").is_file():
            message = f"there is no Pulumi.yaml in {chosen}."
            raise errors.UsageError(message, fix="--workspace names the folder that holds it", id="CFG-WORKSPACE")
        return chosen
    around = (*fleet.parents, Path.cwd(), *Path.cwd().parents)
    return next((folder for folder in around if (folder / "Pulumi.yaml").is_file()), None)


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
                "maisons": list(found.maisons),
            }
        )
    columns = (
        Column(title="CURRENT", key=lambda item: "*" if item["current"] else ""),
        Column(title="NAME", key="name"),
        Column(title="WORLD", key="world"),
        Column(title="IDENTITY", key="identity"),
        Column(title="GATES", key="gates"),
        Column(title="MAISONS", key="maisons", wide=True),
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
