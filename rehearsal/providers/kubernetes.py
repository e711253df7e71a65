"""The kubernetes provider of a rehearsal: server-side apply of any built-in or custom kind to the provider's own
cluster.

It waits for nothing but deletion: readiness is the business of whoever deploys. Helm releases are played from a closed
list (`kube_releases`); kustomizations, YAML bundles, `…Patch` types and templates of charts are refused by name.
"""

# ruff: noqa: N802 - the methods carry the names of the engine's protocol
from __future__ import annotations

import importlib.metadata
import threading
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from rehearsal import killpoints
from rehearsal.providers import kube_releases
from rehearsal.providers.diff import detailed_diff
from rehearsal.providers.kube_api import Access, ApiError, KubeApi, KubeconfigError, Object, UnreachableError
from rehearsal.providers.kube_claims import Claims
from rehearsal.providers.records import NameTakenError
from rehearsal.providers.sdktypes import Problem
from rehearsal.providers.serving import serve, world_dir
from rehearsal.providers.wire import Secret, decode, encode, holds_secret, holds_unknown, reveal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MANAGER: Final = "pulumi"
_REFUSED_GROUPS: Final = ("helm.sh/", "kustomize", "yaml")
_DELETE_TIMEOUT_S: Final = 300.0
_ALWAYS: Final = frozenset({"kind", "metadata.name", "metadata.namespace"})
# Fields that the API server does not let change. ConfigMaps and Secrets are replaced too unless the provider says
# otherwise.
_IMMUTABLE: Final[dict[str, frozenset[str]]] = {
    "ClusterRoleBinding": frozenset({"roleRef"}),
    "DaemonSet": frozenset({"spec.selector"}),
    "Deployment": frozenset({"spec.selector"}),
    "Job": frozenset({"spec.template", "spec.selector", "spec.completions", "spec.completionMode"}),
    "ReplicaSet": frozenset({"spec.selector"}),
    "RoleBinding": frozenset({"roleRef"}),
    "StatefulSet": frozenset(
        {"spec.selector", "spec.serviceName", "spec.volumeClaimTemplates", "spec.podManagementPolicy"}
    ),
    "StorageClass": frozenset({"provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"}),
}
_SECRET_DATA: Final = frozenset({"data", "stringData"})


class KubernetesProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one cluster: the one of the provider resource's kubeconfig."""

    def __init__(self, *, world_dir: Path | None = None) -> None:
        self._claims = Claims(world_dir)
        self._config: dict[str, Any] = {}
        self._api: KubeApi | None = None
        self.cancelled = threading.Event()

    def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=False, accept_outputs=False)

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi-kubernetes"))

    def GetMapping(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetMappingResponse()

    def GetMappings(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetMappingsResponse()

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema="{}")

    def Cancel(self, request: Any, context: Any) -> Any:
        self.cancelled.set()
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the rehearsal answers no look-up ({request.tok})")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        config = reveal(decode(request.news))
        problems = list(_config_problems(config))
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(problems))

    def DiffConfig(self, request: Any, context: Any) -> Any:
        old, new = reveal(decode(request.old_inputs or request.olds)), reveal(decode(request.news))
        # Another cluster's objects cannot be updated into this one; a new certificate or port of the same one can.
        moved = not holds_unknown(new) and _cluster_of(old) != _cluster_of(new)
        return detailed_diff(old, new, immutable=frozenset({"kubeconfig"} if moved else ()))

    def Configure(self, request: Any, context: Any) -> Any:
        self._config = reveal(decode(request.args))
        text = self._config.get("kubeconfig")
        if isinstance(text, str):
            try:
                self._api = KubeApi(Access.parse(text, context=self._config.get("context")))
            except KubeconfigError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    def Check(self, request: Any, context: Any) -> Any:
        inputs = reveal(decode(request.news))
        return provider_pb2.CheckResponse(
            inputs=request.news, failures=_failures(_problems(_token(request.urn), inputs))
        )

    def Diff(self, request: Any, context: Any) -> Any:
        old, new = reveal(decode(request.old_inputs)), reveal(decode(request.news))
        if _is_release(request.urn):
            return detailed_diff(old, new, immutable=kube_releases.IMMUTABLE)
        return detailed_diff(old, new, immutable=_ALWAYS | self._immutable(str(new.get("kind"))))

    def Create(self, request: Any, context: Any) -> Any:
        inputs = decode(request.properties)
        plain = reveal(inputs)
        if request.preview:
            shown = inputs if _is_release(request.urn) else self._preview(plain, inputs, context)
            return provider_pb2.CreateResponse(id="", properties=encode(shown))
        with _refusals(context):
            api = self._cluster()
            if _is_release(request.urn):
                made = self._install(api, plain, request.urn)
                return provider_pb2.CreateResponse(
                    id=f"{plain['namespace']}/{plain['name']}", properties=encode(inputs | made)
                )
            path = api.path(plain, default_namespace=self._namespace())
            self._claim(path, plain, request.urn, exists=api.get(path) is not None)
            killpoints.at_create(request.urn, "before")
            live = api.apply(path, plain, manager=MANAGER, force=self._force(plain))
            self._claims.done(api.access.name, path, plain)
            killpoints.at_create(request.urn, "after")
            return provider_pb2.CreateResponse(id=_id(live), properties=encode(_outputs(live, inputs)))
        raise AssertionError(request.urn)

    def Update(self, request: Any, context: Any) -> Any:
        inputs = decode(request.news)
        plain = reveal(inputs)
        if request.preview:
            shown = inputs if _is_release(request.urn) else self._preview(plain, inputs, context)
            return provider_pb2.UpdateResponse(properties=encode(shown))
        with _refusals(context):
            api = self._cluster()
            if _is_release(request.urn):
                made = self._install(api, plain, request.urn, revision=_revision(request.olds) + 1)
                return provider_pb2.UpdateResponse(properties=encode(inputs | made))
            path = api.path(plain, default_namespace=self._namespace())
            live = api.apply(path, plain, manager=MANAGER, force=self._force(plain))
            return provider_pb2.UpdateResponse(properties=encode(_outputs(live, inputs)))
        raise AssertionError(request.urn)

    def Read(self, request: Any, context: Any) -> Any:
        inputs = decode(request.inputs)
        plain = reveal(inputs) or reveal(decode(request.properties))
        with _refusals(context):
            api = self._cluster()
            if _is_release(request.urn):
                if not kube_releases.present(api, plain):
                    return provider_pb2.ReadResponse()
                return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
            live = api.get(api.path(plain, default_namespace=self._namespace()))
            if live is None:
                return provider_pb2.ReadResponse()
            return provider_pb2.ReadResponse(
                id=_id(live),
                properties=encode(_outputs(live, inputs)),
                inputs=encode(
                    _sealed({name: _projected(value, live.get(name)) for name, value in plain.items()}, inputs)
                ),
            )
        raise AssertionError(request.urn)

    def Delete(self, request: Any, context: Any) -> Any:
        plain = reveal(decode(request.old_inputs)) or reveal(decode(request.properties))
        with _refusals(context, ignore_unreachable=self._flag("deleteUnreachable")):
            api = self._cluster()
            timeout = request.timeout or _DELETE_TIMEOUT_S
            if _is_release(request.urn):
                left = kube_releases.uninstall(api, plain, timeout_s=timeout)
                if left:
                    message = f"release {request.id}: {', '.join(left)} still there after {timeout:g} s"
                    context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, message)
                self._claims.forget(api.access.name, kube_releases.path(plain))
                return empty_pb2.Empty()
            path = api.path(plain, default_namespace=self._namespace())
            begun = api.delete(path)
            uid = (
                str(begun.get("metadata", {}).get("uid") or begun.get("details", {}).get("uid") or "") if begun else ""
            )
            if uid and not api.wait_gone(path, uid=uid, timeout_s=timeout):
                found = api.get(path) or {}
                finalizers = ", ".join(found.get("metadata", {}).get("finalizers") or ()) or "none"
                message = (
                    f"{path} of cluster {api.access.name} is still there after {timeout:g} s (finalizers: {finalizers})"
                )
                context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, message)
            self._claims.forget(api.access.name, path)
        return empty_pb2.Empty()

    def _cluster(self) -> KubeApi:
        if self._api is None:
            message = "the provider has no kubeconfig: give the one of the cell's cluster"
            raise KubeconfigError(message)
        return self._api

    def _namespace(self) -> str:
        return str(self._config.get("namespace") or "default")

    def _flag(self, name: str) -> bool:
        return str(self._config.get(name, "")).lower() == "true"

    def _force(self, manifest: Object) -> bool:
        annotations = manifest.get("metadata", {}).get("annotations") or {}
        return str(annotations.get("pulumi.com/patchForce", "")).lower() == "true" or self._flag("enablePatchForce")

    def _immutable(self, kind: str) -> frozenset[str]:
        if kind == "ConfigMap" and not self._flag("enableConfigMapMutable"):
            return frozenset({"data", "binaryData"})
        if kind == "Secret":
            mutable = self._flag("enableSecretMutable")
            return frozenset({"type"}) | (frozenset() if mutable else _SECRET_DATA)
        return _IMMUTABLE.get(kind, frozenset())

    def _preview(self, plain: Object, inputs: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """A server-side dry run where one is possible; else the inputs. A refusal by the API server fails the
        preview."""
        if self._api is None or holds_unknown(plain):
            return _sealed(plain, inputs)
        try:
            path = self._api.path(plain, default_namespace=self._namespace())
            dry = self._api.apply(path, plain, manager=MANAGER, dry_run=True, force=self._force(plain))
        except UnreachableError:
            return _sealed(plain, inputs)
        except ApiError as error:
            # The namespace or the kind may be made by this very run.
            if error.status == 404:
                return _sealed(plain, inputs)
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"cluster {self._api.access.name}: {error}")
            raise
        # What the server makes up anew for each dry run is not known yet.
        dry["metadata"] = {
            key: value
            for key, value in dry["metadata"].items()
            if key not in ("uid", "creationTimestamp", "managedFields")
        }
        dry.pop("status", None)
        return _sealed(dry, inputs)

    def _install(self, api: KubeApi, release: Object, urn: str, *, revision: int = 1) -> dict[str, Any]:
        """Play a release; what the SDK declares of it beside its inputs."""
        path, manifest = kube_releases.path(release), kube_releases.manifest(release)
        if kube_releases.present(api, release):
            self._claims.take_over(api.access.name, path, manifest, urn=urn)
        else:
            self._claim(path, manifest, urn, exists=False)
        killpoints.at_create(urn, "before")
        kube_releases.install(api, release)
        self._claims.done(api.access.name, path, manifest)
        killpoints.at_create(urn, "after")
        return kube_releases.outputs(release, revision=revision)

    def _claim(self, path: str, manifest: Object, urn: str, *, exists: bool) -> None:
        cluster = self._cluster().access.name
        adopted = self._claims.begin(cluster, path, manifest, urn=urn, exists=exists)
        if exists and not adopted and not self._flag("upsertExistingObjects"):
            kind, name = manifest["kind"], manifest["metadata"]["name"]
            message = f"{kind} {name} exists already in cluster {cluster} and was not made by this declaration"
            raise NameTakenError(message)


