"""OSS bucket on Alibaba Cloud, zone-redundant in one region.

Transfer acceleration is off on purpose, against a common scanner rule (CKV_ALI_11): it routes through access points
outside the region. Deliberately not set: `acl`, `policy`, `referer_config` (deprecated arguments; separate resources).
"""

from __future__ import annotations

import pulumi
import pulumi_alicloud as alicloud

from components.bucket.contract import Bucket, BucketInputs, BucketOutputs


class AlicloudBucket(Bucket):
    """An OSS bucket with its public access block."""

    def build(self, name: str, inputs: BucketInputs) -> BucketOutputs:
        """Declare the bucket."""
        place, spec = inputs.place, inputs.place.cell.template.bucket
        bucket = alicloud.oss.Bucket(
            f"{name}-{inputs.purpose}",
            bucket=place.global_name(inputs.purpose),
            storage_class="Standard",
            redundancy_type="ZRS",
            force_destroy=not place.protect,
            server_side_encryption_rule=alicloud.oss.BucketServerSideEncryptionRuleArgs(
                sse_algorithm="KMS", kms_master_key_id=inputs.key.key_id
            ),
            versioning=alicloud.oss.BucketVersioningArgs(status="Enabled" if spec.versioning else "Suspended"),
            transfer_acceleration=alicloud.oss.BucketTransferAccelerationArgs(enabled=False),
            lifecycle_rules=[
                alicloud.oss.BucketLifecycleRuleArgs(
                    id="noncurrent",
                    enabled=True,
                    prefix="",
                    noncurrent_version_expirations=[
                        alicloud.oss.BucketLifecycleRuleNoncurrentVersionExpirationArgs(days=spec.noncurrent_days)
                    ],
                )
            ],
            tags=place.tags,
            opts=self.child(),
        )
        alicloud.oss.BucketPublicAccessBlock(
            f"{name}-{inputs.purpose}", bucket=bucket.id, block_public_access=True, opts=self.child()
        )
        return BucketOutputs(
            bucket_name=bucket.id,
            url=pulumi.Output.concat("oss://", bucket.id),
            bucket_id=bucket.id,
            part_ids={part: bucket.id.apply(lambda id_, part=part: f"{id_}/{part}") for part in inputs.parts},
            part_urls={part: bucket.id.apply(lambda id_, part=part: f"oss://{id_}/{part}/") for part in inputs.parts},
        )
