"""Runs a program of `stacks/` without an engine and keeps what it registers.

Two modes. `preview=False` answers with realistic outputs, so that every value is known and can be asserted. With
`preview=True` an output that is not stated stays unknown, as in a plan of a fresh stack. Assertions belong after `run`
returns: one inside an `apply` of an unknown value is silently skipped.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime import mocks, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).resolve().parents[1]
FLEET = ROOT / "stacks" / "fleets" / "rehearsal.yaml"
SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@dataclass(frozen=True)
class Registered:
    """One registration: type token, logical name, inputs with camelCase keys, whether it names a provider."""

    type: str
    name: str
    inputs: dict[str, Any]
    provider: bool = False
    id: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)

    @property
    def said(self) -> dict[str, Any]:
        """What the cloud answered, and what was asked of it where the answer does not mention it."""
        return {**self.inputs, **self.outputs}


@dataclass
class Recorder(mocks.Mocks):
    """Answers for the engine and notes every registration. `stated` adds or replaces outputs by type token."""

    stated: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    preview: bool = False
    references: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    resources: list[Registered] = field(default_factory=list)
    # Type and name of a resource to those of its parent; the stack itself is nobody's.
    parents: dict[tuple[str, str], str] = field(default_factory=dict)
    transforms: list[pulumi.ResourceTransform] = field(default_factory=list)
    # The engine's stand-in answers from threads, each with a loop of its own that nobody closes.
    loops: set[asyncio.AbstractEventLoop] = field(default_factory=set)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.loops.add(asyncio.get_event_loop())
        inputs = _whole(dict(args.inputs))
        if args.typ == "pulumi:pulumi:StackReference":
            return args.name, {"name": inputs["name"], "outputs": dict(self.references.get(inputs["name"], {}))}
        if self.preview:
            self.resources.append(Registered(args.typ, args.name, inputs, bool(args.provider)))
            return None, {}
        self._transform(args, inputs)
        identifier, outputs = self.answer(args, inputs)
        whole = {**outputs, **self.stated.get(args.typ, {})}
        self.resources.append(Registered(args.typ, args.name, inputs, bool(args.provider), identifier, whole))
        return identifier, whole

    def answer(self, args: mocks.MockResourceArgs, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """What the cloud says of a new resource: its id and its outputs."""
        identifier, added = _answer(args.typ, args.name, inputs)
        if "rrsaMetadata" in added:
            # The issuer lies where the account's provider is told to work.
            providers = self.of("pulumi:providers:alicloud")
            region = str(providers[0].inputs["region"]) if providers else "cn-shanghai"
            issuer = f"https://oidc-ack-{region}.oss-{region}.aliyuncs.com/{identifier.removeprefix('c')}"
            added["rrsaMetadata"]["rrsaOidcIssuerUrl"] = issuer
        return identifier, {**inputs, **added}

    def register_transform(self, transform: pulumi.ResourceTransform) -> None:
        self.transforms.append(transform)

    def _transform(self, args: mocks.MockResourceArgs, inputs: dict[str, Any]) -> None:
        """Run the program's transforms, as the engine would. All values are known here, so none has to be waited
        for.
        """
        provider = object.__new__(pulumi.ProviderResource) if args.provider else None
        options = pulumi.ResourceOptions()
        options.provider = provider
        given = pulumi.ResourceTransformArgs(bool(args.custom), args.typ, args.name, inputs, options)
        for transform in self.transforms:
            asyncio.get_event_loop().run_until_complete(_awaited(transform(given)))

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        self.loops.add(asyncio.get_event_loop())
        message = f"the program looked something up: {args.token}; programs have no invokes"
        raise AssertionError(message)

    def of(self, token: str) -> list[Registered]:
        """What was registered of a type, in order."""
        return [resource for resource in self.resources if resource.type == token]

    def one(self, token: str) -> Registered:
        """The only resource of a type."""
        found = self.of(token)
        assert len(found) == 1, f"{len(found)} of {token}: {sorted({r.type for r in self.resources})}"
        return found[0]

    def rows(self) -> list[dict[str, Any]]:
        """All registrations in the shape of an exported state."""
        return [{"type": r.type, "id": r.id, "inputs": r.inputs, "outputs": r.outputs} for r in self.resources]

    def graph(self) -> list[tuple[str, str, dict[str, Any]]]:
        """All registrations as (type, name, inputs), sorted."""
        return sorted(((r.type, r.name, r.inputs) for r in self.resources), key=lambda row: (row[0], row[1]))

    def placed(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """The same with the parent of each as `type name`: (type, name, parent, inputs)."""
        return [(kind, name, self.parents.get((kind, name), ""), inputs) for kind, name, inputs in self.graph()]

    def answers(self) -> list[tuple[str, str, dict[str, Any]]]:
        """The same with what the cloud answered."""
        return sorted(((r.type, r.name, r.said) for r in self.resources), key=lambda row: (row[0], row[1]))


class Monitor(mocks.MockMonitor):
    """The stand-in for the engine. It tells the recorder the parent of each resource, which mocks are not told."""

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the name of the engine's call
        kind, name = _last(request.parent)
        if isinstance(self.mocks, Recorder) and kind not in ("", "pulumi:pulumi:Stack"):
            self.mocks.parents[request.type, request.name] = f"{kind} {name}"
        return super().RegisterResource(request)


def _last(urn: str) -> tuple[str, str]:
    """Type and name out of a URN."""
    parts = urn.split("::")
    return (parts[2].rsplit("$", 1)[-1], parts[3]) if len(parts) == 4 else ("", "")


def run(
    program: Callable[[], None],
    *,
    stack: str,
    recorder: Recorder | None = None,
    config: Mapping[str, str] | None = None,
) -> tuple[Recorder, dict[str, Any]]:
    """Run a program to its end: every output settled, every transform done. Gives the recorder and the stack's
    outputs.
    """
    recorder = recorder or Recorder()
    outputs: dict[str, Any] = {}
    exported = pulumi.export

    def keep(name: str, value: Any) -> None:
        outputs[name] = value

    # The loop comes first: the stack's own resource is made by `set_mocks` and must live on it.
    loop = asyncio.new_event_loop()
    # A program that fails leaves tasks behind; they say nothing beyond the error that is raised.
    loop.set_exception_handler(lambda _loop, _context: None)
    asyncio.set_event_loop(loop)
    settings.reset_options()
    settings.set_root_resource(None)  # pyright: ignore[reportArgumentType]
    settings.SETTINGS.outputs.clear()
    settings.SETTINGS.rpc_manager.clear()
    mocks.set_mocks(
        recorder, project="twain", stack=stack, preview=recorder.preview, monitor=Monitor(recorder),
        organization="organization",
    )  # fmt: skip
    pulumi.runtime.set_all_config({f"twain:{key}": value for key, value in (config or {}).items()})
    pulumi.export = keep
    try:

        async def whole() -> dict[str, Any]:
            await pulumi.runtime.stack.run_pulumi_func(program)
            return {name: await pulumi.Output.from_input(value).future() for name, value in outputs.items()}

        with warnings.catch_warnings():
            # The SDKs warn about classes of their own that nobody here uses, at import.
            warnings.simplefilter("ignore", DeprecationWarning)
            return recorder, loop.run_until_complete(whole())
    finally:
        pulumi.export = exported
        loop.run_until_complete(loop.shutdown_default_executor())
        for one in (*recorder.loops, loop):
            one.close()
        asyncio.set_event_loop(None)


@contextlib.contextmanager
def environment(**values: str) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _whole(value: Any) -> Any:
    """Numbers arrive as floats; whole ones become ints again, so that a golden file reads like the program."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value


