"""Cloud Storage bucket on GCP, in one region: uniform access, public access prevention enforced, the cell's key."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from components.bucket.contract import Bucket, BucketInputs, BucketOutputs

_WEEK_S = 604_800


class GcpBucket(Bucket):
    """A bucket."""

    def build(self, name: str, inputs: BucketInputs) -> BucketOutputs:
        """Declare the bucket."""
        place, spec = inputs.place, inputs.place.cell.template.bucket
        overrides = place.cell.cell.overrides
        elsewhere = overrides.gcp.bucket_location if overrides and overrides.gcp else ""
        bucket = gcp.storage.Bucket(
            f"{name}-{inputs.purpose}",
            name=place.global_name(inputs.purpose),
            location=elsewhere or place.region,
            storage_class="STANDARD",
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            force_destroy=not place.protect,
            requester_pays=False,
            encryption=gcp.storage.BucketEncryptionArgs(default_kms_key_name=inputs.key.key_id),
            versioning=gcp.storage.BucketVersioningArgs(enabled=spec.versioning),
            soft_delete_policy=gcp.storage.BucketSoftDeletePolicyArgs(retention_duration_seconds=_WEEK_S),
            lifecycle_rules=[
                gcp.storage.BucketLifecycleRuleArgs(
                    action=gcp.storage.BucketLifecycleRuleActionArgs(type="Delete"),
                    condition=gcp.storage.BucketLifecycleRuleConditionArgs(
                        days_since_noncurrent_time=spec.noncurrent_days, with_state="ARCHIVED"
                    ),
                )
            ],
            labels=place.tags,
            opts=self.child(),
        )
        return BucketOutputs(
            bucket_name=bucket.name,
            url=bucket.url,
            bucket_id=bucket.name,
            part_ids={
                part: pulumi.Output.concat("projects/_/buckets/", bucket.name, "/objects/", part)
                for part in inputs.parts
            },
            part_urls={part: pulumi.Output.concat(bucket.url, "/", part, "/") for part in inputs.parts},
        )
