"""What a neutral size of a database or a cache is on each cloud, and how much it can hold.

Sources: Alibaba Cloud's list of RDS PostgreSQL instance types (series with a standby, general-purpose; help.aliyun.com,
document 276990), the form of Cloud SQL's custom tiers (`db-custom-CPUS-MEMORY`, memory in steps of 256 MiB and 0.9 to
6.5 GiB per CPU), Azure's general-purpose sizes of the flexible server. Caches: Alibaba Cloud's list of
memory-optimised Tair types (document 443844), the node types of Memorystore for Valkey with what of each can be written
(5.2, 10.4 and 46.4 GiB), the names of Azure Managed Redis, whose number is about its memory in GiB, a fifth of it the
service's own. All as of August 2026. Which region offers which is not among our facts.
"""

from __future__ import annotations

# So many CPUs, 4 GiB of memory for each.
DATABASES: dict[str, dict[str, str]] = {
    "alicloud": {"db-2": "pg.n4.2c.2m", "db-4": "pg.n4.4c.2m", "db-8": "pg.n4.8c.2m"},
    "gcp": {"db-2": "db-custom-2-8192", "db-4": "db-custom-4-16384", "db-8": "db-custom-8-32768"},
    "azure": {"db-2": "Standard_D2ds_v5", "db-4": "Standard_D4ds_v5", "db-8": "Standard_D8ds_v5"},
}
# At least so many GiB that can be written.
CACHES: dict[str, dict[str, str]] = {
    "alicloud": {"cache-4": "tair.rdb.4g", "cache-8": "tair.rdb.8g", "cache-32": "tair.rdb.32g"},
    "gcp": {"cache-4": "STANDARD_SMALL", "cache-8": "HIGHMEM_MEDIUM", "cache-32": "HIGHMEM_XLARGE"},
    "azure": {"cache-4": "Balanced_B5", "cache-8": "Balanced_B10", "cache-32": "Balanced_B50"},
}
# Disks of RDS come in steps of so many GiB; those of the others are what is asked for.
_STEP = {"alicloud": 5}


def database_class(cloud: str, size: str) -> str:
    """The cloud's name of a neutral size."""
    return DATABASES[cloud][size]


def cache_class(cloud: str, size: str) -> str:
    """The cloud's name of a neutral size of a cache."""
    return CACHES[cloud][size]


def database_disk(cloud: str, size_gib: int) -> int:
    """The smallest disk of a cloud that holds so many GiB."""
    step = _STEP.get(cloud, 1)
    return -(-size_gib // step) * step
