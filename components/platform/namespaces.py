"""Namespaces: Pod Security levels, default-deny network policies, one namespace per maison."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_kubernetes as k8s

from components.clouds import buckets, gateways, pod_tokens
from components.clouds.pods import POD_IDENTITY
from components.network.plan import AddressPlan
from components.platform import charts, names

if TYPE_CHECKING:
    import pulumi

    from components.platform.context import Context


def declare(context: Context) -> dict[str, k8s.core.v1.Namespace]:
    """Declare all namespaces with their policies. Returns them by name, to be depended on."""
    spaces = {
        names.SYSTEM_NAMESPACE: _namespace(context, names.SYSTEM_NAMESPACE, level="restricted"),
        # The DCGM exporter needs SYS_ADMIN for profiling counters, so it lives in the one namespace that allows it.
        names.GPU_NAMESPACE: _namespace(context, names.GPU_NAMESPACE, level="privileged"),
    }
    for maison in context.fleet.maisons:
        name = names.maison_namespace(maison.name)
        spaces[name] = _namespace(context, name, level="restricted", maison=maison.name)
        _cloud_egress(context, name, spaces[name])
        _gateway_ingress(context, name, spaces[name])
    added = charts.wanted(context.cell.template)
    spaces |= {one.namespace: _namespace(context, one.namespace, level="restricted") for one in added}
    for name, space in spaces.items():
        _default_deny(context, name, space)
    ports = (names.PROMETHEUS_PORT, names.ALERTMANAGER_PORT, names.GATE_PORT)
    _inside_traffic(context, names.SYSTEM_NAMESPACE, ports, spaces[names.SYSTEM_NAMESPACE])
    for chart in added:
        _inside_traffic(context, chart.namespace, chart.ports, spaces[chart.namespace])
    _scrape_ingress(context, names.GPU_NAMESPACE, names.DCGM_PORT, spaces[names.GPU_NAMESPACE])
    return spaces


def _namespace(context: Context, name: str, *, level: str, maison: str = "") -> k8s.core.v1.Namespace:
    labels = {
        **context.labels,
        "pod-security.kubernetes.io/enforce": level,
        "pod-security.kubernetes.io/enforce-version": f"v{context.cell.template.kubernetes_minor}",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
    }
    if maison:
        labels |= {**POD_IDENTITY[context.cell.cell.cloud].namespace_labels, names.LABEL_MAISON: maison}
    return k8s.core.v1.Namespace(
        name, metadata=k8s.meta.v1.ObjectMetaArgs(name=name, labels=labels), opts=context.options()
    )


def _meta(context: Context, name: str, namespace: str) -> k8s.meta.v1.ObjectMetaArgs:
    return k8s.meta.v1.ObjectMetaArgs(name=name, namespace=namespace, labels=context.labels)


def _default_deny(context: Context, namespace: str, parent: pulumi.Resource) -> None:
    """Nothing in, nothing out but DNS: every other path is opened by name."""
    dns = k8s.networking.v1.NetworkPolicyEgressRuleArgs(
        ports=[
            k8s.networking.v1.NetworkPolicyPortArgs(port=53, protocol="UDP"),
            k8s.networking.v1.NetworkPolicyPortArgs(port=53, protocol="TCP"),
        ],
        to=[
            k8s.networking.v1.NetworkPolicyPeerArgs(
                namespace_selector=k8s.meta.v1.LabelSelectorArgs(
                    match_labels={"kubernetes.io/metadata.name": "kube-system"}
                )
            )
        ],
    )
    k8s.networking.v1.NetworkPolicy(
        f"{namespace}-default-deny",
        metadata=_meta(context, "default-deny", namespace),
        spec=k8s.networking.v1.NetworkPolicySpecArgs(
            pod_selector=k8s.meta.v1.LabelSelectorArgs(), policy_types=["Ingress", "Egress"], egress=[dns]
        ),
        opts=context.options(depends_on=[parent]),
    )


def _cloud_egress(context: Context, namespace: str, parent: pulumi.Resource) -> None:
    """The ways out of a maison's namespace: to where the cell's bucket answers, and to where an identity gets the token
    that the bucket asks for.
    """
    cell = context.cell.cell
    bucket = buckets.ranges(cell.cloud, cell.region, endpoints=AddressPlan.of(cell.cidr).endpoints)
    _way_out(context, namespace, "bucket", pod_tokens.Way(ranges=bucket, ports=(buckets.PORT,)), parent)
    _way_out(context, namespace, "token", pod_tokens.WAYS[cell.cloud], parent)


def _way_out(context: Context, namespace: str, name: str, way: pod_tokens.Way, parent: pulumi.Resource) -> None:
    """Engines have none: their weights come from the registry, by the node."""
    engines = k8s.meta.v1.LabelSelectorRequirementArgs(key=names.LABEL_WORKLOAD, operator="DoesNotExist")
    k8s.networking.v1.NetworkPolicy(
        f"{namespace}-{name}",
        metadata=_meta(context, name, namespace),
        spec=k8s.networking.v1.NetworkPolicySpecArgs(
            pod_selector=k8s.meta.v1.LabelSelectorArgs(match_expressions=[engines]),
            policy_types=["Egress"],
            egress=[
                k8s.networking.v1.NetworkPolicyEgressRuleArgs(
                    ports=[k8s.networking.v1.NetworkPolicyPortArgs(port=port, protocol="TCP") for port in way.ports],
                    to=[
                        k8s.networking.v1.NetworkPolicyPeerArgs(ip_block=k8s.networking.v1.IPBlockArgs(cidr=cidr))
                        for cidr in way.ranges
                    ],
                )
            ],
        ),
        opts=context.options(depends_on=[parent]),
    )


def _from_namespace(namespace: str) -> k8s.networking.v1.NetworkPolicyPeerArgs:
    return k8s.networking.v1.NetworkPolicyPeerArgs(
        namespace_selector=k8s.meta.v1.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": namespace})
    )


def _gateway_ingress(context: Context, namespace: str, parent: pulumi.Resource) -> None:
    """From the proxies of the cell's gateway to the engines, wherever the cloud's controller has put them."""
    k8s.networking.v1.NetworkPolicy(
        f"{namespace}-gateway",
        metadata=_meta(context, "gateway", namespace),
        spec=k8s.networking.v1.NetworkPolicySpecArgs(
            pod_selector=k8s.meta.v1.LabelSelectorArgs(
                match_expressions=[
                    k8s.meta.v1.LabelSelectorRequirementArgs(key=names.LABEL_WORKLOAD, operator="Exists")
                ]
            ),
            policy_types=["Ingress"],
            ingress=[
                k8s.networking.v1.NetworkPolicyIngressRuleArgs(
                    from_=_proxies(context),
                    ports=[k8s.networking.v1.NetworkPolicyPortArgs(port=names.ENGINE_PORT, protocol="TCP")],
                )
            ],
        ),
        opts=context.options(depends_on=[parent]),
    )


def _proxies(context: Context) -> list[k8s.networking.v1.NetworkPolicyPeerArgs]:
    cell = context.cell.cell
    implementation = gateways.IMPLEMENTATIONS[cell.cloud]
    if implementation.checks:
        ranges = (AddressPlan.of(cell.cidr).proxies, *implementation.checks)
        return [
            k8s.networking.v1.NetworkPolicyPeerArgs(ip_block=k8s.networking.v1.IPBlockArgs(cidr=one)) for one in ranges
        ]
    if implementation.owner_labels is None:
        return [_from_namespace(names.SYSTEM_NAMESPACE)]
    name, namespace = implementation.owner_labels
    # Whoever makes pods in a maison's namespace could give them these labels.
    elsewhere = k8s.meta.v1.LabelSelectorRequirementArgs(key=names.LABEL_MAISON, operator="DoesNotExist")
    return [
        k8s.networking.v1.NetworkPolicyPeerArgs(
            namespace_selector=k8s.meta.v1.LabelSelectorArgs(match_expressions=[elsewhere]),
            pod_selector=k8s.meta.v1.LabelSelectorArgs(
                match_labels={name: names.GATEWAY, namespace: names.SYSTEM_NAMESPACE}
            ),
        )
    ]


def _scrape_ingress(context: Context, namespace: str, port: int, parent: pulumi.Resource) -> None:
    k8s.networking.v1.NetworkPolicy(
        f"{namespace}-scrape",
        metadata=_meta(context, "scrape", namespace),
        spec=k8s.networking.v1.NetworkPolicySpecArgs(
            pod_selector=k8s.meta.v1.LabelSelectorArgs(),
            policy_types=["Ingress"],
            ingress=[
                k8s.networking.v1.NetworkPolicyIngressRuleArgs(
                    from_=[_from_namespace(names.SYSTEM_NAMESPACE)],
                    ports=[k8s.networking.v1.NetworkPolicyPortArgs(port=port, protocol="TCP")],
                )
            ],
        ),
        opts=context.options(depends_on=[parent]),
    )


def _inside_traffic(context: Context, namespace: str, ports: tuple[int, ...], parent: pulumi.Resource) -> None:
    """The cell's own services: whoever is inside the cell comes in by these ports, and they reach what is inside it.
    Of the platform's namespace, Prometheus scrapes and fires, and operators and the other world's callers come in.
    """
    inside = k8s.networking.v1.NetworkPolicyPeerArgs(
        ip_block=k8s.networking.v1.IPBlockArgs(cidr=context.cell.cell.cidr)
    )
    k8s.networking.v1.NetworkPolicy(
        f"{namespace}-services",
        metadata=_meta(context, "services", namespace),
        spec=k8s.networking.v1.NetworkPolicySpecArgs(
            pod_selector=k8s.meta.v1.LabelSelectorArgs(),
            policy_types=["Ingress", "Egress"],
            ingress=[
                k8s.networking.v1.NetworkPolicyIngressRuleArgs(
                    ports=[k8s.networking.v1.NetworkPolicyPortArgs(port=port, protocol="TCP") for port in ports],
                    from_=[inside],
                )
            ],
            egress=[k8s.networking.v1.NetworkPolicyEgressRuleArgs(to=[inside])],
        ),
        opts=context.options(depends_on=[parent]),
    )
