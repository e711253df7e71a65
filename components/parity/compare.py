"""The verdict on each capability: `equal`, `equivalent` (by class or by waiver), `gap`, `not applicable` or `unknown`.

`unknown` is a result of its own: a cell that nothing is known of is never counted as equal. A waiver counts to the end
of its day `until`; after that it is a gap again, and the verdict says which waiver ran out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from components.clouds import gpu
from components.parity.capabilities import CAPABILITIES, NOT_APPLICABLE, Capability
from components.spec.load import lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from components.spec.model import Fleet, Waiver

Word = Literal["equal", "equivalent", "gap", "not applicable", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One capability over all cells. `where` names the line of the fleet to look at, `fix` what closes the gap."""

    capability: str
    source: str
    verdict: Word
    values: dict[str, str | None]
    waiver: str | None = None
    reason: str | None = None
    where: str | None = None
    fix: str | None = None


def compare(
    values: Mapping[str, Mapping[str, str | None] | None],
    *,
    fleet: Fleet,
    fleet_path: str | Path,
    waivers: Iterable[Waiver] = (),
    today: date,
) -> list[Verdict]:
    """One verdict per capability, in the order of the list. `values` maps cell to what it guarantees; None: not
    known.
    """
    declared = tuple(waivers)
    found: list[Verdict] = []
    for capability in CAPABILITIES:
        of_cell = {cell: (known or {}).get(capability.id) for cell, known in values.items()}
        mine = tuple(waiver for waiver in declared if waiver.capability == capability.id)
        found.append(_judge(capability, of_cell, fleet=fleet, path=Path(fleet_path), waivers=mine, today=today))
    return found


def unused(verdicts: Sequence[Verdict], waivers: Iterable[Waiver]) -> list[Waiver]:
    """Waivers that excuse nothing: their difference is gone, or their capability does not exist."""
    used = {identifier for verdict in verdicts for identifier in (verdict.waiver or "").split(", ")}
    return [waiver for waiver in waivers if waiver.id not in used]


def _judge(
    capability: Capability,
    values: dict[str, str | None],
    *,
    fleet: Fleet,
    path: Path,
    waivers: tuple[Waiver, ...],
    today: date,
) -> Verdict:
    known = {cell: value for cell, value in values.items() if value is not None}
    if len(set(known.values())) > 1:
        return _differ(capability, values, known, fleet=fleet, path=path, waivers=waivers, today=today)
    silent = sorted(cell for cell, value in values.items() if value is None)
    if silent:
        reason = f"nothing is known of {', '.join(silent)}"
        return _verdict(capability, "unknown", values, reason=reason)
    if set(known.values()) == {NOT_APPLICABLE}:
        return _verdict(capability, "not applicable", values, reason="no cell has what this is about")
    models = _models(fleet, known) if capability.id == "gpu.class" else {}
    if len(set(models.values())) > 1:
        listed = "; ".join(
            f"{', '.join(cell for cell, own in models.items() if own == model)}: {model}"
            for model in dict.fromkeys(models.values())
        )
        return _verdict(capability, "equivalent", values, reason=f"by class ({listed})")
    return _verdict(capability, "equal", values)


def _differ(
    capability: Capability,
    values: dict[str, str | None],
    known: dict[str, str],
    *,
    fleet: Fleet,
    path: Path,
    waivers: tuple[Waiver, ...],
    today: date,
) -> Verdict:
    active = [waiver for waiver in waivers if today <= waiver.until]
    excused = {cell for waiver in active for cell in waiver.cells}
    rest = {value for cell, value in known.items() if cell not in excused}
    odd = _odd_ones(known, fleet)
    where = _where(capability, odd[0], fleet=fleet, path=path)
    if len(rest) <= 1 and set(odd) <= excused:
        silent = sorted(cell for cell, value in values.items() if value is None)
        if silent:
            reason = f"nothing is known of {', '.join(silent)}; the other differences are waived"
            return _verdict(capability, "unknown", values, reason=reason)
        used = [waiver for waiver in active if set(waiver.cells) & set(known)]
        reason = "; ".join(f"{waiver.reason} (until {waiver.until}, {waiver.owner})" for waiver in used)
        identifiers = ", ".join(waiver.id for waiver in used)
        return _verdict(capability, "equivalent", values, waiver=identifiers, reason=reason, where=where)
    expired = [waiver for waiver in waivers if waiver.until < today and set(waiver.cells) & set(known)]
    common = next(value for cell, value in known.items() if cell not in odd)
    reason = "; ".join(f"{cell} has {known[cell]}, the others {common}" for cell in odd)
    if expired:
        reason += "; " + "; ".join(f"waiver {one.id} ran out on {one.until} ({one.owner})" for one in expired)
    target = f"{capability.field} of {', '.join(odd)}" if capability.field else f"the component of {', '.join(odd)}"
    fix = f"make {target} give {common}, or declare a waiver for {capability.id} with an owner and an end"
    return _verdict(
        capability,
        "gap",
        values,
        waiver=", ".join(waiver.id for waiver in expired) or None,
        reason=reason,
        where=where,
        fix=fix,
    )


def _odd_ones(known: dict[str, str], fleet: Fleet) -> list[str]:
    """The cells that differ from the most common value; of two equally common ones, from the first cell's of the
    fleet.
    """
    counts = Counter(known.values())
    order = {cell.name: index for index, cell in enumerate(fleet.cells)}
    first = min(known, key=lambda cell: order.get(cell, len(order)))
    common = max(counts, key=lambda value: (counts[value], value == known[first]))
    return [cell for cell, value in known.items() if value != common]


def _models(fleet: Fleet, known: Mapping[str, str]) -> dict[str, str]:
    """The GPU models behind each cell's classes, as the facts know them."""
    found: dict[str, str] = {}
    for cell in fleet.cells:
        if cell.name not in known:
            continue
        machines = (
            gpu.machine(cell.cloud, cell.region, pool.gpu_class, pool.gpus_per_node)
            for pool in fleet.resolved(cell.name).template.gpu_pools
        )
        found[cell.name] = ", ".join(sorted({machine.gpu_model for machine in machines if machine is not None}))
    return found


def _where(capability: Capability, cell: str, *, fleet: Fleet, path: Path) -> str:
    """The line of the fleet that decides: the cell's own difference where it declares one, else the cell."""
    names = {one.name: index for index, one in enumerate(fleet.cells)}
    index = names.get(cell)
    place = f"spec.cells[{index}]" if index is not None else "spec.cells"
    patch = fleet.cells[index].template if index is not None else None
    own = patch is not None and capability.field in patch.model_fields_set
    if own:
        place += f".template.{capability.field}"
    known = lines(path)
    line = known.get(place) if own else known.get(f"spec.cells[{index}].name")
    return f"{path}:{line} ({place})" if line else f"{path} ({place})"


def _verdict(
    capability: Capability,
    verdict: Word,
    values: dict[str, str | None],
    *,
    waiver: str | None = None,
    reason: str | None = None,
    where: str | None = None,
    fix: str | None = None,
) -> Verdict:
    return Verdict(
        capability=capability.id,
        source=capability.source,
        verdict=verdict,
        values=values,
        waiver=waiver,
        reason=reason,
        where=where,
        fix=fix,
    )
