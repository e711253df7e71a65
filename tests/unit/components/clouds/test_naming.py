"""Names are the same in every run, fit every cloud, and are never given twice."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from components.clouds import naming

names = st.from_regex(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?", fullmatch=True)
purposes = st.from_regex(r"[a-z]([a-z0-9-]{0,12}[a-z0-9])?", fullmatch=True)
triples = st.tuples(names, names, purposes)


@given(triples, st.sampled_from([24, 30, 40, 63, 80]))
def test_a_regional_name_fits_its_limit_and_the_narrowest_pattern(triple: tuple[str, str, str], limit: int) -> None:
    name = naming.regional(*triple, limit=limit)
    assert len(name) <= limit
    assert re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", name)
    assert "--" not in name


@given(triples, st.sampled_from([24, 63]), st.booleans())
def test_a_worldwide_name_fits_its_limit_and_the_narrowest_pattern(
    triple: tuple[str, str, str], limit: int, dashes: bool
) -> None:
    name = naming.worldwide(*triple, limit=limit, dashes=dashes)
    assert len(name) <= limit
    assert re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]" if dashes else r"[a-z][a-z0-9]*", name)
    assert "--" not in name


@given(st.lists(triples, min_size=2, max_size=2, unique=True), st.sampled_from([24, 40, 63]))
def test_two_sources_never_get_the_same_name(pair: list[tuple[str, str, str]], limit: int) -> None:
    one, two = pair
    assert naming.regional(*one, limit=limit) != naming.regional(*two, limit=limit)
    assert naming.worldwide(*one, limit=limit) != naming.worldwide(*two, limit=limit)
    assert naming.uuid(*one) != naming.uuid(*two)


@given(names, names, names, purposes)
def test_a_dash_that_moves_between_the_parts_changes_the_name(a: str, b: str, c: str, purpose: str) -> None:
    left, right = (f"{a}-{b}", c, purpose), (a, f"{b}-{c}", purpose)
    assert naming.regional(*left, limit=80) != naming.regional(*right, limit=80)
    assert naming.regional(a, b, f"{c}-{purpose}", limit=80) != naming.regional(a, f"{b}-{c}", purpose, limit=80)
    assert naming.worldwide(*left, limit=24, dashes=False) != naming.worldwide(*right, limit=24, dashes=False)


def test_a_name_stays_what_it_was_in_the_first_release() -> None:
    assert naming.regional("prod", "cn-sha-1", "vpc") == "prod-cn-sha-1-vpc"
    assert naming.worldwide("prod", "cn-sha-1", "weights") == "prod-cn-sha-1-weights-fa0477"
    assert naming.uuid("prod", "eu-par-1", "inference") == naming.uuid("prod", "eu-par-1", "inference")
