"""Where a cell's bucket answers the cell's pods: ranges of addresses, by cloud and region. Only 443 is meant.

Alibaba Cloud publishes the ranges of OSS' internal endpoints per region
(https://help.aliyun.com/zh/oss/user-guide/regions-and-endpoints, page of 5 February 2026): all buckets of the region
answer there, those of other customers too. A region that the page does not list has the block that all of the cloud's
internal services lie in. Google answers for every API at private.googleapis.com
(https://cloud.google.com/vpc/docs/configure-private-google-access, August 2026), to which the cell's network resolves
the bucket's name. On Azure the bucket has an endpoint in the cell's own network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PORT = 443
# The block of RFC 6598, in which Alibaba Cloud's internal services have their addresses.
ALICLOUD_SERVICES = ("100.64.0.0/10",)
OSS: dict[str, tuple[str, ...]] = {
    "cn-hangzhou": ("100.118.28.0/24", "100.114.102.0/24", "100.98.170.0/24", "100.118.31.0/24"),
    "cn-shanghai": ("100.98.35.0/24", "100.98.110.0/24", "100.98.169.0/24", "100.118.102.0/24"),
    "cn-nanjing": ("100.114.142.0/24",),
    "cn-fuzhou": ("100.115.21.0/24",),
    "cn-qingdao": ("100.115.173.0/24", "100.99.113.0/24", "100.99.114.0/24", "100.99.115.0/24"),
    "cn-beijing": (
        "100.118.58.0/24",
        "100.118.167.0/24",
        "100.118.170.0/24",
        "100.118.171.0/24",
        "100.118.172.0/24",
        "100.118.173.0/24",
    ),
    "cn-zhangjiakou": ("100.118.90.0/24", "100.98.159.0/24", "100.114.0.0/24", "100.114.1.0/24"),
    "cn-huhehaote": ("100.118.195.0/24", "100.99.110.0/24", "100.99.111.0/24", "100.99.112.0/24"),
    "cn-wulanchabu": ("100.114.11.0/24", "100.114.12.0/24", "100.114.100.0/24", "100.118.214.0/24"),
    "cn-shenzhen": ("100.118.78.0/24", "100.118.203.0/24", "100.118.204.0/24", "100.118.217.0/24"),
    "cn-heyuan": ("100.98.83.0/24", "100.118.174.0/24"),
    "cn-guangzhou": ("100.115.33.0/24", "100.114.101.0/24"),
    "cn-chengdu": ("100.115.155.0/24", "100.99.107.0/24", "100.99.108.0/24", "100.99.109.0/24"),
    "cn-hongkong": ("100.115.61.0/24", "100.99.103.0/24", "100.99.104.0/24", "100.99.106.0/24"),
    "ap-northeast-1": ("100.114.211.0/24", "100.114.114.0/25"),
    "ap-northeast-2": ("100.99.119.0/24",),
    "ap-southeast-1": ("100.118.219.0/24", "100.99.213.0/24", "100.99.116.0/24", "100.99.117.0/24"),
    "ap-southeast-3": ("100.118.165.0/24", "100.99.125.0/24", "100.99.130.0/24", "100.99.131.0/24"),
    "ap-southeast-5": ("100.114.98.0/24",),
    "ap-southeast-6": ("100.115.16.0/24",),
    "ap-southeast-7": ("100.98.249.0/24",),
    "eu-central-1": ("100.115.154.0/24",),
    "eu-west-1": ("100.114.114.128/25",),
    "us-west-1": ("100.115.107.0/24",),
    "us-east-1": ("100.115.60.0/24", "100.99.100.0/24", "100.99.101.0/24", "100.99.102.0/24"),
    "me-east-1": ("100.99.235.0/24",),
}
# private.googleapis.com, and the addresses in it.
GOOGLE = "199.36.153.8/30"
GOOGLE_ADDRESSES = ("199.36.153.8", "199.36.153.9", "199.36.153.10", "199.36.153.11")

_RANGES: dict[str, Callable[[str, str], tuple[str, ...]]] = {
    "alicloud": lambda region, _endpoints: OSS.get(region, ALICLOUD_SERVICES),
    "gcp": lambda _region, _endpoints: (GOOGLE,),
    "azure": lambda _region, endpoints: (endpoints,),
}


def ranges(cloud: str, region: str, *, endpoints: str) -> tuple[str, ...]:
    """The ranges in which the bucket of a cell answers; `endpoints` is where its private endpoints lie."""
    return _RANGES[cloud](region, endpoints)
