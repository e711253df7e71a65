"""Ten mistakes that people make, six with a cloud's resources and four with Kubernetes objects: one, or all of a world.

Written with the plain SDKs; nothing here knows twain.
"""

import json
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

config = pulumi.Config()
world, wanted = config.require("world"), config.get("case")


def asked(case: str) -> bool:
    return wanted in (None, case)


if world == "row" and wanted != "analytics-identity":
    import pulumi_gcp as gcp

    google = pulumi.ResourceOptions(provider=gcp.Provider("google", project="twain-row", region="europe-west4"))
    closed = {"uniform_bucket_level_access": True, "public_access_prevention": "enforced", "opts": google}
    if asked("photos"):
        gcp.storage.Bucket("photos", name="acme-photos", location="EU", **closed)
    if asked("ring"):
        gcp.kms.KeyRing("ring", name="acme", location="us-central1", opts=google)
    if asked("letters"):
        owner = {"customer": "13912345678"}
        gcp.storage.Bucket("letters", name="acme-letters", location="europe-west4", labels=owner, **closed)
if world == "row" and asked("analytics-identity"):
    import pulumi_azure_native as azure

    microsoft = pulumi.ResourceOptions(provider=azure.Provider("microsoft", location="francecentral"))
    azure.resources.ResourceGroup("analytics-identity", resource_group_name="acme", location="eastasia", opts=microsoft)
if world == "cn" and (wanted is None or wanted in {"videos", "profiles"}):
    import pulumi_alicloud as alicloud

    ali = pulumi.ResourceOptions(provider=alicloud.Provider("ali", region="cn-shanghai"))
    if asked("videos"):
        quick = alicloud.oss.BucketTransferAccelerationArgs(enabled=True)
        alicloud.oss.Bucket("videos", bucket="acme-videos", transfer_acceleration=quick, opts=ali)
    if asked("profiles"):
        alicloud.oss.Bucket("profiles", bucket="acme-profiles", tags={"twain-origin": "row-personal"}, opts=ali)

# The cluster that they are meant for is not up.
access = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "later",
    "contexts": [{"name": "later", "context": {"cluster": "later", "user": "me"}}],
    "clusters": [{"name": "later", "cluster": {"server": "https://127.9.9.9:9"}}],
    "users": [{"name": "me", "user": {"token": "none"}}],
}
objects = json.loads((Path(__file__).parent / "objects.json").read_bytes())[world]
if any(asked(body["metadata"]["name"]) for body in objects):
    cluster = pulumi.ResourceOptions(provider=kubernetes.Provider("cluster", kubeconfig=json.dumps(access)))
    for body in objects:
        kind = getattr(kubernetes.core.v1, body["kind"])
        if asked(body["metadata"]["name"]):
            kind(body["metadata"]["name"], metadata=body["metadata"], spec=body["spec"], opts=cluster)
