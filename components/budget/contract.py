"""The budget of a cell at its cloud: what the maisons may spend together in a month, and who is told when it nears.

A budget warns, on every cloud; it stops nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from components.base import Component, Place
from components.spec.model import Money

if TYPE_CHECKING:
    import pulumi

    from components.network.contract import NetworkOutputs
    from components.spec.model import CellBudget, Maison

_CENT = Decimal("0.01")
# Why no cloud watches a single maison.
SHARED = "maisons share the nodes of a cell, and a cloud's budgets see no namespaces; the cost report does"
NOT_ASKED = "the fleet names no budget for this cell"


def share(spec: CellBudget, maisons: tuple[Maison, ...]) -> Money:
    """The part of all maisons' budgets that this cell may spend, in their own currency, cut down to whole cents.

    Raises ValueError when the budgets are not all in the currency that the cell is billed in: amounts of two currencies
    have no sum without a dated rate. (The check of the fleet has refused that before.)
    """
    others = sorted({maison.budget.currency for maison in maisons} - {spec.currency})
    if others:
        message = f"budgets in {', '.join(others)} cannot be watched by an account that is billed in {spec.currency}"
        raise ValueError(message)
    whole = sum((maison.budget.amount for maison in maisons), Decimal(0))
    amount = (whole * spec.percent / 100).quantize(_CENT, rounding=ROUND_DOWN)
    return Money(amount=amount, currency=spec.currency)


def printed(money: Money) -> dict[str, str]:
    """An amount as the outputs hold it: text with a currency, never a binary number."""
    return {"amount": str(money.amount), "currency": money.currency}


@dataclass(frozen=True, kw_only=True)
class BudgetInputs:
    """The place, the network (whose scope the costs lie in) and the maisons, whose budgets are added up."""

    place: Place
    network: NetworkOutputs
    maisons: tuple[Maison, ...]

    @property
    def asked(self) -> CellBudget | None:
        """What the fleet says about this cell's budget."""
        return self.place.cell.cell.budget

    @property
    def unwatched_maisons(self) -> dict[str, str]:
        """Every maison with the reason why the cloud does not watch it by itself."""
        return {f"maison {maison.name}": SHARED for maison in self.maisons}


@dataclass(frozen=True, kw_only=True)
class BudgetOutputs:
    """`budget_id` is the cloud's own budget of the cell, empty where there is none. `limit` is what it watches, as
    `amount` and `currency`; None where nothing is watched. `unwatched` names what no budget of the cloud watches
    (`cell`, `maison NAME`), and why.
    """

    budget_id: pulumi.Output[str]
    limit: dict[str, str] | None
    unwatched: dict[str, str]


class Budget(Component[BudgetInputs, BudgetOutputs]):
    """A monthly budget on what carries the cell's tag, with alerts at the fleet's thresholds and at a forecast of all.

    Where a cloud has no budgets to declare, nothing is declared and `unwatched` says so: not watched is never shown as
    within budget. Costs without a tag (a network and its traffic on GCP, for one) are not counted by the cloud.
    """

    kind = "Budget"

    @abstractmethod
    def build(self, name: str, inputs: BudgetInputs) -> BudgetOutputs:
        """Declare the budget."""
