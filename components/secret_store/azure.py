"""Secrets on Azure lie in the cell's vault (`components.key`): this gives it an address in the cell's network and the
cell's workloads the right to read.

No secret is declared: here one does not exist without a value, and the engine would keep that in its state. The right
is for the whole vault, since what a person will make is not there to be granted yet; the role reads secrets and no key.
Deliberately not set: a vault of its own (the key's is closed and kept already).
"""

from __future__ import annotations

import pulumi
import pulumi_azure_native as azure

from components.clouds.accounts import key_parts, role_definition
from components.network.azure_private import private_endpoint
from components.secret_store.contract import SecretStore, SecretStoreInputs, SecretStoreOutputs


class AzureSecretStore(SecretStore):
    """The vault's endpoint and a grant."""

    def build(self, name: str, inputs: SecretStoreInputs) -> SecretStoreOutputs:
        """Declare the endpoint and who may read."""
        place, vault = inputs.place, inputs.key.vault_id
        reached = private_endpoint(
            self, f"{name}-secrets", place=place, network=inputs.network, target=vault, group="vault"
        )
        azure.authorization.RoleAssignment(
            f"{name}-secrets",
            role_assignment_name=place.uuid("secrets"),
            scope=vault,
            principal_id=inputs.identity.principal,
            principal_type="ServicePrincipal",
            role_definition_id=vault.apply(lambda id_: role_definition(id_, "Key Vault Secrets User")),
            opts=self.child(),
        )
        address = pulumi.Output.all(inputs.key.key_id, reached.id).apply(lambda found: key_parts(str(found[0]))[0])
        return SecretStoreOutputs(
            endpoint=address,
            references={
                maison: pulumi.Output.concat(address, "/secrets/", place.name(maison, limit=127))
                for maison in inputs.maisons
            },
        )
