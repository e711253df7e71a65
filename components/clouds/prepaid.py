"""What a cloud sells in advance only, so that bringing a cell up spends money at once and not by the hour.

Everything else is paid as it is used. Source: the provider's documentation of the payment types, August 2026.
"""

from __future__ import annotations

REGISTRY: dict[str, str] = {
    "alicloud": "alicloud sells a private registry by the year and in advance, and bringing the cell up buys it"
}
