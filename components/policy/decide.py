"""The verdict on a whole resource graph: a plan or a state, as the engine writes it.

Values that are not known yet take the verdict of the resources they depend on (`propertyDependencies`). The same rules
run inside the program; this is for graphs that are at hand as data.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from components.clouds import tokens
from components.clouds.regions import WORLD_OF
from components.policy import hosts, places
from components.policy.model import ACCEPTED, REFERENCE, UNKNOWN, Permit, Subject, Violation, cloud_of, is_judged
from components.policy.rules import judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from components.policy.model import ProviderIs
    from components.spec.model import Fleet, WorldName

# How the engine writes a value that is not known yet: one mark for each type of value.
_UNKNOWN_TEXTS = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
# The key that marks what is no plain value, and what the mark says.
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark, not a secret
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
# What is said of a resource that is on its way, by (to be deleted, begun).
_STANDING = {(False, False): "", (True, False): " (to be deleted)", (False, True): " (begun)", (True, True): " (begun)"}
# Modules whose resources lie nowhere: who may do what, and names.
_PLACELESS = ("alicloud:ram/", "gcp:projects/", "gcp:serviceaccount/", "gcp:organizations/", "gcp:folder/", "gcp:dns/")


@dataclass(frozen=True, kw_only=True)
class Border:
    """What a graph is judged by: the world, its allowed regions, hosts that were declared as its own, and the worlds of
    the fleet's cells by name, the export entries by id.
    """

    world: str
    allowed: frozenset[str]
    hosts: frozenset[str] = frozenset()
    cells: Mapping[str, str] = field(default_factory=dict[str, str])
    security: bool = True
    exports: Mapping[str, Permit] = field(default_factory=dict[str, Permit])

    @classmethod
    def of(
        cls, fleet: Fleet, world: WorldName, *, security: bool = True, exports: Mapping[str, Permit] | None = None
    ) -> Border:
        """The border of a world of a fleet. Its own registry is its own wherever the name of it lies."""
        declared = fleet.worlds[world]
        return cls(
            world=world,
            allowed=frozenset(declared.regions),
            hosts=frozenset({hosts.host_of(declared.registry.partition("/")[0])}),
            cells={cell.name: cell.world for cell in fleet.cells},
            security=security,
            exports=exports or {},
        )

    @classmethod
    def anywhere(cls, world: str, *, regions: Iterable[str] = (), own: Iterable[str] = (), security: bool) -> Border:
        """The border of a world without a fleet: every region that the tables know in it, unless some are named."""
        known = {name for names in WORLD_OF.values() for name, of in names.items() if of == world}
        chosen = frozenset(regions) or frozenset(known)
        return cls(world=world, allowed=chosen, hosts=frozenset(own), security=security)


def decide(
    resources: Iterable[Mapping[str, Any]], *, world: str, allowed: Iterable[str], **more: Any
) -> list[Violation]:
    """Every violation of a graph, in its order. Each resource has `urn`, `type`, `inputs`, and may have `custom`,
    `provider`, `propertyDependencies` (key to urns), `external`, `outputs`, `delete` and `pending`. Pure. `more` as in
    `Border`.
    """
    return Graph(Border(world=world, allowed=frozenset(allowed), **more)).judge(resources)


class Graph:
    """One pass over a graph. The engine lists a resource after all that it depends on."""

    def __init__(self, border: Border, *, later: bool = False) -> None:
        """With `later` what is not known yet, and ids that name no region, are left for whoever sees the edges."""
        self._border, self._later = border, later
        self._kinds: dict[str, str] = {}
        self._refused: set[str] = set()
        self._placed: set[str] = set()
        self.judged = 0

    def judge_last(self, resources: Iterable[Mapping[str, Any]]) -> list[Violation]:
        """The violations of the last resource only; those before it are what it stands on."""
        *before, last = resources
        self.judge(before)
        return self.judge([last])

    def judge(self, resources: Iterable[Mapping[str, Any]]) -> list[Violation]:
        """Every violation, in the order of the graph."""
        found: list[Violation] = []
        for row in resources:
            kind, urn = tokens.plain(str(row.get("type"))), str(row.get("urn", ""))
            # What is still to be deleted is there until then, and what was begun may be; neither vouches for others.
            passing = bool(row.get("delete") or row.get("pending"))
            if passing:
                self._kinds.setdefault(urn, kind)
            else:
                self._kinds[urn] = kind
            if not is_judged(kind, custom=row.get("custom") is not False):
                continue
            self.judged += 1
            subject = self._subject(row, kind, urn)
            violations = judge(subject, security=self._border.security)
            if passing:
                found.extend(violations)
                continue
            edges = row.get("propertyDependencies") or {}
            if violations or any(one in self._refused for urns in edges.values() for one in urns or ()):
                # What stands on something refused vouches for nothing, even where it breaks no rule itself.
                self._refused.add(urn)
            elif kind.startswith("pulumi:providers:") and places.states_place(subject):
                self._placed.add(urn)
            found.extend(violations)
        return found

    def _subject(self, row: Mapping[str, Any], kind: str, urn: str) -> Subject:
        edges = row.get("propertyDependencies") or {}
        stated = row.get("inputs") or {}
        if row.get("external") and kind != REFERENCE:
            # What is only looked up states nothing; what was found says where it lies.
            stated = {**(row.get("outputs") or {}), **stated}
        ask = self._accepting(kind)
        judged = frozenset(
            stated if self._later else (key for key in edges if key in stated and self._accepts(kind, edges[key] or ()))
        )
        subject = Subject(
            type=kind,
            name=urn.rsplit("::", 1)[-1] + _STANDING[bool(row.get("delete")), bool(row.get("pending"))],
            inputs={key: plain(value, judged=key in judged, ask=ask) for key, value in stated.items()},
            world=self._border.world,
            allowed=self._border.allowed,
            traced=judged,
            hosts=self._border.hosts,
            cells=self._border.cells,
            exports=self._border.exports,
        )
        found = self._provider_of(row, subject)
        return subject if found == "placed" else replace(subject, provider=found)

    def _provider_of(self, row: Mapping[str, Any], subject: Subject) -> ProviderIs:
        """Whether a resource's place is stated: by itself, by a provider that was named and is in the graph, or by a
        default provider whose own region is in the graph. A default provider is called `default` and may carry a
        version. One that was named and refused is a violation of its own, and not one of all that is under it.
        """
        cloud = cloud_of(subject.type)
        if cloud is None or subject.type.startswith("pulumi:providers:") or row.get("custom") is False:
            return "placed"
        urn = str(row.get("provider") or "").rpartition("::")[0]
        name = urn.rpartition("::")[2]
        named = bool(name) and name != "default" and not name.startswith("default_")
        kind = self._kinds.get(urn, "")
        given = named and kind.startswith("pulumi:providers:") and cloud_of(kind) == cloud
        if given or urn in self._placed or places.states_place(subject):
            return "placed"
        nowhere = subject.type.startswith(_PLACELESS) or subject.type.rpartition(":")[2].startswith("IAM")
        # Azure takes a missing location from the group or the parent, never from its surroundings.
        if name and (nowhere or cloud == "azure"):
            return "placed"
        return "unseen" if named else "none"

    def _accepting(self, kind: str) -> Any:
        return lambda urns: self._accepts(kind, urns)

    def _accepts(self, kind: str, urns: Iterable[str]) -> bool:
        """Whether a value comes from resources of this graph that were judged and accepted, and from nothing else. A
        place of a cloud comes from a cloud; what is in a cluster may also come from the cluster, and from the `infra`
        stack of a cell of this world, whose own graph is judged and whose outputs are known before anything is made.
        """
        if self._later:
            return True
        sources = [(urn, self._kinds.get(urn, "")) for urn in urns]
        inside = kind.startswith("kubernetes:")
        return bool(sources) and all(
            urn not in self._refused
            and (cloud_of(of) is not None or (inside and (of.startswith("kubernetes:") or self._is_infra(urn))))
            for urn, of in sources
        )

    def _is_infra(self, urn: str) -> bool:
        """Whether an urn is that of the reference by which a cell's `platform` reads a cell's `infra` in this world."""
        kind, _, name = urn.partition(f"::{REFERENCE}::")
        cell = name.removeprefix("infra-") if kind and name.startswith("infra-") else ""
        return bool(cell) and self._border.cells.get(cell) == self._border.world


def plain(value: Any, *, judged: bool, ask: Any = None) -> Any:
    """A value without the engine's marks. What is not known yet is ACCEPTED or UNKNOWN by `judged`; a value that
    carries its own origin is asked for it.
    """
    if isinstance(value, str):
        return (ACCEPTED if judged else UNKNOWN) if value in _UNKNOWN_TEXTS else value
    if isinstance(value, dict):
        mark = value.get(_SIGNATURE)
        if mark is not None:
            return _marked(value, mark, judged=judged, ask=ask)
        return {key: plain(item, judged=judged, ask=ask) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item, judged=judged, ask=ask) for item in value]
    return value


def _marked(value: Mapping[str, Any], mark: Any, *, judged: bool, ask: Any) -> Any:
    if mark == _OUTPUT:
        own = ask(value.get("dependencies") or ()) if ask is not None else False
        return (
            plain(value["value"], judged=judged, ask=ask)
            if "value" in value
            else (ACCEPTED if judged or own else UNKNOWN)
        )
    if mark == _SECRET and "plaintext" in value:
        try:
            return plain(json.loads(value["plaintext"]), judged=judged, ask=ask)
        except (TypeError, ValueError):
            return UNKNOWN
    if mark == _SECRET:
        # A secret place is no place that anybody can check.
        return plain(value["value"], judged=judged, ask=ask) if "value" in value else UNKNOWN
    # Assets, archives and references to resources are no places.
    return None
