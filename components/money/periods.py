"""Billing periods: names, edges in each provider's own time zone, and when a provider stops changing one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_PERIOD = re.compile(r"^(\d{4})-(0[1-9]|1[0-2])$")
CHINA = timezone(timedelta(hours=8), "UTC+8")

# The zone in which a provider's month begins: Alibaba Cloud's begins at 16:00 UTC of the day before.
_ZONES: dict[str, timezone] = {"alicloud": CHINA}


def check(period: str) -> str:
    """The period itself. Raises ValueError when it is not YYYY-MM."""
    if not _PERIOD.match(period):
        message = f"{period!r} is not a month such as 2026-11"
        raise ValueError(message)
    return period


def bounds(provider: str, period: str) -> tuple[datetime, datetime]:
    """Start (inclusive) and end (exclusive) of a provider's billing month, in UTC."""
    year, month = (int(part) for part in check(period).split("-"))
    zone = _ZONES.get(provider, UTC)
    start = datetime(year, month, 1, tzinfo=zone)
    end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def containing(provider: str, moment: datetime) -> str:
    """The billing month of a provider in which a moment lies."""
    return moment.astimezone(_ZONES.get(provider, UTC)).strftime("%Y-%m")


def final_after(provider: str, period: str) -> datetime:
    """The moment after which an export of the month is the provider's last word.

    Alibaba Cloud states 12:00 UTC+8 on day 4 of the next month. GCP fills in for up to five days and Azure exports a
    closed month again in its first days; neither states an hour, so both are taken as six whole days.
    """
    _, end = bounds(provider, period)
    if provider == "alicloud":
        return end + timedelta(days=3, hours=12)
    return end + timedelta(days=6)
