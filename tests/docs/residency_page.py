"""The page of every residency rule, made from the table of rules. `python -m tests.docs.residency_page` prints it."""

from __future__ import annotations

import sys

from components.policy.catalogue import RULES, THREATS

HEAD = """# Residency rules

Made from `components/policy/catalogue.py` by `python -m tests.docs.residency_page`; a test compares the two.
Engineering notes, not legal advice. `twain residency explain RULE` prints one of them, in English and Chinese.

## Which enforcer sees which rule

`●` sees it, `◐` sees a part of it: some of what the rule is about is not in what this enforcer is shown.

"""
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
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
