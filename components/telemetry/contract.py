"""The telemetry contract as code: load it, filter by it, and judge a document by it.

`filter_rows` is the only way out of a gate: what the contract does not name is dropped and counted, what the world does
not declare is refused by the name of its field, a group below the minimum leaves without values. `violations` judges a
finished document the same way, for tests and for a receiver that trusts nobody. Both are pure."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VERSION = "v1"
SUPPRESSED = "suppressed"
MAX_ROWS = 10_000

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")
_PATTERNS: dict[str, re.Pattern[str]] = {
    "name": _NAME,
    # The form of a declared name; which ones there are is for `filter_rows`, which is told what the world declares.
    "cell": _NAME,
    "maison": _NAME,
    "model": re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]{0,127}"),
    "digest": re.compile(r"sha256:[0-9a-f]{64}"),
    "minor": re.compile(r"1\.[0-9]{1,3}"),
    "time": re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z"),
    "money": re.compile(r"-?\d{1,18}(?:\.\d{1,18})?"),
    "currency": re.compile(r"[A-Z]{3}"),
    "month": re.compile(r"\d{4}-(?:0[1-9]|1[0-2])"),
}
_MAX_COUNT = 2**53
_DECLARED = frozenset({"cell", "maison"})
_LISTED = frozenset({"capability", "gpuClass", "region"})
_NUMBERS = frozenset({"count", "number", "gpuCounts"})

SHARED = "shared"
"""What no maison alone has run up."""
UNKNOWN = "unknown"
"""A class of GPUs or a region that no table knows."""
GLOBAL = "global"
"""The region of what a cloud sells without one."""


class ContractError(ValueError):
    """The contract file itself is wrong, or a section was asked for that it does not have."""


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """A value of a row: a named type, or one of `words`."""

    type: str = ""
    words: tuple[str, ...] = ()
    nullable: bool = False

    def accepts(self, value: object) -> bool:
        """Whether this exact value may leave."""
        if value is None:
            return self.nullable
        if self.words:
            return isinstance(value, str) and value in self.words
        if self.type in _PATTERNS:
            return isinstance(value, str) and _PATTERNS[self.type].fullmatch(value) is not None
        if self.type == "count":
            return type(value) is int and 0 <= value <= _MAX_COUNT
        if self.type == "number":
            return type(value) in {int, float} and math.isfinite(value)  # pyright: ignore[reportArgumentType]
        if self.type == "gpuCounts":
            return isinstance(value, dict) and all(map(_is_count_of, value.items()))
        return isinstance(value, str) and value in listed(self.type)


def _is_count_of(pair: tuple[object, object]) -> bool:
    name, count = pair
    known = isinstance(name, str) and name in listed("gpuClass")
    return known and type(count) is int and 0 <= count <= _MAX_COUNT


@cache
def listed(type_: str) -> frozenset[str]:
    """Every value of a type that has a closed list; empty for another type."""
    from components.clouds import gpu, regions
    from components.parity.capabilities import IDS

    values = {
        "capability": IDS,
        "gpuClass": (*gpu.CLASSES, UNKNOWN),
        "region": (*(name for found in regions.WORLD_OF.values() for name in found), GLOBAL, UNKNOWN),
    }
    return frozenset(values.get(type_, ()))


Shape = Leaf | dict[str, "Shape"]


@dataclass(frozen=True, kw_only=True)
class RowKind:
    """One kind of row: the group it is about, its values, and the smallest group that may leave with values."""

    labels: dict[str, Leaf]
    fields: dict[str, Shape]
    aggregation: str
    bounded: tuple[str, ...]
    minimum_field: str = ""
    minimum: int = 0


@dataclass(frozen=True, kw_only=True)
class Contract:
    """A version of the contract: section name to row kinds."""

    version: str
    sections: dict[str, dict[str, RowKind]]

    def section(self, name: str) -> dict[str, RowKind]:
        """The row kinds of a section. Raises ContractError with the sections that exist."""
        if name not in self.sections:
            message = f"the contract {self.version} has no section {name!r}; it has {', '.join(sorted(self.sections))}"
            raise ContractError(message)
        return self.sections[name]


@dataclass(kw_only=True)
class Filtered:
    """What may leave: rows (each with its `kind`), how often each unnamed key was dropped, suppressed groups; and how
    many rows were refused whole, also by the field that they were refused for (`kind.field`).
    """

    items: list[dict[str, Any]] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    rejected: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    suppressed: int = 0


@cache
def load_contract(version: str = VERSION) -> Contract:
    """The contract of this version, from the package. Raises ContractError for a version that does not exist."""
    import yaml  # only the gate, the receiver of its answers and tests pay for it

    name = f"contract-{version}.yaml"
    source = resources.files("components.telemetry") / name
    if re.fullmatch(r"v\d{1,3}", version) is None or not source.is_file():
        message = f"there is no telemetry contract {version!r}"
        raise ContractError(message)
    raw = yaml.safe_load(source.read_text(encoding="utf-8"))
    if raw.get("version") != version:
        message = f"{name} says that it is version {raw.get('version')!r}"
        raise ContractError(message)
    return contract_of(raw)


def contract_of(raw: Mapping[str, Any]) -> Contract:
    """A contract out of what its file says. Raises ContractError naming the place that is wrong."""
    shapes: dict[str, Shape] = {}
    for shape, spec in raw.get("shapes", {}).items():
        shapes[shape] = _shape(f"shapes.{shape}", spec, shapes)
    sections = {
        section: {kind: _row_kind(f"{section}.{kind}", spec, shapes) for kind, spec in kinds.items()}
        for section, kinds in raw["sections"].items()
    }
    return Contract(version=str(raw["version"]), sections=sections)


def _row_kind(where: str, raw: Mapping[str, Any], shapes: Mapping[str, Shape]) -> RowKind:
    labels = {name: _shape(f"{where}.{name}", spec, shapes) for name, spec in raw["labels"].items()}
    leaves = {name: spec for name, spec in labels.items() if isinstance(spec, Leaf)}
    if len(leaves) != len(labels):
        message = f"{where}: a label must be a single value"
        raise ContractError(message)
    fields = {name: _shape(f"{where}.{name}", spec, shapes) for name, spec in raw["fields"].items()}
    clash = (set(fields) & set(labels)) | ({"kind", SUPPRESSED} & (set(fields) | set(labels)))
    if clash:
        message = f"{where}: {', '.join(sorted(clash))} used twice or reserved"
        raise ContractError(message)
    minimum = raw.get("minimum") or {}
    field_name = str(minimum.get("field", ""))
    if field_name and fields.get(field_name) != Leaf(type="count"):
        message = f"{where}: the minimum must be on a count, not on {field_name!r}"
        raise ContractError(message)
    bounded = tuple(str(name) for name in raw.get("bounded") or ())
    if not bounded or set(bounded) - set(leaves):
        message = f"{where}: `bounded` must name labels of the row, and the world at least"
        raise ContractError(message)
    loose = [name for name, leaf in leaves.items() if leaf.type in _DECLARED and name not in bounded]
    if loose or any(leaf.type in _DECLARED for leaf in _leaves(fields)):
        message = f"{where}: a cell or a maison is a label that `bounded` names"
        raise ContractError(message)
    return RowKind(
        labels=leaves,
        bounded=bounded,
        fields=fields,
        aggregation=str(raw["aggregation"]),
        minimum_field=field_name,
        minimum=int(minimum.get("least", 0)),
    )


def _leaves(shapes: Mapping[str, Shape]) -> Iterator[Leaf]:
    for shape in shapes.values():
        if isinstance(shape, Leaf):
            yield shape
        else:
            yield from _leaves(shape)


def _shape(where: str, raw: object, shapes: Mapping[str, Shape]) -> Shape:
    if isinstance(raw, dict):
        return {str(key): _shape(f"{where}.{key}", part, shapes) for key, part in raw.items()}
    if isinstance(raw, list):
        return Leaf(words=tuple(str(word) for word in raw))
    text = str(raw)
    if text in shapes:
        return shapes[text]
    leaf = Leaf(type=text.removesuffix("|null"), nullable=text.endswith("|null"))
    if leaf.type not in _LISTED | _NUMBERS and leaf.type not in _PATTERNS:
        message = f"{where}: there is no type {text!r}"
        raise ContractError(message)
    return leaf


Known = Mapping[str, Collection[tuple[Any, ...]]]
"""Per kind of row the groups that the world declares: tuples of the bounded labels, in the contract's order."""


