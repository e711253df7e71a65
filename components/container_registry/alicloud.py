"""Container Registry Enterprise Edition on Alibaba Cloud: a prepaid instance, a namespace per part, a link to the VPC.

It is sold in advance only, so a fleet has to acknowledge it (`registry.prepaid_acknowledged`). It is not renewed by
itself, and whether it is cannot be changed without a new instance: a person who wants renewal switches it on at the
cloud, and the program leaves that alone. Destroying it asks for a refund and gives it back at once. Deliberately not
set: a password of the instance (only temporary tokens), a public endpoint (there is none unless one is made), a bucket
of our own (it needs a role that an account has only one of; without it the images are encrypted with the service's
key). Limits: 15 namespaces, more in steps of 5, bought when the instance is made; repositories come with the first
push, private, and their tags can be moved.
"""

from __future__ import annotations

import pulumi_alicloud as alicloud

from components.container_registry.contract import (
    PLATFORM,
    ContainerRegistry,
    ContainerRegistryInputs,
    ContainerRegistryOutputs,
)

# Twelve months at a time: the shortest that is known to be sold.
_MONTHS = 12
# What the edition holds without more, and how more is sold.
_NAMESPACES, _NAMESPACE_STEP = 15, 5


def _more_namespaces(wanted: int) -> int | None:
    """How many namespaces must be bought beside those of the edition: None for none."""
    steps = -(-(wanted - _NAMESPACES) // _NAMESPACE_STEP)
    return steps * _NAMESPACE_STEP if steps > 0 else None


class AlicloudContainerRegistry(ContainerRegistry):
    """An instance of the Enterprise Edition with its namespaces."""

    def build(self, name: str, inputs: ContainerRegistryInputs) -> ContainerRegistryOutputs:
        """Declare the instance."""
        place, parts = inputs.place, (PLATFORM, *inputs.parts)
        physical = place.global_name("cr", limit=30)
        instance = alicloud.cr.RegistryEnterpriseInstance(
            f"{name}-registry",
            instance_name=physical,
            instance_type="Basic",
            # Nothing else is sold; said aloud all the same.
            payment_type="Subscription",
            period=_MONTHS,
            renewal_status="ManualRenewal",
            namespace_quota=_more_namespaces(len(parts)),
            default_oss_bucket="true",
            image_scanner="ACR",
            tags=place.tags,
            opts=self.child(
                protect=place.protect or None,
                # The first two would make a new instance, and the third is taken at creation only.
                ignore_changes=["renewalStatus", "renewPeriod", "namespaceQuota"],
            ),
        )
        for part in parts:
            alicloud.cs.RegistryEnterpriseNamespace(
                f"{name}-registry-{part}",
                name=part,
                instance_id=instance.id,
                auto_create=True,
                default_visibility="PRIVATE",
                opts=self.child(),
            )
        link = alicloud.cr.VpcEndpointLinkedVpc(
            f"{name}-registry",
            instance_id=instance.id,
            module_name="Registry",
            vpc_id=inputs.network.service_network,
            vswitch_id=inputs.network.endpoint_subnet,
            enable_create_dns_record_in_pvzt=True,
            opts=self.child(),
        )
        # The name of the endpoint inside the VPC follows from the instance's; the instance does not tell it before the
        # link is made.
        address = f"{physical}-registry-vpc.{place.region}.cr.aliyuncs.com"
        return ContainerRegistryOutputs(registry_id=instance.id, address=link.id.apply(lambda _: address))
