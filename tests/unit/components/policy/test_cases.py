"""Each rule refuses its case and lets the benign twin pass; the table of who sees what is the truth, both ways."""

from __future__ import annotations

import re

import pytest

from components.policy import cel
from components.policy.catalogue import ENFORCERS, RULES, THREATS
from components.policy.decide import Border, decide
from tests import kube_cases, kube_text_cases, kube_told_cases, security_cases
from tests.residency_cases import ALLOWED, CASES, Case, under_provider

HANDLED_ELSEWHERE = {"T01", "T03", "T04", "T06", "T19"}


def found(case: Case, inputs: dict[str, object]) -> set[str]:
    row = {"urn": f"urn:pulumi:s::p::{case.type}::thing", "type": case.type, "inputs": inputs}
    violations = decide(under_provider(case.type, row), world=case.world, allowed=ALLOWED[case.world], security=False)
    for one in violations:
        assert one.rule in RULES
        assert all((one.resource, one.property, one.value, one.allowed, one.reason))
    return {one.rule for one in violations}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_violation_is_refused_by_its_rule_and_its_twin_is_not(case: Case) -> None:
    assert case.rule in found(case, case.bad)
    if case.good:
        assert found(case, case.good) == set()


def test_every_threat_has_a_rule_and_a_case_or_a_test_of_its_own() -> None:
    ruled = {threat for rule in RULES.values() for threat in rule.threats}
    assert ruled == set(THREATS)
    assert {case.threat for case in CASES} | HANDLED_ELSEWHERE == set(THREATS)
    for case in CASES:
        assert case.threat in RULES[case.rule].threats, case.name


def test_both_directions_are_judged() -> None:
    for rule in ("RES-014", "RES-017", "RES-021", "RES-023", "RES-029", "RES-032"):
        assert {case.world for case in CASES if case.rule == rule} == {"cn", "row"}


def test_what_the_engine_sees_has_a_case_and_what_has_a_case_is_declared() -> None:
    seen = {rule.id for rule in RULES.values() if "program" in rule.sees and rule.id.startswith("RES-")}
    # The backend is judged before a resource is; what cannot be traced needs a graph: test_decide.py.
    assert {case.rule for case in CASES} == seen - {"RES-010", "RES-004"}
    for rule in RULES.values():
        assert set(rule.sees) <= set(ENFORCERS)
        assert rule.sees


def test_the_policies_of_a_cluster_hold_what_the_table_says_and_nothing_else() -> None:
    held = {
        one.rule
        for world in ("cn", "row")
        for policy in cel.policies(Border(world=world, allowed=ALLOWED[world]))
        for one in policy.expressions
    }
    assert held == {rule.id for rule in RULES.values() if "admission" in rule.sees}
    listed = [*CASES, *(case for case in security_cases.CASES if case.rule.startswith("SEC-"))]
    cases = {case.rule for case in listed if case.admission}
    assert cases == held
    # What the table calls seen in part has a case that a cluster cannot see, what it calls seen whole has none.
    others = (*kube_cases.CASES, *kube_text_cases.CASES, *kube_told_cases.CASES)
    blind = {case.rule for case in (*CASES, *others) if not case.admission}
    for rule in held:
        assert (rule in blind) == (RULES[rule].sees["admission"] == "part"), rule


def test_no_expression_is_longer_than_an_api_server_takes() -> None:
    everywhere = frozenset(
        name for names in __import__("components.clouds.regions").clouds.regions.WORLD_OF.values() for name in names
    )
    for world in ("cn", "row"):
        for policy in cel.policies(Border(world=world, allowed=everywhere)):
            assert all(len(one.cel) < 32_000 for one in policy.expressions)
            assert sum(len(one.cel) for one in policy.expressions) < 500_000
            for one in policy.expressions:
                assert re.match(r"^(?:RES|SEC)-\d{3} ", one.message)
                assert len(one.message) < 1000
