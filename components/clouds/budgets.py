"""What a cloud's budgets ask for. A cloud that is not in the table has none that a program could declare.

Sources: the providers' SDKs and the vendors' pages of their budgets, August 2026. Alibaba Cloud has budgets in its
console only: no resource of the SDK makes one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Budgets:
    """`account`: how a billing account is written, None where the cell's own account is meant and none is named.
    `alerts`: how what is told is written, an object that the cloud knows and never an address of a person.
    """

    account: re.Pattern[str] | None
    alerts: re.Pattern[str]
    alerts_words: str


BUDGETS: dict[str, Budgets] = {
    "gcp": Budgets(
        account=re.compile(r"[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}"),
        alerts=re.compile(r"projects/[a-z0-9-]+/(notificationChannels/\d+|topics/[A-Za-z][\w.~+%-]{2,254})"),
        alerts_words="projects/PROJECT/notificationChannels/NUMBER or projects/PROJECT/topics/NAME",
    ),
    "azure": Budgets(
        account=None,
        alerts=re.compile(
            r"/subscriptions/[0-9a-f-]{36}/resourceGroups/[\w.()-]+/providers/[Mm]icrosoft\.[Ii]nsights"
            r"/actionGroups/[\w .()-]+"
        ),
        alerts_words="the id of an action group, /subscriptions/…/providers/Microsoft.Insights/actionGroups/NAME",
    ),
}
