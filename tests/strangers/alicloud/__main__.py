"""A key and a log project on Alibaba Cloud, written with the plain SDK."""

import pulumi
import pulumi_alicloud as alicloud

case = pulumi.Config().require("case")
region = "cn-hongkong" if case == "abroad" else "cn-shanghai"
provider = alicloud.Provider("shop", region=region)
opts = pulumi.ResourceOptions(provider=provider)
key = alicloud.kms.Key("key", description="shop", pending_window_in_days=30, opts=opts)
alicloud.oss.Bucket(
    "photos",
    bucket="acme-shop-photos",
    storage_class="Standard",
    redundancy_type="ZRS",
    server_side_encryption_rule=alicloud.oss.BucketServerSideEncryptionRuleArgs(
        sse_algorithm="KMS", kms_master_key_id=key.id
    ),
    transfer_acceleration=alicloud.oss.BucketTransferAccelerationArgs(enabled=case == "fast"),
    tags={"twain-origin": "row-personal"} if case == "origin" else {},
    opts=opts,
)
