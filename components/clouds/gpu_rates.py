"""What a GPU model does in tokens per second, by figures with source and date, and the least that a class promises.

One reference load, so that figures can be compared: Mistral 7B on one device, 120 requests at once, 128 tokens in and
2048 out, 8-bit floats where the device has them, else 16-bit. A model without a figure at this load has none: it is
unknown, and is neither estimated from its data sheet nor taken from another load.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

LOAD = "Mistral 7B, one device, 120 requests at once, 128 tokens in, 2048 out"
DATA = Path(__file__).with_name("data") / "gpu_rates.csv"

# The least that a class promises at the reference load: under the slowest figure that is known of a model that meets
# the class. A class of which no model has a figure promises none.
FLOORS = {"gpu-80g": 3000, "gpu-80g-fp8": 7000, "gpu-140g-fp8": 8000}

# Made for export to China under the limits of their day: memory and bandwidth of their class, a part of its compute.
EXPORT_LIMITED = {
    "NVIDIA H20": "a sixth of the compute of an H100, more memory and bandwidth than one",
    "NVIDIA L20": "a third of the compute of an L40S, the memory of one",
}


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A figure: output tokens per second of one device, how it came about, who says so, and when."""

    gpu_model: str
    tokens_per_s: int
    basis: str
    engine: str
    precision: str
    source: str
    as_of: str


def _read() -> dict[str, Rate]:
    with DATA.open(encoding="utf-8", newline="") as stream:
        return {row["gpu_model"]: _rate(row) for row in csv.DictReader(stream)}


def _rate(row: dict[str, str]) -> Rate:
    return Rate(
        gpu_model=row["gpu_model"],
        tokens_per_s=int(row["tokens_per_s"]),
        basis=row["basis"],
        engine=row["engine"],
        precision=row["precision"],
        source=row["source"],
        as_of=row["as_of"],
    )


RATES = _read()


def rate(model: str) -> Rate | None:
    """The figure of a model at the reference load, or None where nobody gives one."""
    return RATES.get(model)
