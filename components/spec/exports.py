"""What an export entry may say: an approved crossing of the border, with who answers for it, by which mechanism of the
law, how much, and until when. Its numbers are judged in `components.policy.exports`.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from components.spec.load import load_each
from components.spec.model import SpecModel, WorldName
from components.spec.types import Owner, Reason

if TYPE_CHECKING:
    from pathlib import Path

Mechanism = Literal["security-assessment", "standard-contract", "certification", "exemption"]
Article = Literal["3", "4", "5-1", "5-2", "5-3", "5-4", "6"]


class Volume(SpecModel):
    """How many persons' data cross, in each calendar year that the entry touches: all, and of them those whose data are
    sensitive.
    """

    persons: int = Field(ge=0, le=10_000_000_000, strict=True)
    sensitive: int = Field(ge=0, le=10_000_000_000, strict=True)


class ExportEntry(SpecModel):
    """One approved crossing. It counts from `since` to the end of `until`, for the artefacts that it names and for no
    other. `article` says which exemption of China's provisions it stands on.
    """

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,31}$")
    origin: Literal["cn-personal", "row-personal"]
    to: WorldName
    kind: Literal["weights", "dataset"]
    artefacts: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$")], ...] = Field(min_length=1)
    owner: Owner
    reason: Reason
    mechanism: Mechanism
    article: Article | None = None
    reference: str = Field(default="", max_length=128)
    volume: Volume
    important: bool = False
    critical_operator: bool = False
    since: date
    until: date


def load_entries(path: str | Path) -> tuple[ExportEntry, ...]:
    """Read one entry, or every `*.yaml` of a folder, sorted by name. Raises SpecError with every problem."""
    return load_each(path, "ExportEntry", ExportEntry)
