"""Secrets on Azure lie in the cell's vault (`components.key`): this gives it an address in the cell's network and each
maison the right to read its own secret.

No secret is declared: here one does not exist without a value, and the engine would keep that in its state. So the
right is for a name, before anything has it; that the service takes such a scope is not verified. The role reads secrets
and no key. Deliberately not set: a vault of its own (the key's is closed and kept already).
"""

from __future__ import annotations

import pulumi
import pulumi_azure_native as azure

from components.clouds.accounts import key_parts, role_definition
from components.network.azure_private import private_endpoint
from components.secret_store.contract import SecretStore, SecretStoreInputs, SecretStoreOutputs


class AzureSecretStore(SecretStore):
    """The vault's endpoint and the grants."""

    def build(self, name: str, inputs: SecretStoreInputs) -> SecretStoreOutputs:
        """Declare the endpoint and who may read."""
        place, vault = inputs.place, inputs.key.vault_id
        reached = private_endpoint(
            self, f"{name}-secrets", place=place, network=inputs.network, target=vault, group="vault"
        )
        named = {maison: place.name(maison, limit=127) for maison in inputs.maisons}
        for maison, secret in named.items():
            azure.authorization.RoleAssignment(
                f"{name}-secrets-{maison}",
                role_assignment_name=place.uuid(f"secrets-{maison}"),
                scope=pulumi.Output.concat(vault, "/secrets/", secret),
                principal_id=inputs.identity.principals[maison],
                principal_type="ServicePrincipal",
                role_definition_id=vault.apply(lambda id_: role_definition(id_, "Key Vault Secrets User")),
                opts=self.child(),
            )
        address = pulumi.Output.all(inputs.key.key_id, reached.id).apply(lambda found: key_parts(str(found[0]))[0])
        return SecretStoreOutputs(
            endpoint=address,
            references={maison: pulumi.Output.concat(address, "/secrets/", secret) for maison, secret in named.items()},
        )
