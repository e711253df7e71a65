"""The page in a real browser with the network off: it asks for nothing, breaks no rule of its own, shows the JSON."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from components.money import fx
from components.money.ingest import bill_files, ingest
from components.money.lake import Lake
from components.money.report import CostReport, build
from dashboards import report_html
from rehearsal import bills
from rehearsal.providers.store import ClusterRecord, Resource, Store

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not on this machine: the page was not opened")
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


class Dom(HTMLParser):
    """Exact figures per table, what became visible, what the browser drew."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.figures: dict[str, list[str]] = {}
        self.canvases = 0
        self.hidden_charts = 0
        self._table = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        if tag == "table":
            self._table = facts.get("id") or ""
        if tag == "data":
            self.figures.setdefault(self._table, []).append(facts["value"] or "")
        if tag == "canvas":
            self.canvases += 1
        if facts.get("class") == "chart" and "hidden" in facts:
            self.hidden_charts += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._table = ""


def opened(page: Path, folder: Path, *options: str) -> tuple[str, list[dict[str, Any]], str]:
    """The DOM after scripts ran, the browser's network log, its console."""
    assert CHROMIUM is not None
    log = folder / "net.json"
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage",
            f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=5000",
            "--host-resolver-rules=MAP * ~NOTFOUND", f"--log-net-log={log}", "--net-log-capture-mode=Everything",
            "--enable-logging=stderr", "--dump-dom", *options, page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    text = log.read_text(encoding="utf-8")
    try:
        events = json.loads(text)["events"]
    except ValueError:  # the browser may end before it closes the list
        events = json.loads(text.rstrip().rstrip(",") + "]}")["events"]
    return done.stdout, events, done.stderr


def asked_by_page(events: list[dict[str, Any]]) -> set[str]:
    """Every address on the network that was asked for, less what the browser asked on its own behalf.

    The browser's own calls (its clock, its updates) have an initiator that is no origin; a page's have one.
    """
    named = [e["params"] for e in events if isinstance(e.get("params"), dict) and "url" in e["params"]]
    own = {str(params["url"]) for params in named if params.get("initiator") == "not an origin"}
    remote = ("http:", "https:", "ws:", "wss:", "ftp:")
    return {url for url in (str(params["url"]) for params in named) if url.startswith(remote)} - own


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
    data = report.as_json()
    regions = [figure for item in data["items"] for figure in (item["billed"], item["reporting"]["billed"])]
    assert figures["regions"] == [*regions, data["reporting"]["billed"]]
    assert figures["totals"] == [total["billed"] for total in data["totals"]]
    assert figures["rates"] == [rate["rate"] for rate in data["rates"]]
    services = [f for s in data["services"] for f in (s["quantity"], s["billed"], s["reportingBilled"])]
    assert figures["services"] == services
    assert figures["tieout"] == [f for t in data["tieOut"] for f in (t["invoice"], t["billed"], t["difference"])]
    assert figures["sources"] == [b["billed"] for s in data["sources"] for b in s["billed"]]


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
