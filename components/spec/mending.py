"""What a file would say without its faults of form, so that the rules on the whole can be told in the same breath."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_Model = TypeVar("_Model", bound=BaseModel)

# Faults of form come in layers (a field that is taken out may be required): each round mends one.
_ROUNDS = 3
# Names and regions that nobody declares, and ranges of a block that no fleet has more of than these.
_WORD = "stand-in"
_STAND_INS: dict[str, Callable[[int], Any]] = {
    "name": lambda number: f"{_WORD}-{number}",
    "rbac_group": lambda number: f"{_WORD}-{number}",
    "gate_cell": lambda number: f"{_WORD}-{number}",
    "region": lambda number: f"{_WORD}-{number}",
    "cidr": lambda number: f"192.168.{64 * (number % 4)}.0/18",
    "amount": lambda _: "1.00",
    "currency": lambda _: "EUR",
    "kubernetes_minor": lambda _: "1.36",
    "gpu_quota": lambda _: 1000,
    "backend": lambda number: f"{_WORD}-{number}",
    "secrets_provider": lambda number: f"{_WORD}-{number}",
    "registry": lambda number: f"{_WORD}-{number}",
}

# What stands for an item, by the name of its list: taking one out would move the others away from their lines.
_ITEMS: dict[str, Callable[[int], Any]] = {
    "regions": lambda number: f"{_WORD}-{number}",
    "zones": lambda number: f"{_WORD}-{number}",
    "readers": lambda number: f"{_WORD}-{number}",
    "thresholds": lambda _: 100,
    "severities": lambda _: "page",
}

# Stand-ins that offend no rule and that a file may well hold somewhere else.
_UNREMARKABLE = ("amount", "currency", "kubernetes_minor", "gpu_quota", "thresholds", "severities")


@dataclass(frozen=True, kw_only=True)
class Mended(Generic[_Model]):
    """A model in the place of one that is wrong. `assumed` are the words put in: whatever is said about them is not
    about the file.
    """

    value: _Model
    assumed: tuple[str, ...]


def mend(model: type[_Model], body: dict[str, Any], error: ValidationError) -> Mended[_Model] | None:
    """The model without the fields that it does not know, with a default or a stand-in for each that is wrong. None
    where that makes no sense: something is required that has neither.
    """
    kept = copy.deepcopy(body)
    assumed: list[str] = []
    for _ in range(_ROUNDS):
        try:
            for fault in faults(error):
                _mend(kept, tuple(fault["loc"]), required=fault["type"] == "missing", assumed=assumed)
            return Mended(value=model.model_validate(kept), assumed=tuple(assumed))
        except ValidationError as again:
            error = again
        except (LookupError, TypeError):
            return None
    return None


def faults(error: ValidationError) -> list[dict[str, Any]]:
    """What is wrong, without the lists that are too short only because their items are wrong."""
    found = error.errors(include_url=False)
    places = [fault["loc"] for fault in found]
    return [
        dict(fault)
        for fault, place in zip(found, places, strict=True)
        if fault["type"] != "too_short" or not any(one[: len(place)] == place != one for one in places)
    ]


def _mend(body: dict[str, Any], trail: tuple[int | str, ...], *, required: bool, assumed: list[str]) -> None:
    *around, name = trail
    place: Any = body
    for step in around:
        place = place[step]
    if isinstance(place, list):
        _put(place, name, assumed=assumed, kind=str(around[-1]), known=_ITEMS)
    elif required and name == "max":
        # As many as there must be: no more than the file says, so that no rule speaks of it.
        place[name] = least if isinstance(least := place.get("min"), int) and least > 0 else 1
    elif required:
        _put(place, name, assumed=assumed, kind=str(name), known=_STAND_INS)
    else:
        del place[name]


def _put(
    place: Any, name: int | str, *, assumed: list[str], kind: str, known: Mapping[str, Callable[[int], Any]]
) -> None:
    stand_in = known[kind](len(assumed))
    place[name] = stand_in
    if kind not in _UNREMARKABLE:
        assumed.append(str(stand_in))
