"""What several emulated types share: whether machines are offered, and identifiers like the clouds' own."""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING

from components.rules.checks import not_offered
from components.rules.model import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal.providers.facts import Machine

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def machine_problems(path: str, value: str, *, machines: Mapping[str, Machine], region: str) -> Iterator[Problem]:
    """Whether a machine type exists, and in this region."""
    found = machines.get(value)
    if found is None:
        yield Problem(path, not_offered(value, machines, what="machine type"))
    elif region and region not in found.regions:
        yield Problem(path, f"{value} is not offered in {region}; it is in {', '.join(sorted(found.regions))}")


def token(length: int = 20) -> str:
    """A random lower-case identifier, like the clouds' own."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def guid() -> str:
    """A random identifier in the usual five groups."""
    return str(uuid.uuid4())


def derived(id_: str, purpose: str) -> str:
    """An identifier that belongs to a resource for as long as it lives, whatever is updated."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{id_}#{purpose}"))
