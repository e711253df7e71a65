"""The vocabulary of the rule table: a view of a resource's inputs, a rule, a resource type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

Kind = Literal[
    "required", "exactly one of", "conflict", "pattern", "enum", "range", "order", "network", "shape", "labels", "name"
]
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
# The engine's own mark of a value that is not known yet.
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown:
    """A value that the engine does not know yet (in a preview, or of a failed dependency)."""

    def __repr__(self) -> str:
        return "unknown"

    def __bool__(self) -> bool:
        return True

    def looked(self) -> None:
        """Somebody wants the value. Those that a rule looks at in earnest remember it (`Glance`)."""


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Problem:
    """One violation: where (a property path such as `agentPoolProfiles[0].vmSize`) and what. `fix` is the way out where
    it is another one than the rule's.
    """

    path: str
    reason: str
    fix: str = ""


class Glance:
    """Notes whether somebody looked at a value that is not known yet, and which property was read last."""

    def __init__(self) -> None:
        self.taken = False
        self.last = ""

    def over(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The same inputs, watched at any depth; those that hold nothing unknown are left as they are."""
        return _watched(inputs, self) if _unsure(inputs) else inputs

    def sure(self, problems: Iterable[Problem]) -> list[Problem]:
        """These problems, or none when a value that is not known yet was looked at on the way to them."""
        before, self.taken = self.taken, False
        try:
            found = list(problems)
        except Exception:
            self.taken |= before
            raise
        found, self.taken = [] if self.taken else found, before
        return found


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a rule may look at: the inputs of one resource, which hold no secrets' wrappers but may hold unknown values,
    and its provider's configuration.
    """

    type_name: str
    urn: str
    inputs: Mapping[str, Any]
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    glance: Glance = field(default_factory=Glance, compare=False, repr=False)

    def get(self, path: str) -> Any:
        """The value at a path such as `agentPoolProfiles[0].vmSize`: None when absent, `UNKNOWN` when not known yet."""
        value: Any = self.inputs
        self.glance.last = path
        for name, index in _STEP.findall(path):
            if isinstance(value, Unknown):
                # Nor is it known whether it holds this at all.
                value.looked()
                return value
            # Past the watch: that something is given is known even where its value is not.
            if name:
                plain = isinstance(value, dict)
                value = dict.get(value, name) if plain else value.get(name) if isinstance(value, Mapping) else None
            else:
                position = int(index)
                inside = isinstance(value, list) and position < len(value)
                value = list.__getitem__(value, position) if inside else None
            if value is None:
                return None
        return value

    def known(self, path: str) -> Any:
        """The value at a path, or None when it is absent or not known yet."""
        value = self.get(path)
        if isinstance(value, Unknown):
            value.looked()
            return None
        return value

    def text(self, path: str) -> str:
        """The string at a path, or an empty one."""
        value = self.known(path)
        return value if isinstance(value, str) else ""

    def each(self, path: str, of: Callable[[str, dict[str, Any]], Iterable[Problem]]) -> Iterator[Problem]:
        """What `of` says against each object of a list, given its path: one that is not known yet hides no fault of
        another.
        """
        items = self.get(path)
        for index, item in enumerate(raw(items)):
            if isinstance(item, dict):
                yield from self.glance.sure(of(f"{path}[{index}]", item))

    def texts(self, path: str) -> list[tuple[str, str]]:
        """Each string of a list that is known, with its path; those that are not known yet are left out unseen."""
        items = enumerate(raw(self.get(path)))
        return [(f"{path}[{index}]", item) for index, item in items if isinstance(item, str)]

    def entries(self, path: str) -> dict[str, Any]:
        """A map's entries as they are, unknown ones as such: nobody has looked at them yet."""
        found = self.get(path)
        return dict(dict.items(found)) if isinstance(found, dict) else {}


def raw(value: Any) -> list[Any]:
    """The items of a list as they are, unknown ones as such: nobody has looked at them yet."""
    return [list.__getitem__(value, index) for index in range(len(value))] if isinstance(value, list) else []


class _Awaited(Unknown):
    def __init__(self, glance: Glance) -> None:
        self._glance = glance

    def looked(self) -> None:
        self._glance.taken = True


