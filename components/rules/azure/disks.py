"""Azure disk encryption sets and storage lifecycle policies as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.azure.arm import in_group
from components.rules.checks import (
    matches,
    needs,
    objects,
    one_of,
    shape,
    strings,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_TYPES = (
    "EncryptionAtRestWithCustomerKey",
    "EncryptionAtRestWithPlatformAndCustomerKeys",
    "ConfidentialVmEncryptedWithCustomerKey",
)


_BLOBS = ("blockBlob", "appendBlob")


def _rules(call: Inputs) -> Iterator[Problem]:
    names: set[str] = set()
    for index, rule in enumerate(objects(call.known("policy.rules"))):
        path = f"policy.rules[{index}]"
        if rule.get("name") in names:
            yield Problem(f"{path}.name", f"there are two rules {rule.get('name')!r}")
        names.add(str(rule.get("name")))
        definition = rule.get("definition")
        actions = definition.get("actions") if isinstance(definition, dict) else None
        filters = definition.get("filters") if isinstance(definition, dict) else None
        if not actions:
            yield Problem(f"{path}.definition.actions", "at least one action is required by the API")
        kinds = strings(filters.get("blobTypes")) if isinstance(filters, dict) else []
        if not kinds or any(kind not in _BLOBS for kind in kinds):
            yield Problem(f"{path}.definition.filters.blobTypes", f"is required, of {', '.join(_BLOBS)}")


TYPES: tuple[TypeRules, ...] = (
    in_group(
        "azure-native:compute:DiskEncryptionSet",
        "diskEncryptionSetName",
        immutable=frozenset({"encryptionType"}),
        rules=(
            needs("identity", "activeKey.keyUrl"),
            one_of("encryptionType", _TYPES),
            matches("diskEncryptionSetName", r"[\w-]{1,80}", "1 to 80 letters, digits, _ and -"),
        ),
    ),
    in_group(
        "azure-native:storage:ManagementPolicy",
        "managementPolicyName",
        inside=("accountName",),
        located=False,
        rules=(
            shape(_rules),
            one_of("managementPolicyName", ("default",)),
        ),
    ),
)
