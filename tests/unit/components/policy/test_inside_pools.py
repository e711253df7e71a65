"""Pools inside a GKE cluster's own resource keep the same rules as those that are resources of their own."""

from __future__ import annotations

from typing import Any

import pytest

from components.policy.model import UNKNOWN
from tests.security_cases import FAULTS, GKE, GKE_POOL, GOOD, put
from tests.unit.components.policy.test_rules import rules

OF_POOLS = [fault for fault in FAULTS if fault.type == GKE_POOL]
KEY = "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k"


def found(**inputs: Any) -> set[tuple[str, str]]:
    """What is refused of a cluster that is right in all else, by the rules of security."""
    good = {**GOOD[GKE], **inputs}
    return {one for one in rules(GKE, good) if one[0].startswith("SEC-")} - set(rules(GKE, GOOD[GKE]))


@pytest.mark.parametrize("fault", OF_POOLS, ids=lambda one: one.path)
def test_what_is_refused_of_a_pool_is_refused_inside_a_cluster_too(fault: Any) -> None:
    bad = put(GOOD[GKE_POOL], fault.path, fault.value)
    told = found(nodePools=[GOOD[GKE_POOL], bad])
    # What a pool does not say about its addresses it has from its cluster, which is private here.
    inherited = fault.path == "networkConfig.enablePrivateNodes" and fault.value is None
    expected = set() if inherited else {fault.rule}
    assert {rule for rule, _ in told} == expected
    assert all(place.startswith("nodePools[1].") for _, place in told)


def test_a_pool_of_a_cluster_with_public_nodes_has_public_nodes() -> None:
    pool = {key: value for key, value in GOOD[GKE_POOL].items() if key != "networkConfig"}
    private = {**GOOD[GKE]["privateClusterConfig"], "enablePrivateNodes": False}
    assert ("SEC-009", "nodePools[0].networkConfig.enablePrivateNodes") in found(
        nodePools=[pool], privateClusterConfig=private
    )


def test_the_default_pool_counts_unless_it_is_taken_away() -> None:
    bare = {"initialNodeCount": 1, "nodeConfig": {"bootDiskKmsKey": KEY}}
    assert ("SEC-016", "nodeConfig.imageType") in found(**bare)
    assert ("SEC-016", "nodeConfig.imageType") in found(initialNodeCount=1)
    assert found(**bare, removeDefaultNodePool=True) == set()
    assert found(initialNodeCount=1, nodeConfig=GOOD[GKE_POOL]["nodeConfig"]) == set()


def test_autopilot_has_no_pools_to_judge_and_pools_that_nobody_knows_are_refused() -> None:
    assert found(enableAutopilot=True, initialNodeCount=1) == set()
    assert ("SEC-016", "nodePools") in found(nodePools=UNKNOWN)
    assert found(nodePools=[UNKNOWN]) >= {("SEC-016", "nodePools[0].nodeConfig.imageType")}
