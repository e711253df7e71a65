"""PAI on Alibaba Cloud: a workspace, and an EAS service in it that runs an image of the cell's registry on a GPU
machine of the platform.

The service has its leg in the cell's network and no endpoint on the internet; it pays as it goes, on public resources.
The workspace takes no key of a customer: it holds settings, and models lie in the cell's bucket and registry.
Deliberately not set: storage of the service, scaling (one model, as many instances as the fleet says), development
mode. Limits: what differs in the service's document is not seen as drift by the provider, so a change by hand stays
hidden; the address inside the network holds the account's number, which only a look-up tells. Model Studio has no
resource: its keys are made by hand, and only its address is told. Open until a real account was asked: whether the
service may pull from the registry of the same account without a password.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_alicloud as alicloud

from components.ai_platform.contract import AiPlatform, AiPlatformInputs, AiPlatformOutputs
from components.clouds import gpu, hosted
from components.container_registry.contract import PLATFORM

if TYPE_CHECKING:
    from components.base import Place
    from components.spec.model import HostedModel

_PORT = 8000


class AlicloudAiPlatform(AiPlatform):
    """A workspace, and a service if a model is named."""

    def build(self, name: str, inputs: AiPlatformInputs) -> AiPlatformOutputs:
        """Declare them."""
        place, empty = inputs.place, pulumi.Output.from_input("")
        workspace = alicloud.pai.WorkspaceWorkspace(
            f"{name}-ai",
            # Letters, digits and underscores, 23 of them at most.
            workspace_name=place.name("ai", limit=23).replace("-", "_"),
            display_name=place.name("ai"),
            description=f"Models of cell {place.cell.cell.name}",
            env_types=["prod"],
            opts=self.child(),
        )
        service = self._service(name, inputs, inputs.model, workspace) if inputs.model is not None else None
        studio = hosted.model_studio(place.cell.world.name, place.cell.world.regions)
        return AiPlatformOutputs(
            platform_id=workspace.id,
            service_id=service.id if service is not None else empty,
            endpoint=empty,
            hosted=pulumi.Output.from_input(studio),
        )

    def _service(
        self, name: str, inputs: AiPlatformInputs, model: HostedModel, workspace: alicloud.pai.WorkspaceWorkspace
    ) -> alicloud.pai.Service:
        """The service; without a rule its security group lets nothing in from outside the group."""
        group = alicloud.ecs.SecurityGroup(
            f"{name}-ai",
            security_group_name=inputs.place.name("ai"),
            vpc_id=inputs.network.service_network,
            security_group_type="enterprise",
            tags=inputs.place.tags,
            opts=self.child(),
        )
        config = pulumi.Output.all(
            workspace.id,
            inputs.network.service_network,
            inputs.network.node_subnets[0],
            group.id,
            inputs.images.address,
        ).apply(lambda found: json.dumps(_document(inputs.place, model, *map(str, found)), sort_keys=True))
        return alicloud.pai.Service(
            f"{name}-ai",
            workspace_id=workspace.id,
            service_config=config,
            tags=inputs.place.tags,
            opts=self.child(),
        )


def _document(
    place: Place, model: HostedModel, workspace: str, vpc: str, vswitch: str, group: str, registry: str
) -> dict[str, Any]:
    """The service as the platform's own document describes it."""
    machine = gpu.machine("alicloud", place.region, model.gpu_class, 1)
    return {
        "metadata": {
            "name": place.name("ai").replace("-", "_"),
            "instance": model.capacity,
            "workspace_id": workspace,
        },
        "cloud": {
            # The check of the fleet has refused a class without a machine before.
            "computing": {"instances": [{"type": machine.instance_type if machine is not None else ""}]},
            "networking": {"vpc_id": vpc, "vswitch_id": vswitch, "security_group_id": group},
        },
        "networking": {"disable_internet_endpoint": True},
        "containers": [{"image": f"{registry}/{PLATFORM}/{model.name}:{model.version}", "port": _PORT}],
    }
