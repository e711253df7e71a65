"""One native bill file as FOCUS 1.2 rows in a DuckDB connection, every value checked.

The work is SQL over the whole file at once; only when a check finds something is the offending row looked up.
"""

from __future__ import annotations

import csv
import gzip
import os
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from components.money.errors import BillFileError
from components.money.focus import BY_NAME, CHARGE_CATEGORIES, COLUMNS, DUCKDB_TYPES, LAKE_COLUMNS, columns_of
from components.money.lake import stamp
from components.money.money import SCALE, plain

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from components.money.focus import Column

# What each provider writes into ProviderName, and our word for it. Others get their name in lower case.
PROVIDERS = {"Alibaba Cloud": "alicloud", "Google Cloud": "gcp", "Microsoft": "azure"}

# Without these a row is not a charge. Other mandatory columns are empty on some rows of real exports (Azure's
# ServiceName, for one) and are let through as they are.
_NEVER_NULL = (
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodStart",
    "BillingPeriodEnd",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ChargeCategory",
    "ProviderName",
)
_COSTS = ("BilledCost", "EffectiveCost")
_TIME_FORMATS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d %H:%M:%S")
# Ours, read from a native file where an emulated cloud wrote them.
_OWN = ("x_IsUnpriced", "x_PriceBasis")


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """The rows of the loaded file of one provider, account and billing month; `billed` per currency, exact."""

    provider: str
    account: str
    period: str
    rows: int
    billed: dict[str, str]


def load(connection: Any, path: Path, *, world: str, digest: str, now: datetime) -> None:
    """Reads and checks `path`; afterwards the connection holds a table `charges` in the lake's columns and `_period`.

    Raises BillFileError naming the file, and the row where one is at fault; NotSupportedError without pyarrow.
    """
    table = _read(path)
    names = list(table.column_names)
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise BillFileError(str(path), f"has columns twice: {', '.join(twice)}")
    if table.num_rows == 0:
        raise BillFileError(str(path), "has no rows")
    version = _version(path, set(names))
    connection.register("raw", _numbered(table))
    connection.execute(
        f"CREATE TEMP TABLE native AS SELECT _row, {', '.join(f'{_q(n)} AS {_n(n)}' for n in names)} FROM raw"  # noqa: S608
    )
    described = connection.execute("DESCRIBE native").fetchall()
    types = {str(row[0])[2:]: str(row[1]) for row in described if str(row[0]) != "_row"}
    typed = [f"{_expression(column, types, path)} AS {_q(column.name)}" for column in COLUMNS]
    flag = f"coalesce(lower(CAST({_n('x_IsUnpriced')} AS VARCHAR)) IN ('true', '1'), false)"
    connection.execute(
        f"CREATE TEMP TABLE typed AS SELECT *, {', '.join(typed)}, "  # noqa: S608
        f"{flag if 'x_IsUnpriced' in types else 'false'} AS _unpriced FROM native"
    )
    _check(connection, path, types)
    _shape(connection, path, types, {"world": world, "digest": digest, "version": version, "now": stamp(now)})


