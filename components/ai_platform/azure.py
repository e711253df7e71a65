"""Azure AI services on Azure: an account that is reached by a private endpoint and by Entra identities only, and a
deployment in it whose SKU computes in the account's own region.

`Standard` is regional; what begins with `Global` computes anywhere and with `DataZone` in a whole continent, so neither
is ever declared and the rules refuse both. The service takes RSA keys of 2048 bits and no longer ones: it has a key of
its own in the cell's vault, named by version: a rotated one is taken up when the program runs again after a refresh,
and until then the old one works on. Three private zones, because the account answers under three names.
Deliberately not set: projects, storage of one's own,
content filters beyond the default, provisioned throughput (bought by the hour whether used or not), upgrades of the
model by themselves. Limits: a deleted account keeps its name for 48 hours; which models a region has as `Standard` is
not among our facts, and Azure refuses the rest on creation. Open until a real account was asked: the vault is closed to
the public, and the service must get through as a trusted one, with an assigned identity.
"""

from __future__ import annotations

import pulumi
import pulumi_azure_native as azure

from components.ai_platform.contract import AiPlatform, AiPlatformInputs, AiPlatformOutputs
from components.clouds.accounts import key_parts
from components.clouds.hosted import REGIONAL_SKUS
from components.network.azure_private import private_endpoint

# Beside the zone of the account's first name.
_OTHER_ZONES = {
    "openai": "privatelink.openai.azure.com",
    "services": "privatelink.services.ai.azure.com",
}


class AzureAiPlatform(AiPlatform):
    """An account, and a deployment if a model is named."""

    def build(self, name: str, inputs: AiPlatformInputs) -> AiPlatformOutputs:
        """Declare them."""
        account = self._account(name, inputs)
        reached = private_endpoint(
            self,
            f"{name}-ai",
            place=inputs.place,
            network=inputs.network,
            target=account.id,
            group="account",
            more_zones=_OTHER_ZONES,
        )
        deployment = self._deployment(name, inputs, account)
        # The name leads to a private address only once the endpoint has written it into the zones.
        endpoint = pulumi.Output.all(account.properties.apply(lambda found: str(found.endpoint)), reached.id).apply(
            lambda found: str(found[0])
        )
        return AiPlatformOutputs(
            platform_id=account.id,
            service_id=deployment.id if deployment is not None else pulumi.Output.from_input(""),
            endpoint=endpoint,
            # What Azure hosts is served by the account itself.
            hosted=endpoint,
        )

    def _account(self, name: str, inputs: AiPlatformInputs) -> azure.cognitiveservices.Account:
        place, service = inputs.place, azure.cognitiveservices
        uri = self._key(name, inputs).key_uri_with_version
        physical = place.global_name("ai")
        return service.Account(
            f"{name}-ai",
            account_name=physical,
            resource_group_name=inputs.network.scope,
            location=place.region,
            kind="AIServices",
            sku=service.SkuArgs(name="S0"),
            identity=service.IdentityArgs(
                type=service.ResourceIdentityType.USER_ASSIGNED, user_assigned_identities=[inputs.key.user]
            ),
            properties=service.AccountPropertiesArgs(
                # Without a name of its own an account takes neither Entra identities nor private endpoints.
                custom_sub_domain_name=physical,
                disable_local_auth=True,
                public_network_access="Disabled",
                network_acls=service.NetworkRuleSetArgs(default_action="Deny", bypass="None"),
                restrict_outbound_network_access=True,
                allowed_fqdn_list=[],
                allow_project_management=False,
                dynamic_throttling_enabled=False,
                encryption=service.EncryptionArgs(
                    key_source="Microsoft.KeyVault",
                    key_vault_properties=service.KeyVaultPropertiesArgs(
                        identity_client_id=inputs.key.user_client,
                        key_vault_uri=uri.apply(lambda found: key_parts(found)[0]),
                        key_name=uri.apply(lambda found: key_parts(found)[1]),
                        key_version=uri.apply(lambda found: found.rsplit("/", 1)[-1]),
                    ),
                ),
            ),
            tags=place.tags,
            opts=self.child(),
        )

    def _key(self, name: str, inputs: AiPlatformInputs) -> azure.keyvault.Key:
        """A key in the form that the service takes, in the cell's vault and under the same grant."""
        vault = azure.keyvault
        return vault.Key(
            f"{name}-ai-key",
            key_name=inputs.place.name("ai-key"),
            vault_name=inputs.key.vault_id.apply(lambda id_: id_.rsplit("/", 1)[-1]),
            resource_group_name=inputs.network.scope,
            properties=vault.KeyPropertiesArgs(
                kty="RSA",
                key_size=2048,
                key_ops=["wrapKey", "unwrapKey"],
                attributes=vault.KeyAttributesArgs(enabled=True, exportable=False),
                rotation_policy=vault.RotationPolicyArgs(
                    attributes=vault.KeyRotationPolicyAttributesArgs(expiry_time="P2Y"),
                    lifetime_actions=[
                        vault.LifetimeActionArgs(
                            action=vault.ActionArgs(type=vault.KeyRotationPolicyActionType.ROTATE),
                            trigger=vault.TriggerArgs(time_after_create="P1Y"),
                        )
                    ],
                ),
            ),
            tags=inputs.place.tags,
            opts=self.child(),
        )

    def _deployment(
        self, name: str, inputs: AiPlatformInputs, account: azure.cognitiveservices.Account
    ) -> azure.cognitiveservices.Deployment | None:
        model, service = inputs.model, azure.cognitiveservices
        if model is None:
            return None
        return service.Deployment(
            f"{name}-ai",
            deployment_name=model.name,
            account_name=account.name,
            resource_group_name=inputs.network.scope,
            sku=service.SkuArgs(name=REGIONAL_SKUS[0], capacity=model.capacity),
            properties=service.DeploymentPropertiesArgs(
                model=service.DeploymentModelArgs(format=model.publisher, name=model.name, version=model.version),
                version_upgrade_option="NoAutoUpgrade",
            ),
            tags=inputs.place.tags,
            opts=self.child(),
        )
