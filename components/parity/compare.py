"""The verdict on each capability: `equal`, `equivalent` (by class or by waiver), `gap`, `not applicable` or `unknown`.

`unknown` is a result of its own: a cell that nothing is known of is never counted as equal. A waiver counts from its
first day to the end of its day `until`; after that it is a gap again, and the verdict says which waiver ran out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
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


@dataclass(frozen=True, kw_only=True)
class About:
    """What else is known of a cell: its cloud, what stands behind a value (`details`), why there is none (`unread`),
    both by capability, and, for one that no fleet declares, the file that it was read from.
    """

    cloud: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    file: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Case:
    """What a verdict is found from: the fleet that declares the cells (None for plans of strangers), and its file."""

    fleet: Fleet | None
    path: Path
    about: Mapping[str, About]
    today: date

    def cloud(self, cell: str) -> str | None:
        known = self.about.get(cell)
        if known is not None and known.cloud is not None:
            return known.cloud
        found = [one.cloud for one in self.fleet.cells if one.name == cell] if self.fleet is not None else []
        return found[0] if found else None

    def order(self, cell: str) -> int:
        names = [one.name for one in self.fleet.cells] if self.fleet is not None else []
        return names.index(cell) if cell in names else len(names)


def compare(
    values: Mapping[str, Mapping[str, str | None] | None],
    *,
    fleet: Fleet | None,
    fleet_path: str | Path,
    waivers: Iterable[Waiver] = (),
    today: date,
    about: Mapping[str, About] | None = None,
) -> list[Verdict]:
    """One verdict per capability, in the order of the list. `values` maps cell to what it guarantees; None: not
    known.
    """
    declared = tuple(waivers)
    case = _Case(fleet=fleet, path=Path(fleet_path), about=about or {}, today=today)
    found: list[Verdict] = []
    for capability in CAPABILITIES:
        of_cell = {cell: (known or {}).get(capability.id) for cell, known in values.items()}
        mine = tuple(waiver for waiver in declared if waiver.capability == capability.id)
        found.append(_judge(capability, of_cell, case=case, waivers=mine))
    return found


def unused(verdicts: Sequence[Verdict], waivers: Iterable[Waiver]) -> list[Waiver]:
    """Waivers that excuse nothing: their difference is gone, or is not the one that they name."""
    used = {identifier for verdict in verdicts for identifier in (verdict.waiver or "").split(", ")}
    return [waiver for waiver in waivers if waiver.id not in used]


def _judge(
    capability: Capability, values: dict[str, str | None], *, case: _Case, waivers: tuple[Waiver, ...]
) -> Verdict:
    known = {cell: value for cell, value in values.items() if value is not None}
    if len(set(known.values())) > 1:
        return _differ(capability, values, known, case=case, waivers=waivers)
    silent = sorted(cell for cell, value in values.items() if value is None)
    if silent:
        return _verdict(capability, "unknown", values, reason=_silence(capability, silent, case))
    common = next(iter(known.values()), NOT_APPLICABLE)
    if common == NOT_APPLICABLE:
        return _verdict(capability, "not applicable", values, reason=_nothing(capability, known, case))
    absent = _declared_absent(capability, known, case)
    if common == capability.lacking and len(absent) == len(known):
        return _verdict(capability, "not applicable", values, reason=f"no cell has it: {'; '.join(_once(absent))}")
    models = _behind(capability, known, case) if capability.id == "gpu.class" else {}
    if len(set(models.values())) > 1:
        listed = "; ".join(
            f"{', '.join(cell for cell, own in models.items() if own == model)}: {model}"
            for model in dict.fromkeys(models.values())
        )
        return _verdict(capability, "equivalent", values, reason=f"by class ({listed})")
    return _verdict(capability, "equal", values)


def _silence(capability: Capability, silent: Sequence[str], case: _Case) -> str:
    hidden = _hidden(capability, silent, case)
    rest = [cell for cell in silent if cell not in hidden]
    if hidden:
        return "; ".join([*([_silence(capability, rest, case)] if rest else []), *hidden.values()])
    told = f"nothing is known of {', '.join(silent)}"
    if capability.id != "gpu.rate":
        return told
    models = {cell: model for cell in silent if (model := _behind(capability, {cell: ""}, case).get(cell))}
    figures = "; ".join(f"no figure with a source for {model} ({cell})" for cell, model in models.items())
    return figures or told


def _hidden(capability: Capability, cells: Iterable[str], case: _Case) -> dict[str, str]:
    """For each cell that has something of it that cannot be read: what, with the cell's name."""
    return {
        cell: f"{cell}: {why}" for cell in cells if (why := case.about.get(cell, About()).unread.get(capability.id))
    }


