"""What stands under the table of `twain cost report`: status, exact sums, gaps, rates, invoices; for people only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_INVOICE = {
    "ties": "ties with the sum of its rows",
    "differs": "DIFFERS from the sum of its rows",
    "no-invoice": "no invoice yet",
    "no-bill": "no bill for it",
}


def summary(data: dict[str, Any], statuses: Iterable[str]) -> list[str]:
    """What the figures are and what they leave out: status, exact sums, gaps, rates, invoices."""
    from dashboards.report_html import money

    whole = data["reporting"]
    told = {"provisional": "provisional, the provider may still change it", "final": "final", "locked": "locked"}
    lines = ["", f"month     {data['month']}: {'; '.join(told.get(one, one) for one in sorted(set(statuses)))}"]
    for row in data["totals"]:
        files = "through a gate" if row["files"] is None else _count(row["files"], "bill file")
        lines.append(f"total     {row['billed']} {row['currency']} ({files})")
    if whole["billed"] is not None:
        complete = "" if whole["complete"] else ", INCOMPLETE: without what is named below"
        lines.append(f"together  {money(whole['billed'])} {whole['currency']}{complete}")
    else:
        lines.append(f"together  unknown in {whole['currency']}: no rate")
    lines += [f"no rate   {row['billed']} {row['currency']} is in no sum" for row in whole["unconverted"]]
    lines += [f"unknown   world {world} could not be asked: its cost is in no sum" for world in whole["absentWorlds"]]
    if whole["unpriced"]:
        lines.append(f"unpriced  {_count(whole['unpriced'], 'resource')} without a known price, which is not free:")
        lines += [f"            {line}" for line in _unpriced(data["unpriced"])]
    synthetic = sum(row["priceBasis"] == "synthetic" for row in data["services"])
    if synthetic:
        lines.append(f"prices    {synthetic} of {len(data['services'])} services at synthetic prices: no public source")
    lines += [_rate_line(rate) for rate in data["rates"]]
    for row in data["tieOut"]:
        amount = f" {row['invoice']} {row['currency']}" if row["invoice"] is not None else ""
        lines.append(f"invoice   {row['provider']}{amount}: {_INVOICE.get(row['verdict'], row['verdict'])}")
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _unpriced(rows: list[dict[str, Any]]) -> list[str]:
    """One line per cell: which kinds. A gate tells their number only."""
    cells: dict[str, dict[str, int]] = {}
    for row in rows:
        kinds = cells.setdefault(f"{row['world']}/{row['cell'] or '-'}", {})
        kind = row["resourceType"] or "of kinds that the gate does not tell"
        kinds[kind] = kinds.get(kind, 0) + row["resources"]
    return [
        f"{cell}: {', '.join(f'{number} {kind}' for kind, number in kinds.items())}"
        for cell, kinds in sorted(cells.items())
    ]


def _rate_line(rate: dict[str, Any]) -> str:
    stale = f", {rate['ageDays']} DAYS OLD" if rate["stale"] else ""
    pair = f"1 {rate['base']} = {rate['rate']} {rate['quote']}"
    return f"rate      {pair} of {rate['date']}{stale}, {rate['kind']}; source: {rate['source']}"
