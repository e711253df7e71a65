"""The guard in the program refuses what the rules refuse, for clouds and for clusters."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from components.errors import ResidencyError
from components.policy.decide import Border
from stacks.guard import Guard
from tests.residency_cases import ALLOWED, CASES, Case

NAMED = object.__new__(pulumi.ProviderResource)


def refused(case: Case, inputs: dict[str, Any]) -> set[str]:
    guard = Guard(Border(world=case.world, allowed=ALLOWED[case.world]))
    options = pulumi.ResourceOptions()
    options.provider = NAMED
    try:
        if case.type.endswith("StackReference"):
            guard.note(SimpleNamespace(type_=case.type, name="r", props=inputs))  # pyright: ignore[reportArgumentType]
        else:
            given = pulumi.ResourceTransformArgs(True, case.type, "thing", inputs, options)
            assert asyncio.run(guard.judge(given)) is None
    except ResidencyError as error:
        return {problem.code for problem in error.problems}
    return set()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_guard_agrees_with_the_rules_on_every_case(case: Case) -> None:
    assert case.rule in refused(case, case.bad)
    if case.good:
        # The rules about access are not what the twin is about.
        assert {rule for rule in refused(case, case.good) if rule.startswith("RES-")} == set()
