"""What the pack is asked about: a world, from its configuration or from the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from components.errors import TwainLibraryError
from components.policy.decide import Border

if TYPE_CHECKING:
    from collections.abc import Mapping


# The entry of the pack's configuration that is no rule.
CONFIGURED: Final = "border"
SCHEMA: Final[dict[str, Any]] = {
    "world": {"type": "string", "enum": ["cn", "row"]},
    "fleet": {"type": "string"},
    "regions": {"type": "array", "items": {"type": "string"}},
    "hosts": {"type": "array", "items": {"type": "string"}},
    "security": {"type": "boolean"},
}


class SettingsError(TwainLibraryError):
    """The pack cannot say what it is asked about."""


def border_of(asked: Mapping[str, Any], env: Mapping[str, str]) -> Border:
    """The border of the configuration, else of `TWAIN_WORLD`, `TWAIN_FLEET`. Raises SettingsError for none."""
    world = asked.get("world") or env.get("TWAIN_WORLD")
    if world not in ("cn", "row"):
        message = (
            "which world is this program for? Set TWAIN_WORLD=cn or TWAIN_WORLD=row, or give "
            f'--policy-pack-config with {{"{CONFIGURED}": {{"world": "cn"}}}}'
        )
        raise SettingsError(message)
    security = bool(asked.get("security", False))
    fleet = asked.get("fleet") or env.get("TWAIN_FLEET")
    if fleet:
        from datetime import UTC, datetime

        from components.policy import exports
        from components.policy.spec_rules import load_checked

        entries = exports.of_fleet(str(fleet), datetime.now(UTC).date())
        return Border.of(load_checked(str(fleet)), world, security=security, exports=entries)
    return Border.anywhere(world, regions=asked.get("regions") or (), own=asked.get("hosts") or (), security=security)