def _nothing(capability: Capability, known: Mapping[str, str], case: _Case) -> str:
    if capability.layer == "workload":
        return "no workload was named: --workload FILE compares what is served"
    absent = _declared_absent(capability, known, case)
    return f"no cell has what this is about: {'; '.join(_once(absent))}" if absent else "no cell has what this is about"


def _declared_absent(capability: Capability, cells: Iterable[str], case: _Case) -> dict[str, str]:
    """For each cell whose cloud does not give the guarantee: how, and why."""
    found: dict[str, str] = {}
    for cell in cells:
        declared = capability.clouds.get(case.cloud(cell) or "")
        if declared is not None and not declared.there:
            found[cell] = f"{declared.means} on {case.cloud(cell)} ({declared.why})"
    return found


def _once(found: Mapping[str, str]) -> list[str]:
    """Reasons, each once, that of the first cell first; the same on all clouds is said without their names."""
    whys = {text.partition("(")[2] for text in found.values()}
    if len(whys) == 1 and len({text.partition(" ")[0] for text in found.values()}) == 1:
        first = next(iter(found.values()))
        return [f"{first.partition(' ')[0]} ({first.partition('(')[2]}"]
    return list(dict.fromkeys(found.values()))


def _differ(
    capability: Capability,
    values: dict[str, str | None],
    known: dict[str, str],
    *,
    case: _Case,
    waivers: tuple[Waiver, ...],
) -> Verdict:
    today = case.today
    active = [waiver for waiver in waivers if today <= waiver.until and (waiver.since is None or waiver.since <= today)]
    excused = {
        cell
        for waiver in active
        for cell in waiver.cells
        if waiver.value is None or waiver.value == known.get(cell)
    }  # fmt: skip
    odd = _odd_ones(capability, known, case)
    where = _where(capability, odd[0], case=case)
    if any(set(cells) <= excused for cells in _sides(known)):
        silent = sorted(cell for cell, value in values.items() if value is None)
        if silent:
            reason = f"{_silence(capability, silent, case)}; the other differences are waived"
            return _verdict(capability, "unknown", values, reason=reason)
        used = [waiver for waiver in active if set(waiver.cells) & set(known)]
        reason = "; ".join(f"{waiver.reason} (until {waiver.until}, {waiver.owner})" for waiver in used)
        identifiers = ", ".join(waiver.id for waiver in used)
        return _verdict(capability, "equivalent", values, waiver=identifiers, reason=reason, where=where)
    common = next(value for cell, value in known.items() if cell not in odd)
    named, notes = _notes(waivers, known, today)
    notes += _hidden(capability, (cell for cell in values if cell not in known), case).values()
    reason = "; ".join([*(_odd(capability, cell, known, common, case) for cell in odd), *notes])
    target = f"{capability.field} of {', '.join(odd)}" if capability.field else f"the component of {', '.join(odd)}"
    fix = f"make {target} give {common}, or declare a waiver for {capability.id} with an owner and an end"
    return _verdict(capability, "gap", values, waiver=", ".join(named) or None, reason=reason, where=where, fix=fix)


