"""The closed list of capabilities that cells are compared by: what a value of each means, and how each cloud gives it.

The list is data (`data/capabilities.yaml`). How a guarantee is given is declared per cloud, with the reason; tests hold
every declaration against real plans.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal, get_args

from components.parity.graph import NOT_APPLICABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CAPABILITIES", "IDS", "MEANS", "NOT_APPLICABLE", "Capability", "Given", "Means", "by_id"]

Means = Literal["native", "composed", "planned", "blocked", "never"]
MEANS: tuple[Means, ...] = get_args(Means)
Layer = Literal["infra", "platform", "workload"]
CLOUDS = ("alicloud", "gcp", "azure")
_FILE = "capabilities.yaml"


@dataclass(frozen=True, kw_only=True)
class Given:
    """How one cloud gives a guarantee, and why it is said so."""

    means: Means
    why: str

    @property
    def there(self) -> bool:
        """Whether a cell on that cloud has it."""
        return self.means in {"native", "composed"}


@dataclass(frozen=True, kw_only=True)
class Capability:
    """One thing that a cell guarantees. `field` is the place in the fleet that decides it, empty where no field does;
    `lacking` the value of a cell that has nothing of it, empty where there is no such value; `reads` the inputs that
    it is read from (`TYPE PATH`, or `TYPE` where it counts that there is one), by cloud, or under `kubernetes` for what
    is the same on all.
    """

    id: str
    source: str
    layer: Layer
    says: str
    clouds: Mapping[str, Given]
    reads: Mapping[str, tuple[str, ...]]
    field: str = ""
    lacking: str = ""

    def inputs(self, cloud: str) -> tuple[str, ...]:
        """The inputs that it is read from on a cloud."""
        return self.reads.get(cloud, self.reads.get("kubernetes", ()))


def _read() -> tuple[Capability, ...]:
    import yaml

    text = (resources.files("components.parity") / "data" / _FILE).read_text(encoding="utf-8")
    # The safe loader all the same, in C where the library has it: this is read at each start.
    raw = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return tuple(_capability(one) for one in raw["capabilities"])


def _capability(raw: Mapping[str, Any]) -> Capability:
    return Capability(
        id=raw["id"],
        source=raw["source"],
        layer=raw["layer"],
        says=raw["says"],
        clouds={cloud: Given(means=one["means"], why=one["why"]) for cloud, one in raw["clouds"].items()},
        reads={cloud: tuple(inputs) for cloud, inputs in raw["reads"].items()},
        field=raw.get("field", ""),
        lacking=raw.get("lacking", ""),
    )


CAPABILITIES: tuple[Capability, ...] = _read()
IDS = tuple(capability.id for capability in CAPABILITIES)


def by_id(identifier: str) -> Capability | None:
    """The capability of this id, or None."""
    return next((one for one in CAPABILITIES if one.id == identifier), None)
