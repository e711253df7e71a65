"""What the definitions in the tree leave out of those of their modules."""

from __future__ import annotations

from typing import Any


def bare(value: Any) -> Any:
    """A definition without the texts that describe its fields; a field that is called `description` stays. Pure."""
    if isinstance(value, dict):
        return {key: bare(item) for key, item in value.items() if not (key == "description" and isinstance(item, str))}
    return [bare(item) for item in value] if isinstance(value, list) else value
