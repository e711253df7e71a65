"""Protection lifted for a while: who, why, until when; and what a destroy is refused for.

A lift is written down before anything is changed, so that one that was killed half way is still seen. It ends by
itself: after its time nothing is destroyed, and the next `stack up` of the cell protects it again.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import errors, files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cli.app import App
    from cli.stacks import Stack

LONGEST_S = 86_400.0


@dataclass(frozen=True, kw_only=True)
class Lift:
    """The protection of one cell, lifted. `done` is False until every resource has been told."""

    cell: str
    stack: str
    by: str
    reason: str
    since: str
    until: str
    done: bool = False

    def over(self, now: datetime) -> bool:
        """Whether its time has passed."""
        return datetime.fromisoformat(self.until) <= now

    def as_json(self, now: datetime) -> dict[str, str]:
        """The lift as `stack list` has it."""
        state = "over" if self.over(now) else "lifted" if self.done else "lifting"
        return {"until": self.until, "by": self.by, "reason": self.reason, "state": state}

    def told(self, now: datetime) -> str:
        """The lift for a person."""
        state = "was lifted until" if self.over(now) else "is lifted until" if self.done else "is being lifted until"
        return f"protection of cell {self.cell} {state} {self.until} by {self.by}: {self.reason}"


def _folder(home: Path) -> Path:
    return home / "lifts"


def read(home: Path, cell: str) -> Lift | None:
    """The lift of a cell, over or not; None where there is none. Raises UsageError for a file that is none."""
    path = _folder(home) / f"{cell}.json"
    try:
        return Lift(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        message = f"{path} cannot be read: {error}."
        fix = f"remove it; the cell counts as protected: twain stack up --cell {cell}"
        raise errors.UsageError(message, fix=fix, where=cell, id="CFG-LIFT") from error


def close(home: Path, cell: str) -> None:
    """The cell is protected again, or gone."""
    (_folder(home) / f"{cell}.json").unlink(missing_ok=True)


def remember(home: Path, cell: str, fleet: Path) -> None:
    """Keep the fleet that a cell was last brought up from: needed once the cell has left the fleet."""
    files.write_private(home / "fleets" / f"{cell}.yaml", fleet.read_bytes())


def fleet_of(app: App, cell: str) -> Path:
    """A fleet file that has the cell: the context's, else the one that it was last brought up from.

    Raises NotFoundError when neither is there.
    """
    if any(one.name == cell for one in app.fleet.cells):
        return app.context.fleet
    kept = app.home / "fleets" / f"{cell}.yaml"
    if not kept.is_file():
        message = f"cell {cell} is not in the fleet, and it was not brought up from here."
        fix = "put the cell back into the fleet; its protection can be lifted then"
        raise errors.NotFoundError(message, fix=fix, where=cell, id="CELL-404")
    return kept


def unprotected(text: str, cell: str) -> str:
    """The fleet with this one cell's protection off; nothing else is changed."""
    import yaml

    document = yaml.safe_load(text)
    for one in document["spec"]["cells"]:
        if one["name"] == cell:
            one["template"] = {**(one.get("template") or {}), "protect": False}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def state_of(app: App, stack: Stack) -> list[dict[str, Any]]:
    """The resources of a stack's state. Raises ResourceError for a state that cannot be read."""
    return app.engine.export(stack.name).get("deployment", {}).get("resources") or []


def refuse_protected(app: App, stacks: Sequence[Stack]) -> None:
    """Raise ResourceError, with every name, where a stack holds what is protected; nothing is changed before."""
    found: list[errors.TwainError] = []
    for stack in stacks:
        if stack.layer == "infra":
            why, names = _refusal(app, stack)
            if why:
                message = f"cell {stack.cell} {why}. Nothing was destroyed. It holds:\n" + "\n".join(
                    f"  {name}" for name in names
                )
                fix = f"twain stack unprotect --cell {stack.cell} --reason TEXT, then destroy"
                found.append(errors.ResourceError(message, fix=fix, where=stack.cell, id="STK-PROTECTED"))
    if found:
        raise errors.Several(found) if len(found) > 1 else found[0]


def _refusal(app: App, stack: Stack) -> tuple[str | None, list[str]]:
    from components.policy import stores

    resources, lift = state_of(app, stack), read(app.home, stack.cell)
    held = [stores.told(resource, why) for resource, why in stores.held(resources)]
    if held:
        return "is protected", held
    kept = [stores.told(resource) for resource in stores.stores(resources)]
    if not kept:
        return None, []
    if lift is not None:
        return (f"was unprotected until {lift.until}, and that is over" if lift.over(app.clock.now()) else None), kept
    declared = any(cell.name == stack.cell and cell.protect for cell in app.fleet.cells)
    return ("is to be protected by its fleet, and its protection was not lifted" if declared else None), kept


def plan(app: App, stack: Stack, *, note: Callable[[str], None]) -> None:
    """Say what a lift would touch. Raises NotFoundError where no fleet is known that has the cell."""
    from components.policy import stores

    fleet_of(app, stack.cell)
    for resource, why in stores.held(state_of(app, stack)):
        note(f"plan: lift {stores.told(resource, why)}")


def lift(app: App, stack: Stack, *, reason: str, seconds: float, note: Callable[[str], None]) -> Lift:
    """Lift a cell's protection: in its state, and at its cloud. Repeatable; one that was killed is gone on with."""
    from components.policy import stores

    now = app.clock.now().astimezone(UTC)
    begun = Lift(
        cell=stack.cell,
        stack=stack.name,
        by=app.context.identity,
        reason=reason,
        since=_at(now),
        until=_at(now + timedelta(seconds=seconds)),
    )
    source = fleet_of(app, stack.cell)
    files.write_private(_folder(app.home) / f"{stack.cell}.json", _json(begun))
    held = [resource for resource, _ in stores.held(state_of(app, stack))]
    if held:
        _lift_all(app, stack, source=source, held=held, note=note)
    left = stores.held(state_of(app, stack))
    if left:
        named = "\n".join(f"  {stores.told(resource, why)}" for resource, why in left)
        message = f"these are protected still:\n{named}"
        raise errors.ResourceError(message, fix="run it again", where=stack.cell, id="STK-PROTECTED")
    done = replace(begun, done=True)
    files.write_private(_folder(app.home) / f"{stack.cell}.json", _json(done))
    return done


def _lift_all(
    app: App, stack: Stack, *, source: Path, held: Sequence[Mapping[str, Any]], note: Callable[[str], None]
) -> None:
    """Bring up these resources and nothing else, from the same fleet with this cell's protection off."""
    from components.spec.lock import lock_dir

    with tempfile.TemporaryDirectory(prefix="twain-") as folder:
        place = Path(folder) / "fleet.yaml"
        files.write_private(place, unprotected(source.read_text(encoding="utf-8"), stack.cell))
        locks = app.engine.env.get("TWAIN_LOCK_DIR") or str(lock_dir(app.context.fleet))
        app.engine.up_only(
            stack.name,
            [resource["urn"] for resource in held],
            fleet=place,
            env={"TWAIN_LOCK_DIR": locks},
            on_line=lambda line: note(f"{stack.name}: {line}") if line.strip() else None,
        )


def _json(lift_: Lift) -> str:
    return json.dumps(asdict(lift_), indent=2, sort_keys=True) + "\n"


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
