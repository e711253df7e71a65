"""Control policy of the Resource Directory on Alibaba Cloud: every region that is known and not the world's is denied.

It names what is denied and not what is allowed: the services that lie in no region write none into the names of their
resources, and a policy that allowed regions only would lock them too. Its account must be the management account of
the directory, with control policies switched on there. Limits: services whose authorisation does not look at the
region are not held by it; a region that our tables do not know yet is not denied; service-linked roles are exempt.
"""

from __future__ import annotations

import json

import pulumi
import pulumi_alicloud as alicloud

from components.clouds.regions import WORLD_OF
from components.guard_rails.contract import GuardRails, GuardRailsInputs, GuardRailsOutputs, none


class AlicloudGuardRails(GuardRails):
    """A control policy and its attachment."""

    def build(self, name: str, inputs: GuardRailsInputs) -> GuardRailsOutputs:
        """Declare the policy, where there is a node to attach it to."""
        if not inputs.attach_to:
            return none()
        place, directory = inputs.place, alicloud.resourcemanager
        denied = sorted(set(WORLD_OF["alicloud"]) - set(inputs.regions))
        statement = {"Effect": "Deny", "Action": "*", "Resource": [f"acs:*:{region}:*:*" for region in denied]}
        policy = directory.ControlPolicy(
            f"{name}-regions",
            control_policy_name=place.name("regions"),
            description=f"Regions of world {place.cell.world.name}",
            effect_scope="RAM",
            policy_document=json.dumps({"Version": "1", "Statement": [statement]}, sort_keys=True),
            tags=place.tags,
            opts=self.child(protect=place.protect or None),
        )
        attached = directory.ControlPolicyAttachment(
            f"{name}-regions",
            policy_id=policy.id,
            target_id=inputs.attach_to,
            opts=self.child(protect=place.protect or None),
        )
        return GuardRailsOutputs(
            attached_to=inputs.attach_to,
            policies=pulumi.Output.all(policy.id, attached.id).apply(lambda found: [str(found[0])]),
        )