class _Fields(dict[str, Any]):
    """An object whose unknown fields are noticed when they are read."""

    def __getitem__(self, key: str) -> Any:
        return _noticed(super().__getitem__(key))

    def get(self, key: str, default: Any = None) -> Any:
        return _noticed(super().get(key, default))

    def items(self) -> Any:
        return [(key, _noticed(value)) for key, value in super().items()]

    def values(self) -> Any:
        return [_noticed(value) for value in super().values()]


class _Items(list[Any]):
    """A list whose unknown elements are noticed and left out when it is walked."""

    def __iter__(self) -> Any:
        return (item for item in map(_noticed, super().__iter__()) if not isinstance(item, Unknown))

    def __getitem__(self, index: Any) -> Any:
        return _noticed(super().__getitem__(index))


def _noticed(value: Any) -> Any:
    if isinstance(value, Unknown):
        value.looked()
    return value


def _unsure(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_unsure, value.values()))
    return any(map(_unsure, value)) if isinstance(value, list) else isinstance(value, Unknown)


def _watched(value: Any, glance: Glance) -> Any:
    if isinstance(value, Mapping):
        return _Fields({key: _watched(item, glance) for key, item in value.items()})
    if isinstance(value, list):
        return _Items(_watched(item, glance) for item in value)
    return _Awaited(glance) if isinstance(value, Unknown) else value


Check = Callable[[Inputs], Iterable[Problem]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule on the inputs of a type. `facts` is what it compares with; `fix` says in words what to do about it.

    It gives every fault that it finds, never the first only. A check that looked at a value that is not known yet gives
    nothing: what it found might be a guess; so each of `checks` reads only what its own faults need. One that cannot
    read what it is given says so, and hides nothing else.
    """

    kind: Kind
    checks: tuple[Check, ...]
    paths: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    fix: str = ""

    def __call__(self, call: Inputs) -> list[Problem]:
        glance = Glance()
        watched = replace(call, inputs=glance.over(call.inputs), glance=glance)
        return [problem for check in self.checks for problem in glance.sure(self._by(check, watched))]

    def _by(self, check: Check, call: Inputs) -> Iterator[Problem]:
        call.glance.last = ""
        try:
            # One by one: what was found before it failed stays found.
            yield from check(call)
        except Exception as error:  # noqa: BLE001 - whatever a value of another shape makes of a rule
            where = call.glance.last or (self.paths[0] if self.paths else "inputs")
            reason = f"the rule {self.title!r} does not understand the shape of what is given ({type(error).__name__})"
            yield Problem(where, reason, "give it the shape that the type's reference describes")

    @property
    def title(self) -> str:
        """The rule in a few words."""
        what = self.facts.get("name") or ", ".join(self.paths)
        return f"{self.kind}: {what}" if what else self.kind


@dataclass(frozen=True, kw_only=True)
class TypeRules:
    """One resource type as its API enforces it, as far as inputs alone tell.

    `name` is the input property that holds the physical name (empty for types that have none, such as bindings); a
    missing one is refused, because nothing is named automatically here. `immutable` lists input paths whose change
    replaces the resource, as the provider's schema marks them; a path that ends with # stands for how many there are,
    not for what is in them. `renamed` says that another name is an update in place. `labelled` says that what is called
    tags or labels is that, and no setting of the resource.
    """

    type_name: str
    name: str = ""
    immutable: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    labelled: bool = True
    renamed: bool = False

    @property
    def replacing(self) -> frozenset[str]:
        """Input paths whose change replaces the resource, its name among them unless that changes in place."""
        return self.immutable | {self.name} if self.name and not self.renamed else self.immutable

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        """The type's rules with the one on its name."""
        return (_named(self.name), *self.rules) if self.name else self.rules

    @property
    def source(self) -> str:
        """Where the type's inputs are described."""
        package, module, name = self.type_name.split(":")
        place = f"{module.split('/')[0]}/{name}".lower()
        return f"https://www.pulumi.com/registry/packages/{package}/api-docs/{place}/"


def _named(path: str) -> Rule:
    def check(call: Inputs) -> Iterable[Problem]:
        if call.get(path) is None:
            yield Problem(path, "is required: names are always explicit, none is made up")

    return Rule(kind="required", checks=(check,), paths=(path,), fix="name it")


def top(path: str) -> str:
    """The input property that a path begins with."""
    return path.split(".")[0].split("[")[0]
