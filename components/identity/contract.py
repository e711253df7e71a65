"""The identity of inference pods: a Kubernetes service account that the cloud trusts without any key."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.base import Component, Place

if TYPE_CHECKING:
    import pulumi

    from components.bucket.contract import BucketOutputs
    from components.cluster.contract import ClusterOutputs


@dataclass(frozen=True, kw_only=True)
class IdentityInputs:
    """The place, the namespaces whose service account `service_account` is trusted, the cluster, the bucket to read."""

    place: Place
    namespaces: tuple[str, ...]
    service_account: str
    cluster: ClusterOutputs
    bucket: BucketOutputs
    scope: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class IdentityOutputs:
    """The cloud's name of the identity, the name by which grants know it (`principal`), and the annotation that binds a
    service account to it.
    """

    identity_id: pulumi.Output[str]
    principal: pulumi.Output[str]
    annotation: str
    annotation_value: pulumi.Output[str]


class Identity(Component[IdentityInputs, IdentityOutputs]):
    """A workload identity that may read the weights bucket and nothing else. It never has a key."""

    kind = "Identity"

    @abstractmethod
    def build(self, name: str, inputs: IdentityInputs) -> IdentityOutputs:
        """Declare the identity and its grant."""