def _answer(token: str, name: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """An id and outputs of the shape that the real provider gives."""
    if token.startswith("azure-native:"):
        return _azure(token, name, inputs)
    if token.startswith("gcp:"):
        return _gcp(token, name, inputs)
    if token.startswith("alicloud:"):
        return _alicloud(token, name, inputs)
    return name, {}


def _alicloud(token: str, name: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    slug = "".join(letter for letter in name if letter.isalnum())
    prefix = {"Network": "vpc", "Switch": "vsw", "NatGateway": "ngw", "EipAddress": "eip", "SecurityGroup": "sg"}
    kind = token.rsplit(":", 1)[1]
    if kind == "ManagedKubernetes":
        return f"c{slug}", {
            "connections": [{"apiServerIntranet": "https://10.64.0.9:6443"}],
            "rrsaMetadata": {
                "enabled": True,
                "ramOidcProviderArn": f"acs:ram::1:oidc-provider/ack-rrsa-{slug}",
            },
        }
    if kind == "Bucket" and "oss" in token:
        return str(inputs["bucket"]), {}
    extra: dict[str, dict[str, Any]] = {
        "NatGateway": {"snatTableIds": f"stb-{slug}"},
        "EipAddress": {"ipAddress": "203.0.113.7"},
        "NodePool": {"nodePoolId": f"np{slug}"},
        "TairInstance": {"connectionDomain": f"{slug}.redis.rds.example", "port": 6379},
        "Role": {"arn": f"acs:ram::1:role/{slug}"},
        "MountTarget": {"mountTargetDomain": f"{slug}.cn-shanghai.extreme.nas.example"},
    }
    if token == "alicloud:rds/instance:Instance":
        return f"pgm-{slug}", {"connectionString": f"{slug}.pg.rds.example", "port": "5432"}
    return f"{prefix.get(kind, kind.lower())}-{slug}", extra.get(kind, {})


def _gcp(token: str, name: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    kind, project = token.rsplit(":", 1)[1], inputs.get("project", "project")
    physical = inputs.get("name", name)
    identifier = f"projects/{project}/{kind}/{physical}"
    if kind == "Account":
        email = f"{inputs['accountId']}@{project}.iam.gserviceaccount.com"
        identifier = f"projects/{project}/serviceAccounts/{email}"
        return identifier, {"email": email, "member": f"serviceAccount:{email}", "name": identifier}
    if token == "gcp:memorystore/instance:Instance":
        kinds = {"CONNECTION_TYPE_READER": "10.68.4.4", "CONNECTION_TYPE_PRIMARY": "10.68.4.3"}
        made = [{"pscAutoConnection": {"connectionType": kind, "ipAddress": ip}} for kind, ip in kinds.items()]
        return identifier, {"endpoints": [{"connections": made}]}
    extra: dict[str, dict[str, Any]] = {
        "Cluster": {
            "endpoint": "10.68.0.2",
            "masterAuth": {
                "clusterCaCertificate": "LS0tLS1CRUdJTi0tLS0tCg==",
                "clientCertificateConfig": {"issueClientCertificate": False},
            },
        },
        "Bucket": {"url": f"gs://{physical}"},
        "Repository": {
            "registryUri": f"{inputs.get('location')}-docker.pkg.dev/{project}/{inputs.get('repositoryId')}"
        },
        "Instance": {"networks": [{**(inputs.get("networks") or [{}])[0], "ipAddresses": ["10.68.240.2"]}]},
        "DatabaseInstance": {"privateIpAddress": "10.69.129.2"},
        "ServiceIdentity": {"email": f"service-1234567890@{_agent(inputs)}.iam.gserviceaccount.com"},
    }
    return identifier, extra.get(kind, {})


def _agent(inputs: dict[str, Any]) -> str:
    return {"file.googleapis.com": "cloud-filer"}.get(inputs.get("service", ""), "container-engine-robot")


def _azure(token: str, name: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    kind = token.rsplit(":", 1)[1]
    named = [key for key in inputs if key.endswith("Name") and key not in {"resourceGroupName", "virtualNetworkName"}]
    own = {
        "ResourceGroup": "resourceGroupName",
        "VirtualNetwork": "virtualNetworkName",
        "AgentPool": "agentPoolName",
        "BlobContainer": "containerName",
        "Database": "databaseName",
        "FileShare": "shareName",
        "PrivateEndpoint": "privateEndpointName",
        "Key": "keyName",
        "Deployment": "deploymentName",
    }.get(kind, named[0] if named else "")
    physical = str(inputs.get(own, name))
    group = inputs.get("resourceGroupName", "group")
    identifier = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{kind}/{physical}"
    if kind == "ResourceGroup":
        identifier = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
    uri = f"https://{inputs.get('vaultName', 'v')}.vault.azure.net/keys/{physical}"
    extra: dict[str, dict[str, Any]] = {
        # A list of ids goes in, a map of identities comes out; echoing the list would break the SDK.
        "ManagedCluster": {
            "identity": {"type": "UserAssigned"},
            "privateFQDN": f"{physical}.privatelink.example",
            "identityProfile": {"kubeletidentity": {"objectId": f"kubelet-{name}"}},
            "oidcIssuerProfile": {"enabled": True, "issuerURL": f"https://oidc.example/{physical}/"},
        },
        "AzureMonitorWorkspace": {
            "metrics": {"internalId": name, "prometheusQueryEndpoint": f"https://{physical}.prometheus.example"}
        },
        "Account": {
            "identity": {"type": "UserAssigned"},
            "properties": {
                **inputs.get("properties", {}),
                "endpoint": f"https://{physical}.cognitiveservices.azure.com/",
            },
        },
        "DiskEncryptionSet": {"identity": {"type": "UserAssigned"}},
        "Registry": {"identity": {"type": "UserAssigned"}, "loginServer": f"{physical}.azurecr.example"},
        "RedisEnterprise": {"hostName": f"{physical}.redis.example", "identity": {"type": "UserAssigned"}},
        "Server": {"fullyQualifiedDomainName": f"{physical}.postgres.database.example"},
        "StorageAccount": {
            "identity": {"type": "UserAssigned"},
            "primaryEndpoints": {"blob": f"https://{physical}.blob.core.windows.net/"},
        },
        "UserAssignedIdentity": {
            "principalId": f"principal-{name}",
            "clientId": f"client-{name}",
            "tenantId": "00000000-0000-4000-8000-000000000002",
        },
        "Key": {"keyUri": uri, "keyUriWithVersion": f"{uri}/0123456789abcdef0123456789abcdef"},
    }
    return identifier, {"name": physical, **extra.get(kind, {})}
