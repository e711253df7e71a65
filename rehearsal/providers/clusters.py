"""What every cloud does when it makes or ends a cluster: a real control plane, and the rows that others read."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from components.errors import TwainLibraryError
from rehearsal.providers.facts import KUBERNETES_MINORS, machine
from rehearsal.providers.model import Call, CloudRefusalError
from rehearsal.providers.sdktypes import Problem
from rehearsal.providers.store import ClusterRecord, Pool, Resource, Taint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rehearsal.kube.brought import Brought

GPU_CLASS_LABEL: Final = "twain/gpu-class"
POOL_LABEL: Final = "twain/pool"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a control plane answers: `url` as https URL, `host` as HOST:PORT, `ca` as PEM."""

    url: str
    ca: str

    @property
    def host(self) -> str:
        """The address without its scheme, as some clouds give it."""
        return self.url.removeprefix("https://")


def ensure_cluster(call: Call, resource: Resource, *, cloud: str, region: str, minor: str, brings: Brought) -> Endpoint:
    """Bring the cell's control plane up (or find it up), with what its inputs bring, and record it. Repeatable. Takes
    seconds.

    Raises `CloudRefusalError` when it cannot: the reason is the control plane's own.
    """
    from rehearsal.kube import controlplane

    if not resource.cell:
        message = f"{resource.name} belongs to no cell: tag it with twain-cell"
        raise CloudRefusalError(message)
    try:
        plane = controlplane.ensure(
            call.world_dir, cell=resource.cell, cloud=cloud, region=region, minor=minor, brings=brings
        )
    except TwainLibraryError as error:
        raise CloudRefusalError(str(error)) from error
    call.store.put_cluster(
        ClusterRecord(
            id=resource.id,
            cell=resource.cell,
            cloud=cloud,
            region=region,
            endpoint=plane.endpoint,
            ca=plane.ca_pem,
            minor=minor,
            created=resource.created or time.time(),
            deleted=None,
        )
    )
    return Endpoint(url=plane.endpoint, ca=plane.ca_pem)


def remove_cluster(resource: Resource, call: Call) -> None:
    """End the cell's control plane, its Nodes and pools. Repeatable."""
    from rehearsal.kube import controlplane

    try:
        controlplane.remove(call.world_dir, cell=resource.cell)
    except TwainLibraryError as error:
        raise CloudRefusalError(str(error)) from error
    call.store.remove_cluster(resource.id)


def bring_into(call: Call, cell: str, brings: Brought) -> None:
    """Put what was installed in a cluster after it was made into its cell. Repeatable."""
    from rehearsal.kube import controlplane

    try:
        controlplane.bring(call.world_dir, cell=cell, brings=brings)
    except TwainLibraryError as error:
        raise CloudRefusalError(str(error)) from error


def minor_of(version: str) -> str:
    """`1.36` of `1.36.1-aliyun.1`; the newest that all clouds offer when no version was asked for."""
    return ".".join(version.split(".")[:2]) if version else min(minors[-1] for minors in KUBERNETES_MINORS.values())


def version_problems(path: str, version: str, *, cloud: str) -> Iterable[Problem]:
    """Whether the cloud offers this Kubernetes version."""
    if version and minor_of(version) not in KUBERNETES_MINORS[cloud]:
        yield Problem(path, f"Kubernetes {version} is not offered; offered: {', '.join(KUBERNETES_MINORS[cloud])}")


def refuse_newer_nodes(name: str, *, version: str, plane: str) -> None:
    """Raise CloudRefusalError where a pool's nodes would be newer than the control plane that they belong to."""
    if version and tuple(map(int, minor_of(version).split("."))) > tuple(map(int, minor_of(plane).split("."))):
        message = f"{name}: nodes of Kubernetes {version} cannot join a control plane of {plane}"
        raise CloudRefusalError(message)


def pool_of(
    *,
    cell: str,
    cloud: Literal["alicloud", "gcp", "azure"],
    name: str,
    instance_type: str,
    smallest: int,
    largest: int,
    zones: Iterable[str],
    labels: Mapping[str, str],
    taints: Iterable[Taint],
    resource: str,
    accelerators: int | None = None,
) -> Pool:
    """The pool that the cell's autoscaler will grow. A GPU pool is one whose machines have GPUs."""
    facts = machine(cloud, instance_type)
    gpus = accelerators if accelerators is not None else (facts.gpus if facts else 0)
    gpu_class = labels.get(GPU_CLASS_LABEL)
    return Pool(
        name=labels.get(POOL_LABEL, name),
        cell=cell,
        cloud=cloud,
        kind="gpu" if gpus or gpu_class else "system",
        gpu_class=gpu_class,
        instance_type=instance_type,
        gpus=gpus,
        min=smallest,
        max=largest,
        zones=tuple(zones),
        labels=dict(labels),
        taints=tuple(taints),
        resource=resource,
    )


def whole(value: Any, default: int = 0) -> int:
    """An int, or the default for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default
