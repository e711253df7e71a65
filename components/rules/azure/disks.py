"""Azure disk encryption sets and storage lifecycle policies as ARM enforces them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.azure.arm import in_group
from components.rules.checks import (
    matches,
    needs,
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
_RULES = "policy.rules"


def _names(call: Inputs) -> Iterator[Problem]:
    names: set[str] = set()

    def of(path: str, rule: dict[str, Any]) -> Iterator[Problem]:
        name = rule.get("name")
        if isinstance(name, str) and name in names:
            yield Problem(f"{path}.name", f"there are two rules {name!r}")
        names.add(str(name))

    yield from call.each(_RULES, of)


def _actions(call: Inputs) -> Iterator[Problem]:
    def of(path: str, rule: dict[str, Any]) -> Iterator[Problem]:
        definition = rule.get("definition")
        if not (definition.get("actions") if isinstance(definition, dict) else None):
            yield Problem(f"{path}.definition.actions", "at least one action is required by the API")

    yield from call.each(_RULES, of)


def _kinds(call: Inputs) -> Iterator[Problem]:
    def of(path: str, rule: dict[str, Any]) -> Iterator[Problem]:
        definition = rule.get("definition")
        filters = definition.get("filters") if isinstance(definition, dict) else None
        kinds = strings(filters.get("blobTypes")) if isinstance(filters, dict) else []
        if not kinds or any(kind not in _BLOBS for kind in kinds):
            yield Problem(f"{path}.definition.filters.blobTypes", f"is required, of {', '.join(_BLOBS)}")

    yield from call.each(_RULES, of)


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
            shape(
                *(_names, _actions, _kinds),
                name="rules",
                fix=f"name each rule once, with an action, for {' or '.join(_BLOBS)}",
            ),
            one_of("managementPolicyName", ("default",)),
        ),
    ),
)
