"""The cell's hook into its cloud's own AI platform: a private place for models in the cell's region, and one model
in it if the fleet names one.

What a cell serves by itself runs on its own GPUs and does not pass here.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.base import Component, Place

if TYPE_CHECKING:
    import pulumi

    from components.container_registry.contract import ContainerRegistryOutputs
    from components.key.contract import KeyOutputs
    from components.network.contract import NetworkOutputs
    from components.spec.model import HostedModel


@dataclass(frozen=True, kw_only=True)
class AiPlatformInputs:
    """The place, the network, the key, and the registry that an image of ours would come from."""

    place: Place
    network: NetworkOutputs
    key: KeyOutputs
    images: ContainerRegistryOutputs

    @property
    def model(self) -> HostedModel | None:
        """The model that the fleet names for this cell."""
        return self.place.cell.template.ai_platform.model


@dataclass(frozen=True, kw_only=True)
class AiPlatformOutputs:
    """`platform_id` is the place for models; `service_id` the served model, empty without one.

    `endpoint` is where the place answers inside the cell's network, empty where the cloud tells it to a look-up only.
    `hosted` is the base address of the models that the cloud itself hosts, computing inside the world; empty where
    there is none. No key is among them: callers are known by their identity, on Alibaba Cloud by a key that is made by
    hand. Who may call is granted outside of the program.
    """

    platform_id: pulumi.Output[str]
    service_id: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    hosted: pulumi.Output[str]


class AiPlatform(Component[AiPlatformInputs, AiPlatformOutputs]):
    """A place for models in one region: no public access, nothing computed elsewhere, the cell's key where the platform
    takes one.

    It costs nothing while no model is named; a served model costs by the hour or by the token. Nothing that is worth
    protecting lies in it, so it can always be destroyed.
    """

    kind = "AiPlatform"

    @abstractmethod
    def build(self, name: str, inputs: AiPlatformInputs) -> AiPlatformOutputs:
        """Declare the place, and the model if there is one."""