def filter_rows(
    contract: Contract, section: str, rows: Iterable[tuple[str, Mapping[str, Any]]], *, known: Known
) -> Filtered:
    """What of `rows` ((kind, row) pairs) may leave.

    A row about a group that `known` does not hold is rejected whole and counted by the first field that makes it one: a
    kind that is absent there has no group.

    A key that the contract does not name is dropped and counted under its dotted path. A row whose group or kind is
    not as the contract says is rejected whole; so is a row with a value of the wrong type, because half a row could be
    read as a fact. A group below the minimum keeps its labels and `suppressed: true` only. Never raises for a row.
    """
    kinds = contract.section(section)
    result = Filtered()
    for kind, row in rows:
        spec = kinds.get(kind)
        if spec is None or len(result.items) >= MAX_ROWS:
            result.rejected += 1
            _count(result.refused, "kind" if spec is None else f"{kind}.rows")
            continue
        if not _is_known(spec, row, known.get(kind, ())):
            result.rejected += 1
            _count(result.refused, f"{kind}.{_undeclared(spec, row, known.get(kind, ()))}")
            continue
        item = _filter_row(spec, kind, row, result)
        if item is None:
            result.rejected += 1
        else:
            result.items.append(item)
    return result


def _is_known(spec: RowKind, row: Mapping[str, Any], groups: Container[tuple[Any, ...]]) -> bool:
    group = tuple(row.get(name) for name in spec.bounded)
    # A group is of plain words: what cannot be hashed is none.
    return all(value is None or isinstance(value, str) for value in group) and group in groups


