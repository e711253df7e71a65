"""The identities of inference pods: one per maison, for a Kubernetes service account that the cloud trusts without any
key.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.base import Component, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from components.bucket.contract import BucketOutputs
    from components.cluster.contract import ClusterOutputs
    from components.key.contract import KeyOutputs


@dataclass(frozen=True, kw_only=True)
class IdentityInputs:
    """The place, the maisons and the namespace of each, the service account that is trusted there, the cluster, and the
    bucket whose part of the same name each may read. `datasets` are the further parts that a maison may read: by
    maison, the part of the bucket by the dataset's name.
    `key` encrypts what lies in the bucket.
    """

    place: Place
    namespaces: Mapping[str, str]
    service_account: str
    cluster: ClusterOutputs
    bucket: BucketOutputs
    datasets: Mapping[str, Mapping[str, str]]
    key: KeyOutputs
    scope: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class IdentityOutputs:
    """By maison: the cloud's name of its identity, the name by which grants know it (`principals`), and the value of
    the annotation that binds a service account to it.
    """

    identities: dict[str, pulumi.Output[str]]
    principals: dict[str, pulumi.Output[str]]
    annotation: str
    annotation_values: dict[str, pulumi.Output[str]]


class Identity(Component[IdentityInputs, IdentityOutputs]):
    """One workload identity per maison. It may read that maison's part of the weights bucket and those of the datasets
    that name it, is trusted for one service account of that maison's namespace, and never has a key.
    """

    kind = "Identity"

    @abstractmethod
    def build(self, name: str, inputs: IdentityInputs) -> IdentityOutputs:
        """Declare the identities and what each may read."""
