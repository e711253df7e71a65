"""Invariants of the sizes: every word on every cloud, and as much on each as the word says."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from components.clouds import sizes
from components.spec.model import Cache, Database

CLOUDS = ("alicloud", "gcp", "azure")
WORDS = get_args(Database.model_fields["size"].annotation)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_size_that_a_fleet_can_name_is_a_class_with_as_many_cpus(cloud: str) -> None:
    assert set(sizes.DATABASES[cloud]) == set(WORDS)
    for word in WORDS:
        found = re.search(r"(?:custom-|n4\.|_D)(\d+)", sizes.database_class(cloud, word))
        assert found is not None
        assert f"db-{found[1]}" == word


def test_four_gib_of_memory_go_with_each_cpu() -> None:
    for word in WORDS:
        cpus = int(word.removeprefix("db-"))
        assert sizes.database_class("gcp", word) == f"db-custom-{cpus}-{cpus * 4096}"
        # n4: 4 GiB for each; 2m: two nodes, one of them the standby.
        assert sizes.database_class("alicloud", word) == f"pg.n4.{cpus}c.2m"
        assert sizes.database_class("azure", word) == f"Standard_D{cpus}ds_v5"


@pytest.mark.parametrize("size", get_args(Database.model_fields["storage_gib"].annotation))
def test_a_disk_is_the_smallest_of_its_cloud_that_holds_what_was_asked_for(size: int) -> None:
    assert sizes.database_disk("gcp", size) == sizes.database_disk("azure", size) == size
    made = sizes.database_disk("alicloud", size)
    assert made % 5 == 0
    assert size <= made < size + 5


# What can be written of a node, in GiB: a fifth of Azure's memory is the service's own.
WRITABLE = {
    **{f"tair.rdb.{size}g": float(size) for size in (4, 8, 32)},
    "STANDARD_SMALL": 5.2,
    "HIGHMEM_MEDIUM": 10.4,
    "HIGHMEM_XLARGE": 46.4,
    "Balanced_B5": 6 * 0.8,
    "Balanced_B10": 12 * 0.8,
    "Balanced_B50": 60 * 0.8,
}


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("word", get_args(Cache.model_fields["size"].annotation))
def test_a_cache_holds_at_least_what_its_word_says(cloud: str, word: str) -> None:
    assert set(sizes.CACHES[cloud]) == set(get_args(Cache.model_fields["size"].annotation))
    assert WRITABLE[sizes.cache_class(cloud, word)] >= int(word.removeprefix("cache-"))
