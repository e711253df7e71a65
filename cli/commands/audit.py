"""`twain audit`: what this operator did, and whether the record of it is whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.options import DURATION, context_option, output_option, pass_app, timeout_option
from cli.verbs import Kind, NounGroup, Verb, VerbCommand

if TYPE_CHECKING:
    from cli.anchors import Judged
    from cli.app import App
    from cli.audit import Chain
    from cli.output import Format, Report

ENTRIES = Kind(
    name="AuditList",
    item={
        "number": "integer",
        "at": "RFC 3339",
        "verb": "string",
        "context": "string",
        "identity": "string",
        "cells": ["string"],
        "reason": "string|null",
        "facts": "object: what else the entry says",
        "hash": "sha256 hex",
    },
)
VERDICTS = Kind(
    name="AuditVerification",
    item={
        "source": "log|cell",
        "cell": "string|null",
        "state": "ok|broken|cut|changed|replaced|absent|unknown",
        "entries": "integer|null",
        "head": "sha256 hex|null",
        "at": "RFC 3339|null",
        "line": "integer|null",
        "reason": "string|null",
    },
    extra={"entries": "integer", "head": "sha256 hex", "firstBadLine": "integer|null", "unanchored": "integer"},
)
_COMMON = {"at", "verb", "context", "identity", "cells", "reason"}
_TONES: dict[str, Any] = {"ok": "good", "absent": "warn", "unknown": "warn"}
_WHY = {
    "cut": "entries that were anchored are missing at the end of the log",
    "changed": "the anchored entry is another one in the log",
    "replaced": "the cell has anchored another log of this folder",
    "absent": "nothing is anchored here yet; the next change anchors it",
}


@click.group(cls=NounGroup)
def audit() -> None:
    """The audit log of this operator: every change and every look at content, chained by hashes, anchored in the cells.

    The log lies on this machine; each mutation puts the hash of its last entry into the cells that it is about.
    """


@audit.command(
    "list",
    cls=VerbCommand,
    verb=Verb(data_class="metadata", kind=ENTRIES, examples=("twain audit list", "twain audit list --since 7d")),
)
@click.option("--since", type=DURATION, default=None, metavar="AGE", help="Only entries younger than this: 24h, 7d.")
@output_option
@pass_app
def list_(app: App, *, since: float | None, output: Format) -> None:
    """What was done from here, oldest first. Of a broken log the entries before the first bad line (5)."""
    from datetime import timedelta

    from cli.output import Column, Report

    chain = app.audit.read()
    after = (app.clock.now() - timedelta(seconds=since)).isoformat() if since is not None else ""
    items = [
        {
            "number": number,
            **{key: str(entry.get(key) or "") for key in ("at", "verb", "context", "identity")},
            "cells": [str(cell) for cell in entry.get("cells") or ()],
            "reason": entry.get("reason"),
            "facts": {key: value for key, value in entry.items() if key not in _COMMON},
            "hash": digest,
        }
        for number, (entry, digest) in enumerate(zip(chain.entries, chain.hashes, strict=True), start=1)
        if str(entry.get("at") or "") >= after
    ]
    columns = (
        Column(title="NO", key="number", right=True),
        Column(title="AT", key="at"),
        Column(title="VERB", key="verb"),
        Column(title="CONTEXT", key="context"),
        Column(title="IDENTITY", key="identity"),
        Column(title="CELLS", key="cells"),
        Column(title="FACTS", key="facts", show=_shown),
        Column(title="REASON", key="reason"),
        Column(title="HASH", key="hash", wide=True),
    )
    report = Report(kind=ENTRIES.name, items=items, columns=columns, empty="nothing was done from here yet")
    report.errors = _broken(app, chain)
    report.next = "twain audit verify"
    app.finish(report, output)


@audit.command(
    "verify",
    cls=VerbCommand,
    verb=Verb(data_class="metadata", kind=VERDICTS, examples=("twain audit verify", "twain audit verify -o json")),
)
@output_option
@timeout_option()
@context_option
@pass_app
def verify(app: App, *, output: Format, timeout: float) -> None:
    """Check the chain line by line, then every cell's anchor against it. Changes nothing.

    A changed byte ends with 5 and the number of the first bad line, a cut tail or another log in its place with 5 and
    the cell that remembers more. A cell that cannot be asked is `unknown` and ends with 13: without it a cut cannot be
    excluded. Entries that a killed command wrote and did not anchor are counted; what they announce was not done.
    """
    chain = app.audit.read()
    cells = [cell.name for cell in app.fleet.cells_of(app.context.world)]
    named = {cell for entry in chain.entries for cell in entry.get("cells") or ()}
    judged = [_not_up(one, named) for one in app.run(_ask(app, cells, chain, timeout))]
    app.finish(_report(app, chain, judged), output)


def _shown(facts: Any) -> str:
    from cli.output import plain

    return " ".join(f"{key}={plain(value)}" for key, value in facts.items() if value not in (None, "", [])) or "-"


async def _ask(app: App, cells: list[str], chain: Chain, deadline_s: float) -> list[Judged]:
    import asyncio

    from cli import anchors

    return list(await asyncio.gather(*(anchors.judge(app, cell, chain, deadline_s=deadline_s) for cell in cells)))


def _report(app: App, chain: Chain, judged: list[Judged]) -> Report:
    from cli import anchors
    from cli.output import Column, Report

    anchored = max((one.anchor.entries for one in judged if one.state == "ok" and one.anchor is not None), default=0)
    found = _broken(app, chain)
    for one in judged:
        if one.state in {"cut", "changed", "replaced"}:
            found.append(errors.row_of(anchors.broken(one, app.audit), cell=one.cell, world=app.context.world))
        elif one.state == "unknown":
            found.append(_unknown(app, one))
    if chain.entries and not anchored and not found:
        message = "no cell has anchored any entry, so it cannot be told whether the log was cut."
        fix = "the next change anchors it: twain serve apply, twain stack up"
        found.append(errors.ErrorRow(id="AUD-005", message=message, world=app.context.world, fix=fix))
    items = [_log_item(chain), *(_cell_item(one) for one in judged)]
    return Report(
        kind=VERDICTS.name,
        items=items,
        columns=(
            Column(title="SOURCE", key="source"),
            Column(title="CELL", key="cell"),
            Column(title="STATE", key="state", tone=lambda state: _TONES.get(state, "bad")),
            Column(title="ENTRIES", key="entries", right=True, missing="unknown"),
            Column(title="HEAD", key="head", show=lambda head: f"{head[:12]}…", missing="unknown"),
            Column(title="LAST ENTRY", key="at"),
            Column(title="REASON", key="reason"),
        ),
        errors=found,
        extra={
            "entries": len(chain.entries),
            "head": chain.head,
            "firstBadLine": chain.bad,
            "unanchored": max(0, len(chain.entries) - anchored),
        },
        footer=_footer(chain, anchored, found),
    )


def _footer(chain: Chain, anchored: int, found: list[errors.ErrorRow]) -> list[str]:
    if found:
        return []
    lines = [f"entries: {len(chain.entries)}, anchored: {anchored}; the chain holds."]
    if anchored < len(chain.entries):
        lines.append("what is not anchored yet was written by a command that ended before it did anything.")
    if chain.torn:
        lines.append(f"{chain.torn} bytes after the last entry never counted: a command was killed while it wrote.")
    return lines


def _log_item(chain: Chain) -> dict[str, Any]:
    return {
        "source": "log",
        "cell": None,
        "state": "ok" if chain.bad is None else "broken",
        "entries": len(chain.entries),
        "head": chain.head,
        "at": str(chain.entries[-1].get("at")) if chain.entries else None,
        "line": chain.bad,
        "reason": f"line {chain.bad}: {chain.why}" if chain.bad is not None else None,
    }


def _cell_item(one: Judged) -> dict[str, Any]:
    reason = one.error.message if one.error is not None else _WHY.get(one.state)
    return {
        "source": "cell",
        "cell": one.cell,
        "state": one.state,
        "entries": one.anchor.entries if one.anchor is not None else None,
        "head": one.anchor.head or None if one.anchor is not None else None,
        "at": one.anchor.at or None if one.anchor is not None else None,
        "line": None,
        "reason": reason,
    }


def _broken(app: App, chain: Chain) -> list[errors.ErrorRow]:
    error = app.audit.fault(chain)
    return [errors.row_of(error)] if error is not None else []


def _not_up(one: Judged, named: set[str]) -> Judged:
    """A cell that was never up from here has anchored nothing. One that the log names was up: then it is unknown."""
    if one.error is None or one.error.id != "CELL-404" or one.cell in named:
        return one
    return replace(one, state="absent")


def _unknown(app: App, one: Judged) -> errors.ErrorRow:
    why = one.error.message if one.error is not None else "it could not be asked."
    message = f"what cell {one.cell} has anchored is unknown: {why}"
    return errors.ErrorRow(id="AUD-006", message=message, cell=one.cell, world=app.context.world, fix="twain doctor")
