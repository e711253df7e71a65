"""What `pulumi preview --json` leaves out, asked in one way by all that read one: a plan is read whole or refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# Steps after which the resource is not there.
GONE: Final = frozenset(
    {"delete", "delete-replaced", "discard", "discard-replaced", "remove-pending-replace", "read-discard"}
)
WHOLE: Final = "pulumi preview --json --show-sames > FILE, or pulumi stack export > FILE"


def has_no_state(op: str, *, state: bool) -> bool:
    """Whether a step that should say what will be there does not. One of a refresh may have found it gone."""
    return not state and op not in GONE and op != "refresh"


def left_out(summary: Any, sames: int) -> str | None:
    """What is wrong with a preview that counts more unchanged resources than it shows; None when it shows them all."""
    counted = summary.get("same") if isinstance(summary, Mapping) else None
    left = int(counted) - sames if isinstance(counted, int | float) else 0
    if left <= 0:
        return None
    return f"the preview leaves out {left} resources that would not change, so what there will be is not all here."
