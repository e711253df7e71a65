"""What an implementation gives: one function that declares the cloud's provider for a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pulumi

    from components.base import Place


class DeclareProvider(Protocol):
    """Declare the provider. Credentials come from the environment of the run, never from the program."""

    def __call__(self, name: str, place: Place) -> pulumi.ProviderResource:
        """The provider, with the cell's region set and nothing left to a default."""
        ...
