"""`twain doctor`: what this machine and this context lack, each with its fix. Reads; changes nothing."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import click

from cli import errors
from cli.options import context_option, output_option, pass_app
from cli.verbs import Kind, Verb, VerbCommand

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli.app import App
    from cli.output import Format

CHECKS = Kind(
    name="CheckList",
    item={"check": "string", "state": "ok|warn|fail|unknown", "found": "string", "fix": "string|null"},
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check. `fail` ends the command with 2: something of this context cannot work."""

    check: str
    state: Literal["ok", "warn", "fail", "unknown"]
    found: str
    fix: str | None = None


@click.command(
    cls=VerbCommand,
    verb=Verb(data_class="metadata", kind=CHECKS, examples=("twain doctor", "twain doctor -o json")),
)
@output_option
@context_option
@pass_app
def doctor(app: App, *, output: Format) -> None:
    """Check this machine, the context, its files and tools. Ends with 2 when something must be mended."""
    from cli.output import Column, Report

    findings = [*_machine(), *_context(app)]
    tones: dict[str, Any] = {"ok": "good", "fail": "bad", "warn": "warn"}
    columns = (
        Column(title="CHECK", key="check"),
        Column(title="STATE", key="state", tone=tones.get),
        Column(title="FOUND", key="found"),
        Column(title="FIX", key="fix"),
    )
    items = [{"check": f.check, "state": f.state, "found": f.found, "fix": f.fix} for f in findings]
    failed = [finding for finding in findings if finding.state == "fail"]
    summary = f"{len(findings)} checks, {len(failed)} to mend"
    report = Report(kind=CHECKS.name, items=items, columns=columns, footer=[summary])
    app.finish(report, output, code=errors.USAGE if failed else errors.OK)


def _machine() -> Iterator[Finding]:
    system = platform.system()
    yield Finding(
        check="system",
        state="ok" if system == "Linux" else "warn",
        found=f"{system} {platform.machine()}",
        fix=None if system == "Linux" else "the rehearsal needs Linux; every other verb works here",
    )
    version = platform.python_version()
    good = sys.version_info >= (3, 11)
    yield Finding(
        check="python", state="ok" if good else "fail", found=version, fix=None if good else "use Python 3.11 or newer"
    )
    encoding = (sys.stdout.encoding or "ascii").lower()
    yield Finding(
        check="terminal",
        state="ok" if "utf" in encoding else "warn",
        found=encoding,
        fix=None if "utf" in encoding else "export LC_ALL=C.UTF-8; tables are drawn in ASCII until then",
    )


def _context(app: App) -> Iterator[Finding]:
    try:
        context = app.context
    except errors.TwainError as error:
        yield Finding(check="context", state="warn", found=error.message, fix=error.fix)
        return
    yield Finding(check="context", state="ok", found=f"{context.name}: world {context.world}, {context.identity}")
    yield from _fleet(app)
    yield from _engine(app)
    yield from _plugins(app)
    yield from _gates(app)
    yield from _modes(app.home)


def _fleet(app: App) -> Iterator[Finding]:
    from cli import failures

    try:
        fleet = app.fleet
    except Exception as error:
        known = failures.translate(error)
        if known is None:
            raise
        yield Finding(check="fleet", state="fail", found=known.message.splitlines()[0], fix="correct the fleet file")
        return
    yield Finding(check="fleet", state="ok", found=f"{fleet.name}: {len(fleet.cells)} cells")
    from cli import cells

    known_cells = cells.known(app.home)
    missing = [cell.name for cell in fleet.cells_of(app.context.world) if cell.name not in known_cells]
    yield Finding(
        check="cells",
        state="warn" if missing else "ok",
        found=f"not known here: {', '.join(missing)}" if missing else f"{len(known_cells)} known",
        fix="twain stack outputs" if missing else None,
    )


def _engine(app: App) -> Iterator[Finding]:
    try:
        found = app.engine.program()
    except errors.TwainError as error:
        yield Finding(check="engine", state="warn", found=error.message, fix=error.fix or "install pulumi")
        return
    yield Finding(check="engine", state="ok", found=found)


def _plugins(app: App) -> Iterator[Finding]:
    """The credential plugins of the cells that are known here."""
    from cli import cells
    from cli.kube.kubeconfig import plugin_environment

    path = plugin_environment(app.context.env, {}).get("PATH")
    for name in cells.known(app.home):
        command = cells.read(app.home, name).exec.command
        found = shutil.which(command, path=path)
        yield Finding(
            check=f"credentials {name}",
            state="ok" if found else "fail",
            found=found or f"{command} is not on the PATH",
            fix=None if found else f"install {command}",
        )


def _gates(app: App) -> Iterator[Finding]:
    for world, gate in sorted(app.context.gates.items()):
        try:
            gate.token()
        except errors.TwainError as error:
            yield Finding(check=f"gate {world}", state="fail", found=error.message, fix=error.fix)
        else:
            yield Finding(check=f"gate {world}", state="ok", found=gate.url)


def _modes(home: Path) -> Iterator[Finding]:
    """Nobody else may read what lies in the home folder."""
    if not home.is_dir():
        return
    open_ = [
        str(path)
        for path in [home, *home.rglob("*")]
        if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077 and path.stat().st_uid == os.getuid()
    ]
    secret = [path for path in open_ if path.endswith((".token", "contexts.json")) or "/tokens/" in path]
    yield Finding(
        check="file modes",
        state="fail" if secret else "warn" if open_ else "ok",
        found=f"others may read {(secret or open_)[0]}" if open_ else "private",
        fix=f"chmod -R go= {home}" if open_ else None,
    )
