"""Alibaba Cloud Container Registry, Enterprise Edition, as its API enforces it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.alicloud.net import TAGS
from components.rules.checks import (
    matches,
    needs,
    one_of,
    shape,
)
from components.rules.model import Inputs, Problem, Rule, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

# Namespaces that an edition holds without more being bought.
NAMESPACES = {"Basic": 15, "Economy": 15, "Standard": 15, "Advanced": 50}


def _steps(path: str, size: int) -> Rule:
    def rule(call: Inputs) -> Iterator[Problem]:
        value = call.known(path)
        if isinstance(value, int) and (value <= 0 or value % size):
            yield Problem(path, f"is sold in multiples of {size}, not {value}")

    return shape(rule, name=f"steps of {path}", fix=f"take a multiple of {size}")


def _paid(call: Inputs) -> Iterator[Problem]:
    kind = call.known("paymentType")
    if isinstance(kind, str) and kind != "Subscription":
        yield Problem("paymentType", f"{kind!r} is not sold: an instance is paid in advance (Subscription)")


def _renewed(call: Inputs) -> Iterator[Problem]:
    if call.known("renewalStatus") == "AutoRenewal" and call.get("renewPeriod") is None:
        yield Problem("renewPeriod", "is required by the API when renewalStatus is AutoRenewal")


def _stored(call: Inputs) -> Iterator[Problem]:
    own, default = call.get("customOssBucket"), call.known("defaultOssBucket")
    if default == "false" and own is None:
        yield Problem("customOssBucket", "is required by the API when defaultOssBucket is false")
    if default == "true" and own is not None:
        yield Problem("customOssBucket", "conflicts with defaultOssBucket true: never set both")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="alicloud:cr/registryEnterpriseInstance:RegistryEnterpriseInstance",
        name="instanceName",
        immutable=frozenset({"paymentType", "renewPeriod", "renewalStatus"}),
        rules=(
            TAGS,
            shape(_paid, _renewed, fix="pay in advance, and say for how long it is renewed"),
            shape(_stored, fix="name a bucket of your own, or take the default one"),
            needs("period"),
            _steps("period", 12),
            _steps("namespaceQuota", 5),
            _steps("repoQuota", 1000),
            one_of("instanceType", tuple(NAMESPACES)),
            one_of("renewalStatus", ("AutoRenewal", "ManualRenewal")),
            one_of("imageScanner", ("ACR", "SAS", "DISABLE")),
            matches("instanceName", r"[a-z0-9][a-z0-9-]{1,28}[a-z0-9]", "3 to 30 lower-case letters, digits and -"),
        ),
    ),
    TypeRules(
        type_name="alicloud:cs/registryEnterpriseNamespace:RegistryEnterpriseNamespace",
        name="name",
        immutable=frozenset({"instanceId"}),
        rules=(
            one_of("defaultVisibility", ("PUBLIC", "PRIVATE")),
            matches(
                "name",
                r"[a-z0-9][a-z0-9_.-]{0,118}[a-z0-9]",
                "2 to 120 lower-case letters, digits, _ - and ., not beginning or ending with one of the last three",
            ),
        ),
    ),
    TypeRules(
        type_name="alicloud:cr/vpcEndpointLinkedVpc:VpcEndpointLinkedVpc",
        immutable=frozenset({"instanceId", "moduleName", "vpcId", "vswitchId"}),
        rules=(one_of("moduleName", ("Registry", "Chart")),),
    ),
)
