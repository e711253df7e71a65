"""Workload identity on GCP: one service account per maison, that one Kubernetes service account may act as.

Its right on the bucket has a condition: names that begin with the maison's part, and listings that ask for them. Such
conditions hold only where access is uniform, which the bucket is. A dataset is one more such grant. Limits: 100
service accounts per project unless Google raises it; an id of 30 characters; 20 conditional grants of one role to one
account on a bucket.
"""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from components.clouds.pods import POD_IDENTITY
from components.identity.contract import Identity, IdentityInputs, IdentityOutputs

_LISTED = "api.getAttribute('storage.googleapis.com/objectListPrefix', '')"


def only(part: str) -> str:
    """The condition under which an object, or a listing, belongs to a part of a bucket."""
    prefix = part.partition("/objects/")[2]
    return f"resource.name.startsWith('{part}/') || {_LISTED}.startsWith('{prefix}/')"


class GcpIdentity(Identity):
    """Service accounts for pods."""

    def build(self, name: str, inputs: IdentityInputs) -> IdentityOutputs:
        """Declare for each maison an account, who may act as it, and its one grant."""
        accounts = {
            maison: self._account(f"{name}-inference-{maison}", maison, space, inputs)
            for maison, space in inputs.namespaces.items()
        }
        emails = {maison: account.email for maison, account in accounts.items()}
        return IdentityOutputs(
            identities=emails,
            principals=emails,
            annotation=POD_IDENTITY["gcp"].annotation,
            annotation_values=emails,
        )

    def _account(self, name: str, maison: str, space: str, inputs: IdentityInputs) -> gcp.serviceaccount.Account:
        place = inputs.place
        account = gcp.serviceaccount.Account(
            name,
            account_id=place.name(f"infer-{maison}", limit=30),
            display_name=f"Inference pods of maison {maison} in cell {place.cell.cell.name}",
            opts=self.child(),
        )
        gcp.serviceaccount.IAMMember(
            name,
            service_account_id=account.name,
            role="roles/iam.workloadIdentityUser",
            member=pulumi.Output.concat(
                "serviceAccount:", inputs.cluster.principal, f"[{space}/{inputs.service_account}]"
            ),
            opts=self.child(),
        )
        gcp.storage.BucketIAMMember(
            name,
            bucket=inputs.bucket.bucket_name,
            role="roles/storage.objectViewer",
            member=account.email.apply(lambda email: f"serviceAccount:{email}"),
            condition=gcp.storage.BucketIAMMemberConditionArgs(
                title=space,
                description=f"What the bucket holds for maison {maison}",
                expression=inputs.bucket.part_ids[space].apply(only),
            ),
            opts=self.child(),
        )
        for dataset, part in inputs.datasets.get(maison, {}).items():
            gcp.storage.BucketIAMMember(
                f"{name}.{dataset}",
                bucket=inputs.bucket.bucket_name,
                role="roles/storage.objectViewer",
                member=account.email.apply(lambda email: f"serviceAccount:{email}"),
                condition=gcp.storage.BucketIAMMemberConditionArgs(
                    title=part,
                    description=f"What the bucket holds of dataset {dataset}",
                    expression=inputs.bucket.part_ids[part].apply(only),
                ),
                opts=self.child(),
            )
        return account
