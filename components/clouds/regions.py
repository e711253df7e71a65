"""Regions and zones: which jurisdiction a region belongs to, which zones a cell may use.

A region that is not in these tables is unknown, and unknown is refused. `cn-hongkong` is not mainland China. Sources:
the clouds' region lists as of August 2026; the mainland list is an explicit allow-list.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from components.errors import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAINLAND = (
    "cn-hangzhou",
    "cn-shanghai",
    "cn-beijing",
    "cn-shenzhen",
    "cn-qingdao",
    "cn-zhangjiakou",
    "cn-huhehaote",
    "cn-wulanchabu",
    "cn-chengdu",
    "cn-guangzhou",
    "cn-heyuan",
    "cn-nanjing",
    "cn-fuzhou",
    "cn-zhongwei",
)
_ALICLOUD_ABROAD = (
    "cn-hongkong",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-3",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "eu-central-1",
    "eu-west-1",
    "me-central-1",
    "me-east-1",
    "us-east-1",
    "us-west-1",
)
_GCP = (
    "asia-east1",
    "asia-east2",
    "asia-northeast1",
    "asia-northeast2",
    "asia-northeast3",
    "asia-south1",
    "asia-southeast1",
    "asia-southeast2",
    "australia-southeast1",
    "europe-central2",
    "europe-north1",
    "europe-southwest1",
    "europe-west1",
    "europe-west2",
    "europe-west3",
    "europe-west4",
    "europe-west6",
    "europe-west8",
    "europe-west9",
    "me-central1",
    "me-west1",
    "northamerica-northeast1",
    "southamerica-east1",
    "us-central1",
    "us-east1",
    "us-east4",
    "us-east5",
    "us-south1",
    "us-west1",
    "us-west2",
    "us-west3",
    "us-west4",
)
_AZURE = (
    "australiaeast",
    "brazilsouth",
    "canadacentral",
    "centralindia",
    "centralus",
    "eastasia",
    "eastus",
    "eastus2",
    "francecentral",
    "germanywestcentral",
    "italynorth",
    "japaneast",
    "koreacentral",
    "northcentralus",
    "northeurope",
    "norwayeast",
    "polandcentral",
    "qatarcentral",
    "southafricanorth",
    "southcentralus",
    "southeastasia",
    "spaincentral",
    "swedencentral",
    "switzerlandnorth",
    "uaenorth",
    "uksouth",
    "westeurope",
    "westus2",
    "westus3",
)
# Azure in China is a separate cloud of another operator; it is out of scope and thus unknown.
WORLD_OF: dict[str, dict[str, str]] = {
    "alicloud": {**dict.fromkeys(MAINLAND, "cn"), **dict.fromkeys(_ALICLOUD_ABROAD, "row")},
    "gcp": dict.fromkeys(_GCP, "row"),
    "azure": dict.fromkeys(_AZURE, "row"),
}

# Zones of the regions where cells may stand. A region without zones here needs `zones:` in its cell.
_ALICLOUD_ZONES: dict[str, str] = {
    "cn-shanghai": "lmnbefgk",
    "cn-beijing": "lkjihgf",
    "cn-hangzhou": "jkihg",
    "cn-shenzhen": "fedc",
    "cn-wulanchabu": "cba",
    "cn-chengdu": "ba",
    "cn-guangzhou": "ba",
    "cn-zhangjiakou": "cba",
}
_GCP_ZONES: dict[str, str] = {
    "europe-west1": "bcd",
    "us-east1": "bcd",
    "us-central1": "abcf",
}
# Source: Microsoft Learn, "Azure regions list" (reliability/regions-list), August 2026: three zones in each of these.
_AZURE_ZONED = frozenset(_AZURE) - {"northcentralus"}
_AZURE_ZONES = ("1", "2", "3")


def of_cell(cloud: str, region: str, named: tuple[str, ...]) -> tuple[str, ...]:
    """The zones of a cell: those that it names, else the first two of its region. Raises NotSupportedError when none
    are known.
    """
    return named or zones(cloud, region)[:2]


def written(zones: Iterable[str]) -> str:
    """A list of zones as a fleet file takes it: a number is text only in quotes."""
    return f"[{', '.join(json.dumps(zone) if zone.isdigit() else zone for zone in zones)}]"


def world_of(cloud: str, region: str) -> str | None:
    """The world of a region, or None when the tables do not know it: unknown is never allowed."""
    return WORLD_OF.get(cloud, {}).get(region)


def zoneless(cloud: str, region: str) -> bool:
    """Whether a region that the tables know is known to have no zones."""
    return cloud == "azure" and region in WORLD_OF["azure"] and region not in _AZURE_ZONED


def zones(cloud: str, region: str) -> tuple[str, ...]:
    """The zones of a region in order of preference. Raises NotSupportedError when none are known."""
    if cloud == "alicloud" and region in _ALICLOUD_ZONES:
        return tuple(f"{region}-{letter}" for letter in _ALICLOUD_ZONES[region])
    if cloud == "gcp" and region in WORLD_OF["gcp"]:
        return tuple(f"{region}-{letter}" for letter in _GCP_ZONES.get(region, "abc"))
    if cloud == "azure" and region in _AZURE_ZONED:
        return _AZURE_ZONES
    if zoneless(cloud, region):
        message = f"{cloud} {region} has no zones, and what must outlive one stands in two: take another region"
        raise NotSupportedError(message)
    message = f"the zones of {cloud} {region} are not known here: name them in the cell, zones: [...]"
    raise NotSupportedError(message)
