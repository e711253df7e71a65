"""The platform of a cell, read top to bottom like a table of contents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from components.platform import (
    access,
    admission,
    alertmanager,
    charts,
    dcgm,
    definitions,
    device_plugin,
    gate,
    gateway,
    guarantees,
    namespaces,
    priorities,
    prometheus,
    tenants,
)
from components.platform.context import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pulumi_kubernetes

    from components.policy.model import Permit
    from components.spec.model import Fleet, ResolvedCell


def build(
    *,
    fleet: Fleet,
    cell: ResolvedCell,
    provider: pulumi_kubernetes.Provider,
    sister_cells: dict[str, pulumi.Output[str]],
    guaranteed: Callable[[], pulumi.Output[dict[str, str | None]]],
    identities: pulumi.Output[dict[str, str]],
    metrics: pulumi.Output[dict[str, Any]],
    exports: Mapping[str, Permit],
) -> None:
    """Declare everything that is installed in the cell's cluster.

    `sister_cells` holds the facts of the world's other
    cells (JSON text by cell name); only the gate cell uses them. `guaranteed` is asked last: it maps capability id to
    what the cell guarantees, with what was declared here. `identities` maps each maison to what binds a service account
    to its cloud identity, `metrics` says how metrics are written to the cloud, `exports` an id to the export entry that
    the cluster lets in. Repetition: declarative, a second run changes nothing.
    """
    parent = pulumi.ComponentResource("twain:index:Platform", cell.cell.name)
    context = Context(
        fleet=fleet, cell=cell, provider=provider, parent=parent, sister_cells=sister_cells, exports=exports
    )
    spaces = namespaces.declare(context)
    priorities.declare(context)
    access.declare(context, spaces)
    tenants.declare(context, spaces, identities)
    admission.declare(context)
    device_plugin.declare(context, spaces)
    dcgm.declare(context, spaces)
    prometheus.declare(context, spaces, metrics)
    alertmanager.declare(context, spaces)
    charts.declare(context, spaces)
    gateway.declare(context, spaces, definitions.declare(context))
    if context.is_gate_cell:
        gate.declare(context, spaces)
    guarantees.declare(context, spaces, guaranteed())
    parent.register_outputs({})
