"""Helm releases in a rehearsal: a closed list of charts, played by the definitions that they install.

What a chart would run does not run here; what it teaches the API server is real, so an object of its kinds is judged by
the project's own schema. Ownership stands where Helm writes it, on each definition: what a killed run left is taken up,
what another release made is not. As with Helm, a refresh does not look at what the release installed, but for whether
any of it is left.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import yaml

from rehearsal import tools, tools_table
from rehearsal.providers.kube_api import ApiError, KubeApi, Object
from rehearsal.providers.records import NameTakenError
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rehearsal.tools_table import ChartSource

TOKEN: Final = "kubernetes:helm.sh/v3:Release"  # noqa: S105 - the token of a type
IMMUTABLE: Final = frozenset({"name", "namespace"})
_MANAGER: Final = "helm"
_TIMEOUT_S: Final = 300.0
_POLL_S: Final = 0.2
_DEFINITION: Final = "CustomResourceDefinition"
_API: Final = "apiextensions.k8s.io/v1"
_COLLECTION: Final = f"/apis/{_API}/customresourcedefinitions"
_OWNER: Final = ("meta.helm.sh/release-name", "meta.helm.sh/release-namespace")
_NOT_PLAYED: Final = {
    "createNamespace": "declare the Namespace, with its labels and policies",
    "devel": "name one version",
    "manifest": "leave it out: the provider computes it",
    "postrender": "say it with `values`",
    "repositoryOpts": "write the registry into `chart`, as oci://REGISTRY/PATH/NAME",
    "valueYamlFiles": "say it with `values`",
}


def problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Everything that is wrong with the inputs of a release, or that no rehearsal plays."""
    for name in ("name", "namespace"):
        if not inputs.get(name):
            yield Problem(name, "is required: names are always explicit, none is made up")
    for name, fix in _NOT_PLAYED.items():
        if inputs.get(name):
            yield Problem(name, f"the rehearsal plays no release with it: {fix}")
    reference, version = inputs.get("chart"), inputs.get("version")
    if isinstance(reference, str):
        yield from _off_the_list(reference, version)
    elif reference is None:
        yield Problem("chart", "is required: oci://REGISTRY/PATH/NAME")


def _off_the_list(reference: str, version: Any) -> Iterator[Problem]:
    if not reference.startswith("oci://"):
        yield Problem("chart", f"{reference} is not a chart in a registry: write oci://REGISTRY/PATH/NAME")
    known = [one for one in tools_table.CHARTS if one.name == _name_of(reference)]
    played = ", ".join(f"{one.name} {one.version}" for one in tools_table.CHARTS)
    if not known:
        yield Problem("chart", f"the rehearsal plays no chart {_name_of(reference)}: it plays {played}")
    elif version is None:
        yield Problem("version", f"is required: left out, Helm takes the newest there is; the rehearsal plays {played}")
    elif isinstance(version, str) and version not in {one.version for one in known}:
        name = _name_of(reference)
        yield Problem("version", f"the rehearsal plays no version {version} of chart {name}: it plays {played}")


def _name_of(reference: str) -> str:
    return reference.rpartition("/")[2]


def chart_of(inputs: Mapping[str, Any]) -> ChartSource:
    """The chart of a release that `problems` let pass. Raises LookupError otherwise."""
    wanted = (_name_of(str(inputs["chart"])), inputs["version"])
    for one in tools_table.CHARTS:
        if (one.name, one.version) == wanted:
            return one
    raise LookupError(*wanted)


def manifest(inputs: Mapping[str, Any]) -> Object:
    """How the release is recorded among the objects of its cluster."""
    return {"apiVersion": "helm.sh/v3", "kind": "Release", "metadata": {"name": inputs["name"]}}


def path(inputs: Mapping[str, Any]) -> str:
    """Where the release is recorded. The API server knows no such place."""
    return f"/releases/{inputs['namespace']}/{inputs['name']}"


