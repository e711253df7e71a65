"""Cloud Logging and a project's audit configuration as their APIs enforce them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.checks import (
    between,
    matches,
    needs,
    not_offered,
    shape,
)
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME, _WORDS = r"[a-zA-Z0-9][\w.-]{0,99}", "1 to 100 letters, digits, _ - and ."
_KINDS = frozenset({"ADMIN_READ", "DATA_READ", "DATA_WRITE"})


def _kinds(call: Inputs) -> Iterator[Problem]:
    seen: set[str] = set()

    def of(path: str, config: dict[str, Any]) -> Iterator[Problem]:
        kind = config.get("logType")
        if isinstance(kind, str) and kind not in _KINDS:
            yield Problem(f"{path}.logType", not_offered(kind, _KINDS, what="value"))
        if isinstance(kind, str) and kind in seen:
            yield Problem(f"{path}.logType", f"{kind} is given twice")
        seen.add(str(kind))

    yield from call.each("auditLogConfigs", of)


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
            shape(_kinds, fix=f"take each of {', '.join(sorted(_KINDS))} once"),
            matches("service", r"allServices|[a-z0-9-]+\.googleapis\.com", "a service or allServices"),
        ),
    ),
)
