"""The rules that evidence tells of: those of the catalogue that the state of a stack can show, and where each looks."""

from __future__ import annotations

from typing import Literal

from components.policy.catalogue import IN_CLUSTERS, Rule
from components.policy.catalogue import RULES as CATALOGUE

# Rules over the state as a whole, which a policy pack does not see.
OF_A_STATE = ("RES-010", "RES-012")
Where = Literal["cloud", "cluster", "both", "state"]


def _where(rule: Rule) -> Where:
    if rule.id in OF_A_STATE:
        return "state"
    if rule.id in IN_CLUSTERS:
        return "cluster"
    sight = rule.sees.get("admission")
    return "cloud" if sight is None else "cluster" if sight == "all" else "both"


RULES: dict[str, str] = {
    rule.id: rule.says for rule in CATALOGUE.values() if "pack" in rule.sees or rule.id in OF_A_STATE
}
WHERE: dict[str, Where] = {rule: _where(CATALOGUE[rule]) for rule in RULES}
"""Which resources a rule looks at: it is skipped where a stack has none of them."""
