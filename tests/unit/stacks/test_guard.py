"""How the guard sees a value that is not known yet."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pulumi.output import Unknown

from components.policy.model import ACCEPTED, UNKNOWN
from stacks.guard import settle


def settled(value: Any, *, accepted: bool) -> Any:
    async def answer() -> bool:
        return accepted

    return asyncio.run(settle(value, answer))


@pytest.mark.parametrize(("accepted", "expected"), [(True, ACCEPTED), (False, UNKNOWN)])
def test_an_unknown_value_takes_the_verdict_of_its_origin_wherever_it_stands(accepted: bool, expected: object) -> None:
    assert settled(Unknown(), accepted=accepted) is expected
    assert settled({"a": [Unknown(), {"b": Unknown()}]}, accepted=accepted) == {"a": [expected, {"b": expected}]}


def test_a_known_value_stays_what_it_is() -> None:
    value = {"a": [1, None, False, "x"], "b": {"c": 0.5}}
    assert settled(value, accepted=True) == value
