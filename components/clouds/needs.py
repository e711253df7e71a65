"""What an account must have before a cell can be made in it: services that are switched on, and the tool that tells.

Sources: what each resource type of a cell belongs to in the vendors' API lists, August 2026.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Needs:
    """`tool` is the cloud's own command line; `sign_in` and `switch_on` are what to type, with `{service}` in it."""

    tool: str
    sign_in: str
    switch_on: str
    services: tuple[str, ...]
    raise_quota: str
    addons: tuple[str, ...] = ()


NEEDS: dict[str, Needs] = {
    # There is no switch for an API: a product is opened by the role that its service gets in the account.
    "alicloud": Needs(
        tool="aliyun",
        sign_in="aliyun configure --mode OAuth",
        switch_on="grant the container service its role {service} in the RAM console",
        services=(
            "AliyunCSDefaultRole",
            "AliyunCSManagedCsiRole",
            "AliyunCSManagedKubernetesRole",
            "AliyunCSManagedLogRole",
            "AliyunCSManagedNetworkRole",
        ),
        raise_quota="ask for more {quota} in the Quota Center of the ECS console",
        addons=("ack-node-problem-detector", "ack-pod-identity-webhook", "gateway-api", "terway-eniip"),
    ),
    "gcp": Needs(
        tool="gcloud",
        sign_in="gcloud auth login",
        switch_on="gcloud services enable {service}",
        services=(
            "artifactregistry.googleapis.com",
            "cloudkms.googleapis.com",
            "compute.googleapis.com",
            "container.googleapis.com",
            "file.googleapis.com",
            "iam.googleapis.com",
            "logging.googleapis.com",
            "monitoring.googleapis.com",
            "secretmanager.googleapis.com",
            "servicenetworking.googleapis.com",
            "storage.googleapis.com",
        ),
        raise_quota="ask for more {quota} on the page Quotas of the project",
    ),
    "azure": Needs(
        tool="az",
        sign_in="az login",
        switch_on="az provider register --namespace {service}",
        services=(
            "Microsoft.Compute",
            "Microsoft.ContainerRegistry",
            "Microsoft.ContainerService",
            "Microsoft.KeyVault",
            "Microsoft.ManagedIdentity",
            "Microsoft.Monitor",
            "Microsoft.Network",
            "Microsoft.OperationalInsights",
            "Microsoft.Storage",
        ),
        raise_quota="az quota update, or ask for more {quota} on the page Quotas of the subscription",
    ),
}
