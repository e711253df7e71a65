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
    """The place, what the bucket is for (a word of its name), the parts that it has (one per tenant), the key, the
    network and its scope.
    """

    place: Place
    purpose: str
    parts: tuple[str, ...]
    key: KeyOutputs
    scope: pulumi.Input[str]
    network: NetworkOutputs


@dataclass(frozen=True, kw_only=True)
class BucketOutputs:
    """The bucket's name, its URL in the engines' scheme, the id that grants refer to; and for each part the id that a
    grant on it alone refers to, and its URL.
    """

    bucket_name: pulumi.Output[str]
    url: pulumi.Output[str]
    bucket_id: pulumi.Output[str]
    part_ids: dict[str, pulumi.Output[str]]
    part_urls: dict[str, pulumi.Output[str]]


class Bucket(Component[BucketInputs, BucketOutputs]):
    """An object store in one region, with no replication, no acceleration and no public access. A part is a prefix, or
    a container where the cloud grants by container; what lies in none of them is the cell's own.

    With `protect` a bucket that holds objects cannot be destroyed.
    """

    kind = "Bucket"

    @abstractmethod
    def build(self, name: str, inputs: BucketInputs) -> BucketOutputs:
        """Declare the bucket."""
