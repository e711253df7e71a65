"""What the cell guarantees, written where the gate reads it: capability id to value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi_kubernetes as k8s

from components.platform import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from components.platform.context import Context


def declare(
    context: Context, spaces: Mapping[str, pulumi.Resource], values: pulumi.Output[dict[str, str | None]]
) -> None:
    """Declare the ConfigMap. A capability whose value is not known is left out: absent is unknown, never empty."""
    k8s.core.v1.ConfigMap(
        names.GUARANTEES,
        metadata=k8s.meta.v1.ObjectMetaArgs(
            name=names.GUARANTEES, namespace=names.SYSTEM_NAMESPACE, labels=context.labels
        ),
        data=values.apply(known),
        opts=context.options(depends_on=[spaces[names.SYSTEM_NAMESPACE]]),
    )


def known(values: Mapping[str, str | None]) -> dict[str, str]:
    """The capabilities that have a value."""
    return {capability: value for capability, value in sorted(values.items()) if value is not None}
