"""Who writes the cell's metrics to Managed Service for Prometheus on GCP, and where.

Google takes remote write of version 2 only, at the address that it is asked at too: one for all regions. Where the
metrics lie is what the label `location` of each says, so it is set to the cell's region. Open until a real account was
asked: Google refuses series without a type (recorded ones) and needs the start of each counter, which Prometheus sends
with its features `metadata-wal-records`, `st-storage` and `st-synthesis`; Google's own pages of August 2026 do not
describe this entry yet, the source of its tools does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi_gcp as gcp

from components.observability.contract import MetricsWrite

if TYPE_CHECKING:
    from components.base import Component
    from components.observability.contract import ObservabilityInputs


def declare(parent: Component, name: str, inputs: ObservabilityInputs) -> MetricsWrite:
    """Declare the account that writes, who may act as it, and its one right, where the fleet wants metrics managed."""
    place, project = inputs.place, inputs.network.scope
    if place.cell.template.observability.metrics != "managed":
        return {}
    account = gcp.serviceaccount.Account(
        f"{name}-writer",
        project=project,
        account_id=place.name("metrics", limit=30),
        display_name=f"Prometheus of cell {place.cell.cell.name}",
        opts=parent.child(),
    )
    gcp.serviceaccount.IAMMember(
        f"{name}-writer",
        service_account_id=account.name,
        role="roles/iam.workloadIdentityUser",
        member=inputs.cluster.principal.apply(lambda pool: f"serviceAccount:{pool}[{inputs.writer}]"),
        opts=parent.child(),
    )
    gcp.projects.IAMMember(
        f"{name}-writer",
        project=project,
        role="roles/monitoring.metricWriter",
        member=account.email.apply(lambda email: f"serviceAccount:{email}"),
        opts=parent.child(),
    )
    return MetricsWrite(
        target=project.apply(lambda known: target(known, place.region, place.cell.cell.name)),
        binding=account.email,
        keyed=False,
    )


def target(project: str, region: str, cell: str) -> dict[str, Any]:
    """The item of `remote_write`. Pure."""
    placed = {"project_id": project, "location": region, "cluster": cell}
    return {
        "url": f"https://monitoring.googleapis.com/v1/projects/{project}/location/global/prometheus/api/v1/write",
        "protobuf_message": "io.prometheus.write.v2.Request",
        # Without a file the login is that of the pod.
        "google_iam": {},
        "write_relabel_configs": [{"target_label": label, "replacement": value} for label, value in placed.items()],
        # As many series as Google takes at once.
        "queue_config": {"max_samples_per_send": 200},
    }