class _refusals:  # noqa: N801 - reads as a word in `with`
    """Turns what the cluster refuses into the engine's errors."""

    def __init__(self, context: Any, *, ignore_unreachable: bool = False) -> None:
        self._context = context
        self._ignore = ignore_unreachable

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if isinstance(error, UnreachableError):
            if self._ignore:
                return True
            self._context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        if isinstance(error, KubeconfigError | NameTakenError | ApiError):
            self._context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        return False


def _token(urn: str) -> str:
    return urn.split("::")[2].split("$")[-1]


def _is_release(urn: str) -> bool:
    return _token(urn) == kube_releases.TOKEN


def _revision(properties: Any) -> int:
    return int((reveal(decode(properties)).get("status") or {}).get("revision") or 0)


def _problems(token: str, inputs: Mapping[str, Any]) -> Iterator[Problem]:
    if token == kube_releases.TOKEN:
        yield from kube_releases.problems(inputs)
        return
    _package, module, kind = [*token.split(":"), "", ""][:3]
    if module.startswith(_REFUSED_GROUPS) or kind.endswith(("Patch", "List")):
        yield Problem("", f"the rehearsal's kubernetes does not know the type {token}: it applies single objects only")
        return
    for name in ("apiVersion", "kind"):
        if not isinstance(inputs.get(name), str):
            yield Problem(name, "is required")
    metadata = inputs.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("name") is None:
        yield Problem("metadata.name", "is required: names are always explicit, none is made up")


def _config_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    text = config.get("kubeconfig")
    if text is None:
        yield Problem("kubeconfig", "is required: left out, the provider would take the machine's own current context")
    elif isinstance(text, str):
        try:
            Access.parse(text, context=config.get("context"))
        except KubeconfigError as error:
            yield Problem("kubeconfig", str(error))


def _cluster_of(config: Mapping[str, Any]) -> str:
    if config.get("clusterIdentifier"):
        return str(config["clusterIdentifier"])
    try:
        return Access.parse(str(config.get("kubeconfig")), context=config.get("context")).name
    except KubeconfigError:
        return ""


def _id(live: Object) -> str:
    metadata = live["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])


def _outputs(live: Object, inputs: Mapping[str, Any]) -> dict[str, Any]:
    live["metadata"].pop("managedFields", None)
    return _sealed(live, inputs)


def _sealed(values: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    secret = values.get("kind") == "Secret"
    return {
        name: Secret(value) if (secret and name in _SECRET_DATA) or holds_secret(inputs.get(name)) else value
        for name, value in values.items()
    }


def _projected(wanted: Any, live: Any) -> Any:
    """The live values of exactly the fields that were asked for, so that drift in them shows and defaults do not."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        return {name: _projected(value, live[name]) for name, value in wanted.items() if name in live}
    if isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        return [_projected(left, right) for left, right in zip(wanted, live, strict=True)]
    return wanted if live is None else live


def _failures(problems: Any) -> list[Any]:
    return [provider_pb2.CheckFailure(property=problem.path, reason=problem.reason) for problem in problems]


def main() -> int:
    """Serve until the engine stops us."""
    provider = KubernetesProvider(world_dir=world_dir())
    return serve(provider, cancelled=provider.cancelled)
