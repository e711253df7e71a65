"""Organisation policy on GCP: the constraint on resource locations, with the world's regions and their zones.

Deliberately not set: multi-regions (`EU` is several), a dry run, inheritance (a node above could only widen it).
Limits: services that have no location, and those that do not know the constraint, are not held by it.
"""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from components.guard_rails.contract import GuardRails, GuardRailsInputs, GuardRailsOutputs, none

_CONSTRAINT = "gcp.resourceLocations"


class GcpGuardRails(GuardRails):
    """A policy of the organisation or of a folder."""

    def build(self, name: str, inputs: GuardRailsInputs) -> GuardRailsOutputs:
        """Declare the policy, where there is a node to attach it to."""
        if not inputs.attach_to:
            return none()
        policies = gcp.orgpolicy
        policy = policies.Policy(
            f"{name}-regions",
            name=f"{inputs.attach_to}/policies/{_CONSTRAINT}",
            parent=inputs.attach_to,
            spec=policies.PolicySpecArgs(
                inherit_from_parent=False,
                reset=False,
                rules=[
                    policies.PolicySpecRuleArgs(
                        values=policies.PolicySpecRuleValuesArgs(
                            allowed_values=[f"in:{region}-locations" for region in inputs.regions]
                        )
                    )
                ],
            ),
            deletion_policy="PREVENT" if inputs.place.protect else "DELETE",
            opts=self.child(),
        )
        return GuardRailsOutputs(attached_to=inputs.attach_to, policies=pulumi.Output.all(policy.id))
