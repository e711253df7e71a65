"""The page in a real browser with the network off: it asks for nothing, breaks no rule of its own, shows the JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from components.money import fx
from components.money.ingest import bill_files, ingest
from components.money.lake import Lake
from components.money.report import CostReport, build
from dashboards import report_html
from rehearsal import bills
from rehearsal.providers.store import ClusterRecord, Resource, Store
from tests.integration.browser import CHROMIUM, WITHOUT, Dom, asked_by_page, figures_of, opened

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=WITHOUT)
T0 = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> CostReport:
    """A row world's report with a cn row as a gate would give it."""
    folder = tmp_path_factory.mktemp("world")
    store = Store.open(folder)
    for cloud, cell, region, machine, token in (
        ("gcp", "eu-ams-1", "europe-west4", "a2-ultragpu-1g", "gcp:compute/routerNat:RouterNat"),
        ("azure", "eu-par-1", "francecentral", "Standard_NC24ads_A100_v4", "azure-native:network:NatGateway"),
    ):
        facts: dict[str, Any] = {"cell": cell, "cloud": cloud, "region": region, "created": T0.timestamp()}
        store.put_cluster(ClusterRecord(id=cell, endpoint="", ca="", minor="1.36", deleted=None, **facts))
        store.put_resource(Resource(id=f"nat-{cell}", type=token, name="nat", key=cell, **facts))
        node: dict[str, Any] = {"pool": "gpu80g", "instance_type": machine, "zone": f"{region}-a", "gpus": 1}
        store.node_created(cell=cell, name=f"{cell}-1", created=T0.timestamp(), **node)
    store.close()
    bills.emit(folder, now=NOW)
    lake = Lake(folder / "lake")
    ingest(lake, bill_files(folder / "bills"), world="row", now=NOW)
    gate_row = {
        "world": "cn", "provider": "alicloud", "region": "cn-shanghai", "cell": "cn-sha-1", "maison": "shared",
        "currency": "CNY", "month": "2026-11", "billed": "504.0118388901", "effective": "504.0118388901",
        "status": "provisional", "unpriced": 3,
    }  # fmt: skip
    return build(lake=lake, month="2026-11", currency="EUR", rates=fx.load(), now=NOW, gate_rows=[gate_row])


def test_the_page_makes_no_request_and_breaks_no_rule_of_its_own(report: CostReport, tmp_path: Path) -> None:
    page = report_html.write(report, tmp_path / "report.html")
    dom, events, console = opened(page, tmp_path)
    assert asked_by_page(events) == set()
    assert "Content Security Policy" not in console
    assert "Uncaught" not in console
    assert Dom(dom).canvases == 2


def test_the_log_would_show_a_request(tmp_path: Path) -> None:
    page = tmp_path / "asks.html"
    page.write_text('<!doctype html><img src="http://asked.example/x.png">', encoding="utf-8")
    _, events, _ = opened(page, tmp_path)
    assert asked_by_page(events) == {"http://asked.example/x.png"}


def test_every_figure_in_the_browser_equals_the_json(report: CostReport, tmp_path: Path) -> None:
    page = report_html.write(report, tmp_path / "report.html")
    figures = Dom(opened(page, tmp_path)[0]).figures
    wanted = figures_of(report.as_json())
    assert all(wanted.values())
    assert {table: figures[table] for table in wanted} == wanted


def test_without_scripts_every_figure_is_still_there(report: CostReport, tmp_path: Path) -> None:
    page = report_html.write(report, tmp_path / "report.html")
    with_scripts = Dom(opened(page, tmp_path)[0])
    # Chromium reads the page out by a script of its own, so its scripts are forbidden by the page's policy instead.
    text, changed = re.subn(r"script-src [^;]*;", "script-src 'none';", page.read_text(encoding="utf-8"), count=1)
    assert changed == 1
    page.write_text(text, encoding="utf-8")
    dom, _, console = opened(page, tmp_path)
    without = Dom(dom)
    assert "script-src 'none'" in console
    assert without.figures == with_scripts.figures
    assert (without.canvases, without.hidden_charts) == (0, 2)
