"""What `twain rehearse up` ends with: what the operator's commands printed, one table, and what to try next."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from cli.output import Column, table

if TYPE_CHECKING:
    from cli.console import Console


def show(console: Console, outcome: Any) -> None:
    """Write it to stdout. `outcome` is what `rehearsal.up.bring_up` returned."""
    if not outcome.cells:
        console.data("\n".join(_without_cells(outcome)))
        return
    for line, code, words in outcome.seen:
        console.data("")
        console.data(console.tone(f"{outcome.asker}> {line}", "strong") + (f"   (exit {code})" if code else ""))
        console.data(words.rstrip("\n"))
    console.data("")
    console.data("\n".join(table(rows(outcome), _columns(), console=console)))
    console.data("")
    for line in closing(outcome):
        console.data(line)


def rows(outcome: Any) -> list[dict[str, Any]]:
    """One row per cell, from the JSON of the verbs that were asked. What no verb said is None, never 0."""

    def found(key: str, cell: str) -> dict[str, Any]:
        return next((item for item in outcome.items.get(key, ()) if item.get("cell") == cell), {})

    made: list[dict[str, Any]] = []
    for cell in outcome.cells:
        serve, latency = found("serve", cell.name), found("latency", cell.name)
        bills = [item for item in outcome.items.get("cost", ()) if item.get("cell") == cell.name]
        made.append(
            {
                "world": cell.world,
                "cell": cell.name,
                "cloud": cell.cloud,
                "region": cell.region,
                "workload": serve.get("name"),
                "ready": None if not serve else f"{_known(serve.get('ready'))}/{_known(serve.get('desired'))}",
                "requests": latency.get("requests"),
                "ttft": (latency.get("ttft") or {}).get("p95"),
                "billed": " + ".join(
                    f"{_short(item['billed'])} {item['currency']}" for item in bills if item["billed"] is not None
                )
                or None,
                "seconds": sum(
                    outcome.seconds.get(f"stack.{cell.name}.{layer}", 0.0) for layer in ("infra", "platform")
                ),
            }
        )
    return made


def closing(outcome: Any) -> list[str]:
    """The lines under the table."""
    lines: list[str] = []
    if outcome.first_token_s is not None:
        lines.append(f"first token in every world after {outcome.first_token_s:.0f} s")
    lines.append(
        f"all of it took {outcome.total_s:.0f} s; rehearsed on this machine: clouds, nodes and GPUs are emulated"
    )
    if outcome.report is not None and outcome.report.exists():
        lines.append(f"cost report: file://{outcome.report}")
    shell = f"twain rehearse shell --world {outcome.asker}"
    steps = [
        (shell, f"be an operator of {outcome.asker}"),
        (f"{shell} -- twain status", "every cell on one screen"),
        (f"{shell} -- pulumi stack ls", "the real engine, on this world's own state"),
        ("twain rehearse load --rate 20 --duration 1m", "send a load, then compare:"),
        ("twain rehearse truth --since 5m", "what truly happened"),
        ("twain rehearse partition on", "cut the border between the worlds"),
        ("twain rehearse down", "stop it (it stops itself after 8 h)"),
    ]
    if os.environ.get("VIRTUAL_ENV") is None:
        steps.insert(0, (". .venv/bin/activate", "have `twain` on the PATH"))
    width = max(len(command) for command, _ in steps)
    lines += ["", "Try next:", *(f"  {command:<{width}}   {why}" for command, why in steps)]
    return lines


def _without_cells(outcome: Any) -> list[str]:
    shell = f"twain rehearse shell --world {outcome.asker}"
    steps = [
        (f"{shell} -- twain stack preview --all", "what every stack of the fleet would be"),
        (f"{shell} -- pulumi stack ls", "the real engine, on this world's own state"),
        ("twain rehearse up", "bring cells up"),
        ("twain rehearse down", "remove it"),
    ]
    width = max(len(command) for command, _ in steps)
    ready = f"the engine is ready after {outcome.total_s:.0f} s; this run brought no cell up, and nothing of it runs"
    return [ready, "", "Try next:", *(f"  {command:<{width}}   {why}" for command, why in steps)]


def _columns() -> list[Column]:
    def seconds(value: Any) -> str:
        return "-" if not value else f"{value:.0f} s"

    def ttft(value: Any) -> str:
        from cli.commands.metrics import quantile_text

        return quantile_text(value)

    return [
        Column(title="WORLD", key="world"),
        Column(title="CELL", key="cell"),
        Column(title="CLOUD", key="cloud"),
        Column(title="REGION", key="region"),
        Column(title="STACKS UP", key="seconds", show=seconds, right=True),
        Column(title="WORKLOAD", key="workload"),
        Column(title="READY", key="ready", missing="unknown"),
        Column(title="REQUESTS", key="requests", missing="unknown", right=True),
        Column(title="TTFT p95", key="ttft", show=ttft, missing="unknown", right=True),
        Column(title="BILLED SO FAR", key="billed", missing="unknown", right=True),
    ]


def _known(value: object) -> str:
    return "?" if value is None else str(value)


def _short(value: str) -> str:
    from dashboards.report_html import money

    return money(value)
