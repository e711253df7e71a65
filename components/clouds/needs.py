"""What an account must have before a cell can be made in it: services that are switched on, and the tool that tells.

Sources: what each resource type of a cell belongs to in the vendors' API lists, August 2026.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

from components.clouds.gateways import ALICLOUD_CONTROLLER, ALICLOUD_DEFINITIONS


@dataclass(frozen=True, kw_only=True)
class Needs:
    """`tool` is the cloud's own command line; `sign_in` and `switch_on` are what to type, with `{service}` in it.
    `asked_for` is what an account has only once somebody asked for it, with what to type to do so.
    """

    tool: str
    sign_in: str
    switch_on: str
    services: tuple[str, ...]
    raise_quota: str
    addons: tuple[str, ...] = ()
    asked_for: Mapping[str, str] = field(default_factory=dict[str, str])


# What the types of each module of an SDK need switched on; empty where there is nothing to switch.
# Alibaba Cloud has no switch for an API: a product is opened by the role that its service gets in the account. Roles
# that a service makes for itself at first use (those of NAS: its page on service-linked roles, April 2026) are left
# out, and RDS has one of ours; disks with a key of one's own want theirs before (ECS, "Encryption-related
# permissions", November 2024).
SERVICES: dict[str, dict[str, tuple[str, ...]]] = {
    "alicloud": {
        "actiontrail": (),
        "cms": (),
        "cr": (),
        "cs": (
            "AliyunCSDefaultRole",
            "AliyunCSManagedCsiRole",
            "AliyunCSManagedKubernetesRole",
            "AliyunCSManagedLogRole",
            "AliyunCSManagedNetworkRole",
            "AliyunECSDiskEncryptDefaultRole",
        ),
        "ecs": (),
        "kms": (),
        "log": (),
        "nas": (),
        "oss": (),
        "pai": (),
        "privatelink": (),
        "ram": (),
        "rds": (),
        "redis": (),
        "resourcemanager": (),
        "sls": (),
        "vpc": (),
    },
    "gcp": {
        "artifactregistry": ("artifactregistry.googleapis.com",),
        "billing": ("billingbudgets.googleapis.com",),
        "compute": ("compute.googleapis.com",),
        "container": ("container.googleapis.com",),
        "dns": ("dns.googleapis.com",),
        "filestore": ("file.googleapis.com",),
        "folder": (),
        "kms": ("cloudkms.googleapis.com",),
        "logging": ("logging.googleapis.com",),
        "memorystore": ("memorystore.googleapis.com",),
        # Its parts about metrics; GKE's managed Prometheus writes there too.
        "monitoring": ("monitoring.googleapis.com",),
        "networkconnectivity": ("networkconnectivity.googleapis.com",),
        "orgpolicy": ("orgpolicy.googleapis.com",),
        "projects": ("cloudresourcemanager.googleapis.com",),
        "secretmanager": ("secretmanager.googleapis.com",),
        "serviceaccount": ("iam.googleapis.com", "iamcredentials.googleapis.com"),
        "servicenetworking": ("servicenetworking.googleapis.com",),
        "sql": ("sqladmin.googleapis.com",),
        "storage": ("storage.googleapis.com",),
        "vertex": ("aiplatform.googleapis.com",),
    },
    "azure": {
        "alertsmanagement": ("Microsoft.AlertsManagement",),
        "authorization": (),
        "cognitiveservices": ("Microsoft.CognitiveServices",),
        "compute": ("Microsoft.Compute",),
        "consumption": ("Microsoft.Consumption",),
        "containerregistry": ("Microsoft.ContainerRegistry",),
        "containerservice": ("Microsoft.ContainerService",),
        "dbforpostgresql": ("Microsoft.DBforPostgreSQL",),
        "insights": ("Microsoft.Insights",),
        "keyvault": ("Microsoft.KeyVault",),
        "managedidentity": ("Microsoft.ManagedIdentity",),
        "management": (),
        "monitor": ("Microsoft.Insights", "Microsoft.Monitor"),
        "network": ("Microsoft.Network",),
        "operationalinsights": ("Microsoft.OperationalInsights",),
        "privatedns": ("Microsoft.Network",),
        "redisenterprise": ("Microsoft.Cache",),
        "resources": (),
        "storage": ("Microsoft.Storage",),
    },
}


def services(cloud: str) -> tuple[str, ...]:
    """Everything that has to be switched on for a cell of a cloud, sorted."""
    return tuple(sorted({one for several in SERVICES[cloud].values() for one in several}))


NEEDS: dict[str, Needs] = {
    "alicloud": Needs(
        tool="aliyun",
        sign_in="aliyun configure --mode OAuth",
        switch_on="grant the service its role {service}: in the RAM console, or where the product first asks for it",
        services=services("alicloud"),
        raise_quota="ask for more {quota} in the Quota Center of the ECS console",
        addons=(
            ALICLOUD_CONTROLLER,
            "ack-node-problem-detector",
            "ack-pod-identity-webhook",
            ALICLOUD_DEFINITIONS,
            "terway-eniip",
        ),
    ),
    "gcp": Needs(
        tool="gcloud",
        sign_in="gcloud auth login",
        switch_on="gcloud services enable {service}",
        services=services("gcp"),
        # By it buckets use the cell's key; no resource of the SDK makes it, as those of other services are made.
        asked_for={"service agent of Cloud Storage": "gcloud storage service-agent --project PROJECT"},
        raise_quota="ask for more {quota} on the page Quotas of the project",
    ),
    "azure": Needs(
        tool="az",
        sign_in="az login",
        switch_on="az provider register --namespace {service}",
        services=services("azure"),
        raise_quota="az quota update, or ask for more {quota} on the page Quotas of the subscription",
    ),
}
