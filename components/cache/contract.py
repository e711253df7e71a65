"""The cache of a cell: a store that speaks the Redis protocol, private, with TLS and logins, in two zones."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.base import Component, Place

if TYPE_CHECKING:
    import pulumi

    from components.identity.contract import IdentityOutputs
    from components.key.contract import KeyOutputs
    from components.network.contract import NetworkOutputs
    from components.network.plan import AddressPlan


@dataclass(frozen=True, kw_only=True)
class CacheInputs:
    """The place, the address plan (who may connect), the network, the key, the identities of the cell's workloads."""

    place: Place
    plan: AddressPlan
    network: NetworkOutputs
    key: KeyOutputs
    identity: IdentityOutputs


@dataclass(frozen=True, kw_only=True)
class CacheOutputs:
    """What a connection needs beside TLS: `host` (a name or address inside the cell's network) and `port`. `users` is
    the name by which each maison's workload identity logs in, with a token of the cloud for a password; empty where
    nobody can log in until a person has set one.
    """

    cache_id: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[str]
    users: dict[str, pulumi.Output[str]]


class Cache(Component[CacheInputs, CacheOutputs]):
    """A primary and a replica in two zones of one region, one address, the protocol without clustering.

    Ten minutes to an hour to create. It is a cache: nothing is written to disk by us, so its content goes with it, and
    what a full one throws out is up to the service's default. Memory is encrypted on no cloud. What the service writes
    for itself is encrypted with the cell's key on GCP and Azure, with the service's own on Alibaba Cloud, which takes
    another key only after creation and for ever.

    It keeps no maison from another's keys: whoever may log in reads all of them. What must not be shared does not
    belong here.

    No password is in the program, in its state or in an output. With `protect`, deletion is refused: by the cloud on
    GCP, by a lock on Azure, by the engine on Alibaba Cloud. What the three do not share: logins with rights of their
    own, modules, persistence, clustering.
    """

    kind = "Cache"

    @abstractmethod
    def build(self, name: str, inputs: CacheInputs) -> CacheOutputs:
        """Declare the cache."""
