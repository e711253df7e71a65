"""Facts about the clouds' own alerting: where the object that tells people may lie.

Source: Microsoft's pages on action groups, August 2026. A group is global (stored in several regions, worked off in
any) or of one of a few regions; unverified here is that there are no more of these by now. Elsewhere such objects are
settings of the account, in no region that could be chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# By cloud, the regions that have objects of their own. A cloud that is not here asks for no region.
HOMES: dict[str, tuple[str, ...]] = {
    "azure": ("germanywestcentral", "northcentralus", "southcentralus", "swedencentral"),
}


def home(cloud: str, region: str, regions: Iterable[str]) -> str:
    """The region that tells for a cell: its own where that can, else the first of the world's that can, else empty."""
    able = HOMES.get(cloud)
    if able is None or region in able:
        return region
    return next((one for one in sorted(regions) if one in able), "")
