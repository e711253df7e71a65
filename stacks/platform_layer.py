"""The `platform` layer of a cell: reads its `infra` stack, assembles the kubeconfig, declares what is in the
cluster.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_kubernetes as kubernetes

from components import platform
from components.cluster.kubeconfig import assemble
from components.errors import Problem, SpecError
from components.parity import state
from components.policy import exports
from components.spec.lock import lock_dir, read_lock
from stacks.guard import today
from stacks.seen import Seen

if TYPE_CHECKING:
    from stacks.settings import Settings


def build(settings: Settings) -> None:
    """Declare the platform of the cell."""
    cell = settings.cell.cell
    infra = pulumi.StackReference(f"infra-{cell.name}", stack_name=settings.stack(cell.name, "infra"))
    facts = _facts(settings, cell.name, infra)
    provider = kubernetes.Provider(
        "cell",
        kubeconfig=facts.apply(
            lambda found: assemble(
                cell=found["cell"], endpoint=found["endpoint"], ca_pem=found["ca"], exec_spec=found["exec"]
            )
        ),
        enable_server_side_apply=True,
    )
    sisters: dict[str, pulumi.Output[str]] = {}
    if settings.cell.world.gate_cell == cell.name:
        sisters = {
            other.name: _facts(
                settings,
                other.name,
                pulumi.StackReference(f"infra-{other.name}", stack_name=settings.stack(other.name, "infra")),
            ).apply(lambda found: json.dumps(found, indent=1, sort_keys=True))
            for other in settings.fleet.cells_of(cell.world)
            if other.name != cell.name
        }
    seen = Seen().register()
    platform.build(
        fleet=settings.fleet,
        cell=settings.cell,
        provider=provider,
        sister_cells=sisters,
        guaranteed=lambda: pulumi.Output.all(infra.outputs, seen.tell(state.platform)).apply(
            lambda found: {**(found[0].get("guarantees") or {}), **found[1]}
        ),
        identities=infra.outputs.apply(_identities),
        metrics=infra.outputs.apply(lambda found: _whole(found.get("metrics_write") or {})),
        exports=exports.of_fleet(settings.fleet_path, today()),
    )


def _identities(found: dict[str, Any]) -> dict[str, str]:
    """Maison to what binds a service account to its cloud identity."""
    maisons = (found.get("workload_identity") or {}).get("maisons") or {}
    return {maison: str(one["value"]) for maison, one in maisons.items()}


def _facts(settings: Settings, cell: str, reference: pulumi.StackReference) -> pulumi.Output[dict[str, Any]]:
    """What is known of a cell: its infra stack's outputs, with the CA from its lock file where the outputs have
    none. A lock of another cluster than the one that is up is refused.
    """
    folder = lock_dir(settings.fleet_path)
    lock = read_lock(folder, cell)
    pinned = lock.cluster_ca if lock else None

    def combine(found: dict[str, Any]) -> dict[str, Any]:
        stale = lock.problem(folder / f"{cell}.json", str(found.get("cluster_id") or "")) if lock else None
        if stale is not None:
            raise SpecError([stale])
        ca = found.get("cluster_ca") or pinned
        if not ca:
            problem = Problem(
                code="SPEC-LOCK",
                path=str(folder / f"{cell}.json"),
                where="",
                line=0,
                message=f"the CA of cell {cell} is not known: its cloud gives it by look-up only.",
                fix=f"twain cell discover {cell} looks it up and writes the file",
            )
            raise SpecError([problem])
        return {
            "cell": cell,
            "world": found["world"],
            "cloud": found["cloud"],
            "region": found["region"],
            "kubernetes_minor": found["kubernetes_minor"],
            "endpoint": found["cluster_endpoint"],
            "ca": ca,
            "exec": found["cluster_exec"],
            "gpu_pools": _whole(found["gpu_pools"]),
        }

    return reference.outputs.apply(combine)


def _whole(value: Any) -> Any:
    """Counts as they were exported: the engine hands every number over as a float."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value
