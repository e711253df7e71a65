"""The budgets of a cell at its cloud: what the maisons may spend together in a month, and each by itself, and who is
told when it nears.

A budget warns, on every cloud; it stops nothing. That of a single maison sees what carries its tag. Most of what a
maison costs carries none: its pods run on nodes that it shares with the others.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

import pulumi

from components.base import Component, Place
from components.spec.model import Money

if TYPE_CHECKING:
    from components.network.contract import NetworkOutputs
    from components.spec.model import CellBudget, Maison

_CENT = Decimal("0.01")
# What no budget of a single maison sees, and why.
SHARED = {
    "nodes": "maisons share the nodes of a cell and so its GPUs, and a cloud's budgets see no namespaces",
    "stores": "maisons share bucket, database, cache and registry of a cell, which carry the tag of none",
}
NOT_ASKED = "the fleet names no budget for this cell"
_NOTHING = "its budget comes to nothing here"


def share(spec: CellBudget, maisons: tuple[Maison, ...], *, percent: int | None = None) -> Money:
    """The part of all these maisons' budgets that this cell may spend, in their own currency, cut down to whole cents:
    `percent` of it, that of the cell where none is given.

    Raises ValueError when the budgets are not all in the currency that the cell is billed in: amounts of two currencies
    have no sum without a dated rate. (The check of the fleet has refused that before.)
    """
    others = sorted({maison.budget.currency for maison in maisons} - {spec.currency})
    if others:
        message = f"budgets in {', '.join(others)} cannot be watched by an account that is billed in {spec.currency}"
        raise ValueError(message)
    return Money(amount=_part(maisons, spec.percent if percent is None else percent), currency=spec.currency)


def _part(maisons: tuple[Maison, ...], percent: int) -> Decimal:
    whole = sum((maison.budget.amount for maison in maisons), Decimal(0))
    return (whole * percent / 100).quantize(_CENT, rounding=ROUND_DOWN)


def printed(money: Money) -> dict[str, str]:
    """An amount as the outputs hold it: text with a currency, never a binary number."""
    return {"amount": str(money.amount), "currency": money.currency}


@dataclass(frozen=True, kw_only=True)
class BudgetInputs:
    """The place, the network (whose scope the costs lie in) and the maisons, whose budgets are added up.

    `watcher` is the cell whose budgets watch single maisons where this one's would, and `percent` the part of theirs
    that it watches: where a filter takes one tag, cells of one billing account see each other's costs of a maison.
    """

    place: Place
    network: NetworkOutputs
    maisons: tuple[Maison, ...]
    watcher: str
    percent: int

    @property
    def asked(self) -> CellBudget | None:
        """What the fleet says about this cell's budget."""
        return self.place.cell.cell.budget

    def limits(self, asked: CellBudget) -> dict[str, Money]:
        """What this cell watches of each maison by itself."""
        if self.watcher != self.place.cell.cell.name:
            return {}
        some = [maison for maison in self.maisons if _part((maison,), self.percent) > 0]
        return {maison.name: share(asked, (maison,), percent=self.percent) for maison in some}

    def unwatched(self, asked: CellBudget) -> dict[str, str]:
        """What nobody watches where there are budgets, and why."""
        limits = self.limits(asked)
        elsewhere = f"cell {self.watcher} watches it for their billing account"
        why = _NOTHING if self.watcher == self.place.cell.cell.name else elsewhere
        return {**SHARED, **{f"maison {one.name}": why for one in self.maisons if one.name not in limits}}

    def declared(
        self, asked: CellBudget, whole: pulumi.Output[str], alone: dict[str, pulumi.Output[str]]
    ) -> BudgetOutputs:
        """What is told of the cell's budget and of those of single maisons, by their ids."""
        limits = self.limits(asked)
        return BudgetOutputs(
            budget_id=whole,
            limit=printed(share(asked, self.maisons)),
            maison_ids=alone,
            maison_limits={maison: printed(part) for maison, part in limits.items()},
            unwatched=self.unwatched(asked),
        )

    def nothing(self, why: str) -> BudgetOutputs:
        """What is told where no budget is declared."""
        found = {"cell": why, **{f"maison {maison.name}": why for maison in self.maisons}}
        return BudgetOutputs(
            budget_id=pulumi.Output.from_input(""), limit=None, maison_ids={}, maison_limits={}, unwatched=found
        )


@dataclass(frozen=True, kw_only=True)
class BudgetOutputs:
    """`budget_id` is the cloud's own budget of the cell, empty where there is none. `limit` is what it watches, as
    `amount` and `currency`; None where nothing is watched. `maison_ids` and `maison_limits` are the same for each
    maison that has one. `unwatched` names what no budget of the cloud watches (`cell`, `nodes`, `maison NAME`), and
    why.
    """

    budget_id: pulumi.Output[str]
    limit: dict[str, str] | None
    maison_ids: dict[str, pulumi.Output[str]]
    maison_limits: dict[str, dict[str, str]]
    unwatched: dict[str, str]


class Budget(Component[BudgetInputs, BudgetOutputs]):
    """A monthly budget on what carries the cell's tag, and one on what carries each maison's, with alerts at the
    fleet's thresholds and at a forecast of all.

    Where a cloud has no budgets to declare, nothing is declared and `unwatched` says so: not watched is never shown as
    within budget. Costs without a tag (a network and its traffic on GCP, for one) are not counted by the cloud.
    """

    kind = "Budget"

    @abstractmethod
    def build(self, name: str, inputs: BudgetInputs) -> BudgetOutputs:
        """Declare the budgets."""
