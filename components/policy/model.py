"""What a rule is given and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from components.spec.dated import Standing


ProviderIs = Literal["placed", "none", "unseen"]


class _Unknown:
    """A value that is not known yet, and whose origin was not judged."""

    def __repr__(self) -> str:
        return "not known yet"


class _Accepted:
    """A value that is not known yet, made by resources that were judged and accepted."""

    def __repr__(self) -> str:
        return "known after creation, from an accepted resource"


UNKNOWN: Final = _Unknown()
ACCEPTED: Final = _Accepted()


@dataclass(frozen=True, kw_only=True)
class Permit:
    """What the guard knows of an entry: which artefacts of which origin may be in which world, and how it stands."""

    id: str
    origin: str
    to: str
    kind: str
    artefacts: frozenset[str]
    standing: Standing
    since: date
    until: date

    def why_not(self, *, origin: str, world: str, artefacts: Sequence[tuple[str, str | None]]) -> str | None:
        """Why this entry does not let something in; None when it does."""
        if self.standing != "active":
            return f"export entry {self.id} {'has run out' if self.standing == 'expired' else 'has not begun'}."
        if (self.origin, self.to) != (origin, world):
            return f"export entry {self.id} lets {self.origin} into world {self.to} and nothing else."
        if not artefacts or any(name is None for _, name in artefacts):
            return "which artefact it is is not said (twain/model or twain/dataset)."
        # All that something says it holds comes along with it.
        other = next(((kind, name) for kind, name in artefacts if name not in self.artefacts), None)
        if other is not None:
            return f"export entry {self.id} is not about {other[1]}."
        if any(kind != self.kind for kind, _ in artefacts):
            return f"export entry {self.id} is about {self.kind} of that name and nothing else."
        return None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One resource as a rule sees it: type token, logical name, inputs with camelCase keys.

    A value that is not known yet is `UNKNOWN`, unless all that it depends on was judged and accepted: then it is
    `ACCEPTED`. `provider` says what is known of its provider: `placed` where it has a place; `none` where none was
    named, so that the engine makes one that takes its region from wherever it finds one; `unseen` where one was named
    that nobody showed. `traced`
    names the inputs whose value, known by now, came from accepted resources. `hosts` were declared as the world's own;
    `cells` says in which world a cell of the fleet lies, `exports` which data may be where they are not at home.
    """

    type: str
    name: str
    inputs: Mapping[str, Any]
    world: str
    allowed: frozenset[str]
    provider: ProviderIs = "placed"
    traced: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    cells: Mapping[str, str] = field(default_factory=dict[str, str])
    exports: Mapping[str, Permit] = field(default_factory=dict[str, Permit])

    @cached_property
    def memo(self) -> dict[str, Any]:
        """What checks found out about this subject and other checks would have to find out again."""
        return {}


@dataclass(frozen=True, kw_only=True)
class Violation:
    """Why a resource is refused: the rule, the resource, the property, the value seen, what is allowed, the reason."""

    rule: str
    resource: str
    property: str
    value: str
    allowed: str
    reason: str

    def __str__(self) -> str:
        return f"{self.rule} {self.resource} {self.property} = {self.value}: {self.reason} Allowed: {self.allowed}."


@dataclass(frozen=True, kw_only=True)
class Check:
    """A function that looks for violations of some rules. The first of `rules` stands for all when it fails.

    `types` are beginnings of the type tokens that it says something about, where it is silent about all others; empty
    for a check of every type. `pods` is set where it looks at pods alone, so that kinds that hold none are passed by.
    """

    rules: tuple[str, ...]
    run: Callable[[Subject], Iterator[Violation]]
    types: tuple[str, ...] = ()
    pods: bool = False


# Values longer than this are cut in a refusal.
_SHOWN: Final = 200
_PACKAGES: Final = {"alicloud": "alicloud", "gcp": "gcp", "azure-native": "azure"}
KNOWN: Final = ", ".join([*_PACKAGES, "kubernetes"])
# Packages whose resources lie in the state alone and send nothing: the engine itself, random values, keys and
# certificates, a wait, a text, nothing at all; and our own components, which are groups. A command or a build of an
# image can do anything anywhere, so theirs are not here.
_IN_THE_STATE: Final = frozenset({"cloudinit", "null", "pulumi", "random", "time", "tls", "twain"})


@lru_cache(maxsize=4096)
def cloud_of(token: str) -> str | None:
    """The cloud of a type token, or None for what is no cloud resource (Kubernetes objects, our own components)."""
    return _PACKAGES.get(_package(token))


def _package(token: str) -> str:
    parts = token.split(":")
    return parts[2] if token.startswith("pulumi:providers:") and parts[2] else parts[0]


def is_foreign(token: str) -> bool:
    """Whether a type is of a package that no rule knows: where its resources lie, and what they send, is unknown."""
    package = _package(token)
    return package not in _PACKAGES and package not in _IN_THE_STATE and package != "kubernetes"


@lru_cache(maxsize=4096)
def is_judged(token: str, *, custom: bool = True) -> bool:
    """Whether rules have something to say about a type: a cloud's resource, a Kubernetes object, another stack, and
    what is of a package that no rule knows, unless it is a component (`custom` is false), which only groups others.
    """
    if token.startswith("kubernetes:") or token == REFERENCE or cloud_of(token) is not None:
        return True
    return custom and is_foreign(token)


REFERENCE: Final = "pulumi:pulumi:StackReference"


def at(inputs: Any, *path: str) -> Any:
    """The value at a path of keys, or None; UNKNOWN where a part before it is not known."""
    for step in path:
        if inputs is UNKNOWN:
            return UNKNOWN
        inputs = inputs.get(step) if hasattr(inputs, "get") else None
    return inputs


def violation(
    subject: Subject, rule: str, path: str, value: object, reason: str, *, allowed: str | None = None
) -> Violation:
    """A violation of a subject. `allowed` defaults to the world's regions."""
    return Violation(
        rule=rule,
        resource=f"{subject.type} {subject.name!r}",
        property=path,
        value=(value if isinstance(value, str) else repr(value))[:_SHOWN],
        allowed=allowed if allowed is not None else ", ".join(sorted(subject.allowed)),
        reason=reason,
    )
