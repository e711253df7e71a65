"""The cost report as one HTML file that opens anywhere: no network, no server, readable without scripts.

Every figure is written by the template from the report's own JSON; the script only draws the charts. The page's policy
allows nothing but the inline script and style whose digests it names, so a text from a bill cannot become code.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import NotSupportedError
from components.money.lake import write_atomic
from components.money.money import exact_sum, plain

if TYPE_CHECKING:
    from components.money.report import CostReport

_HERE = Path(__file__).parent
_TEMPLATES = _HERE / "templates"
_ECHARTS = _HERE / "vendor" / "echarts.min.js"
WORLDS = {"cn": "China", "row": "Rest of world"}
CLOUDS = {"alicloud": "Alibaba Cloud", "gcp": "Google Cloud", "azure": "Azure"}
_WIDE = Context(prec=76, rounding=ROUND_HALF_EVEN)


def write(report: CostReport, path: Path, *, title: str = "") -> Path:
    """Renders the report into `path`, replacing it in one step; returns the path. See `render` for errors."""
    write_atomic(path, render(report, title=title).encode())
    return path


def render(report: CostReport, *, title: str = "") -> str:
    """The whole page. Raises NotSupportedError naming the extra when Jinja2 is not installed."""
    try:
        import jinja2
    except ModuleNotFoundError as error:
        message = "the HTML report needs Jinja2; install the extra: twain[money]"
        raise NotSupportedError(message) from error
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"money": money, "world": world_name, "cloud": cloud_name}
    data = report.as_json()
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    scripts = [_ECHARTS.read_text(encoding="utf-8"), (_TEMPLATES / "report.js").read_text(encoding="utf-8")]
    year, month = (int(part) for part in report.month.split("-"))
    return environment.get_template("report.html.j2").render(
        report=data,
        title=title or "Cost report",
        month=date(year, month, 1).strftime("%B %Y"),
        worlds=_worlds(data),
        statuses=sorted({item["status"] for item in data["items"]}),
        policy=_policy(scripts, style),
        style=style,
        scripts=scripts,
        data=_embedded(data),
    )


def money(value: str | None, places: int = 2) -> str:
    """An amount for reading: grouped in thousands, half-even to `places`; a dash where there is none."""
    if value is None:
        return "–"
    amount = _WIDE.quantize(Decimal(value), Decimal(1).scaleb(-places))
    # Zero that is not zero would be read as free.
    if amount == 0 and Decimal(value) != 0:
        return f"<{Decimal(1).scaleb(-places)}" if Decimal(value) > 0 else f">-{Decimal(1).scaleb(-places)}"
    return f"{amount:,f}"


def world_name(world: str) -> str:
    """The world as a heading."""
    return WORLDS.get(world, world)


def cloud_name(provider: str) -> str:
    """The provider as people call it."""
    return CLOUDS.get(provider, provider)


def _worlds(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Per world: its native sums, its sum in the reporting currency, its share of unpriced resources."""
    rows: list[dict[str, Any]] = []
    for world in sorted({item["world"] for item in data["items"]}):
        mine = [item for item in data["items"] if item["world"] == world]
        priced = [item for item in mine if item["billed"] is not None]
        converted = [Decimal(item["reporting"]["billed"]) for item in priced if item["reporting"] is not None]
        natives = [
            {
                "currency": currency,
                "billed": plain(exact_sum(Decimal(i["billed"]) for i in priced if i["currency"] == currency)),
            }
            for currency in sorted({item["currency"] for item in mine})
        ]
        coverage = [row for row in data["coverage"] if row["world"] == world]
        resources = [row["resources"] for row in coverage]
        rows.append(
            {
                "world": world,
                "natives": natives,
                "billed": plain(exact_sum(converted)) if converted else None,
                "complete": len(converted) == len(priced),
                "unpriced": sum(item["unpriced"] for item in mine),
                "resources": None if None in resources else sum(resources),
                "statuses": sorted({item["status"] for item in mine}),
                "sources": sorted({item["source"] for item in mine}),
                "cells": len({item["cell"] for item in mine}),
            }
        )
    return rows


def _policy(scripts: list[str], style: str) -> str:
    allowed = " ".join(_digest(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_digest(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _embedded(data: dict[str, Any]) -> str:
    """JSON that can stand in a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
