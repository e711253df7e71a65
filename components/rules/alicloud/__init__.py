"""The rules of Alibaba Cloud, area by area."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.alicloud import account, ai, alarms, caches, cluster, databases, files, images, logs, net, rest

if TYPE_CHECKING:
    from components.rules.model import TypeRules

TYPES: tuple[TypeRules, ...] = (
    *account.TYPES,
    *ai.TYPES,
    *alarms.TYPES,
    *caches.TYPES,
    *cluster.TYPES,
    *databases.TYPES,
    *files.TYPES,
    *images.TYPES,
    *logs.TYPES,
    *net.TYPES,
    *rest.TYPES,
)
