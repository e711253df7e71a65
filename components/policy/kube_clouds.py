"""Custom resources by which a cluster makes things of a cloud, keeps data in one, or asks one for secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from components.clouds.regions import WORLD_OF
from components.policy import kube, kube_collectors, kube_custom, kube_told, place_keys, places, told
from components.policy.kube_texts import read
from components.policy.model import ACCEPTED, UNKNOWN, Check, Subject, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

# Groups whose resources are a cloud's, and the cloud; none for one whose regions the tables do not know.
_MADE: Final = (
    (re.compile(r"(?:^|\.)cnrm\.cloud\.google\.com$|(?:^|\.)gcp(?:\.m)?\.upbound\.io$"), "gcp"),
    (re.compile(r"(?:^|\.)azure\.com$|(?:^|\.)azure(?:\.m)?\.upbound\.io$"), "azure"),
    (re.compile(r"(?:^|\.)(?:alibabacloud|alibaba|aliyun)(?:\.m)?\.(?:crossplane|upbound)\.io$"), "alicloud"),
    (re.compile(r"(?:^|\.)aws(?:\.m)?\.upbound\.io$|\.services\.k8s\.aws$|(?:^|\.)(?:tencentcloud|oci)\.\w+\.io$"), ""),
)
_ANY: Final = {region: world for names in WORLD_OF.values() for region, world in names.items()}
_AMAZON = re.compile(r"^[a-z]{2}(?:-gov|-iso[a-z]?)?-(?:north|south|east|west|central)[a-z]*-\d$")
# What says beside a region where a store of that kind stands: the region is signed with then, and nothing else.
_STANDS: Final = frozenset({"endpoint", "url", "storeurl", "s3url", "endpointurl", "regionendpoint", "s3endpoint"})
# Stores of secrets that lie inside a world when their address does, or by their nature.
_STORES: Final = frozenset(
    {"alibaba", "vault", "kubernetes", "fake", "webhook", "conjur", "passbolt", "infisical", "gitlab", "beyondtrust"}
)
_OUTPUTS: Final = ("kubernetes:fluentbit.fluent.io/", "kubernetes:logging.banzaicloud.io/")
_TEXTS: Final = ("serveConfigV2", "runtimeEnvYAML")


def located(subject: Subject) -> Iterator[Violation]:
    """RES-001 and RES-002: places in custom resources."""
    group, _ = kube.kind_of(subject.type)
    if not kube_custom.is_custom(group) and not group.endswith(".services.k8s.aws"):
        return
    cloud = next((of for pattern, of in _MADE if pattern.search(group)), None)
    if cloud == "" or (cloud is not None and subject.world == "cn" and cloud != "alicloud"):
        reason = "it makes a thing of a cloud whose regions are not of this world, or not known to the tables."
        yield violation(subject, "RES-002", "apiVersion", group, reason)
        return
    for path, value, beside in _places(subject.inputs.get("spec"), "spec"):
        if value is ACCEPTED or value in (None, ""):
            continue
        if cloud is not None:
            yield from places.known_place(subject, cloud, path, value)
        elif isinstance(value, str) and not beside:
            yield from _stated(subject, path, value)


def _places(value: Any, path: str) -> Iterator[tuple[str, Any, bool]]:
    """(path, value, whether an address stands beside) of what is called as a place is."""
    beside = any(re.sub(r"[._-]", "", key).lower() in _STANDS for key, _ in kube.pairs(value))
    for key, inner in kube.pairs(value):
        named = place_keys.names_place(re.split(r"[._-]", key)[-1]) or key == "regionID"
        if named and (isinstance(inner, str) or inner is UNKNOWN):
            yield f"{path}.{key}", inner, beside
        elif key not in {"labels", "annotations", "openAPIV3Schema", "nodeSelector", "affinity"}:
            yield from _places(inner, f"{path}.{key}")
    for index, inner in enumerate(kube.items(value)):
        yield from _places(inner, f"{path}[{index}]")


def _stated(subject: Subject, path: str, value: str) -> Iterator[Violation]:
    """A region of whatever cloud, where nothing says of which."""
    world = _ANY.get(value)
    if world is not None and world != subject.world:
        yield violation(subject, "RES-001", path, value, f"it lies in world {world}, the cell in {subject.world}.")
    elif world is None and subject.world == "cn" and _AMAZON.match(value):
        yield violation(subject, "RES-002", path, value, "it is called as a region outside China is.")


def secrets(subject: Subject) -> Iterator[Violation]:
    """RES-034: stores of secrets of a cloud outside."""
    group, kind = kube.kind_of(subject.type)
    if group != "external-secrets.io" or not kind.endswith("SecretStore") or subject.world != "cn":
        return
    for name, _ in kube.pairs(at(subject.inputs, "spec", "provider")):
        if name not in _STORES:
            reason = "secrets would be asked of a service outside China."
            yield violation(subject, kube_told.RULE, "spec.provider", name, reason, allowed=", ".join(sorted(_STORES)))


def outputs(subject: Subject) -> Iterator[Violation]:
    """RES-017: outputs of collectors that are resources of their own."""
    _, kind = kube.kind_of(subject.type)
    if subject.type.startswith(_OUTPUTS) and kind in {"ClusterOutput", "Output"}:
        for name, held in kube.pairs(subject.inputs.get("spec")):
            if hasattr(held, "get"):
                yield from kube_collectors.output(subject, f"spec.{name}", name, held)


def texts(subject: Subject) -> Iterator[Violation]:
    """RES-034: settings that a custom resource holds as a text."""
    spec = subject.inputs.get("spec") if subject.type.startswith("kubernetes:ray.io/") else None
    for key in _TEXTS:
        text = at(spec, key)
        for document in (read(text) or ()) if isinstance(text, str) else ():
            for path, _, value in places.walk(document):
                if isinstance(value, str) and "://" in value:
                    for one in told.addresses(value):
                        yield from kube_told.address(subject, f"spec.{key}: {path}", one, beside=value)


CHECKS: tuple[Check, ...] = (
    Check(rules=("RES-001", "RES-002"), run=located),
    Check(rules=(kube_told.RULE,), run=secrets, types=("kubernetes:external-secrets.io/",)),
    Check(rules=("RES-017",), run=outputs, types=_OUTPUTS),
    Check(rules=(kube_told.RULE,), run=texts, types=("kubernetes:ray.io/",)),
)