def _odd(capability: Capability, cell: str, known: Mapping[str, str], common: str, case: _Case) -> str:
    rest = "the others" if len(known) > 2 else next(other for other in known if other != cell)
    told = f"{cell} has {known[cell]}, {rest} {common}"
    behind = _behind(capability, known, case)
    if behind.get(cell):
        other = next((text for one, text in behind.items() if known[one] == common), "")
        told += f" ({behind[cell]}{f'; {rest}: {other}' if other else ''})"
    absent = _declared_absent(capability, (cell,), case).get(cell) if known[cell] == capability.lacking else None
    return f"{told}; declared {absent}" if absent else told


def _notes(waivers: Iterable[Waiver], known: Mapping[str, str], today: date) -> tuple[list[str], list[str]]:
    """The waivers that are about these cells and do not count, by id, and why each does not."""
    named: list[str] = []
    notes: list[str] = []
    for one in waivers:
        if not set(one.cells) & set(known):
            continue
        if one.until < today:
            notes.append(f"waiver {one.id} ran out on {one.until} ({one.owner})")
        elif one.since is not None and today < one.since:
            notes.append(f"waiver {one.id} begins on {one.since} ({one.owner})")
        elif one.value is not None and all(known.get(cell) != one.value for cell in one.cells):
            notes.append(f"waiver {one.id} is for the value {one.value} ({one.owner})")
        else:
            continue
        named.append(one.id)
    return named, notes


def _sides(known: Mapping[str, str]) -> list[list[str]]:
    """For each value that is as common as any: the cells that differ from it. Two where it is a draw."""
    counts = Counter(known.values())
    most = max(counts.values())
    return [[cell for cell in known if known[cell] != value] for value, count in counts.items() if count == most]


def _odd_ones(capability: Capability, known: Mapping[str, str], case: _Case) -> list[str]:
    """The cells that differ from the most common value; of two equally common ones, from the one that gives the
    guarantee, else from the first cell's of the fleet.
    """
    counts = Counter(known.values())
    first = min(known, key=case.order)
    poor = {capability.lacking, NOT_APPLICABLE}
    common = max(counts, key=lambda value: (counts[value], value not in poor, value == known[first]))
    return [cell for cell, value in known.items() if value != common]


def _behind(capability: Capability, known: Mapping[str, str], case: _Case) -> dict[str, str]:
    """What stands behind each cell's value: told with it, or, for GPUs, as the facts know the fleet's classes."""
    found = {cell: text for cell in known if (text := case.about.get(cell, About()).details.get(capability.id))}
    if case.fleet is None or not capability.id.startswith("gpu."):
        return found
    for cell in case.fleet.cells:
        if cell.name not in known or cell.name in found or capability.id not in {"gpu.class", "gpu.rate"}:
            continue
        machines = (
            gpu.machine(cell.cloud, cell.region, pool.gpu_class, pool.gpus_per_node)
            for pool in case.fleet.resolved(cell.name).template.gpu_pools
        )
        found[cell.name] = ", ".join(sorted({machine.gpu_model for machine in machines if machine is not None}))
    # In the order of the columns, whoever is asking.
    return {cell: found[cell] for cell in known if cell in found}


def _where(capability: Capability, cell: str, *, case: _Case) -> str:
    """The line of the fleet that decides: the cell's own difference where it declares one, else the cell. Of a cell
    that no fleet declares, the file and the inputs that decide.
    """
    known = case.about.get(cell, About())
    if known.file is not None:
        inputs = capability.inputs(known.cloud or "")
        return f"{known.file} ({', '.join(one.rsplit(':', 1)[-1] for one in inputs)})"
    cells = case.fleet.cells if case.fleet is not None else ()
    names = {one.name: index for index, one in enumerate(cells)}
    index = names.get(cell)
    place = f"spec.cells[{index}]" if index is not None else "spec.cells"
    patch = cells[index].template if index is not None else None
    own = patch is not None and capability.field in patch.model_fields_set
    if own:
        place += f".template.{capability.field}"
    found = lines(case.path)
    line = found.get(place) if own else found.get(f"spec.cells[{index}].name")
    return f"{case.path}:{line} ({place})" if line else f"{case.path} ({place})"


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
