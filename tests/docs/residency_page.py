"""The page of every residency rule, made from the table of rules. `python -m tests.docs.residency_page` prints it."""

from __future__ import annotations

import sys

from components.policy.benchmarks import ACK, AKS, BENCHMARKS, EXCEPTIONS, GKE, INVERTED, SKIPPED
from components.policy.catalogue import RULES, THREATS

HEAD = """# Residency rules

Made from `components/policy/catalogue.py` by `python -m tests.docs.residency_page`; a test compares the two.
Engineering notes, not legal advice. `twain residency explain RULE` prints one of them, in English and Chinese.

## Which enforcer sees which rule

`●` sees it, `◐` sees a part of it: some of what the rule is about is not in what this enforcer is shown.

"""
BENCHMARK_HEAD = """The ids of kube-bench's files `gke-1.9.0`, `aks-1.8` and `ack-1.0`, and of checkov. An empty cell:
that benchmark has no such paragraph. `twain residency check --security` and the policy pack with `security: true` judge
them; the guard in a program of ours always does."""
COLUMNS = ("program", "check", "pack", "admission", "fleet", "gate", "cli")
MARKS = {"all": "●", "part": "◐"}


def render() -> str:
    """The whole page."""
    lines = [HEAD + f"| rule | refuses | against | {' | '.join(COLUMNS)} |", "|---|---|---|" + ":-:|" * len(COLUMNS)]
    for rule in RULES.values():
        sees = {str(name): much for name, much in rule.sees.items()}
        marks = " | ".join(MARKS.get(sees.get(column, ""), "") for column in COLUMNS)
        lines.append(f"| {rule.id} | {rule.says} {rule.zh} | {', '.join(rule.threats)} | {marks} |")
    lines += ["", "## Leaks", "", "| id | leak | rules |", "|---|---|---|"]
    for threat, leak in THREATS.items():
        rules = ", ".join(rule.id for rule in RULES.values() if threat in rule.threats)
        lines.append(f"| {threat} | {leak} | {rules} |")
    return "\n".join([*lines, *_benchmarks()]) + "\n"


def _benchmarks() -> list[str]:
    """What others call the rules."""
    lines = ["", "## Benchmarks and scanners", "", BENCHMARK_HEAD, ""]
    lines += [f"| rule | refuses | {GKE} | {AKS} | {ACK} | checkov |", "|---|---|---|---|---|---|"]
    for rule, twins in BENCHMARKS.items():
        cells = (", ".join(ids) for ids in (twins.gke, twins.aks, twins.ack, twins.scanners))
        lines.append(f"| {rule} | {RULES[rule].says} | {' | '.join(cells)} |")
    lines += [
        "",
        "Turned round on purpose:",
        "",
        "| rule | turns round | what it asks for | why |",
        "|---|---|---|---|",
    ]
    lines += [f"| {rule} | {', '.join(one.ids)} | {one.about} | {one.why} |" for rule, one in INVERTED.items()]
    lines += ["", "Left out on purpose:", "", "| ids | about | why |", "|---|---|---|"]
    lines += [f"| {', '.join(one.ids)} | {one.about} | {one.why} |" for one in SKIPPED]
    lines += ["", "Excepted in a cell of our own:", "", "| rule | what and why |", "|---|---|"]
    return lines + [f"| {rule} | {why} |" for rule, why in EXCEPTIONS.items()]


if __name__ == "__main__":
    sys.stdout.write(render())
