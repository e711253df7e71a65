"""The customer-managed key of a cell, in the cell's own region: etcd secrets, disks and buckets are encrypted with
it.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.base import Component, Place

if TYPE_CHECKING:
    import pulumi


@dataclass(frozen=True, kw_only=True)
class KeyInputs:
    """The place; `scope` of the network."""

    place: Place
    scope: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class KeyOutputs:
    """`key_id` is how the cloud's other services name the key; `vault_id` its container, empty where there is none.

    `user` is the cloud identity that may use the key for the cluster and the bucket, empty where the services act in
    their own name; `user_client` is the same one by the name that some services ask for instead,
    and `tenant` the directory that knows it. `signer` is the other key, which signs and never leaves either: as the
    cloud's own command line names it, empty where the cell has none.
    """

    key_id: pulumi.Output[str]
    vault_id: pulumi.Output[str]
    user: pulumi.Output[str]
    user_client: pulumi.Output[str]
    tenant: pulumi.Output[str]
    signer: pulumi.Output[str]


class Key(Component[KeyInputs, KeyOutputs]):
    """A key with yearly rotation, and one that signs and is not rotated: what it signed is to be verified for years
    with the public key that was published once. Deleting one is scheduled, never immediate, and on GCP its name is
    taken for ever.
    """

    kind = "Key"

    @abstractmethod
    def build(self, name: str, inputs: KeyInputs) -> KeyOutputs:
        """Declare the key."""
