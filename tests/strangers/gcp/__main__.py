"""A shop's photo store on Google Cloud, as somebody would write it who has never heard of twain."""

import pulumi
import pulumi_gcp as gcp

case = pulumi.Config().require("case")
place = {"abroad": "asia-east1", "several": "EU"}.get(case, "europe-west4")
provider = gcp.Provider("shop", project="twain-row", region="europe-west4")
opts = pulumi.ResourceOptions(provider=provider)
ring = gcp.kms.KeyRing(
    "ring", name="shop", location="us-central1" if case == "key-abroad" else "europe-west4", opts=opts
)
key = gcp.kms.CryptoKey("key", name="photos", key_ring=ring.id, rotation_period="7776000s", opts=opts)
gcp.storage.Bucket(
    "photos",
    name="acme-shop-photos",
    location=place,
    uniform_bucket_level_access=True,
    public_access_prevention="enforced",
    encryption=gcp.storage.BucketEncryptionArgs(default_kms_key_name=key.id),
    labels={"owner": "13912345678" if case == "person" else "shop"},
    opts=opts,
)
