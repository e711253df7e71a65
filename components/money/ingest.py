"""Native bill files into the lake: all or nothing per call, repeatable, and nothing guessed.

Accepted: Alibaba Cloud FOCUS 1.0 CSV, the FOCUS table of GCP as Parquet, Azure FOCUS 1.2-preview Parquet, any FOCUS 1.0
to 1.2 file in CSV or Parquet, and invoice totals as JSON. A file that is cut short, has a float where money stands,
lacks a mandatory column or holds one value that cannot be read is refused whole, naming file and row.

The files of one call are the whole export of each (world, provider, account, period) that they hold: what the lake had
for it before is superseded, never added to.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from components.money import native
from components.money.errors import BillFileError
from components.money.lake import Entry, Invoice, Lake, Manifest, duckdb, refuse_if_locked, stamp
from components.money.money import exact_sum, plain
from components.money.periods import check as check_period

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

SUFFIXES = (".csv", ".csv.gz", ".parquet")
INVOICE_SUFFIX = ".invoice.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one file: `added`, `replaced` (an earlier export was superseded) or `unchanged`."""

    path: str
    action: Literal["added", "replaced", "unchanged"]
    rows: int
    provider: str
    period: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Staged:
    entry: Entry
    temporary: Path


def bill_files(folder: Path) -> list[Path]:
    """The bill and invoice files of a folder, by name. Hidden files and other suffixes are not bills."""
    if not folder.is_dir():
        return []
    wanted = (*SUFFIXES, INVOICE_SUFFIX)
    return sorted(p for p in folder.iterdir() if p.is_file() and p.name.endswith(wanted) and not p.name.startswith("."))


def ingest(lake: Lake, files: Iterable[Path], *, world: str, now: datetime) -> list[Outcome]:
    """Takes `files` (of one world) into the lake and returns what became of each.

    Idempotent by content: a file whose bytes are already current changes nothing. All or nothing: on any error the lake
    is as it was. Raises BillFileError, LockedPeriodError, OSError.
    """
    paths = [Path(path) for path in files]
    with lake.exclusive():
        manifest = lake.manifest()
        staged: list[_Staged] = []
        outcomes: list[Outcome] = []
        # Digests of the files of this call that the lake has already: parts of the same export as what is new.
        present: set[str] = set()
        invoices: dict[tuple[str, ...], Invoice] = {invoice.key: invoice for invoice in manifest.invoices}
        try:
            for path in paths:
                if path.name.endswith(INVOICE_SUFFIX):
                    invoice, outcome = _invoice(path, world=world, known=invoices)
                    invoices[invoice.key] = invoice
                    outcomes.append(outcome)
                    continue
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                known = [e for e in manifest.current() if e.sha256 == digest and e.world == world]
                if known:
                    present.add(digest)
                    outcomes.extend(_outcome(path, entry, "unchanged") for entry in known)
                else:
                    fresh = _stage(lake, manifest, path, digest=digest, world=world, now=now, staged=staged)
                    outcomes.extend(_outcome(path, entry, "added") for entry in fresh)
            entries, superseded = _merged(manifest, staged, present=present, now=now)
            for item in staged:
                item.temporary.replace(lake.root / item.entry.parquet)
        finally:
            for item in staged:
                item.temporary.unlink(missing_ok=True)
        changed = replace(manifest, entries=entries, invoices=tuple(invoices.values()))
        if changed != manifest:
            lake.save(changed)
    return [
        replace(o, action="replaced") if o.action == "added" and (o.provider, o.period) in superseded else o
        for o in outcomes
    ]


def _outcome(path: Path, entry: Entry, action: Literal["added", "unchanged"]) -> Outcome:
    return Outcome(path=str(path), action=action, rows=entry.rows, provider=entry.provider, period=entry.period)


def _stage(
    lake: Lake,
    manifest: Manifest,
    path: Path,
    *,
    digest: str,
    world: str,
    now: datetime,
    staged: list[_Staged],
) -> list[Entry]:
    """Checks one file and writes its rows beside their place; `staged` grows with each, so that all can be removed."""
    fresh: list[Entry] = []
    connection = duckdb().connect(":memory:")
    try:
        connection.execute("SET threads TO 2; SET enable_progress_bar = false; SET TimeZone = 'UTC'")
        native.load(connection, path, world=world, digest=digest, now=now)
        for part in native.parts(connection):
            folder = Path(f"billing_period={check_period(part.period)}") / f"provider={part.provider}"
            owner = hashlib.sha256(f"{world}/{part.account}".encode()).hexdigest()[:8]
            entry = Entry(
                world=world,
                provider=part.provider,
                account=part.account,
                period=part.period,
                source=str(path),
                sha256=digest,
                parquet=str(folder / f"{digest[:16]}-{owner}.parquet"),
                rows=part.rows,
                billed=part.billed,
                ingested_at=stamp(now),
            )
            refuse_if_locked(manifest, entry)
            temporary = lake.root / folder / f".{digest[:16]}-{len(staged)}.tmp"
            temporary.parent.mkdir(parents=True, exist_ok=True)
            staged.append(_Staged(entry=entry, temporary=temporary))
            native.write(connection, temporary, part)
            fresh.append(entry)
    finally:
        connection.close()
    return fresh


def _merged(
    manifest: Manifest, staged: list[_Staged], *, present: set[str], now: datetime
) -> tuple[tuple[Entry, ...], set[tuple[str, str]]]:
    fresh = {item.entry.key for item in staged}
    superseded: set[tuple[str, str]] = set()
    kept: list[Entry] = []
    for entry in manifest.entries:
        if entry.key in fresh and not entry.superseded_at and entry.sha256 not in present:
            superseded.add((entry.provider, entry.period))
            kept.append(replace(entry, superseded_at=stamp(now)))
        else:
            kept.append(entry)
    return (*kept, *(item.entry for item in staged)), superseded


def _invoice(path: Path, *, world: str, known: dict[tuple[str, ...], Invoice]) -> tuple[Invoice, Outcome]:
    raw = path.read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    try:
        body: dict[str, Any] = json.loads(raw)
        total = Decimal(str(_text(body, "total")))
        invoice = Invoice(
            world=world,
            provider=_text(body, "provider"),
            account=_text(body, "billingAccountId"),
            period=check_period(_text(body, "period")),
            currency=_text(body, "currency"),
            total=plain(exact_sum([total])),
            status=_text(body, "status"),
            source=str(path),
            sha256=digest,
        )
    except (ValueError, KeyError, TypeError, InvalidOperation) as error:
        message = f"not an invoice total: {error!s}"
        raise BillFileError(str(path), message) from error
    earlier = known.get(invoice.key)
    action = "added" if earlier is None else "unchanged" if earlier.sha256 == digest else "replaced"
    return invoice, Outcome(path=str(path), action=action, rows=0, provider=invoice.provider, period=invoice.period)


def _text(body: dict[str, Any], key: str) -> str:
    value = body[key]
    if not isinstance(value, str) or not value:
        message = f"{key} must be a text, found {value!r}"
        raise TypeError(message)
    return value
