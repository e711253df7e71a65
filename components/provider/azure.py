"""Provider of Azure. `location` is set so that the plugin never has to look it up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_azure_native as azure

if TYPE_CHECKING:
    from components.base import Place


def subscription(place: Place) -> str | None:
    """The subscription of a cell: the fleet's word, else the environment's (ARM_SUBSCRIPTION_ID)."""
    overrides = place.cell.cell.overrides
    return (overrides.azure.subscription if overrides and overrides.azure else "") or None


def declare(name: str, place: Place) -> azure.Provider:
    """The provider of a cell on Azure."""
    return azure.Provider(name, location=place.region, subscription_id=subscription(place))
