"""Values on the wire and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rehearsal.providers.wire import UNKNOWN, Secret, decode, encode, holds_secret, holds_unknown, merged, reveal

SCALARS = st.none() | st.booleans() | st.integers(-(2**52), 2**52) | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
)


@given(st.dictionaries(st.text("abc", min_size=1), VALUES, max_size=4))
def test_a_value_survives_the_wire(value: dict[str, object]) -> None:
    assert decode(encode(value)) == value


@given(VALUES)
def test_a_secret_stays_secret_on_the_wire_and_holds_its_value(value: object) -> None:
    back = decode(encode({"a": Secret(value)}))
    assert isinstance(back["a"], Secret)
    assert reveal(back) == {"a": value}


def test_an_unknown_value_stays_unknown_at_any_depth() -> None:
    back = decode(encode({"a": [{"b": UNKNOWN}]}))
    assert back["a"][0]["b"] is UNKNOWN
    assert holds_unknown(back)
    assert not holds_unknown({"a": [1]})


def test_a_whole_number_is_an_integer_and_a_fraction_is_not() -> None:
    back = decode(encode({"whole": 3, "fraction": 1.5}))
    assert back == {"whole": 3, "fraction": 1.5}
    assert isinstance(back["whole"], int)


def test_the_engines_own_properties_are_left_out() -> None:
    assert decode(encode({"__defaults": [], "a": 1})) == {"a": 1}


def test_a_secret_is_found_inside_lists_and_never_printed() -> None:
    value = {"a": [{"b": Secret("hush")}]}
    assert holds_secret(value)
    assert "hush" not in repr(value)


def test_an_update_keeps_what_only_the_old_value_has() -> None:
    old = {"profile": {"enabled": True, "issuer": "https://x"}, "pools": [{"name": "a", "state": "ok"}], "tag": "1"}
    new = {"profile": {"enabled": False}, "pools": [{"name": "b"}]}
    assert merged(old, new) == {
        "profile": {"enabled": False, "issuer": "https://x"},
        "pools": [{"name": "b", "state": "ok"}],
        "tag": "1",
    }
    assert merged({"pools": [1, 2]}, {"pools": [3]}) == {"pools": [3]}
