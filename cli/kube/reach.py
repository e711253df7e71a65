"""How to reach an HTTP service inside a cell of our own world: by pod address, or through the API server's proxy."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from cli import errors
from cli.kube import decode, kinds
from cli.net import http

if TYPE_CHECKING:
    from cli.kube.client import KubeClient
    from cli.net.http import Deadline

SYSTEM_NAMESPACE = "twain-system"


@dataclass
class Service:
    """An open way to a service. Use as `async with`; `get` answers with any status."""

    client: http.HttpClient
    prefix: str = ""
    kube: KubeClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self.kube is None:
            self.client.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        deadline: Deadline | float = 10.0,
    ) -> http.Response:
        """One exchange. Raises HttpError; through the API server a token is added."""
        merged = dict(headers or {})
        if self.kube is not None:
            merged["authorization"] = f"Bearer {await self.kube.token.get()}"
        return await self.client.request(
            method, self.prefix + path, params=params, headers=merged, body=body, deadline=deadline
        )

    async def get(self, path: str, *, params: Any = None, deadline: Deadline | float = 10.0) -> http.Response:
        """A GET."""
        return await self.request("GET", path, params=params, deadline=deadline)


async def service(
    kube: KubeClient,
    *,
    access: str,
    app: str,
    port: int,
    namespace: str = SYSTEM_NAMESPACE,
    scheme: str = "http",
    ca_pem: str | None = None,
    deadline: Deadline | None = None,
) -> Service:
    """A way to the pods labelled `app.kubernetes.io/name: APP`.

    `access` is the world's setting: `pod-network` takes the address of a Ready pod, `api-proxy` the Service of the
    same name through the API server. Raises PartialError when no pod is Ready: what it would have said is unknown.
    """
    if access == "api-proxy":
        name = f"https:{app}:{port}" if scheme == "https" else f"{app}:{port}"
        return Service(kube.http, f"/api/v1/namespaces/{namespace}/services/{name}/proxy", kube)
    address = await pod_address(kube, app=app, namespace=namespace, deadline=deadline)
    context = http.tls(ca_pem) if scheme == "https" else None
    if context is not None and ca_pem is not None:
        # A pod's certificate names the service and not the address of the day; the CA is the cell's own.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
    return Service(http.HttpClient(f"{scheme}://{address}:{port}", ssl_context=context))


async def pod_address(
    kube: KubeClient, *, app: str, namespace: str = SYSTEM_NAMESPACE, deadline: Deadline | None = None
) -> str:
    """The address of a Ready pod of an app, the newest by name. Raises PartialError with the reason when there is
    none."""
    path = kinds.collection("v1", "Pod", namespace)
    params = {"labelSelector": f"app.kubernetes.io/name={app}"}
    found = await decode.listed(kube, path, decode.Pod, params=params, deadline=deadline)
    ready = sorted((pod for pod in found.items if pod.ready and pod.status.pod_ip), key=lambda pod: pod.metadata.name)
    if ready:
        return ready[-1].status.pod_ip
    pods = (
        ", ".join(f"{pod.metadata.name} is {pod.status.phase or 'unknown'}" for pod in found.items) or "there is none"
    )
    message = f"no pod of {app} in {namespace} is ready: {pods}."
    raise errors.PartialError(message, where=kube.cell, fix=f"twain status --cell {kube.cell}", id="POD-NOTREADY")
