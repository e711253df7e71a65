"""What a cloud's budgets ask for. A cloud that is not in the table has none that a program could declare.

Sources: the providers' SDKs and the vendors' pages of their budgets, August 2026. Alibaba Cloud has budgets in its
console only: no resource of the SDK makes one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.spec.model import Cell, Fleet


@dataclass(frozen=True, kw_only=True)
class Budgets:
    """`tags`: how many tags the filter of one budget takes. `account`: how a billing account is written, None where the
    cell's own account is meant and none is named. `alerts`: how what is told is written, an object that the cloud knows
    and never an address of a person.
    """

    tags: int
    account: re.Pattern[str] | None
    alerts: re.Pattern[str]
    alerts_words: str


BUDGETS: dict[str, Budgets] = {
    "gcp": Budgets(
        tags=1,
        account=re.compile(r"[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}"),
        alerts=re.compile(r"projects/[a-z0-9-]+/(notificationChannels/\d+|topics/[A-Za-z][\w.~+%-]{2,254})"),
        alerts_words="projects/PROJECT/notificationChannels/NUMBER or projects/PROJECT/topics/NAME",
    ),
    "azure": Budgets(
        tags=2,
        account=None,
        alerts=re.compile(
            r"/subscriptions/[0-9a-f-]{36}/resourceGroups/[\w.()-]+/providers/[Mm]icrosoft\.[Ii]nsights"
            r"/actionGroups/[\w .()-]+"
        ),
        alerts_words="the id of an action group, /subscriptions/…/providers/Microsoft.Insights/actionGroups/NAME",
    ),
}


def watcher(fleet: Fleet, cell: Cell) -> tuple[str, int]:
    """The cell whose budgets watch single maisons where this cell's would, and the percent of theirs that it watches.

    A filter that takes one tag takes a maison's, in all cells of the billing account: the first of them speaks for all.
    """
    known, own = BUDGETS.get(cell.cloud), cell.budget
    if known is None or own is None:
        return cell.name, 0
    if known.tags > 1:
        return cell.name, own.percent
    there = [one for one in fleet.cells if one.cloud == cell.cloud and one.budget and one.budget.account == own.account]
    return there[0].name, sum(one.budget.percent for one in there if one.budget)
