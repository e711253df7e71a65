"""A rule that breaks refuses and is named; strange shapes are refusals or nothing, never errors."""

from __future__ import annotations

import copy
import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.policy import rules
from components.policy.catalogue import RULES
from components.policy.model import ACCEPTED, UNKNOWN, Check, Subject
from tests.residency_cases import ALLOWED, CASES, Case

if TYPE_CHECKING:
    from collections.abc import Iterator

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just(UNKNOWN), st.just(ACCEPTED)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


def subject(case: Case, inputs: Any) -> Subject:
    return Subject(type=case.type, name="x", inputs=inputs, world=case.world, allowed=ALLOWED[case.world])


def paths(value: Any, trail: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [trail, *(found for key, inner in value.items() for found in paths(inner, (*trail, key)))]
    if isinstance(value, list):
        return [trail, *(found for index, inner in enumerate(value) for found in paths(inner, (*trail, index)))]
    return [trail]


def put(inputs: Any, trail: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(inputs)
    held = changed
    for step in trail[:-1]:
        held = held[step]
    held[trail[-1]] = value
    return changed


def took_over(violations: list[Any]) -> list[str]:
    return [one.rule for one in violations if one.property == "(the rule)"]


@pytest.fixture
def _afresh() -> Iterator[None]:
    """Which checks a type has is found once; a test that changes them wants it found again."""
    rules.checks_of.cache_clear()
    yield
    rules.checks_of.cache_clear()


@given(case=st.sampled_from(CASES), data=st.data())
@settings(max_examples=400, deadline=None)
def test_no_shape_makes_a_rule_fail(case: Case, data: st.DataObject) -> None:
    """A key missing, a key too many, a value of another kind: every rule still answers by itself."""
    inputs = copy.deepcopy(case.bad)
    trail = data.draw(st.sampled_from(paths(inputs)))
    if trail:
        inputs = put(inputs, trail, data.draw(values))
    inputs[data.draw(st.text(max_size=8))] = data.draw(values)
    assert took_over(rules.judge(subject(case, inputs))) == []


@pytest.mark.usefixtures("_afresh")
@pytest.mark.parametrize("check", [*rules.CLOUD, *rules.KUBERNETES, *rules.STACKS], ids=lambda check: check.rules[0])
def test_each_rule_that_breaks_refuses_by_its_name_and_leaves_the_others_at_work(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Subject) -> Any:
        message = "a secret value 4711"
        raise KeyError(message)

    changed = Check(rules=check.rules, run=broken)
    for name in ("CLOUD", "RESIDENCY", "KUBERNETES", "STACKS"):
        monkeypatch.setattr(rules, name, tuple(changed if one is check else one for one in getattr(rules, name)))
    kinds = {"CLOUD": "gcp:", "KUBERNETES": "kubernetes:", "STACKS": "pulumi:pulumi:"}
    for name, prefix in kinds.items():
        if changed in getattr(rules, name):
            others = () if name == "STACKS" else check.rules
            case = next(case for case in CASES if case.type.startswith(prefix) and case.rule not in others)
            found = rules.judge(subject(case, case.bad))
            assert took_over(found) == [check.rules[0]]
            assert set(check.rules) <= set(RULES)
            assert all(
                rule in found[[one.property for one in found].index("(the rule)")].reason for rule in check.rules
            )
            assert "4711" not in " ".join(map(str, found))
            if others:
                assert case.rule in {one.rule for one in found}
            return
    pytest.fail("the check is in no list")


_TOKEN = re.compile(r"""["']((?:alicloud|azure-native|gcp|kubernetes|pulumi):[^"' ]*)""")


@pytest.mark.parametrize("check", [check for check in rules.CLOUD if check.types], ids=lambda check: check.run.__name__)
def test_a_check_of_some_types_names_no_other_and_is_asked_about_each(check: Check) -> None:
    """A type that the function speaks of and the index does not would be a rule that nobody asks."""
    named = set(_TOKEN.findall(inspect.getsource(check.run)))
    assert {token for token in named if not token.startswith(check.types)} == set()
    for token in check.types:
        assert check in rules.checks_of(token)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_index_by_type_changes_no_verdict(case: Case) -> None:
    for inputs in (case.bad, case.good):
        asked = subject(case, inputs)
        assert rules.judge(asked) == [one for check in rules.checks_for(case.type) for one in check.run(asked)]


@given(trail=st.sampled_from([case for case in CASES if case.type.startswith("kubernetes:core/v1:Pod")]))
@settings(max_examples=40, deadline=None)
def test_a_pod_that_is_not_known_yet_is_refused(trail: Case) -> None:
    for unknown in (put(trail.bad, ("spec",), UNKNOWN), put(trail.bad, ("spec", "containers"), UNKNOWN)):
        assert "RES-004" in {one.rule for one in rules.judge(subject(trail, unknown))}
