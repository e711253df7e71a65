"""The report as one page for people: no script, nothing loaded, every value escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1b1b1b}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}"
    "td,th{border-bottom:1px solid #ddd;padding:.25rem .5rem;text-align:left;vertical-align:top}"
    "code{font-size:.85em;word-break:break-all}.failed{color:#a00;font-weight:600}.passed{color:#060}"
    ".other,.skipped{color:#855}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render(report: Mapping[str, Any]) -> bytes:
    """The page of a report."""
    results, extra = report["results"], report["results"]["extra"]
    summary = results["summary"]
    told = ", ".join(f"{summary[key]} {key}" for key in ("passed", "failed", "skipped", "other") if summary[key])
    fleet, audit = extra["fleet"], extra["audit"]
    who = f"{extra['identity']} ({extra['context']}), fleet {fleet['name']}, twain {results['tool']['version']}"
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        f'<meta http-equiv=Content-Security-Policy content="{_POLICY}">',
        f"<title>Residency of world {escape(extra['world'])}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Residency of world {escape(extra['world'])}</h1>",
        f"<p>{escape(report['timestamp'])}, by {escape(who)}. The fleet's file: {_code(fleet['hash'])}</p>",
        f"<p><strong>{escape(told or 'nothing was checked')}.</strong>",
        "What is not collected is said to be so and does not count as passed.",
        "Engineering evidence, no legal advice.</p>",
        "<h2>Deploys</h2>",
        _table(_DEPLOY.values(), [_deploy(one) for one in extra["deploys"]]),
        "<h2>Checks</h2>",
        _table(("of", "check", "result", "what was seen"), [_check(one) for one in results["tests"]]),
        "<h2>Audit log</h2>",
        f"<p>{escape(str(audit['entries']))} entries, head {_code(audit['head'])}.</p>",
        "<p>The signed envelope beside this page names it by its hash:",
        "<code>twain evidence verify residency.dsse.json --key KEY.pub</code></p></body></html>",
    ]
    return ("\n".join(parts) + "\n").encode()


_DEPLOY = {
    "stack": "stack",
    "source": "source",
    "planHash": "plan hash",
    "resources": "resources",
    "judged": "judged",
    "violations": "violations",
}


def _deploy(one: Mapping[str, Any]) -> list[str]:
    return [f"<td>{_code(one[key]) if key == 'planHash' else escape(str(one[key]))}</td>" for key in _DEPLOY]


def _check(test: Mapping[str, Any]) -> list[str]:
    refuses = test.get("extra", {}).get("refuses")
    name = escape(test["name"]) + (f"<br><small>refuses {escape(refuses)}</small>" if refuses else "")
    status = escape(test["status"])
    return [
        f"<td>{escape(', '.join(test['suite']))}</td>",
        f"<td>{name}</td>",
        f"<td class={status}>{status}</td>",
        f"<td>{escape(test['message'])}</td>",
    ]


def _table(heads: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(f"<tr>{cells}</tr>\n" for cells in map("".join, rows))
    return f"<table><tr>{head}</tr>\n{body}</table>"


def _code(value: object) -> str:
    return f"<code>{escape(str(value))}</code>"
