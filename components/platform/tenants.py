"""A maison as a tenant of a cell: its quotas, its service account, and who may do what in its namespace.

A quota counts one namespace, so a maison that has used up its own keeps no other from anything. What a quota does not
decide is which nodes there are: where the sum of all quotas is more than a pool's `max`, the pods wait for each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_kubernetes as k8s

from components.clouds.pods import POD_IDENTITY, SERVICE_ACCOUNT
from components.platform import access, names, priorities

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from components.platform.context import Context
    from components.spec.model import Maison

# A workload's replica is one pod and at least one GPU; during a rollout there are twice as many.
_PODS_PER_GPU, _LEAST_PODS = 4, 20


def declare(context: Context, spaces: Mapping[str, pulumi.Resource], identities: pulumi.Output[dict[str, str]]) -> None:
    """Declare what each maison has. `identities` is what binds the service account of each to its cloud identity."""
    for maison in context.fleet.maisons:
        namespace = names.maison_namespace(maison.name)
        after = [spaces[namespace]]
        _quotas(context, maison, after)
        _account(context, maison, identities, after)
        operators = [access.sre(context), *access.gate(context)]
        readers = [access.group(maison.rbac_group)]
        access.bind(context, namespace, "view", readers, name="readers", after=after)
        access.bind(context, namespace, access.OPERATE_ROLE, operators, after=after)
        access.bind(context, namespace, access.OBSERVE_ROLE, operators, after=after)
        access.bind(context, namespace, access.LOGS_ROLE, [access.sre(context)], after=after)


def _quotas(context: Context, maison: Maison, after: list[pulumi.Resource]) -> None:
    """GPUs and pods; no address outside the cluster; no priority by which other pods would be evicted."""
    namespace = names.maison_namespace(maison.name)
    hard = {
        "requests.nvidia.com/gpu": str(maison.gpu_quota),
        "pods": str(max(_LEAST_PODS, _PODS_PER_GPU * maison.gpu_quota)),
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }
    reserved = k8s.core.v1.ScopeSelectorArgs(
        match_expressions=[
            k8s.core.v1.ScopedResourceSelectorRequirementArgs(
                scope_name="PriorityClass", operator="In", values=list(priorities.RESERVED)
            )
        ]
    )
    for name, spec in (
        ("gpus", k8s.core.v1.ResourceQuotaSpecArgs(hard=hard)),
        ("priority", k8s.core.v1.ResourceQuotaSpecArgs(hard={"pods": "0"}, scope_selector=reserved)),
    ):
        k8s.core.v1.ResourceQuota(
            f"{namespace}-{'quota' if name == 'gpus' else name}",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=name, namespace=namespace, labels=context.labels),
            spec=spec,
            opts=context.options(depends_on=after),
        )


def _account(
    context: Context, maison: Maison, identities: pulumi.Output[dict[str, str]], after: list[pulumi.Resource]
) -> None:
    """The one account of the namespace that the cloud trusts. A cell that was brought up before it knew of identities
    per maison gives no value; then the account is bound to none.
    """
    key = POD_IDENTITY[context.cell.cell.cloud].annotation
    namespace = names.maison_namespace(maison.name)
    k8s.core.v1.ServiceAccount(
        f"{namespace}-{SERVICE_ACCOUNT}",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=SERVICE_ACCOUNT,
            namespace=namespace,
            labels=context.labels,
            annotations=identities.apply(lambda found: {key: found[maison.name]} if maison.name in found else {}),
        ),
        automount_service_account_token=False,
        opts=context.options(depends_on=after),
    )
