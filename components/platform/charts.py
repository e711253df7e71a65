"""What is installed as a chart: KEDA scales pods by metrics, Kueue admits jobs within a maison's GPU quota.

A chart comes from the registry that the platform's images come from, one version of it, and so does every image that it
runs; the machine that runs the program is asked for nothing. Each lives in a namespace of its own, under the same rules
as the platform's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pulumi_kubernetes as k8s
import yaml
from pulumi_kubernetes.helm import v3 as helm

from components.platform import names, priorities

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from components.platform.context import Context
    from components.spec.model import Maison, Template

KEDA: Final = "keda"
KUEUE: Final = "kueue"
# Charts of both projects carry the number of what they install.
VERSIONS: Final = {KEDA: "2.21.0", KUEUE: "0.15.0"}
NAMESPACES: Final = {KEDA: "keda", KUEUE: "kueue-system"}
# Where the API server comes in: webhooks, and the APIs that they answer for it.
PORTS: Final = {KEDA: (6443, 9443), KUEUE: (8082, 9443)}
QUEUE: Final = "gpus"
_FLAVOR: Final = "gpu"
_GPU: Final = "nvidia.com/gpu"
_KUEUE_API: Final = "kueue.x-k8s.io/v1beta2"
_TIMEOUT_S: Final = 600


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart of the platform: its name, and the namespace that it lives in alone."""

    name: str
    namespace: str
    ports: tuple[int, ...]


def wanted(template: Template) -> tuple[Chart, ...]:
    """The charts that a cell asks for. Pure."""
    asked = {KEDA: template.platform.autoscaler == KEDA, KUEUE: template.platform.queue == KUEUE}
    return tuple(Chart(name=name, namespace=NAMESPACES[name], ports=PORTS[name]) for name, on in asked.items() if on)


def declare(context: Context, spaces: Mapping[str, pulumi.Resource]) -> None:
    """Declare a release for each chart that the cell asks for, and each maison's queue."""
    registry = context.cell.world.registry
    values = {KEDA: keda_values(registry), KUEUE: kueue_values(registry)}
    for chart in wanted(context.cell.template):
        release = helm.Release(
            chart.name,
            name=chart.name,
            namespace=chart.namespace,
            create_namespace=False,
            chart=f"oci://{registry}/charts/{chart.name}",
            version=VERSIONS[chart.name],
            values=values[chart.name],
            # What failed half way goes again, so that the next run begins anew; what is up serves before others use it.
            atomic=True,
            skip_await=False,
            timeout=_TIMEOUT_S,
            max_history=5,
            opts=context.options(depends_on=[spaces[chart.namespace]]),
        )
        if chart.name == KUEUE:
            _queues(context, spaces, release)


def keda_values(registry: str) -> dict[str, Any]:
    """The settings of KEDA's chart. Secrets are read in its own namespace only, so no trigger of a maison can use
    another's.
    """
    return {
        "image": {
            "keda": _image(registry, "keda"),
            "metricsApiServer": _image(registry, "keda-metrics-apiserver"),
            "webhooks": _image(registry, "keda-admission-webhooks"),
        },
        "crds": {"install": True},
        "permissions": {"operator": {"restrict": {"secret": True}}},
        "priorityClassName": priorities.PLATFORM,
    }


def kueue_values(registry: str) -> dict[str, Any]:
    """The settings of Kueue's chart. Jobs of the maisons that name a queue are held until the quota has room for all
    their GPUs at once; everything else is none of its business. CPU and memory are not counted: GPUs are what is
    scarce.
    """
    configuration = {
        "apiVersion": "config.kueue.x-k8s.io/v1beta2",
        "kind": "Configuration",
        "health": {"healthProbeBindAddress": ":8081"},
        "metrics": {"bindAddress": ":8443"},
        "webhook": {"port": 9443},
        "leaderElection": {"leaderElect": True, "resourceName": "c1f6bfd2.kueue.x-k8s.io"},
        "manageJobsWithoutQueueName": False,
        "managedJobsNamespaceSelector": {
            "matchExpressions": [{"key": names.LABEL_MAISON, "operator": "Exists"}],
        },
        "integrations": {"frameworks": ["batch/job"]},
        "resources": {"excludeResourcePrefixes": ["cpu", "memory", "ephemeral-storage", "hugepages-"]},
    }
    image = _image(registry, "kueue")
    return {
        "controllerManager": {
            "manager": {
                "priorityClassName": priorities.PLATFORM,
                "image": {
                    "repository": f"{image['registry']}/{image['repository']}",
                    "tag": image["tag"],
                    "pullPolicy": "IfNotPresent",
                },
            }
        },
        "managerConfig": {"controllerManagerConfigYaml": yaml.safe_dump(configuration, sort_keys=False)},
        "enableKueueViz": False,
    }


def _image(registry: str, name: str) -> dict[str, str]:
    """An image in the three parts that charts ask for."""
    repository, _, tag = names.image(registry, name).rpartition(":")
    host, _, path = repository.partition("/")
    return {"registry": host, "repository": path, "tag": tag}


def _queues(context: Context, spaces: Mapping[str, pulumi.Resource], release: pulumi.Resource) -> None:
    """One queue for each maison, with its own quota and no cohort: nobody borrows, so nobody waits for another's."""
    flavor = k8s.apiextensions.CustomResource(
        f"queue-{_FLAVOR}",
        api_version=_KUEUE_API,
        kind="ResourceFlavor",
        metadata=k8s.meta.v1.ObjectMetaArgs(name=_FLAVOR, labels=context.labels),
        opts=context.options(depends_on=[release]),
    )
    for maison in context.fleet.maisons:
        namespace = names.maison_namespace(maison.name)
        queue = k8s.apiextensions.CustomResource(
            f"{namespace}-quota-of-jobs",
            api_version=_KUEUE_API,
            kind="ClusterQueue",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=namespace, labels=context.labels),
            spec=cluster_queue(maison),
            opts=context.options(depends_on=[flavor]),
        )
        k8s.apiextensions.CustomResource(
            f"{namespace}-queue",
            api_version=_KUEUE_API,
            kind="LocalQueue",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=QUEUE, namespace=namespace, labels=context.labels),
            spec={"clusterQueue": namespace},
            opts=context.options(depends_on=[queue, spaces[namespace]]),
        )


def cluster_queue(maison: Maison) -> dict[str, Any]:
    """The queue of a maison: as many GPUs as its quota, of any class, for jobs of its own namespace. Pure."""
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": names.maison_namespace(maison.name)}},
        "queueingStrategy": "BestEffortFIFO",
        "preemption": {"withinClusterQueue": "LowerPriority", "reclaimWithinCohort": "Never"},
        "resourceGroups": [
            {
                "coveredResources": [_GPU],
                "flavors": [{"name": _FLAVOR, "resources": [{"name": _GPU, "nominalQuota": maison.gpu_quota}]}],
            }
        ],
    }
