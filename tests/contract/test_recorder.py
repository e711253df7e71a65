"""The recorder itself: an assertion inside it is not skipped, a look-up is refused, a violation stops the program."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.errors import ResidencyError
from components.policy.decide import Border
from stacks.guard import Guard
from tests.recorder import Recorder, run


class Thing(pulumi.CustomResource):
    def __init__(self, name: str, kind: str, props: dict[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(kind, name, props, opts)


def test_an_assertion_about_an_output_that_fails_fails_the_run() -> None:
    def program() -> None:
        thing = Thing("a", "test:index:Thing", {"size": 1, "id_": None})

        def check(urn: str) -> None:
            assert urn.endswith("no such name")

        thing.urn.apply(check)

    with pytest.raises(AssertionError):
        run(program, stack="rehearsal.cn-sha-1.infra")


def test_what_is_registered_is_kept_with_its_inputs() -> None:
    def program() -> None:
        Thing("a", "test:index:Thing", {"size": 1, "part": {"x": [True, 0.5]}})

    recorder, _ = run(program, stack="rehearsal.cn-sha-1.infra")
    assert recorder.one("test:index:Thing").inputs == {"size": 1, "part": {"x": [True, 0.5]}}


def test_a_look_up_fails_the_run() -> None:
    def program() -> None:
        pulumi.runtime.invoke("test:index:getThing", {})

    with pytest.raises(AssertionError, match="programs have no invokes"):
        run(program, stack="rehearsal.cn-sha-1.infra")


def test_the_guard_stops_a_program_before_the_offending_resource_exists() -> None:
    recorder = Recorder()

    def program() -> None:
        Guard(Border(world="row", allowed=frozenset({"francecentral"}))).register()
        Thing("cloud", "azure-native:resources:ResourceGroup", {"location": "cn-shanghai"})

    with pytest.raises(ResidencyError, match=r"RES-002 azure-native:resources:ResourceGroup 'cloud'"):
        run(program, stack="rehearsal.eu-par-1.infra", recorder=recorder)
    assert recorder.of("azure-native:resources:ResourceGroup") == []


def test_a_program_without_the_guard_registers_anything() -> None:
    def program() -> None:
        Thing("cloud", "azure-native:resources:ResourceGroup", {"location": "cn-shanghai"})

    recorder, _ = run(program, stack="rehearsal.eu-par-1.infra")
    assert len(recorder.of("azure-native:resources:ResourceGroup")) == 1
