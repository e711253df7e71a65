"""The lake: FOCUS 1.2 rows in Parquet, Hive-partitioned by billing period and provider, and what of it is current.

Layout under the root:

    manifest.json                                       what was ingested, what is current, invoices, locks
    billing_period=2026-11/provider=gcp/<digest>.parquet   one native file's rows of one period

Files are written once and never changed; a newer export of the same account and period supersedes the older one in the
manifest. A process that dies in between leaves at most an unlisted Parquet file, which no query reads.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from components.errors import NotSupportedError
from components.money.errors import LakeError, LockedPeriodError
from components.money.focus import DUCKDB_TYPES, LAKE_COLUMNS
from components.money.periods import final_after

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import ModuleType

Status = Literal["provisional", "final", "locked"]
_MANIFEST = "manifest.json"
_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """The rows of one native file for one (world, provider, account, period). `billed` is per currency, exact, as text.

    `ingested_at` and `superseded_at` are RFC 3339 in UTC; `superseded_at` empty means current.
    """

    world: str
    provider: str
    account: str
    period: str
    source: str
    sha256: str
    parquet: str
    rows: int
    billed: dict[str, str]
    ingested_at: str
    superseded_at: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What one export is about: a newer export of the same key replaces the older one."""
        return (self.world, self.provider, self.account, self.period)


@dataclass(frozen=True, kw_only=True, slots=True)
class Invoice:
    """What a provider asks for: the payable total of one account and period, as stated, in its currency."""

    world: str
    provider: str
    account: str
    period: str
    currency: str
    total: str
    status: str
    source: str
    sha256: str

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """One invoice total per currency of a (world, provider, account, period)."""
        return (self.world, self.provider, self.account, self.period, self.currency)


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """The lake's record. `locks` maps a period to who closed it and when."""

    entries: tuple[Entry, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    locks: dict[str, dict[str, str]] = field(default_factory=dict)

    def current(self, period: str | None = None) -> tuple[Entry, ...]:
        """The entries that count, of one period or of all."""
        return tuple(e for e in self.entries if not e.superseded_at and (period is None or e.period == period))


class Lake:
    """A lake in a folder. Reading an absent lake gives an empty one; writing creates it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def manifest(self) -> Manifest:
        """The record as it is now. Raises LakeError when it cannot be understood."""
        path = self.root / _MANIFEST
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return Manifest()
        except ValueError as error:
            message = f"{path} is not JSON ({error}); move the lake aside and ingest the bills again"
            raise LakeError(message) from error
        if raw.get("version") != _VERSION:
            message = f"{path} has version {raw.get('version')!r}, this program knows {_VERSION}"
            raise LakeError(message)
        return Manifest(
            entries=tuple(Entry(**_known(item, Entry)) for item in raw["entries"]),
            invoices=tuple(Invoice(**_known(item, Invoice)) for item in raw["invoices"]),
            locks=dict(raw["locks"]),
        )

    def save(self, manifest: Manifest) -> None:
        """Replaces the record in one step; the caller holds `exclusive`."""
        body = {
            "version": _VERSION,
            "entries": [asdict(entry) for entry in manifest.entries],
            "invoices": [asdict(invoice) for invoice in manifest.invoices],
            "locks": manifest.locks,
        }
        write_atomic(self.root / _MANIFEST, (json.dumps(body, indent=1, sort_keys=True) + "\n").encode())

    @contextmanager
    def exclusive(self) -> Generator[None]:
        """Holds the lake for writing; a second writer waits. Released when the process dies."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.root / ".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def lock_period(self, period: str, *, by: str, now: datetime) -> None:
        """Closes a month: from now on no other file may change it. Closing a closed month again changes nothing."""
        with self.exclusive():
            manifest = self.manifest()
            if period in manifest.locks:
                return
            if not manifest.current(period):
                message = f"{period} has no bills, so there is nothing to close"
                raise LakeError(message)
            locks = {**manifest.locks, period: {"by": by, "at": stamp(now)}}
            self.save(replace(manifest, locks=locks))

    def connect(self, period: str | None = None) -> Any:
        """A DuckDB connection with a view `charges` of the current rows, of one period or of all. The caller closes it.

        Raises LakeError when a listed file is missing, NotSupportedError when DuckDB is not installed.
        """
        entries = self.manifest().current(period)
        paths = [self.root / entry.parquet for entry in entries]
        lost = [str(path) for path in paths if not path.exists()]
        if lost:
            message = f"the lake lists files that are gone: {', '.join(lost)}; ingest their sources again"
            raise LakeError(message)
        connection = duckdb().connect(":memory:")
        connection.execute("SET threads TO 2; SET enable_progress_bar = false; SET TimeZone = 'UTC'")
        if paths:
            listed = ", ".join(_literal(str(path)) for path in paths)
            source = (
                f"read_parquet([{listed}], hive_partitioning = true, hive_types_autocast = false, union_by_name = true)"
            )
            # Each file lists its columns by name, so one view serves files of different versions of this program.
            connection.execute(f"CREATE VIEW charges AS SELECT * FROM {source}")  # noqa: S608 - our own paths, quoted
        else:
            columns = ", ".join(f'"{c.name}" {DUCKDB_TYPES[c.kind]}' for c in LAKE_COLUMNS)
            connection.execute(f"CREATE TABLE charges ({columns}, billing_period VARCHAR, provider VARCHAR)")
        return connection


def status_of(manifest: Manifest, *, world: str, provider: str, period: str) -> Status:
    """`locked` once the month is closed; `final` when every current export was taken after the provider's last change.

    A provider's export taken too early stays provisional however old it grows: what it holds is not the last word.
    """
    if period in manifest.locks:
        return "locked"
    mine = [e for e in manifest.current(period) if e.world == world and e.provider == provider]
    border = final_after(provider, period)
    return "final" if mine and all(parse_stamp(e.ingested_at) >= border for e in mine) else "provisional"


def refuse_if_locked(manifest: Manifest, entry: Entry) -> None:
    """Raises LockedPeriodError when the entry would change a closed month."""
    lock = manifest.locks.get(entry.period)
    if lock is not None:
        message = (
            f"{entry.source}: {entry.period} was closed by {lock['by']} at {lock['at']} and does not change;"
            f" a correction belongs into a later month, as rows with ChargeClass Correction"
        )
        raise LockedPeriodError(message)


def write_atomic(path: Path, content: bytes) -> None:
    """Writes a file so that a reader sees the old or the new one, also after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_stamp(text: str) -> datetime:
    """The moment that `stamp` wrote."""
    return datetime.fromisoformat(text)


def duckdb() -> ModuleType:
    """The DuckDB module, imported when first needed. Raises NotSupportedError naming the extra."""
    try:
        import duckdb as module
    except ModuleNotFoundError as error:
        message = "reading bills needs DuckDB; install the extra: twain[money]"
        raise NotSupportedError(message) from error
    return module


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _known(item: dict[str, Any], kind: type) -> dict[str, Any]:
    names = {f.name for f in fields(kind)}
    return {key: value for key, value in item.items() if key in names}