def outputs(inputs: Mapping[str, Any], *, revision: int) -> dict[str, Any]:
    """What the SDK declares of a release that is deployed."""
    chart = chart_of(inputs)
    return {
        "resourceNames": {f"{_DEFINITION}.{_API}": sorted(_definition_name(one.name) for one in _files(chart))},
        "status": {
            "appVersion": chart.app_version,
            "chart": chart.name,
            "name": inputs["name"],
            "namespace": inputs["namespace"],
            "revision": revision,
            "status": "deployed",
            "version": chart.version,
        },
    }


def present(api: KubeApi, inputs: Mapping[str, Any]) -> bool:
    """Whether anything of the release is in the cluster. Raises `NameTakenError` for what another one made."""
    found = False
    for file in _files(chart_of(inputs)):
        name = _definition_name(file.name)
        live = api.get(f"{_COLLECTION}/{name}")
        if live is None:
            continue
        if not _owned(live, inputs):
            message = (
                f"{_DEFINITION} {name} exists in cluster {api.access.name} and cannot be imported into release "
                f"{inputs['namespace']}/{inputs['name']}: it was not made by it"
            )
            raise NameTakenError(message)
        found = True
    return found


def install(api: KubeApi, inputs: Mapping[str, Any]) -> None:
    """Apply the chart's definitions and wait until all of them serve. Repeatable. Raises `ApiError`."""
    space = str(inputs["namespace"])
    if api.get(f"/api/v1/namespaces/{space}") is None:
        raise ApiError(404, "NotFound", f'release {inputs["name"]}: namespaces "{space}" not found')
    ends = time.monotonic() + float(inputs.get("timeout") or _TIMEOUT_S)
    wanted = [body for file in _files(chart_of(inputs)) for body in _definitions(file.read_bytes(), inputs)]
    for body in wanted:
        api.apply(f"{_COLLECTION}/{body['metadata']['name']}", body, manager=_MANAGER)
    for body in wanted:
        place = f"{_COLLECTION}/{body['metadata']['name']}"
        while not _established(api.get(place)):
            if time.monotonic() > ends:
                raise ApiError(504, "Timeout", f"release {inputs['name']}: {body['metadata']['name']} does not serve")
            time.sleep(_POLL_S)


def uninstall(api: KubeApi, inputs: Mapping[str, Any], *, timeout_s: float) -> list[str]:
    """Delete the definitions that the release owns, and every object of their kinds; the ones still there at the end
    of the time."""
    begun: dict[str, str] = {}
    for file in _files(chart_of(inputs)):
        place = f"{_COLLECTION}/{_definition_name(file.name)}"
        live = api.get(place)
        if live is not None and _owned(live, inputs):
            begun[place] = live["metadata"]["uid"]
            api.delete(place)
    ends = time.monotonic() + timeout_s
    return [
        place.rpartition("/")[2]
        for place, uid in begun.items()
        if not api.wait_gone(place, uid=uid, timeout_s=max(0.1, ends - time.monotonic()))
    ]


def _files(chart: ChartSource) -> list[Any]:
    return tools.chart_crds(chart)


def _definition_name(file: str) -> str:
    """`keda.sh_scaledobjects.yaml` holds `scaledobjects.keda.sh`: the generator of both projects names files so."""
    group, _, plural = file.removesuffix(".yaml").partition("_")
    return f"{plural}.{group}"


def _definitions(raw: bytes, inputs: Mapping[str, Any]) -> Iterator[Object]:
    for body in yaml.load_all(raw, Loader=yaml.CSafeLoader):
        if not isinstance(body, dict):
            continue
        body.pop("status", None)
        metadata = body["metadata"]
        metadata.pop("creationTimestamp", None)
        owner = dict(zip(_OWNER, (inputs["name"], inputs["namespace"]), strict=True))
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **owner}
        metadata["labels"] = {**(metadata.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
        yield body


def _owned(live: Object, inputs: Mapping[str, Any]) -> bool:
    annotations = live["metadata"].get("annotations") or {}
    return [annotations.get(key) for key in _OWNER] == [inputs["name"], inputs["namespace"]]


def _established(live: Object | None) -> bool:
    conditions = (live or {}).get("status", {}).get("conditions") or []
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)
