"""Workload identity on GCP: a service account that named Kubernetes service accounts may act as."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from components.identity.contract import Identity, IdentityInputs, IdentityOutputs


class GcpIdentity(Identity):
    """A service account for pods."""

    def build(self, name: str, inputs: IdentityInputs) -> IdentityOutputs:
        """Declare the account, who may act as it, and its one grant."""
        place = inputs.place
        account = gcp.serviceaccount.Account(
            f"{name}-inference",
            account_id=place.name("infer", limit=30),
            display_name=f"Inference pods of cell {place.cell.cell.name}",
            opts=self.child(),
        )
        for space in inputs.namespaces:
            gcp.serviceaccount.IAMMember(
                f"{name}-inference-{space}",
                service_account_id=account.name,
                role="roles/iam.workloadIdentityUser",
                member=pulumi.Output.concat(
                    "serviceAccount:", inputs.cluster.principal, f"[{space}/{inputs.service_account}]"
                ),
                opts=self.child(),
            )
        gcp.storage.BucketIAMMember(
            f"{name}-inference",
            bucket=inputs.bucket.bucket_name,
            role="roles/storage.objectViewer",
            member=account.email.apply(lambda email: f"serviceAccount:{email}"),
            opts=self.child(),
        )
        return IdentityOutputs(
            identity_id=account.email,
            principal=account.email,
            annotation="iam.gke.io/gcp-service-account",
            annotation_value=account.email,
        )
