"""The JSON of what a change costs, in words. Apart from what computes it, so that `twain --help` loads no prices."""

from __future__ import annotations

from typing import Any, Final

_MONEY = "decimal string"
_SPAN = {"atSmallest": _MONEY, "atLargest": _MONEY}
_NUMBERS = {"atSmallest": "decimal string", "atLargest": "decimal string"}
_WHAT = {"op": "string", "type": "string", "name": "string"}
_TOTAL = {"currency": "ISO 4217", "monthly": _SPAN, "basis": "sourced|derived|synthetic", "asOf": "YYYY-MM-DD"}
# Null where nobody knows what would change: a stack of another world.
ITEM: Final[dict[str, Any]] = {
    "hours": "integer",
    "priced": [
        {
            **_WHAT,
            "sku": "string",
            "price": _MONEY,
            "priceKind": "ondemand|spot|1y",
            "currency": "ISO 4217",
            "asOf": "YYYY-MM-DD",
            "basis": "sourced|derived|synthetic",
            "source": "string",
            "before": _NUMBERS,
            "after": _NUMBERS,
            "monthly": _SPAN,
        }
    ],
    "unpriced": [{**_WHAT, "sku": "string|null", "reason": "string"}],
    "totals": [_TOTAL],
}
EXTRA: Final[dict[str, Any]] = {
    "cost": {"hours": "integer", "totals": [_TOTAL], "unpriced": "integer", "unknown": ["string"]}
}
