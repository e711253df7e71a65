"""Which keys of the clouds' resources hold a place, and which are only called so.

Every key whose last word is region, location or zone counts as a place, whatever comes before, unless it is known to
mean something else: what a cloud adds tomorrow is judged today. A test holds the exceptions against the SDKs.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_NAMED = re.compile(r"(?:^(?:region|location|zone)|Region|Location|Zone)s?(?:I[dD]|Ids|Names?)?$")
_ALSO: Final = frozenset({"zoneIdSlaveA", "zoneIdSlaveB"})
_TIMES = re.compile(r"[tT]imeZone")
# Zones of names, and places in a file system, a bucket, a request: the same on all clouds.
OTHERS: Final = frozenset(
    {
        *("managedZone", "managedZoneId", "managedZones", "dnsZone", "dnsZoneId", "dnsZoneName", "noAutomateDnsZone"),
        *("hostedZoneId", "canonicalHostedZoneID", "azureDnsZone", "defaultDnsZone", "fqdnZones"),
        *("privateDNSZone", "privateDnsZoneId", "privateZoneName", "publicZoneName", "scheduleZoneName"),
        *("manifestLocation", "httpElementLocation", "requestLocation", "tempLocation", "tempGcsLocation"),
        *("stagingLocation", "snapshotLocation", "skewedKeyValuesLocations"),
        *("apiLocation", "appLocation", "appArtifactLocation", "outputLocation", "packageLocation", "logLocation"),
        *("tableRootLocation", "jarFileLocation", "kubeManifestLocations", "staticContentLocations"),
        *("storeLocation", "certificateStoreLocation", "publicCertificateLocation", "secretLocation"),
        *("secretsLocation", "osImageLocation", "rackLocation", "mocLocation", "rootConfigurationLocation"),
        *("bodyS3Location", "imageLocation", "fileSystemLocations", "phpConfigLocation", "phpArmsConfigLocation"),
        # Switches and numbers.
        *("multiZone", "privateZone", "allowChangingZone", "maxConcurrentLocations"),
        *("maxConcurrentResourcesPerLocation", "enableMultipleWriteLocations", "euLocation"),
        *("allowDeletionOfReplicatedLocations", "alignRegionalDisksToVMZone", "multiRegion"),
        # Countries that requests come from, a lake's part, a rack's row.
        *("abroadRegions", "cnRegions", "disallowedRegions", "countryOrRegion", "countryAndRegion"),
        *("dataplexZone", "hpnZone"),
    }
)
# Exceptions of one cloud, or of some of its modules: ids and names of private DNS zones, countries of a telephone.
_OF_MODULES: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("alicloud:pvtz/", frozenset({"zoneId", "zoneIds", "zoneName"})),
    ("azure-native:dns:", frozenset({"zoneName"})),
    ("gcp:identityplatform/", frozenset({"allowedRegions"})),
)
# What says where the resource itself lies, not where a copy or the other end of something does.
OWN: Final = frozenset(
    {
        *("region", "regionId", "regions", "regionIds", "location", "locations", "locationId"),
        *("zone", "zoneId", "zones", "zoneIds"),
        *("availabilityZone", "availabilityZones", "nodeLocations", "nodeZones", "secondaryZoneId", "slaveZoneId"),
        *("zoneIdSlaveA", "zoneIdSlaveB", "trailRegion", "primaryLocation", "dataLocations"),
        *("secondaryZone", "standbyAvailabilityZone"),
    }
)
# Maps whose keys are the owner's own words.
_WORDS: Final = frozenset({"tags", "labels", "userLabels", "resourceLabels", "metadata", "annotations"})
_NAME_OF = re.compile(r"(?:^|\.)(?P<key>\w+)(?:\[\d+\])?\.name$")


@lru_cache(maxsize=8192)
def names_place(key: str) -> bool:
    """Whether a key is called as a place is, by any of the clouds, and is one."""
    if key in _ALSO:
        return True
    return _NAMED.search(key) is not None and _TIMES.search(key) is None and key not in OTHERS


@lru_cache(maxsize=4096)
def exceptions(token: str) -> frozenset[str]:
    """The keys that are called as a place is and mean something else in this type."""
    return next((keys for prefix, keys in _OF_MODULES if token.startswith(prefix)), frozenset[str]())


def holds_place(path: str, key: str) -> bool:
    """Whether a leaf is a place: by its key, or as the name of what is called so. Not what an owner wrote into tags or
    labels.
    """
    if key == "name":
        found = _NAME_OF.search(path)
        return found is not None and names_place(found["key"])
    return names_place(key) and not is_word(path, key)


def is_word(path: str, key: str) -> bool:
    """Whether a key stands right under tags or labels: it is the owner's own word."""
    if not path.endswith(f".{key}"):
        return False
    return path[: -len(key) - 1].rpartition(".")[2] in _WORDS
