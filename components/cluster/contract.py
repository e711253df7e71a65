"""A Kubernetes control plane with its system pool: private, audited, its secrets encrypted with the cell's key."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.base import Component, Place

if TYPE_CHECKING:
    import pulumi

    from components.key.contract import KeyOutputs
    from components.network.contract import NetworkOutputs
    from components.network.plan import AddressPlan


@dataclass(frozen=True, kw_only=True)
class ClusterInputs:
    """The place, the address plan, the network and the key."""

    place: Place
    plan: AddressPlan
    network: NetworkOutputs
    key: KeyOutputs


@dataclass(frozen=True, kw_only=True)
class ClusterOutputs:
    """What the other components and the stack's outputs take from a cluster.

    `endpoint` is the private API's URL. `ca` is PEM where the cloud gives it without keys, else null: then the lock
    file of the cell has it. `exec_command` and `exec_args` name the credential plugin. `issuer` is the OIDC issuer of
    the cluster's service accounts; `principal` what a federated identity trusts (issuer or provider, by cloud).
    `node_identity` is who the nodes are to other services, as grants name it, empty where they are nobody of their own.
    `gateway_class` is the class of Gateways whose controller the cluster's own inputs bring.
    `logs` is the place of its audit log that had to exist first (a project's name, a workspace's id), empty where the
    cloud has one of its own.
    """

    cluster_id: pulumi.Output[str]
    cluster_name: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    ca: pulumi.Output[str | None]
    exec_command: str
    exec_args: pulumi.Output[list[str]]
    issuer: pulumi.Output[str]
    principal: pulumi.Output[str]
    node_identity: pulumi.Output[str]
    logs: pulumi.Output[str]
    gateway_class: str


class Cluster(Component[ClusterInputs, ClusterOutputs]):
    """A Kubernetes cluster.

    Creation takes 5 to 90 minutes by cloud. Its network settings cannot be changed afterwards. The API has no public
    address on any cloud; credentials are always short-lived and come from a plugin. With `protect`, deletion is refused
    as far as the cloud can: by a flag on Alibaba Cloud, in the provider on GCP, by a lock on Azure. Who implements the
    Gateway API is declared with the cluster; definitions that do not come with it are the platform's to bring.
    """

    kind = "Cluster"

    @abstractmethod
    def build(self, name: str, inputs: ClusterInputs) -> ClusterOutputs:
        """Declare the control plane and the system pool."""
