"""The cost report's page in a real browser with the network off: what it drew, what it asked for."""

from __future__ import annotations

import json
import shutil
import subprocess
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WITHOUT = "Chromium is not on this machine: the page was not opened"


class Dom(HTMLParser):
    """Exact figures per table, the words of its rows, what became visible, what the browser drew."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.figures: dict[str, list[str]] = {}
        # Table → rows of its body, each as its words with single blanks.
        self.rows: dict[str, list[str]] = {}
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
        if tag == "tr" and self._table:
            self.rows.setdefault(self._table, []).append("")
        if tag == "canvas":
            self.canvases += 1
        if facts.get("class") == "chart" and "hidden" in facts:
            self.hidden_charts += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._table = ""

    def handle_data(self, data: str) -> None:
        rows = self.rows.get(self._table)
        if rows:
            rows[-1] = " ".join([*rows[-1].split(), *data.split()])


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


def figures_of(data: dict[str, Any]) -> dict[str, list[str]]:
    """The figures that the page's tables must hold, in their order, by the JSON of `cost report`.

    An absent figure (no rate, no invoice) is no figure: the page says so in words.
    """
    whole = data["reporting"]["billed"]
    regions = [figure for item in data["items"] for figure in (item["billed"], (item["reporting"] or {}).get("billed"))]
    wanted: dict[str, list[str | None]] = {
        "regions": [*regions, whole],
        "totals": [total["billed"] for total in data["totals"]],
        "rates": [rate["rate"] for rate in data["rates"]],
        "services": [f for s in data["services"] for f in (s["quantity"], s["billed"], s["reportingBilled"])],
        "tieout": [f for t in data["tieOut"] for f in (t["invoice"], t["billed"], t["difference"])],
        "sources": [b["billed"] for s in data["sources"] for b in s["billed"]],
    }
    return {table: [figure for figure in figures if figure is not None] for table, figures in wanted.items()}
