"""Provider of Alibaba Cloud. Without `region` it would use cn-beijing; without `account_type` it asks the billing
API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_alicloud as alicloud

if TYPE_CHECKING:
    from components.base import Place


def declare(name: str, place: Place) -> alicloud.Provider:
    """The provider of a cell on Alibaba Cloud."""
    domestic = place.cell.cell.world == "cn"
    return alicloud.Provider(
        name,
        region=place.region,
        account_type="Domestic" if domestic else "International",
        skip_region_validation=False,
    )
