"""Vertex AI on GCP: an endpoint in the cell's region, reached by Private Service Connect from the cell's project alone,
encrypted with the cell's key.

A model is put onto it by the service's API: the provider has no resource for that but one that takes models from a
public catalogue onto an endpoint of its own. So the fleet's check refuses a model here. What reaches the endpoint
(a forwarding rule) can be made only once a model is there, because the address to forward to is told then. Deliberately
not set: a shared public name (`dedicated_endpoint_enabled` excludes the private connection), request logging (prompts
would be copied to BigQuery), peering. The endpoint's name is a number; ours is made from the cell's name.
"""

from __future__ import annotations

import uuid

import pulumi
import pulumi_gcp as gcp

from components.ai_platform.contract import AiPlatform, AiPlatformInputs, AiPlatformOutputs
from components.clouds import hosted

# Ten digits at most, and no leading zero.
_FIRST, _NUMBERS = 10**9, 9 * 10**9


class GcpAiPlatform(AiPlatform):
    """An endpoint without a model."""

    def build(self, name: str, inputs: AiPlatformInputs) -> AiPlatformOutputs:
        """Declare the endpoint."""
        place, vertex, empty = inputs.place, gcp.vertex, pulumi.Output.from_input("")
        endpoint = vertex.AiEndpoint(
            f"{name}-ai",
            name=str(_FIRST + uuid.UUID(place.uuid("ai")).int % _NUMBERS),
            display_name=place.name("ai"),
            description=f"Models of cell {place.cell.cell.name}",
            project=inputs.network.scope,
            location=place.region,
            region=place.region,
            encryption_spec=vertex.AiEndpointEncryptionSpecArgs(kms_key_name=self._usable_key(name, inputs)),
            private_service_connect_config=vertex.AiEndpointPrivateServiceConnectConfigArgs(
                enable_private_service_connect=True, project_allowlists=[inputs.network.scope]
            ),
            deletion_policy="DELETE",
            labels=place.tags,
            opts=self.child(),
        )
        return AiPlatformOutputs(
            platform_id=endpoint.id,
            service_id=empty,
            endpoint=empty,
            hosted=pulumi.Output.from_input(hosted.vertex(place.region)),
        )

    def _usable_key(self, name: str, inputs: AiPlatformInputs) -> pulumi.Output[str]:
        """The key, once Vertex AI's own account may use it."""
        agent = gcp.projects.ServiceIdentity(
            f"{name}-ai-agent", project=inputs.network.scope, service="aiplatform.googleapis.com", opts=self.child()
        )
        grant = gcp.kms.CryptoKeyIAMMember(
            f"{name}-key-ai",
            crypto_key_id=inputs.key.key_id,
            role="roles/cloudkms.cryptoKeyEncrypterDecrypter",
            member=agent.email.apply(lambda email: f"serviceAccount:{email}"),
            opts=self.child(),
        )
        return pulumi.Output.all(inputs.key.key_id, grant.id).apply(lambda found: str(found[0]))
