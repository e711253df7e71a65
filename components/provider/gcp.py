"""Provider of GCP. `default_labels` stays empty: labels are set by us, the same on all clouds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_gcp as gcp

from components.clouds.accounts import gcp_project

if TYPE_CHECKING:
    from components.base import Place


def project(place: Place) -> str:
    """The project of a cell: the fleet's word, else a name made from the fleet's and the world's."""
    overrides = place.cell.cell.overrides
    declared = overrides.gcp.project if overrides and overrides.gcp else ""
    return gcp_project(declared, fleet=place.fleet, world=place.cell.cell.world)


def declare(name: str, place: Place) -> gcp.Provider:
    """The provider of a cell on GCP."""
    return gcp.Provider(name, project=project(place), region=place.region)
