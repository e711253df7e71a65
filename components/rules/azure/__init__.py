"""The rules of Azure, area by area."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.azure import (
    account,
    ai,
    alarms,
    caches,
    cluster,
    databases,
    disks,
    files,
    images,
    logs,
    net,
    private,
    rest,
)

if TYPE_CHECKING:
    from components.rules.model import TypeRules

TYPES: tuple[TypeRules, ...] = (
    *account.TYPES,
    *ai.TYPES,
    *alarms.TYPES,
    *caches.TYPES,
    *cluster.TYPES,
    *databases.TYPES,
    *disks.TYPES,
    *files.TYPES,
    *images.TYPES,
    *logs.TYPES,
    *net.TYPES,
    *private.TYPES,
    *rest.TYPES,
)
