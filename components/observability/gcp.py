"""Cloud Logging on GCP: a log bucket in the cell's region, a sink that fills it with the cell's logs, and an exclusion
that keeps them out of the project's `_Default` bucket, which lies in `global`.

Managed Prometheus is a setting of the cluster and its API one of the project; flow logs are a setting of the subnet.
The audit configuration of a service exists once per project, so one cell of the project declares it, with its sink
taking the project's data-access logs. Deliberately not set: `locked` (a locked bucket's retention can never be changed
again); a customer's key, because the account that would use it (`kmsServiceAccountId`) is told to a look-up only. No
writer's grant: sink and bucket are of one project. Limits: ten exclusions in a project, so ten cells
(checked with the fleet); a deleted log bucket keeps its name for seven days; admin-activity logs always stay in
`_Required`, whose place only an organisation's settings can choose.
"""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from components.observability import alarms, gcp_alarms, gcp_writer
from components.observability.contract import Observability, ObservabilityInputs, ObservabilityOutputs

# Who read or changed what is stored: each is a configuration of its own.
_AUDITED = ("artifactregistry", "cloudkms", "cloudsql", "file", "memorystore", "secretmanager", "storage")
_KINDS = ("ADMIN_READ", "DATA_READ", "DATA_WRITE")


class GcpObservability(Observability):
    """A log bucket with its sink, and the project's audit configuration."""

    def build(self, name: str, inputs: ObservabilityInputs) -> ObservabilityOutputs:
        """Declare them."""
        place, project = inputs.place, inputs.network.scope
        bucket = gcp.logging.ProjectBucketConfig(
            f"{name}-logs",
            project=project,
            location=place.region,
            bucket_id=place.name("logs"),
            description=f"Logs of cell {place.cell.cell.name}",
            retention_days=place.cell.template.observability.log_days,
            enable_analytics=False,
            locked=False,
            opts=self.child(),
        )
        ours = pulumi.Output.all(project, inputs.cluster.cluster_name).apply(
            lambda found: _ours(found[0], found[1], place.region, audit=inputs.for_account)
        )
        sink = gcp.logging.ProjectSink(
            f"{name}-logs",
            name=place.name("logs"),
            project=project,
            description=f"Logs of cell {place.cell.cell.name}",
            destination=pulumi.Output.concat(
                "logging.googleapis.com/projects/", project, f"/locations/{place.region}/buckets/", bucket.bucket_id
            ),
            filter=ours,
            unique_writer_identity=True,
            disabled=False,
            opts=self.child(depends_on=[bucket]),
        )
        gcp.logging.ProjectExclusion(
            f"{name}-logs",
            name=place.name("logs"),
            project=project,
            description=f"Cell {place.cell.cell.name} keeps its logs in its own region",
            filter=ours,
            disabled=False,
            opts=self.child(depends_on=[sink]),
        )
        if inputs.for_account:
            self._audit(name, inputs)
        gcp_alarms.declare(self, name, inputs)
        return ObservabilityOutputs(
            logs=bucket.id,
            prometheus_query=project.apply(
                lambda known: f"https://monitoring.googleapis.com/v1/projects/{known}/location/global/prometheus"
            ),
            unwatched=alarms.unwatched(place, audited=inputs.for_account),
            by_hand="",
            metrics_write=gcp_writer.declare(self, name, inputs),
        )

    def _audit(self, name: str, inputs: ObservabilityInputs) -> None:
        for service in _AUDITED:
            gcp.projects.IAMAuditConfig(
                f"{name}-audit-{service}",
                project=inputs.network.scope,
                service=f"{service}.googleapis.com",
                audit_log_configs=[gcp.projects.IAMAuditConfigAuditLogConfigArgs(log_type=kind) for kind in _KINDS],
                opts=self.child(),
            )


def _ours(project: str, cluster: str, region: str, *, audit: bool) -> str:
    """The filter of what belongs to the cell: the logs of its cluster and what runs there, and the audit of data."""
    mine = f'(resource.labels.cluster_name="{cluster}" AND resource.labels.location="{region}")'
    data = f'logName="projects/{project}/logs/cloudaudit.googleapis.com%2Fdata_access"'
    return f"{mine} OR {data}" if audit else mine
