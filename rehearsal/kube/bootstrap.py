"""What a cloud puts into a new cluster before anybody may use it: extension types and the identities' rights."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import yaml

from rehearsal.kube.client import KubeClient
from rehearsal.kube.exec_plugin import IDENTITIES, namespace
from rehearsal.kube.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rehearsal.kube.client import Access, Object

_MANAGER = "twain-cloud"
_RBAC = "rbac.authorization.k8s.io"


def identity_objects() -> list[tuple[str, Object]]:
    """(path, object) of each identity's namespace and account, namespaces first; and whoever makes a cluster may do
    anything in it.
    """

    def labelled(kind: str, version: str, name: str, **rest: Any) -> Object:
        meta = {"name": name, "labels": {"app.kubernetes.io/managed-by": _MANAGER}}
        return {"apiVersion": version, "kind": kind, "metadata": meta, **rest}

    spaces: list[tuple[str, Object]] = []
    accounts: list[tuple[str, Object]] = []
    for identity in IDENTITIES:
        space = namespace(identity)
        spaces.append((f"/api/v1/namespaces/{space}", labelled("Namespace", "v1", space)))
        account = labelled("ServiceAccount", "v1", identity, automountServiceAccountToken=False)
        accounts.append((f"/api/v1/namespaces/{space}/serviceaccounts/{identity}", account))
    # What the other identities may do is the platform's to bind, to the groups that the fleet names
    # (`components/platform/access.py`).
    maker = IDENTITIES[0]
    bound = labelled(
        "ClusterRoleBinding",
        f"{_RBAC}/v1",
        namespace(maker),
        roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
        subjects=[{"kind": "ServiceAccount", "name": maker, "namespace": namespace(maker)}],
    )
    return [*spaces, *accounts, (f"/apis/{_RBAC}/v1/clusterrolebindings/{namespace(maker)}", bound)]


def crd_objects(files: Iterable[Path]) -> list[tuple[str, Object]]:
    """(path, object) of every CustomResourceDefinition and admission rule in the YAML files."""
    objects: list[tuple[str, Object]] = []
    for file in files:
        for raw in yaml.load_all(
            file.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        ):
            if isinstance(raw, dict) and raw.get("kind") == "CustomResourceDefinition":
                raw.pop("status", None)
                raw["metadata"].pop("creationTimestamp", None)
                name = raw["metadata"]["name"]
                objects.append((f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}", raw))
    return objects


def _is_established(crd: Object) -> bool:
    conditions = crd.get("status", {}).get("conditions") or []
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


async def _established(client: KubeClient, path: str) -> None:
    """Return when a CustomResourceDefinition serves requests."""
    collection, _, name = path.rpartition("/")
    await wait_for(client, collection, name, lambda crd: crd is not None and _is_established(crd), seconds=30.0)


async def install(access: Access, crd_files: Iterable[Path]) -> None:
    """Put all of it into the cluster, in 30 s at most. Repeatable. Raises ApiError, UnreachableError, TimeoutError."""
    crds = crd_objects(crd_files)
    async with asyncio.timeout(30), KubeClient(access) as client:
        ours = identity_objects()
        first = [one for one in ours if one[1]["kind"] == "Namespace"]
        rest = [one for one in ours if one not in first]
        await asyncio.gather(*(client.apply(path, body, manager=_MANAGER) for path, body in first))
        await asyncio.gather(*(client.apply(path, body, manager=_MANAGER) for path, body in [*rest, *crds]))
        await asyncio.gather(*(_established(client, path) for path, _ in crds))
