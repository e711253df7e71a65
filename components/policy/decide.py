"""The verdict on a whole resource graph: a plan or a state, as the engine writes it.

Values that are not known yet take the verdict of the resources they depend on (`propertyDependencies`). The same rules
run inside the program; this is for graphs that are at hand as data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.policy.model import ACCEPTED, UNKNOWN, Subject, Violation, cloud_of
from components.policy.rules import judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# How the engine writes a value that is not known yet, and the mark of a wrapped secret.
_UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SIGNATURE = "4dabf18193072939515e22adb298388d"


def decide(resources: Iterable[Mapping[str, Any]], *, world: str, allowed: Iterable[str]) -> list[Violation]:
    """Every violation of a graph, in its order. Each resource has `urn`, `type`, `inputs`, and may have `custom`,
    `provider`, `propertyDependencies` (key to urns) and `delete`. Pure.
    """
    rows = [row for row in resources if not row.get("delete")]
    regions = frozenset(allowed)
    refused: set[str] = set()
    found: list[Violation] = []
    kinds = {str(row.get("urn")): str(row.get("type")) for row in rows}
    # The engine lists a resource after all that it depends on.
    for row in rows:
        kind = str(row.get("type"))
        if cloud_of(kind) is None:
            continue
        edges = row.get("propertyDependencies") or {}
        inputs = {
            key: _plain(value, _judged(edges.get(key) or (), kinds, refused))
            for key, value in (row.get("inputs") or {}).items()
        }
        subject = Subject(
            type=kind,
            name=str(row.get("urn", "")).rsplit("::", 1)[-1],
            inputs=inputs,
            world=world,
            allowed=regions,
            own_provider=_has_provider(row),
        )
        violations = judge(subject)
        if violations:
            refused.add(str(row.get("urn")))
        found.extend(violations)
    return found


def _has_provider(row: Mapping[str, Any]) -> bool:
    """Default providers are called `default` and carry a version."""
    provider = str(row.get("provider") or "")
    name = provider.rsplit("::", 2)[-2] if provider.count("::") > 2 else ""
    return bool(provider) and name != "default" and not name.startswith("default_")


def _judged(urns: Iterable[str], kinds: Mapping[str, str], refused: set[str]) -> bool:
    """Whether a value comes from cloud resources of this graph that were accepted, and from nothing else."""
    sources = list(urns)
    return bool(sources) and all(cloud_of(kinds.get(urn, "")) is not None and urn not in refused for urn in sources)


def _plain(value: Any, judged: bool) -> Any:  # noqa: FBT001 - private, called from one place
    if value == _UNKNOWN_TEXT:
        return ACCEPTED if judged else UNKNOWN
    if isinstance(value, dict):
        if _SIGNATURE in value:
            # A secret place is no place that anybody can check.
            return _plain(value.get("value", UNKNOWN), judged) if "value" in value else UNKNOWN
        return {key: _plain(item, judged) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, judged) for item in value]
    return value
