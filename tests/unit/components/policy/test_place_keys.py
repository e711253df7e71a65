"""Which keys of the installed SDKs are places: every one that is called so, but for a closed list."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from components.policy import place_keys

_GETTER = re.compile(r'@pulumi\.getter(?:\(name="(\w+)"\)|\n(?:    @.*\n)?    def (\w+)\()')
_CALLED = re.compile(r"(?i)(?:region|location|zone)s?(?:id|ids|name|names)?$")
# Words that only end as these do.
_LONGER = re.compile(r"(?i)(?:al|col|co|re)locations?(?:id|ids|name|names)?$|subregions?$|time_?zones?(?:id)?$")


@pytest.fixture(scope="module")
def keys() -> set[str]:
    """Every key of the three SDKs that is called as a place is."""
    found: set[str] = set()
    for name in ("pulumi_alicloud", "pulumi_azure_native", "pulumi_gcp"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        for path in Path(spec.origin).parent.rglob("*.py"):
            for match in _GETTER.finditer(path.read_text(encoding="utf-8")):
                key = match[1] or match[2]
                if _CALLED.search(key):
                    found.add(key)
    return found


def test_each_key_of_the_sdks_that_is_called_as_a_place_is_one_or_is_listed(keys: set[str]) -> None:
    assert len(keys) > 300
    others = {key for key in keys if not place_keys.names_place(key)}
    listed = place_keys.OTHERS
    assert {key for key in others - listed if not _LONGER.search(key)} == set()
    # An exception that no SDK has would hide a key of tomorrow.
    assert listed - keys == set()


def test_the_keys_that_copies_are_named_by_are_places() -> None:
    for key in (
        *("targetCopyRegions", "replicationRegionId", "dataLevel2BackupAnotherRegionRegion", "destRegion", "srcRegion"),
        *("locationId", "storageLocations", "allowedPersistenceRegions", "backupRegion", "locationName"),
    ):
        assert place_keys.holds_place(key, key), key


def test_words_of_an_owner_are_no_places_and_what_stands_beside_them_is() -> None:
    for path in ("tags.zone", "labels.region", "nodeConfig.labels.location", "settings.userLabels.zone"):
        assert not place_keys.holds_place(path, path.rpartition(".")[2]), path
    for path in ("zone", "settings.zone", "tagsOf.zone", "labels.deeper.zone"):
        assert place_keys.holds_place(path, "zone"), path
    assert place_keys.holds_place("publishingProfile.targetRegions[0].name", "name")
    assert not place_keys.holds_place("containers[0].name", "name")


def test_the_name_of_a_place_that_is_an_object_is_a_place() -> None:
    """Azure's edge zones: machines of a region in another city."""
    for path in ("extendedLocation.name", "publishingProfile.targetExtendedLocations[0].extendedLocation.name"):
        assert place_keys.holds_place(path, "name"), path
        assert not place_keys.holds_place(path.removesuffix("name") + "type", "type"), path
    for path in ("name", "sku.name", "dnsZone.name"):
        assert not place_keys.holds_place(path, "name"), path
