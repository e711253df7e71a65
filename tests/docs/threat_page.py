"""The tables of the threat model, in both languages, made from the rules and what the law has to say about each.
`python -m tests.docs.threat_page` writes them into the pages, between the marks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from components.policy.catalogue import RULES, THREATS
from components.policy.law import BASIS, CONTROLS, THREATS_ZH

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = {
    "en": ROOT / "docs" / "explanation" / "threat-model.md",
    "zh": ROOT / "docs" / "zh" / "explanation" / "threat-model.md",
}
BEGIN, END = "<!-- rules: made by tests.docs.threat_page -->", "<!-- end of rules -->"
_HEADS: Final = {
    "en": ("| leak | what it is | rules |", "| rule | refuses | PIPL | CAC 2024 | against | behind it stands |"),
    "zh": ("| 泄漏 | 内容 | 规则 |", "| 规则 | 拒绝什么 | 个人信息保护法 | 2024 年规定 | 针对 | 背后的控制 |"),
}


def tables(language: str) -> str:
    """Both tables: leaks with their rules, rules with articles and controls."""
    leaks, rules = _HEADS[language]
    names = THREATS if language == "en" else THREATS_ZH
    lines = ["", leaks, "|---|---|---|"]
    for threat in THREATS:
        against = ", ".join(rule.id for rule in RULES.values() if threat in rule.threats)
        lines.append(f"| {threat} | {names[threat]} | {against} |")
    lines += ["", rules, "|---|---|---|---|---|---|"]
    for rule in RULES.values():
        basis = BASIS[rule.id]
        says = rule.says if language == "en" else rule.zh
        index, glue = (0, "; ") if language == "en" else (1, "；")
        behind = glue.join(CONTROLS[name][index] for name in basis.controls)
        pipl, cac, against = ", ".join(basis.pipl), ", ".join(basis.cac), ", ".join(rule.threats)
        lines.append(f"| {rule.id} | {says} | {pipl} | {cac} | {against} | {behind} |")
    return "\n".join([*lines, ""]) + "\n"


def held(text: str) -> str:
    """What stands between the marks of a page."""
    return text.partition(BEGIN + "\n")[2].partition(END)[0]


def write() -> None:
    """Put the tables into both pages."""
    for language, path in PAGES.items():
        text = path.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN + "\n")
        path.write_text(f"{before}{BEGIN}\n{tables(language)}{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    write()
