"""What keeps a store from being deleted."""

from __future__ import annotations

from typing import Any

import pytest

from components.policy import stores

BUCKET = "gcp:storage/bucket:Bucket"


def resource(type_: str = BUCKET, *, protect: bool = False, name: str = "c-weights", **inputs: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:f.c.infra::twain::twain:index:X${type_}::{name}"
    return {"type": type_, "urn": urn, "id": "id-1", "inputs": inputs, **({"protect": True} if protect else {})}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (resource(), None),
        (resource(forceDestroy=True), None),
        (resource(deletionProtection=False), None),
        (resource(deletionProtection="Disabled"), None),
        (resource(deletionPolicy="DELETE"), None),
        # A number is no flag, although Python says 1 == True and 0 == False.
        (resource(deletionProtection=1, forceDestroy=0), None),
        (resource(protect=True), "protected in the state"),
        (resource(deletionProtection=True), "deletionProtection is True"),
        (resource(deletionProtection="Enabled"), "deletionProtection is Enabled"),
        (resource(deletionProtectionEnabled=True), "deletionProtectionEnabled is True"),
        (resource(deletionPolicy="PREVENT"), "deletionPolicy is PREVENT"),
        (resource(forceDestroy=False), "forceDestroy is False"),
        (resource(stores.LOCK, scope="/subscriptions/s/resourceGroups/g/a"), "a lock on a"),
    ],
)
def test_what_holds_a_resource(given: dict[str, Any], why: str | None) -> None:
    assert stores.held_by(given) == why


def test_stores_are_told_before_the_rest() -> None:
    nat = resource("alicloud:vpc/natGateway:NatGateway", name="a-nat", deletionProtection=True)
    bucket = resource(protect=True, name="z-weights")
    found = stores.held([nat, resource(), bucket])
    assert [stores.told(one, why) for one, why in found] == [
        "bucket z-weights (id-1; protected in the state)",
        "NatGateway a-nat (id-1; deletionProtection is True)",
    ]
    assert stores.stores([nat, bucket]) == [bucket]


def test_a_state_without_inputs_or_id_is_read() -> None:
    bare = {"type": BUCKET, "urn": "u::b", "inputs": None}
    assert stores.held_by(bare) is None
    assert stores.told(bare) == "bucket b (no id)"