def _filter_row(spec: RowKind, kind: str, row: Mapping[str, Any], result: Filtered) -> dict[str, Any] | None:
    labels: dict[str, Any] = {}
    for name, leaf in spec.labels.items():
        if not leaf.accepts(row.get(name)):
            _count(result.refused, f"{kind}.{name}")
            return None
        labels[name] = row.get(name)
    for name in row:
        if name not in spec.labels and name not in spec.fields:
            _count(result.dropped, f"{kind}.{_shown(name)}")
    if spec.minimum_field:
        size = row.get(spec.minimum_field)
        if type(size) is not int or size < spec.minimum:
            result.suppressed += 1
            return {"kind": kind, **labels, SUPPRESSED: True}
    values: dict[str, Any] = {}
    for name, shape in spec.fields.items():
        kept, good = _filter_value(shape, row.get(name), f"{kind}.{name}", result)
        if not good:
            return None
        values[name] = kept
    return {"kind": kind, **labels, **values, SUPPRESSED: False}


def _filter_value(shape: Shape, value: object, path: str, result: Filtered) -> tuple[object, bool]:
    good = shape.accepts(value) if isinstance(shape, Leaf) else isinstance(value, dict)
    if not good:
        _count(result.refused, path)
        return None, False
    if isinstance(shape, Leaf) or not isinstance(value, dict):
        return (dict(value) if isinstance(value, dict) else value), True
    for name in value:
        if name not in shape:
            _count(result.dropped, f"{path}.{_shown(name)}")
    kept: dict[str, object] = {}
    for name, part in shape.items():
        inner, whole = _filter_value(part, value.get(name), f"{path}.{name}", result)
        if not whole:
            return None, False
        kept[name] = inner
    return kept, True


def _undeclared(spec: RowKind, row: Mapping[str, Any], groups: Collection[tuple[Any, ...]]) -> str:
    """The first label with which a row is of no group."""
    for length, name in enumerate(spec.bounded, start=1):
        groups = [group for group in groups if group[length - 1] == row.get(name)]
        if not groups:
            return name
    return spec.bounded[-1]


def _shown(name: object) -> str:
    """A dropped key as it may be counted: a name that could itself carry content becomes `other`."""
    return name if isinstance(name, str) and re.fullmatch(r"[a-z][A-Za-z]{0,31}", name) else "other"


def _count(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1


def violations(contract: Contract, section: str, items: Iterable[Mapping[str, Any]]) -> list[str]:
    """Everything in `items` (rows as they left) that the contract does not allow; empty when all is well."""
    kinds = contract.section(section)
    return [fault for place, item in enumerate(items) for fault in _faults(kinds, f"items[{place}]", item)]


def _faults(kinds: Mapping[str, RowKind], where: str, item: Mapping[str, Any]) -> Iterator[str]:
    spec = kinds.get(str(item.get("kind")))
    if spec is None:
        yield f"{where}: no kind {item.get('kind')!r}"
        return
    suppressed = item.get(SUPPRESSED)
    if suppressed is True:
        allowed: dict[str, Shape] = dict(spec.labels)
    elif suppressed is False:
        allowed = {**spec.labels, **spec.fields}
        size = item.get(spec.minimum_field) if spec.minimum_field else None
        if spec.minimum_field and (type(size) is not int or size < spec.minimum):
            yield f"{where}: a group of {size!r} requests left with its values"
    else:
        yield f"{where}: `suppressed` is {suppressed!r}"
        return
    rest = {name: value for name, value in item.items() if name not in {"kind", SUPPRESSED}}
    yield from _shape_faults(allowed, where, rest)


def _shape_faults(shape: Mapping[str, Shape], where: str, value: Mapping[str, Any]) -> Iterator[str]:
    for name in value:
        if name not in shape:
            yield f"{where}.{name}: not in the contract"
    for name, part in shape.items():
        inner = value.get(name)
        if isinstance(part, Leaf):
            if name not in value or not part.accepts(inner):
                yield f"{where}.{name}: {inner!r} is not allowed"
        elif isinstance(inner, dict):
            yield from _shape_faults(part, f"{where}.{name}", inner)
        else:
            yield f"{where}.{name}: {inner!r} is not an object"
