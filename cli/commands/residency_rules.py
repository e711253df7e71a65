"""`twain residency explain`: what each rule says, and what others call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli import errors
from cli.options import output_option, pass_app
from cli.verbs import Kind, Verb, VerbCommand

if TYPE_CHECKING:
    from cli.app import App
    from cli.output import Format

RULES = Kind(
    name="ResidencyRuleList",
    item={
        "rule": "string",
        "says": "string",
        "zh": "string",
        "fix": "string",
        "threats": [{"id": "string", "leak": "string"}],
        "sees": "object: enforcer → all|part",
        "law": "object: law → articles; engineering notes, not legal advice",
        "benchmarks": "object: benchmark or scanner → ids",
        "inverts": "object|null: a scanner's rule that this one turns round, as {ids, about, why}",
        "exception": "string|null",
    },
)


@click.command(
    "explain",
    cls=VerbCommand,
    verb=Verb(
        data_class="metadata",
        kind=RULES,
        examples=("twain residency explain RES-023", "twain residency explain SEC-016 -o wide"),
    ),
)
@click.argument("rule", required=False)
@output_option
@pass_app
def explain(app: App, *, rule: str | None, output: Format) -> None:
    """What a rule says, against which leak, which enforcer can see it, and its ids in CIS benchmarks and scanners.

    Every rule without RULE."""
    from dataclasses import asdict

    from cli.output import Column, Report
    from components.policy.benchmarks import BENCHMARKS, EXCEPTIONS, INVERTED
    from components.policy.catalogue import RULES as KNOWN
    from components.policy.catalogue import THREATS
    from components.policy.law import BASIS

    if rule is not None and rule.upper() not in KNOWN:
        message = f"there is no rule {rule}."
        raise errors.NotFoundError(message, fix="twain residency explain", id="RULE-404")
    chosen = [KNOWN[rule.upper()]] if rule is not None else list(KNOWN.values())
    items = [
        {
            "rule": one.id,
            "says": one.says,
            "zh": one.zh,
            "fix": one.fix,
            "threats": [{"id": threat, "leak": THREATS[threat]} for threat in one.threats],
            "sees": dict(one.sees),
            "law": {name: list(found) for name, found in BASIS[one.id].laws().items()},
            "benchmarks": {name: list(ids) for name, ids in BENCHMARKS[one.id].rows().items()}
            if one.id in BENCHMARKS
            else {},
            "inverts": asdict(INVERTED[one.id]) if one.id in INVERTED else None,
            "exception": EXCEPTIONS.get(one.id),
        }
        for one in chosen
    ]
    columns = (
        Column(title="RULE", key="rule"),
        Column(title="SAYS", key="says"),
        Column(title="AGAINST", key=lambda item: ",".join(threat["id"] for threat in item["threats"]) or None),
        Column(title="SEEN BY", key=lambda item: _sees(item["sees"]), wide=rule is None),
        Column(title="ALSO", key=lambda item: _ids(item["benchmarks"]), wide=True),
        Column(title="FIX", key="fix", wide=True),
        Column(title="ZH", key="zh", wide=True),
    )
    footer: list[str] = []
    if rule is not None:
        (one,) = chosen
        footer = ["", *(f"against  {threat}: {THREATS[threat]}" for threat in one.threats)]
        footer += [f"fix      {one.fix}", f"中文     {one.zh}", *_elsewhere(items[0])]
    app.finish(Report(kind=RULES.name, items=items, columns=columns, footer=footer), output)


def _sees(sees: dict[str, str]) -> str:
    return ", ".join(name if much == "all" else f"{name} (in part)" for name, much in sees.items())


def _ids(benchmarks: dict[str, list[str]]) -> str | None:
    return "; ".join(f"{name} {', '.join(ids)}" for name, ids in benchmarks.items()) or None


def _elsewhere(item: dict[str, Any]) -> list[str]:
    """What the rule is called elsewhere, what it turns round, and where the platform is excepted."""
    lines = [f"law      {name} {', '.join(articles)}" for name, articles in item["law"].items()]
    lines += [f"also     {name} {', '.join(ids)}" for name, ids in item["benchmarks"].items()]
    if item["inverts"] is not None:
        found = item["inverts"]
        lines += [f"inverts  {', '.join(found['ids'])} ({found['about']}): {found['why']}"]
    if item["exception"] is not None:
        lines += [f"except   {item['exception']}"]
    return lines
