"""What a run is about: the stack's name taken apart, the fleet read and checked, the backend compared with the
world's.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pulumi

from components.errors import Problem, ResidencyError, SpecError
from components.policy import homes, spec_rules

if TYPE_CHECKING:
    from components.spec.model import Fleet, ResolvedCell, World

Layer = Literal["infra", "platform"]
_STACK = re.compile(r"^(?P<env>[a-z][a-z0-9-]*)\.(?P<cell>[a-z][a-z0-9-]*)\.(?P<layer>infra|platform)$")
_ROOT = Path(__file__).resolve().parent


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One stack of one cell. `fleet_path` is absolute."""

    env: str
    layer: Layer
    fleet: Fleet
    fleet_path: Path
    cell: ResolvedCell

    def stack(self, cell: str, layer: Layer) -> str:
        """The full name of another stack of this fleet, as a StackReference wants it."""
        return f"organization/{pulumi.get_project()}/{self.env}.{cell}.{layer}"


def read(*, check_state: bool = True) -> Settings:
    """Read and check everything before the first resource. Raises SpecError or ResidencyError with all problems.

    `check_state` is off where no state is touched: in a plan without an engine.
    """
    name = pulumi.get_stack()
    match = _STACK.match(name)
    if match is None:
        raise SpecError([_problem("SPEC-STACK", name, "the stack's name must be <env>.<cell>.<infra|platform>.")])
    env, cell_name, layer = match["env"], match["cell"], match["layer"]
    path = Path(pulumi.Config("twain").get("fleet") or _ROOT / "fleets" / f"{env}.yaml").resolve()
    fleet = spec_rules.load_checked(path)
    if cell_name not in {cell.name for cell in fleet.cells}:
        known = ", ".join(cell.name for cell in fleet.cells)
        raise SpecError([_problem("SPEC-CELL", str(path), f"the fleet has no cell {cell_name!r}; it has {known}.")])
    cell = fleet.resolved(cell_name)
    if check_state:
        check_backend(cell, backend_url())
    return Settings(env=env, layer="infra" if layer == "infra" else "platform", fleet=fleet, fleet_path=path, cell=cell)


def backend_url() -> str:
    """The backend that the engine uses: the environment's, else what `pulumi login` wrote."""
    declared = os.environ.get("PULUMI_BACKEND_URL")
    if declared:
        return declared
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    try:
        return str(json.loads((home / "credentials.json").read_text(encoding="utf-8"))["current"])
    except (OSError, ValueError, KeyError):
        return ""


def check_backend(cell: ResolvedCell, actual: str) -> None:
    """State never crosses the border: refuse a backend that is not the world's own. Raises ResidencyError."""
    declared = cell.world.state.backend
    expected = os.path.expandvars(declared)
    if "$" in expected:
        message = f"the world's state backend {declared} names a variable that is not set."
        raise ResidencyError([_problem("RES-010", f"worlds.{cell.world.name}.state", message)])
    if actual.rstrip("/") != expected.rstrip("/"):
        message = (
            f"the state of world {cell.world.name} belongs in {expected}, but this run would write it to "
            f"{actual or 'an unknown backend'}."
        )
        problem = Problem(
            code="RES-010",
            path=f"worlds.{cell.world.name}.state.backend",
            where="",
            line=0,
            message=message,
            fix=f'eval "$(twain stack env --world {cell.world.name})"',
        )
        raise ResidencyError([problem])
    _judge_expanded(cell.world, expected)


def _judge_expanded(world: World, expanded: str) -> None:
    """What a variable stands for may say where state goes as well. Raises ResidencyError."""
    if world.state.backend in {expanded, expanded.rstrip("/")} or homes.of_state(world.state.backend).local:
        return
    found = homes.why_not(homes.of_state(expanded), world.state.location, world=world.name, allowed=world.regions)
    if found is not None:
        message = f"the state of world {world.name} would be kept in {homes.without_secrets(expanded)}: {found[0]}"
        raise ResidencyError([_problem("RES-010", f"worlds.{world.name}.state.backend", message)])


def _problem(code: str, path: str, message: str) -> Problem:
    return Problem(code=code, path=path, where="", line=0, message=message)
