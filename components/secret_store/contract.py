"""Where the secrets of a cell's workloads live. The program makes the place and the right to read, never a value."""

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


@dataclass(frozen=True, kw_only=True)
class SecretStoreInputs:
    """The place, the network, the key, the identities of the maisons, and the `maisons` that have secrets."""

    place: Place
    network: NetworkOutputs
    key: KeyOutputs
    identity: IdentityOutputs
    maisons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SecretStoreOutputs:
    """`endpoint` is where the store answers inside the cell's network. `references` is how it names the secret of each
    maison: on GCP a secret that is there and has no value yet, elsewhere the name that a person gives to the secret on
    making it.
    """

    endpoint: pulumi.Output[str]
    references: dict[str, pulumi.Output[str]]


class SecretStore(Component[SecretStoreInputs, SecretStoreOutputs]):
    """One secret per maison, in the cell's region, that this maison's workload identity may read and no other's.

    People put values in, past the program: none is in the program, in its state or in an output. With `protect`, the
    secrets of GCP cannot be deleted; elsewhere there is none that the program could delete.
    """

    kind = "SecretStore"

    @abstractmethod
    def build(self, name: str, inputs: SecretStoreInputs) -> SecretStoreOutputs:
        """Declare the store."""
