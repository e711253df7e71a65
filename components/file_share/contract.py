"""The shared file store of a cell: weights that many nodes read at once, over NFS inside the cell's network."""

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
class FileShareInputs:
    """The place, the address plan (who may mount), the network and the key."""

    place: Place
    plan: AddressPlan
    network: NetworkOutputs
    key: KeyOutputs


@dataclass(frozen=True, kw_only=True)
class FileShareOutputs:
    """What a mount needs: `server` (a private name or address), `path` and `version` of the protocol (`3`, `4.1`)."""

    share_id: pulumi.Output[str]
    server: pulumi.Output[str]
    path: pulumi.Output[str]
    version: str


class FileShare(Component[FileShareInputs, FileShareOutputs]):
    """One NFS share in the cell's region, of `file_share.size_gib`, encrypted at rest with the cell's key.

    Minutes to create; it can grow, and not every cloud lets it shrink. Only the ranges of nodes and pods may mount it,
    and nobody as root: NFS knows machines, not people, so what keeps tenants apart is the numeric user of their pods,
    and somebody must hand directories to those users once. Traffic inside the network is not encrypted by the protocol
    on any cloud. With `protect`, deletion is refused: by the cloud on GCP, by a lock on Azure, by the engine on Alibaba
    Cloud, which has no such flag.
    """

    kind = "FileShare"

    @abstractmethod
    def build(self, name: str, inputs: FileShareInputs) -> FileShareOutputs:
        """Declare the share."""
