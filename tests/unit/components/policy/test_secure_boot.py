"""Secure boot is asked of every AKS pool that can have it, in either place that a pool is declared in."""

from __future__ import annotations

from typing import Any

import pytest

from components.policy.model import UNKNOWN
from tests.security_cases import AKS, AKS_POOL, GOOD
from tests.unit.components.policy.test_rules import rules

PATH = "securityProfile.enableSecureBoot"
OFF = {"securityProfile": {"enableVTPM": True, "enableSecureBoot": False, "sshAccess": "Disabled"}}
GPUS = "Standard_NC24ads_A100_v4"


def refused(pool: dict[str, Any]) -> tuple[bool, bool]:
    """Whether the pool is refused for secure boot: as a resource of its own, and inside a cluster."""
    own = rules(AKS_POOL, {**GOOD[AKS_POOL], **pool})
    inside = rules(AKS, {**GOOD[AKS], "agentPoolProfiles": [{**GOOD[AKS]["agentPoolProfiles"][0], **pool}]})
    return ("SEC-016", PATH) in own, ("SEC-016", f"agentPoolProfiles[0].{PATH}") in inside


@pytest.mark.parametrize(
    "pool",
    [
        {"vmSize": "Standard_D4ds_v5"},
        {"vmSize": "Standard_E8pds"},
        {"vmSize": UNKNOWN},
        # GPUs whose driver somebody else brings, signed.
        {"vmSize": GPUS, "gpuProfile": {"driver": "None"}},
        {"vmSize": GPUS, "gpuProfile": {"driver": UNKNOWN}},
        {"vmSize": "Standard_D4ds_v5", "gpuProfile": {"driver": "Install"}},
        {"vmSize": "Standard_D4ds_v5", "osType": "Linux", "enableFIPS": False, "type": "VirtualMachineScaleSets"},
        {"securityProfile": {"enableVTPM": True, "sshAccess": "Disabled"}},
    ],
    ids=str,
)
def test_a_pool_that_can_have_secure_boot_must(pool: dict[str, Any]) -> None:
    assert refused({**OFF, **pool}) == (True, True)
    assert refused({**pool, "securityProfile": GOOD[AKS_POOL]["securityProfile"]}) == (False, False)


@pytest.mark.parametrize(
    "pool",
    [
        {"vmSize": GPUS, "gpuProfile": {"driver": "Install"}},
        {"vmSize": GPUS.lower()},
        {"vmSize": "Standard_NV36ads_A10_v5", "gpuProfile": {}},
        {"vmSize": "Standard_D4ds_v5", "osType": "Windows"},
        {"vmSize": "Standard_D4ds_v5", "enableFIPS": True},
        {"vmSize": "Standard_D4ds_v5", "workloadRuntime": "KataMshvVmIsolation"},
        {"vmSize": "Standard_D4ps_v5"},
        {"vmSize": "Standard_E2pds_v6"},
        {"vmSize": "Standard_DC4as_v5"},
        {"vmSize": "Standard_NCC40ads_H100_v5", "gpuProfile": {"driver": "None"}},
        {"type": "AvailabilitySet"},
    ],
    ids=str,
)
def test_one_that_the_cloud_cannot_give_it_is_not_asked(pool: dict[str, Any]) -> None:
    assert refused({**OFF, **pool}) == (False, False)
