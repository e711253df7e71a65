"""Definitions of the Gateway API and of its inference extension, where they do not come with the cluster.

They are those of one release each (`data/PROVENANCE.md`), without the texts that describe their fields, which are most
of them: each would stand in the state, in every plan and in the cluster's own record of who wrote what.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_kubernetes as k8s

from components.clouds import gateways

if TYPE_CHECKING:
    from collections.abc import Iterable

    from components.platform.context import Context

DATA = Path(__file__).with_name("data")


def declare(context: Context) -> list[pulumi.Resource]:
    """Declare what is missing. Returns it, to be depended on. On a cluster that brings all of it, nothing."""
    cell = context.cell
    wanted = load(gateways.missing(cell.cell.cloud, cell.template.kubernetes_minor))
    # An object goes with its definition. Once a cluster brings a definition itself, this one is let go, not deleted.
    options = pulumi.ResourceOptions.merge(context.options(), pulumi.ResourceOptions(retain_on_delete=True))
    return [
        k8s.apiextensions.v1.CustomResourceDefinition(
            f"definition-{one['spec']['names']['plural']}",
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=one["metadata"]["name"], annotations=one["metadata"]["annotations"], labels=context.labels
            ),
            spec=one["spec"],
            opts=options,
        )
        for one in wanted
    ]


@cache
def _file(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def load(groups: Iterable[str]) -> list[dict[str, Any]]:
    """The definitions of these API groups, in order of their names."""
    return [_file(path) for group in groups for path in sorted(DATA.glob(f"{group}_*.json"))]
