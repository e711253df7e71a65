"""A workload against its fleet, before any network call: maison, worlds, GPU class, and where its data may go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli import errors

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from cli.app import App
    from cli.fleet import FleetView
    from components.policy.model import Permit
    from components.spec.model import Workload
    from components.spec.sharing import Fault

# The world that data of an origin may be in. `unknown` is treated as the strictest: it may be in one world only, and
# which one that is nobody can say, so a workload of unknown origin may not be mirrored.
_HOME = {"cn-personal": "cn", "row-personal": "row"}


def against_fleet(
    workload: Workload, fleet: FleetView, world: str = "all", *, exports: Mapping[str, Permit] | None = None
) -> list[errors.TwainError]:
    """Every problem of the workload in this fleet, for the worlds that the command touches. `exports` are the fleet's
    export entries by id.
    """
    problems: list[errors.TwainError] = []
    if workload.maison not in fleet.maisons:
        message = f"the fleet has no maison {workload.maison!r}; it has {', '.join(sorted(fleet.maisons)) or 'none'}."
        problems.append(errors.UsageError(message, fix="correct metadata.maison", id="SPEC-MAISON"))
    problems += strangers(workload, fleet.maisons)
    touched = [name for name in workload.worlds if world in {"all", name}]
    if not touched:
        message = f"workload {workload.name} is not meant for world {world}."
        problems.append(errors.UsageError(message, fix="add the world to spec.worlds", id="SPEC-WORLD"))
    for name in touched:
        cells = fleet.cells_of(name)
        if not cells:
            message = f"the fleet has no cell in world {name}."
            problems.append(errors.UsageError(message, fix="correct spec.worlds", id="SPEC-WORLD"))
        for cell in cells:
            if not any(pool.gpu_class == workload.gpu.gpu_class for pool in cell.gpu_pools):
                message = f"cell {cell.name} has no pool of class {workload.gpu.gpu_class}."
                fix = "name a class of the cell's pools, or add a pool to the fleet"
                problems.append(errors.UsageError(message, where=cell.name, fix=fix, id="SPEC-CLASS"))
    return [*problems, *_origin(workload, touched, exports or {})]


def strangers(workload: Workload, maisons: Collection[str]) -> list[errors.TwainError]:
    """The readers that are none of these maisons. (What a workload says against itself its loader has told.)"""
    from components.spec import sharing

    return [_fault(workload, fault) for fault in sharing.strangers(workload, maisons)]


def shared(workload: Workload, maisons: Collection[str]) -> list[errors.TwainError]:
    """All that is wrong about whom a workload is shared with: for what came by another way than a file. Where nobody
    says which maisons there are, none is a stranger.
    """
    from components.spec import sharing

    found = [_fault(workload, fault) for fault in sharing.contradictions(workload, "workload")]
    return [*found, *(strangers(workload, maisons) if maisons else ())]


def _fault(workload: Workload, fault: Fault) -> errors.TwainError:
    message = f"workload {workload.name}: {fault.message}"
    return errors.UsageError(message, fix=fault.fix, where=f"spec.{fault.field}", id="SPEC-SHARE")


def _origin(workload: Workload, worlds: list[str], exports: Mapping[str, Permit]) -> list[errors.TwainError]:
    origin = workload.model.origin
    if origin == "none":
        return []
    home = _HOME.get(origin)
    outside = [world for world in worlds if world != home] if home is not None else worlds
    if home is None and len(workload.worlds) == 1:
        outside = []
    why = {world: _not_let(workload, world, exports) for world in outside}
    return [
        errors.PolicyError(
            f"model {workload.model.name} has origin {origin}, so its weights may not be in world {world}{why[world]}.",
            fix="take the world out of spec.worlds, name the true origin, or an export entry in model.export",
            where=workload.name,
            id="RES-ORIGIN",
        )
        for world in outside
        if why[world] is not None
    ]


def _not_let(workload: Workload, world: str, exports: Mapping[str, Permit]) -> str | None:
    """Why no export entry lets the weights into a world, to be added to a sentence; None when one does."""
    model = workload.model
    if model.export is None:
        return ""
    entry = exports.get(model.export)
    if entry is None:
        return f"; there is no export entry {model.export}"
    told = entry.why_not(origin=model.origin, world=world, artefacts=[("weights", model.name)])
    return None if told is None else f"; {told.rstrip('.')}"


def entries(app: App) -> dict[str, Permit]:
    """The fleet's export entries as they stand today. Raises SpecError."""
    from components.policy import exports

    return exports.of_fleet(app.context.fleet, app.clock.now().date())