def parts(connection: Any) -> list[Part]:
    """What the loaded file holds, in a fixed order."""
    rows = connection.execute(
        'SELECT "x_Provider", "BillingAccountId", _period, "BillingCurrency", count(*), coalesce(sum("BilledCost"), 0)'
        " FROM charges GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    found: dict[tuple[str, str, str], Part] = {}
    for provider, account, period, currency, count, billed in rows:
        key = (str(provider), str(account), str(period))
        earlier = found.get(key)
        found[key] = Part(
            provider=key[0],
            account=key[1],
            period=key[2],
            rows=int(count) + (earlier.rows if earlier else 0),
            billed={**(earlier.billed if earlier else {}), str(currency): plain(billed)},
        )
    return list(found.values())


def write(connection: Any, target: Path, part: Part) -> None:
    """Writes one part as Parquet, through to the disk."""
    columns = ", ".join(_q(column.name) for column in LAKE_COLUMNS)
    where = " AND ".join(
        f"{column} = {_s(value)}"
        for column, value in (
            ('"x_Provider"', part.provider),
            ('"BillingAccountId"', part.account),
            ("_period", part.period),
        )
    )
    connection.execute(
        f'COPY (SELECT {columns} FROM charges WHERE {where} ORDER BY "x_SourceRow") '  # noqa: S608
        f"TO {_s(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    )
    handle = os.open(target, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> Any:
    try:
        from pyarrow import ArrowException, parquet
        from pyarrow import csv as arrow_csv
    except ModuleNotFoundError as error:
        from components.errors import NotSupportedError

        message = "reading bills needs pyarrow; install the extra: twain[money]"
        raise NotSupportedError(message) from error
    try:
        if path.name.endswith(".parquet"):
            return parquet.ParquetFile(path).read()
        if path.suffix != ".gz":
            _refuse_cut(path)
        names = arrow_csv.open_csv(path).schema.names
        return arrow_csv.read_csv(
            path,
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, "string"),
                null_values=["", "NULL", "null"],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except (ArrowException, ValueError, EOFError) as error:
        text = " ".join(str(error).split())
        row = None if path.name.endswith(".parquet") else _odd_row(path)
        raise BillFileError(str(path), f"is cut short or corrupt: {text[:300]}", row=row) from error


def _odd_row(path: Path) -> int | None:
    """The first data row with another number of fields than the header, or None. Asked only after a parse failed."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as handle:
            lines = csv.reader(handle)
            fields = len(next(lines, []))
            return next((row for row, line in enumerate(lines, start=1) if len(line) != fields), None)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error):
        return None


def _refuse_cut(path: Path) -> None:
    with path.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        if stream.tell() == 0:
            raise BillFileError(str(path), "is empty")
        stream.seek(-1, os.SEEK_END)
        if stream.read(1) == b"\n":
            return
    with path.open("rb") as stream:
        last = sum(1 for _ in stream) - 1
    raise BillFileError(str(path), "is cut short: the last line has no end", row=last)


def _numbered(table: Any) -> Any:
    import pyarrow as arrow

    return table.append_column("_row", arrow.array(range(1, table.num_rows + 1), arrow.int64()))


def _version(path: Path, names: set[str]) -> str:
    """The FOCUS version that the columns show. Raises BillFileError when a mandatory column of 1.0 is missing."""
    missing = [c.name for c in columns_of("1.0") if c.level == "mandatory" and c.name not in names]
    if missing:
        raise BillFileError(str(path), f"lacks the mandatory FOCUS columns {', '.join(missing)}")
    return max((BY_NAME[name].since for name in names if name in BY_NAME), default="1.0")


def _expression(column: Column, types: dict[str, str], path: Path) -> str:
    native = types.get(column.name)
    target = DUCKDB_TYPES[column.kind]
    name = _n(column.name)
    if native is None:
        return f"CAST(NULL AS {target})"
    if column.kind == "decimal":
        if native in {"FLOAT", "DOUBLE"}:
            raise BillFileError(
                str(path), f"column {column.name} holds floats ({native}), which have lost their digits"
            )
        return f"TRY_CAST(trim({name}) AS {target})" if native == "VARCHAR" else f"TRY_CAST({name} AS {target})"
    if column.kind == "time":
        if native == "VARCHAR":
            return f"try_strptime({name}, [{', '.join(_s(form) for form in _TIME_FORMATS)}])"
        return f"{name} AT TIME ZONE 'UTC'" if "TIME ZONE" in native else f"CAST({name} AS TIMESTAMP)"
    if column.kind == "json":
        if native == "VARCHAR":
            return f"CASE WHEN json_valid({name}) THEN {name} END"
        if native.startswith("STRUCT") and native.endswith("[]"):
            # GCP's form: a repeated record of key and value.
            return f"CAST(to_json(map_from_entries({name})) AS VARCHAR)"
        return f"CAST(to_json({name}) AS VARCHAR)"
    return f"CAST({name} AS {target})"


def _check(connection: Any, path: Path, types: dict[str, str]) -> None:
    """Raises BillFileError for the first row that breaks a rule."""
    rules: list[tuple[str, str, str]] = []
    for column in COLUMNS:
        if column.name not in types:
            continue
        name, typed = _n(column.name), _q(column.name)
        if column.kind in {"decimal", "time", "json"}:
            word = {"decimal": "a plain decimal number", "time": "a UTC date-time", "json": "JSON"}[column.kind]
            rules.append((f"{name} IS NOT NULL AND {typed} IS NULL", column.name, f"is not {word}"))
        if column.kind == "decimal" and types[column.name] == "VARCHAR":
            # A cast would round such a value without a word.
            rules.append(
                (f"regexp_matches({name}, '\\.\\d{{{SCALE}}}\\d*[1-9]')", column.name, f"has over {SCALE} decimals")
            )
        if column.name in _NEVER_NULL:
            rules.append((f"{name} IS NULL", column.name, "is empty"))
    for cost in _COSTS:
        rules.append((f"{_n(cost)} IS NULL AND NOT _unpriced", cost, "is empty, and the row is not marked unpriced"))
        rules.append((f"{_n(cost)} IS NOT NULL AND _unpriced", cost, "is set on a row that is marked unpriced"))
    rules.append(
        ("NOT regexp_full_match(\"BillingCurrency\", '[A-Z]{3}')", "BillingCurrency", "is not an ISO 4217 code")
    )
    allowed = ", ".join(_s(category) for category in sorted(CHARGE_CATEGORIES))
    rules.append((f'"ChargeCategory" NOT IN ({allowed})', "ChargeCategory", "is not a FOCUS charge category"))
    rules.append(('"ChargePeriodEnd" < "ChargePeriodStart"', "ChargePeriodEnd", "lies before ChargePeriodStart"))
    rules.append(
        ('"BillingPeriodEnd" <= "BillingPeriodStart"', "BillingPeriodEnd", "does not lie after BillingPeriodStart")
    )
    asked = ", ".join(f"min(_row) FILTER (WHERE {predicate})" for predicate, _, _ in rules)
    found = connection.execute(f"SELECT {asked} FROM typed").fetchone()  # noqa: S608
    faults = [(int(row), column, text) for row, (_, column, text) in zip(found, rules, strict=True) if row is not None]
    faults.extend(_exponents(connection, types))
    if not faults:
        return
    # The first row; within it the first rule, which says more than what follows from it.
    row, column, text = min(faults, key=lambda fault: fault[0])
    value = connection.execute(f"SELECT CAST({_n(column)} AS VARCHAR) FROM native WHERE _row = {row}").fetchone()[0]  # noqa: S608
    shown = "" if value is None else f" (found {value[:80]!r})"
    more = f"; {len(faults) - 1} more rules are broken" if len(faults) > 1 else ""
    raise BillFileError(str(path), f"{column} {text}{shown}{more}", row=row)


def _exponents(connection: Any, types: dict[str, str]) -> list[tuple[int, str, str]]:
    """Numbers such as 8E-7, which Azure writes: fine as long as no digit lies beyond the lake's scale."""
    faults: list[tuple[int, str, str]] = []
    for column in COLUMNS:
        if column.kind != "decimal" or types.get(column.name) != "VARCHAR":
            continue
        query = (
            f"SELECT _row, {_n(column.name)} FROM native WHERE regexp_matches({_n(column.name)}, '[eE]') ORDER BY _row"  # noqa: S608
        )
        for row, value in connection.execute(query).fetchall():
            try:
                digits = -int(Decimal(str(value).strip()).normalize().as_tuple().exponent)
            except (InvalidOperation, ValueError):
                continue  # the cast has refused it already
            if digits > SCALE:
                faults.append((int(row), column.name, f"has over {SCALE} decimals"))
                break
    return faults


def _shape(connection: Any, path: Path, types: dict[str, str], facts: dict[str, str]) -> None:
    known = " ".join(f"WHEN {_s(name)} THEN {_s(slug)}" for name, slug in PROVIDERS.items())
    other = "regexp_replace(lower(trim(\"ProviderName\")), '[^a-z0-9]+', '-', 'g')"
    extras = [name for name in types if name not in BY_NAME and name not in _OWN]
    packed = ", ".join(f"{_q(name)} := {_n(name)}" for name in extras)
    basis = f"CAST({_n('x_PriceBasis')} AS VARCHAR)" if "x_PriceBasis" in types else "CAST(NULL AS VARCHAR)"
    custom = {
        "x_Cell": 'json_extract_string("Tags", \'$."twain-cell"\')',
        "x_IngestedAt": f"strptime({_s(facts['now'])}, '%Y-%m-%dT%H:%M:%SZ')",
        "x_IsUnpriced": "_unpriced",
        "x_Maison": "coalesce(nullif(json_extract_string(\"Tags\", '$.\"twain-maison\"'), ''), 'shared')",
        "x_Native": f"CAST(to_json(struct_pack({packed})) AS VARCHAR)" if extras else "CAST(NULL AS VARCHAR)",
        "x_PriceBasis": basis,
        "x_Provider": f'CASE "ProviderName" {known} ELSE {other} END',
        "x_SourceFile": _s(path.name),
        "x_SourceRow": "_row",
        "x_SourceSha256": _s(facts["digest"]),
        "x_SourceSpecVersion": _s(facts["version"]),
        "x_World": _s(facts["world"]),
    }
    # A provider's month may begin in another zone than UTC; its middle lies in the month that its name says.
    middle = '"BillingPeriodStart" + (("BillingPeriodEnd" - "BillingPeriodStart") / 2)'
    columns = [*(_q(c.name) for c in COLUMNS), *(f"{sql} AS {_q(name)}" for name, sql in custom.items())]
    connection.execute(
        f"CREATE TEMP TABLE charges AS SELECT {', '.join(columns)}, strftime({middle}, '%Y-%m') AS _period FROM typed"  # noqa: S608
    )


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _n(name: str) -> str:
    return _q(f"n_{name}")


def _s(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
