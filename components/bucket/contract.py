"""The object store for weights: private, encrypted with the cell's key, versioned, in the cell's own region."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.base import Component, Place

if TYPE_CHECKING:
    import pulumi

    from components.key.contract import KeyOutputs
    from components.network.contract import NetworkOutputs


@dataclass(frozen=True, kw_only=True)
class BucketInputs:
    """The place, what the bucket is for (a word of its name), the key, the network and its scope."""

    place: Place
    purpose: str
    key: KeyOutputs
    scope: pulumi.Input[str]
    network: NetworkOutputs


@dataclass(frozen=True, kw_only=True)
class BucketOutputs:
    """The bucket's name, its URL in the engines' scheme, and the id that grants refer to."""

    bucket_name: pulumi.Output[str]
    url: pulumi.Output[str]
    bucket_id: pulumi.Output[str]


class Bucket(Component[BucketInputs, BucketOutputs]):
    """An object store in one region, with no replication, no acceleration and no public access.

    With `protect` a bucket that holds objects cannot be destroyed.
    """

    kind = "Bucket"

    @abstractmethod
    def build(self, name: str, inputs: BucketInputs) -> BucketOutputs:
        """Declare the bucket."""
