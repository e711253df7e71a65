"""Policy assignments on Azure: the two built-in definitions on allowed locations, of resources and of resource groups,
on a management group.

Deliberately not set: exceptions (`not_scopes`, `overrides`), an identity (these policies deny and remediate nothing).
Limits: a resource in `global`, which lies in no region, is let through by the definition itself.
"""

from __future__ import annotations

import pulumi
import pulumi_azure_native as azure

from components.guard_rails.contract import GuardRails, GuardRailsInputs, GuardRailsOutputs, none

# Built-in definitions by their fixed ids.
_DEFINITIONS = {
    "regions": "e56962a6-4747-49cd-b67b-bf8b01975c4c",
    "groups": "e765b5de-1225-4ba3-bd56-1ac6695af988",
}
# The longest name of an assignment on a management group.
_NAME = 24


class AzureGuardRails(GuardRails):
    """Two assignments."""

    def build(self, name: str, inputs: GuardRailsInputs) -> GuardRailsOutputs:
        """Declare the assignments, where there is a management group to attach them to."""
        if not inputs.attach_to:
            return none()
        place, policies = inputs.place, azure.authorization
        made = [
            policies.PolicyAssignment(
                f"{name}-{purpose}",
                policy_assignment_name=place.name(purpose, limit=_NAME),
                scope=f"/providers/Microsoft.Management/managementGroups/{inputs.attach_to}",
                policy_definition_id=f"/providers/Microsoft.Authorization/policyDefinitions/{definition}",
                display_name=f"Regions of world {place.cell.world.name}",
                enforcement_mode="Default",
                parameters={"listOfAllowedLocations": policies.ParameterValuesValueArgs(value=list(inputs.regions))},
                opts=self.child(protect=place.protect or None),
            )
            for purpose, definition in _DEFINITIONS.items()
        ]
        return GuardRailsOutputs(
            attached_to=inputs.attach_to, policies=pulumi.Output.all(*[assignment.id for assignment in made])
        )
