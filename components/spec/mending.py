"""What a file would say without its faults of form, so that the rules on the whole can be told in the same breath."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

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
    "max": lambda _: 1000,
    "gpu_quota": lambda _: 1000,
    "backend": lambda number: f"{_WORD}-{number}",
    "secrets_provider": lambda number: f"{_WORD}-{number}",
    "registry": lambda number: f"{_WORD}-{number}",
}

# Stand-ins that offend no rule and that a file may well hold somewhere else.
_UNREMARKABLE = ("amount", "currency", "kubernetes_minor", "max", "gpu_quota")


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
            for fault in error.errors(include_url=False):
                _mend(kept, tuple(fault["loc"]), required=fault["type"] == "missing", assumed=assumed)
            return Mended(value=model.model_validate(kept), assumed=tuple(assumed))
        except ValidationError as again:
            error = again
        except (LookupError, TypeError):
            return None
    return None


def _mend(body: dict[str, Any], trail: tuple[int | str, ...], *, required: bool, assumed: list[str]) -> None:
    *around, name = trail
    place: Any = body
    for step in around:
        place = place[step]
    if not required:
        if isinstance(place, list):
            # Taking an item out would move the others away from their lines.
            raise LookupError(name)
        del place[name]
        return
    stand_in = _STAND_INS[str(name)](len(assumed))
    place[name] = stand_in
    if str(name) not in _UNREMARKABLE:
        assumed.append(str(stand_in))
