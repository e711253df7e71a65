"""Months begin where their provider says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.money.periods import bounds, check, containing, final_after


def test_alibaba_s_month_begins_at_16_utc_of_the_day_before() -> None:
    assert bounds("alicloud", "2026-12") == (
        datetime(2026, 11, 30, 16, tzinfo=UTC),
        datetime(2026, 12, 31, 16, tzinfo=UTC),
    )
    edge = datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert containing("alicloud", edge - timedelta(seconds=1)) == "2026-11"
    assert containing("alicloud", edge) == "2026-12"
    assert containing("gcp", edge) == "2026-11"


def test_alibaba_is_final_at_noon_in_china_on_day_four() -> None:
    assert final_after("alicloud", "2026-11") == datetime(2026, 12, 4, 4, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "26-01", "2026-00", "", "2026-11-01"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a month"):
        check(text)


MOMENTS = st.integers(min_value=1_577_836_800, max_value=4_102_444_800).map(lambda s: datetime.fromtimestamp(s, UTC))


@given(MOMENTS, st.sampled_from(["alicloud", "gcp"]))
def test_every_moment_lies_in_exactly_the_month_that_contains_it(moment: datetime, provider: str) -> None:
    start, end = bounds(provider, containing(provider, moment))
    assert start <= moment < end
