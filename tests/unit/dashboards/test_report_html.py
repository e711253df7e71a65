"""The page shows the report's own figures, loads nothing, and lets no text from a bill become code."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from components.money import fx
from components.money.report import CostReport, build
from dashboards import report_html

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VENDOR = Path(report_html.__file__).parent / "vendor"


def row(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "world": "cn", "provider": "alicloud", "region": "cn-shanghai", "cell": "cn-sha-1", "maison": "shared",
        "currency": "CNY", "month": "2026-11", "billed": "82901.0118388901", "effective": None,
        "status": "provisional", "unpriced": 2,
    }  # fmt: skip
    return found | changes


def make(*rows: dict[str, Any], **options: Any) -> CostReport:
    facts: dict[str, Any] = {"lake": None, "month": "2026-11", "currency": "EUR", "rates": fx.load(), "now": NOW}
    return build(**(facts | options), gate_rows=rows)


class Page(HTMLParser):
    """What a reader and a browser would see: figures, texts by table, references, scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.values: list[str] = []
        self.tables: dict[str, list[str]] = {}
        self.references: list[tuple[str, str]] = []
        self.inline: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self._table = ""
        self._script: dict[str, str | None] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        if tag == "data":
            self.values.append(facts["value"] or "")
        if tag == "table":
            self._table = facts.get("id") or ""
            self.tables[self._table] = []
        if tag == "script":
            self._script = facts
        self.references += [(tag, v) for k, v in attrs if k in {"src", "href", "srcset", "action", "data"} and v]
        self.inline += [k for k, _ in attrs if k == "style" or k.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = None
        if tag == "table":
            self._table = ""

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self.scripts.append((self._script, data))
        elif self._table and data.strip():
            self.tables[self._table].append(data.strip())


def test_every_figure_on_the_page_is_one_of_the_report_and_every_one_of_the_report_is_on_it() -> None:
    report = make(row(), row(world="row", provider="azure", region="francecentral", cell="eu-par-1", currency="EUR", billed="7.125"))  # fmt: skip  # noqa: E501
    data = report.as_json()
    page = Page(report_html.render(report))
    figures = {item["billed"] for item in data["items"]}
    figures |= {item["reporting"]["billed"] for item in data["items"]}
    figures |= {total["billed"] for total in data["totals"]} | {rate["rate"] for rate in data["rates"]}
    figures.add(data["reporting"]["billed"])
    assert set(page.values) == figures
    text = " ".join(page.tables["regions"])
    for words in (
        "82,901.01",
        "CNY",
        "7.12",
        "EUR",
        "provisional",
        "1 EUR = 8.29 CNY",
        "2026-10-30",
        "unknown; 2 unpriced",
    ):
        assert words in text, words
    assert "not a market quotation" in " ".join(page.tables["rates"])


def test_the_page_s_embedded_figures_are_the_json() -> None:
    report = make(row())
    page = Page(report_html.render(report))
    (embedded,) = [body for facts, body in page.scripts if facts.get("type") == "application/json"]
    assert json.loads(embedded) == report.as_json()


def test_nothing_on_the_page_is_loaded_from_anywhere() -> None:
    text = report_html.render(make(row()))
    page = Page(text)
    assert [r for r in page.references if not r[1].startswith("#")] == []
    assert page.inline == []
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert "url(" not in "".join(style)
    assert "@import" not in "".join(style)


def test_the_policy_allows_the_inline_scripts_and_style_by_digest_and_nothing_else() -> None:
    text = report_html.render(make(row()))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    allowed = policy[1].replace("&#39;", "'")
    assert allowed.startswith("default-src 'none';")
    assert "unsafe" not in allowed
    page = Page(text)
    bodies = [body for facts, body in page.scripts if not facts]
    bodies += re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(bodies) == 3
    for body in bodies:
        assert base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() in allowed


@pytest.mark.parametrize(
    "evil", ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\u2028<!--", "{{7*7}}"]
)
def test_a_text_from_a_bill_stays_text(evil: str) -> None:
    report = make(row(cell=evil, region=evil))
    text = report_html.render(report, title=evil)
    page = Page(text)
    assert len([1 for facts, _ in page.scripts if not facts]) == 2
    assert not [tag for tag, _ in page.references if tag == "img"]
    assert page.inline == []
    (embedded,) = [body for facts, body in page.scripts if facts.get("type") == "application/json"]
    assert json.loads(embedded)["items"][0]["cell"] == evil
    assert "49" not in page.tables["regions"]


def test_what_is_missing_is_said() -> None:
    rates = fx.parse(",".join(fx.COLUMNS) + "\n", origin="none")
    text = report_html.render(make(row(), rates=rates, absent_worlds=["row"]))
    assert "could not be converted" in text
    assert "no rate" in text
    assert "Rest of world</strong> could not be asked" in text
    assert "<strong>2</strong> resources ran without a known price" in text
    assert "Nothing could be expressed in EUR yet" in text


def test_a_report_without_bills_is_a_page_that_says_so() -> None:
    assert "No bill for this month." in report_html.render(make())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1234567.005", "1,234,567.00"),
        ("0.00", "0.00"),
        ("0.0001", "<0.01"),
        ("-0.0001", ">-0.01"),
        (None, "–"),
        ("-5.5", "-5.50"),
    ],
)
def test_small_amounts_are_not_shown_as_zero(value: str | None, text: str) -> None:
    assert report_html.money(value) == text
    if value is not None and Decimal(value) != 0:
        assert text != "0.00"


def test_the_vendored_files_are_those_of_the_record() -> None:
    recorded = re.findall(r"^\| `([^`]+)` \|.*`([0-9a-f]{64})` \|$", (VENDOR / "README.md").read_text(), re.MULTILINE)
    assert len(recorded) == 4
    for name, digest in recorded:
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name


def test_the_page_stays_small_enough_to_mail(tmp_path: Path) -> None:
    path = report_html.write(make(*[row(cell=f"c-{n}") for n in range(75)]), tmp_path / "r.html")
    assert path.stat().st_size <= 3 * 1024 * 1024


def test_where_nothing_has_a_price_the_page_says_unpriced_and_not_zero() -> None:
    page = report_html.render(make(row(billed="0.00", effective="0.00", unpriced=3, resources=3)))
    table = page.split('<table id="regions">')[1].split("<tfoot>")[0]
    assert table.count('<span class="none">unpriced</span>') == 2
    assert ">0.00<" not in table
