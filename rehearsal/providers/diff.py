"""What changed between two sets of inputs, in the engine's terms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi.runtime.proto import provider_pb2

from rehearsal.providers.wire import Unknown, holds_unknown

# Which element of a list it is.
_PLACE = re.compile(r"\[\d+\]")
_KINDS = {
    ("add", False): provider_pb2.PropertyDiff.ADD,
    ("add", True): provider_pb2.PropertyDiff.ADD_REPLACE,
    ("delete", False): provider_pb2.PropertyDiff.DELETE,
    ("delete", True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    ("update", False): provider_pb2.PropertyDiff.UPDATE,
    ("update", True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


def detailed_diff(old: Mapping[str, Any], new: Mapping[str, Any], *, immutable: frozenset[str]) -> Any:
    """A DiffResponse with every changed path; a path at or beneath an immutable one replaces the resource. An immutable
    one that ends with # stands for how many there are, not for what is in them.

    Replacement deletes first: physical names are fixed, so two of a name cannot live at once.
    """
    changes = dict(_changes(old, new, path=""))
    detail: dict[str, Any] = {}
    replaces: list[str] = []
    for path, kind in changes.items():
        bare = _PLACE.sub("", path)
        replacing = f"{bare}#" in immutable or any(bare == fixed or bare.startswith(f"{fixed}.") for fixed in immutable)
        detail[path] = provider_pb2.PropertyDiff(kind=_KINDS[kind, replacing], inputDiff=True)
        if replacing:
            replaces.append(path)
    changed = provider_pb2.DiffResponse.DIFF_SOME if changes else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=changed,
        replaces=replaces,
        deleteBeforeReplace=bool(replaces),
        diffs=sorted({path.split(".")[0].split("[")[0] for path in changes}),
        detailedDiff=detail,
        hasDetailedDiff=True,
    )


def _changes(old: Any, new: Any, *, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            here = f"{path}.{name}" if path else name
            before, after = old.get(name), new.get(name)
            if before is None and after is None:
                continue
            if before is None:
                yield here, "add"
            elif after is None:
                yield here, "delete"
            else:
                yield from _changes(before, after, path=here)
        return
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new) and not holds_unknown(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _changes(before, after, path=f"{path}[{index}]")
        return
    if isinstance(new, Unknown) or old != new:
        yield path, "update"
