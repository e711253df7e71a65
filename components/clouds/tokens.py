"""Type tokens as the rules name them: without the version of an API, under the name that a module has today.

Azure's package carries each type once more per version of its API, and its older releases filed some types under other
modules. A rule that knows a type by one name must see it under all of them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_PACKAGE: Final = "azure-native"
# `azure-native:storage/v20230101:StorageAccount`, and `azure-native_storage_v20230101:storage:StorageAccount` as a
# package that was generated for one version writes it.
_VERSIONED = re.compile(
    rf"^{_PACKAGE}(?:_[a-z0-9]+_v[a-z0-9]+)?:(?P<module>[A-Za-z0-9]+)(?:/v[a-z0-9]+)?:(?P<kind>\w+)$"
)
_VERSIONED_PROVIDER = re.compile(rf"^pulumi:providers:{_PACKAGE}_[a-z0-9]+_v[a-z0-9]+$")
# Whole modules that were renamed, and types of `network` that got modules of their own.
_MODULES: Final = {"documentdb": "cosmosdb", "insights": "monitor"}
_MOVED: Final = {
    **{("insights", kind): "applicationinsights" for kind in ("Component", "WebTest", "Workbook", "WorkbookTemplate")},
    ("cache", "RedisEnterprise"): "redisenterprise",
    ("network", "DnsForwardingRuleset"): "dnsresolver",
    ("network", "DnsResolver"): "dnsresolver",
    ("network", "Endpoint"): "trafficmanager",
    ("network", "ForwardingRule"): "dnsresolver",
    ("network", "InboundEndpoint"): "dnsresolver",
    ("network", "OutboundEndpoint"): "dnsresolver",
    ("network", "PrivateRecordSet"): "privatedns",
    ("network", "PrivateZone"): "privatedns",
    ("network", "Profile"): "trafficmanager",
    ("network", "RecordSet"): "dns",
    ("network", "VirtualNetworkLink"): "privatedns",
    ("network", "Zone"): "dns",
}


@lru_cache(maxsize=4096)
def plain(token: str) -> str:
    """A type token without the version of an API, by today's name of its module. Others stay as they are."""
    if _VERSIONED_PROVIDER.match(token):
        return f"pulumi:providers:{_PACKAGE}"
    found = _VERSIONED.match(token)
    if found is None:
        return token
    module, kind = found["module"], found["kind"]
    return f"{_PACKAGE}:{_MOVED.get((module, kind), _MODULES.get(module, module))}:{kind}"
