"""Cloud Logging and a project's audit configuration as their APIs enforce them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.checks import (
    between,
    matches,
    needs,
    not_offered,
    objects,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME, _WORDS = r"[a-zA-Z0-9][\w.-]{0,99}", "1 to 100 letters, digits, _ - and ."
_KINDS = frozenset({"ADMIN_READ", "DATA_READ", "DATA_WRITE"})


def _kinds(call: Inputs) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, config in enumerate(objects(call.known("auditLogConfigs"))):
        kind = config.get("logType")
        if isinstance(kind, str) and kind not in _KINDS:
            yield Problem(f"auditLogConfigs[{index}].logType", not_offered(kind, _KINDS, what="value"))
        if isinstance(kind, str) and kind in seen:
            yield Problem(f"auditLogConfigs[{index}].logType", f"{kind} is given twice")
        seen.add(str(kind))


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="gcp:logging/projectBucketConfig:ProjectBucketConfig",
        name="bucketId",
        immutable=frozenset({"location", "project"}),
        rules=(
            between("retentionDays", 1, 3650),
            matches("bucketId", _NAME, _WORDS),
        ),
    ),
    TypeRules(
        type_name="gcp:logging/projectSink:ProjectSink",
        name="name",
        immutable=frozenset({"project"}),
        rules=(matches("name", _NAME, _WORDS),),
    ),
    TypeRules(
        type_name="gcp:logging/projectExclusion:ProjectExclusion",
        name="name",
        immutable=frozenset({"project"}),
        rules=(
            needs("filter"),
            matches("name", _NAME, _WORDS),
        ),
    ),
    TypeRules(
        type_name="gcp:projects/iAMAuditConfig:IAMAuditConfig",
        name="service",
        immutable=frozenset({"project"}),
        rules=(
            needs("auditLogConfigs"),
            shape(_kinds),
            matches("service", r"allServices|[a-z0-9-]+\.googleapis\.com", "a service or allServices"),
        ),
    ),
)
