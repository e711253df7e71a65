"""The list of capabilities is closed, and its matrix is held against real plans in both directions: what is declared is
tested, what is tested is declared.
"""

from __future__ import annotations

import json
from functools import cache

import pytest

from components.parity import report, state
from components.parity.capabilities import CAPABILITIES, CLOUDS, IDS, MEANS, Capability, by_id
from components.parity.graph import NOT_APPLICABLE
from components.telemetry.contract import filter_rows, load_contract
from tests.unit.components.parity import plans
from tests.unit.components.parity.seeds import SEEDS

CNCF = (
    "dra_support", "ai_inference", "gang_scheduling", "cluster_autoscaling", "pod_autoscaling", "accelerator_metrics",
    "ai_service_metrics", "secure_accelerator_access", "robust_controller",
)  # fmt: skip
CELLS = [(capability, cloud) for capability in CAPABILITIES for cloud in CLOUDS]
NAMES = [f"{capability.id}-{cloud}" for capability, cloud in CELLS]


@cache
def values(cloud: str) -> dict[str, str | None]:
    return state.guarantees(plans.plan(cloud), cloud)


def test_the_nine_of_the_cncf_are_there_and_more_than_twenty_of_our_own() -> None:
    assert tuple(one.id for one in CAPABILITIES if one.source == "cncf 1.34") == CNCF
    own = [one.id for one in CAPABILITIES if one.source == "ours"]
    assert len(own) >= 20
    assert len(set(IDS)) == len(IDS) == len(CNCF) + len(own)


def test_every_capability_has_a_reader_on_every_cloud_and_no_reader_is_undeclared() -> None:
    layers = {"infra": state.INFRA, "platform": state.PLATFORM, "workload": state.WORKLOAD}
    for layer, readers in layers.items():
        assert {one.id for one in CAPABILITIES if one.layer == layer} == set(readers)
    for cloud, readers in state.CLOUDS.items():
        assert tuple(readers) == state.INFRA, cloud


@pytest.mark.parametrize(("capability", "cloud"), CELLS, ids=NAMES)
def test_a_cell_has_what_its_cloud_is_declared_to_give_and_nothing_else(capability: Capability, cloud: str) -> None:
    given, value = capability.clouds[cloud], values(cloud)[capability.id]
    assert given.means in MEANS
    assert len(given.why) > 3
    absent = value in {capability.lacking, NOT_APPLICABLE}
    # Protection is off in a fleet that is meant to be taken down; a figure in tokens/s may be lacking.
    if (capability.id, value) not in {("deletion.protection", "none"), ("gpu.rate", None)}:
        assert absent is not given.there, value


@pytest.mark.parametrize(("capability", "cloud"), CELLS, ids=NAMES)
def test_each_input_that_is_declared_to_count_has_a_seed_that_shows_it(capability: Capability, cloud: str) -> None:
    shown = {one.read for one in SEEDS if one.cloud == cloud and capability.id in one.expected}
    shown |= {token for one in SEEDS if one.cloud == cloud and capability.id in one.expected for token in touched(one)}
    assert set(capability.inputs(cloud)) <= shown
    # Where nothing is read, the cloud or its provider has nothing to read.
    assert capability.inputs(cloud) or capability.clouds[cloud].means in {"blocked", "never"}


@pytest.mark.parametrize("seed", SEEDS, ids=str)
def test_each_input_that_changes_a_guarantee_is_declared(seed: object) -> None:
    assert isinstance(seed, type(SEEDS[0]))
    for name in seed.expected:
        capability = by_id(name)
        assert capability is not None
        assert {one.partition(" ")[0] for one in capability.inputs(seed.cloud)} & touched(seed)


def touched(seed: object) -> set[str]:
    assert isinstance(seed, type(SEEDS[0]))
    return {seed.type, *seed.also}


def test_every_value_may_cross_the_border() -> None:
    rows = [
        ("guarantee", {"world": "cn", "cell": "cn-sha-1", "capability": name, "value": value})
        for cloud in CLOUDS
        for name, value in values(cloud).items()
    ]
    rows += [
        ("guarantee", {"world": "cn", "cell": "cn-sha-1", "capability": name, "value": value})
        for one in SEEDS
        for name, value in one.expected.items()
    ]
    filtered = filter_rows(load_contract(), "parity", rows, known={"guarantee": {("cn", "cn-sha-1")}})
    assert (filtered.rejected, filtered.dropped, len(filtered.items)) == (0, {}, len(rows))


def test_the_reference_page_is_what_the_data_says() -> None:
    """To accept a change: python -m components.parity.report > docs/reference/parity.md, and read the difference."""
    page = plans.ROOT / "docs" / "reference" / "parity.md"
    assert page.read_text(encoding="utf-8") == report.reference()


def test_no_name_of_a_resource_counts() -> None:
    for cloud in CLOUDS:
        rows = plans.plan(cloud)
        for number, row in enumerate(rows):
            row["urn"] = f"urn:pulumi:s::p::{row['type']}::renamed-{number}"
        assert state.guarantees(rows, cloud) == values(cloud)


def test_a_plan_is_read_the_same_out_of_json() -> None:
    for cloud in CLOUDS:
        rows = json.loads(json.dumps(plans.plan(cloud)))
        assert state.guarantees(rows, cloud) == values(cloud)
        assert state.clouds_of(rows) == (cloud,)
