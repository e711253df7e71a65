"""What changed, in the engine's terms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import provider_pb2

from rehearsal.providers.diff import detailed_diff
from rehearsal.providers.wire import UNKNOWN

NOTHING: frozenset[str] = frozenset()
INPUTS = st.dictionaries(st.text("ab", min_size=1, max_size=3), st.integers() | st.lists(st.integers(), max_size=2))


@given(INPUTS)
def test_equal_inputs_are_no_change(inputs: dict[str, object]) -> None:
    answer = detailed_diff(inputs, dict(inputs), immutable=frozenset(inputs))
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE
    assert not answer.replaces


@given(INPUTS, INPUTS)
def test_different_inputs_are_a_change(old: dict[str, object], new: dict[str, object]) -> None:
    answer = detailed_diff(old, new, immutable=NOTHING)
    assert (answer.changes == provider_pb2.DiffResponse.DIFF_SOME) == (old != new)


def test_a_change_beneath_an_immutable_path_replaces_and_deletes_first() -> None:
    old, new = {"net": {"plugin": "a", "mode": "x"}}, {"net": {"plugin": "b", "mode": "y"}}
    answer = detailed_diff(old, new, immutable=frozenset({"net.plugin"}))
    assert list(answer.replaces) == ["net.plugin"]
    assert answer.deleteBeforeReplace
    assert answer.detailedDiff["net.mode"].kind == provider_pb2.PropertyDiff.UPDATE


def test_a_name_that_only_begins_like_an_immutable_one_does_not_replace() -> None:
    answer = detailed_diff({"zoneIds": ["a"]}, {"zoneIds": ["b"]}, immutable=frozenset({"zone"}))
    assert not answer.replaces


def test_a_value_that_is_not_known_yet_is_a_change() -> None:
    answer = detailed_diff({"id": "a"}, {"id": UNKNOWN}, immutable=frozenset({"id"}))
    assert list(answer.replaces) == ["id"]


def test_an_element_of_a_list_is_named_by_its_index() -> None:
    answer = detailed_diff({"pools": [{"max": 4}]}, {"pools": [{"max": 6}]}, immutable=NOTHING)
    assert list(answer.detailedDiff) == ["pools[0].max"]


def test_how_many_there_are_may_be_immutable_where_what_is_in_them_is_not() -> None:
    fixed = frozenset({"pools#", "pools.name"})
    one, other = {"name": "a", "size": 1}, {"name": "a", "size": 2}
    assert not detailed_diff({"pools": [one]}, {"pools": [other]}, immutable=fixed).replaces
    assert list(detailed_diff({"pools": [one]}, {"pools": [one, other]}, immutable=fixed).replaces) == ["pools"]
    named = {"pools": [one | {"name": "b"}]}
    assert list(detailed_diff({"pools": [one]}, named, immutable=fixed).replaces) == ["pools[0].name"]
