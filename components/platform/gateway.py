"""The gateway of a cell: one Gateway API listener on an internal address, TLS, bearer keys.

The certificate and the keys are Secrets that the cell's secret store keeps; neither is in the Pulumi state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_kubernetes as k8s

from components.clouds import gateways
from components.platform import names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from components.platform.context import Context


def declare(context: Context, spaces: Mapping[str, pulumi.Resource], definitions: Sequence[pulumi.Resource]) -> None:
    """Declare the Gateway. Routes are made with workloads, in their maison's namespace. `definitions` are those of the
    Gateway API that do not come with the cluster.
    """
    implementation = gateways.IMPLEMENTATIONS[context.cell.cell.cloud]
    k8s.apiextensions.CustomResource(
        "gateway",
        api_version="gateway.networking.k8s.io/v1",
        kind="Gateway",
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=names.GATEWAY, namespace=names.SYSTEM_NAMESPACE, labels=context.labels
        ),
        spec={
            "gatewayClassName": implementation.gateway_class,
            **({"infrastructure": {"annotations": dict(implementation.internal)}} if implementation.internal else {}),
            "listeners": [
                {
                    "name": "https",
                    "port": names.GATEWAY_PORT,
                    "protocol": "HTTPS",
                    "tls": {
                        "mode": "Terminate",
                        "certificateRefs": [{"kind": "Secret", "name": names.GATEWAY_TLS_SECRET}],
                    },
                    "allowedRoutes": {
                        "namespaces": {
                            "from": "Selector",
                            "selector": {"matchExpressions": [{"key": names.LABEL_MAISON, "operator": "Exists"}]},
                        }
                    },
                }
            ],
        },
        opts=context.options(depends_on=[spaces[names.SYSTEM_NAMESPACE], *definitions]),
    )
