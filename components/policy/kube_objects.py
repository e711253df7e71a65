"""Rules about Kubernetes objects that run nothing themselves: routes, policies, stores, secrets, labels."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from components.clouds.regions import WORLD_OF
from components.policy import hosts, kube
from components.policy.model import ACCEPTED, UNKNOWN, Check, Subject, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.policy.model import Violation

ORIGIN = "twain/origin"
EXPORT = "twain/export"
# What says which artefact something is: annotations of objects, tags and labels of a cloud's resources.
ARTEFACTS = ("twain/model", "twain/dataset", "twain-model", "twain-dataset")
ORIGINS = frozenset({"none", "cn-personal", "row-personal", "unknown"})
# Data of an origin may not be in this world.
ELSEWHERE = {"cn-personal": "row", "row-personal": "cn"}
# What names a person: an address, a mobile number of China, the number of a Chinese identity card.
PERSONAL = re.compile(
    r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}\.[A-Za-z]{2}"
    r"|(?:^|[^0-9A-Za-z])1[3-9][0-9]{9}(?:$|[^0-9A-Za-z])"
    r"|(?:^|[^0-9A-Za-z])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?:$|[^0-9A-Za-z])"
)
# Ranges that no internet route leads to.
PRIVATE_RANGE = (
    r"^(?:10\.[0-9.]+/(?:[89]|[12][0-9]|3[0-2])|192\.168\.[0-9.]+/(?:1[6-9]|2[0-9]|3[0-2])"
    r"|172\.(?:1[6-9]|2[0-9]|3[01])\.[0-9.]+/(?:1[2-9]|2[0-9]|3[0-2])|127\.[0-9.]+/(?:[89]|[12][0-9]|3[0-2])"
    r"|169\.254\.[0-9.]+/(?:1[6-9]|2[0-9]|3[0-2])|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.[0-9.]+/(?:1[0-9]|2[0-9]|3[0-2])"
    r"|(?i:f[cd][0-9a-f]{2}:[0-9a-f:]*)/(?:[89]|[1-9][0-9]|1[01][0-9]|12[0-8]))$"
)
_ANY_WORLD = {region: world for names in WORLD_OF.values() for region, world in names.items()}


def origin(subject: Subject) -> Iterator[Violation]:
    """RES-021: what an object says of the origin of its data."""
    for part in ("labels", "annotations"):
        value = at(subject.inputs, "metadata", part, ORIGIN)
        if value is not None and value is not ACCEPTED:
            held = dict(kube.pairs(at(subject.inputs, "metadata", "annotations")))
            yield from origin_of(subject, f"metadata.{part}[{ORIGIN}]", value, held=held)


def origin_of(subject: Subject, path: str, value: Any, *, held: Mapping[str, Any]) -> Iterator[Violation]:
    """A violation when data of this origin may not be in the world of the subject, and no export entry that what stands
    beside the origin names lets them.
    """
    if not isinstance(value, str) or value not in ORIGINS:
        yield violation(subject, "RES-021", path, value, "this is no origin.", allowed=", ".join(sorted(ORIGINS)))
    elif ELSEWHERE.get(value) == subject.world:
        why = _not_let(subject, value, held)
        if why is not None:
            allowed = ", ".join(sorted(one for one in ORIGINS if ELSEWHERE.get(one) != subject.world))
            reason = f"it may not be in world {subject.world}: {why}"
            yield violation(subject, "RES-021", path, value, reason, allowed=f"{allowed}, or an export entry")


def _not_let(subject: Subject, origin: str, held: Mapping[str, Any]) -> str | None:
    """Why no export entry lets this in; None when one does."""
    named = held.get(EXPORT, held.get("twain-export"))
    if named is None:
        return f"no export entry is named ({EXPORT})."
    entry = subject.exports.get(named) if isinstance(named, str) else None
    if entry is None:
        return f"there is no export entry {named}." if isinstance(named, str) else "its export entry is not known."
    artefact = next((held[key] for key in ARTEFACTS if isinstance(held.get(key), str)), None)
    return entry.why_not(origin=origin, world=subject.world, artefact=artefact)


def personal(subject: Subject) -> Iterator[Violation]:
    """RES-027: names and labels."""
    values = {f"metadata.{key}": at(subject.inputs, "metadata", key) for key in ("name", "namespace")}
    labels = kube.pairs(at(subject.inputs, "metadata", "labels"))
    values |= {f"metadata.labels[{key}]": value for key, value in labels}
    for path, value in values.items():
        yield from personal_in(subject, path, value)


def personal_in(subject: Subject, path: str, value: Any) -> Iterator[Violation]:
    """A violation when a value names a person. What was found is not repeated."""
    if isinstance(value, str) and PERSONAL.search(value):
        reason = "names, labels and tags are read by everybody, stand in bills and in the state, and are never erased."
        yield violation(subject, "RES-027", path, "(personal data, not shown)", reason, allowed="an opaque id")


def routes(subject: Subject) -> Iterator[Violation]:
    """RES-028: names and addresses outside that traffic of the cluster is sent to."""
    _, kind = kube.kind_of(subject.type)
    inputs = subject.inputs
    if kind == "Service" and at(inputs, "spec", "type") == "ExternalName":
        yield from kube.sent(subject, "RES-028", "spec.externalName", at(inputs, "spec", "externalName"))
    if kind == "EndpointSlice":
        for index, endpoint in enumerate(kube.items(inputs.get("endpoints"))):
            for number, address in enumerate(kube.items(at(endpoint, "addresses"))):
                yield from kube.sent(subject, "RES-028", f"endpoints[{index}].addresses[{number}]", address)
    if kind == "Endpoints":
        for index, part in enumerate(kube.items(inputs.get("subsets"))):
            for number, one in enumerate(kube.items(at(part, "addresses"))):
                yield from kube.sent(subject, "RES-028", f"subsets[{index}].addresses[{number}].ip", at(one, "ip"))
    yield from _redirects(subject, kind)


def _redirects(subject: Subject, kind: str) -> Iterator[Violation]:
    if kind in {"HTTPRoute", "GRPCRoute"}:
        for index, rule in enumerate(kube.items(at(subject.inputs, "spec", "rules"))):
            for number, one in enumerate(kube.items(at(rule, "filters"))):
                path = f"spec.rules[{index}].filters[{number}].requestRedirect.hostname"
                yield from kube.sent(subject, "RES-028", path, at(one, "requestRedirect", "hostname"))
    if kind == "ServiceEntry":
        for index, name in enumerate(kube.items(at(subject.inputs, "spec", "hosts"))):
            yield from kube.sent(subject, "RES-028", f"spec.hosts[{index}]", name)


def egress(subject: Subject) -> Iterator[Violation]:
    """RES-033: in China no way out to everywhere."""
    if kube.kind_of(subject.type) != ("networking.k8s.io", "NetworkPolicy") or subject.world != "cn":
        return
    for index, rule in enumerate(kube.items(at(subject.inputs, "spec", "egress"))):
        path = f"spec.egress[{index}].to"
        peers = at(rule, "to")
        if peers is ACCEPTED:
            continue
        if peers is UNKNOWN or not kube.items(peers):
            reason = "a rule without peers lets out to every address."
            yield violation(subject, "RES-033", path, peers or "absent", reason, allowed="private ranges, namespaces")
        for number, peer in enumerate(kube.items(peers)):
            cidr = at(peer, "ipBlock", "cidr")
            if cidr is None or cidr is ACCEPTED:
                continue
            if not isinstance(cidr, str) or not hosts.compiled(PRIVATE_RANGE).match(cidr):
                reason = "it holds addresses of the internet, and those may lie anywhere."
                place = f"{path}[{number}].ipBlock.cidr"
                yield violation(subject, "RES-033", place, cidr, reason, allowed="private ranges, namespaces")


def telemetry(subject: Subject) -> Iterator[Violation]:
    """RES-014: custom resources that say where metrics go, or what a board reads."""
    group, kind = kube.kind_of(subject.type)
    spec = subject.inputs.get("spec")
    if group == "monitoring.coreos.com":
        for key in ("remoteWrite", "remoteRead"):
            for index, one in enumerate(kube.items(at(spec, key))):
                yield from kube.sent(subject, "RES-014", f"spec.{key}[{index}].url", at(one, "url"))
        for index, one in enumerate(kube.items(at(spec, "staticConfigs"))):
            for number, target in enumerate(kube.items(at(one, "targets"))):
                path = f"spec.staticConfigs[{index}].targets[{number}]"
                yield from kube.sent(subject, "RES-014", path, target)
    if kind == "GrafanaDatasource":
        yield from kube.sent(subject, "RES-014", "spec.datasource.url", at(spec, "datasource", "url"))


def backups(subject: Subject) -> Iterator[Violation]:
    """RES-024: where backups and snapshots are kept."""
    group, kind = kube.kind_of(subject.type)
    inputs = subject.inputs
    if group == "velero.io" and kind in {"BackupStorageLocation", "VolumeSnapshotLocation"}:
        config = at(inputs, "spec", "config")
        found = False
        for key in ("s3Url", "publicUrl", "endpoint", "storageAccountURI"):
            value = at(config, key)
            found = found or value is not None
            yield from kube.sent(subject, "RES-024", f"spec.config.{key}", value)
        for key in ("region", "snapshotLocation"):
            value = at(config, key)
            found = found or value is not None
            yield from _region(subject, f"spec.config.{key}", value)
        if not found:
            reason = "it says no place, so the tool would take one from its surroundings."
            yield violation(subject, "RES-024", "spec.config.region", "absent", reason)
    if kind == "VolumeSnapshotClass":
        yield from _region(subject, "parameters.storage-locations", at(inputs, "parameters", "storage-locations"))
    if kind == "Cluster" and group == "postgresql.cnpg.io":
        store = at(inputs, "spec", "backup", "barmanObjectStore")
        yield from kube.sent(subject, "RES-024", "spec.backup.barmanObjectStore.endpointURL", at(store, "endpointURL"))


def _region(subject: Subject, path: str, value: Any) -> Iterator[Violation]:
    if value is None or value is ACCEPTED or (isinstance(value, str) and value in subject.allowed):
        return
    world = _ANY_WORLD.get(value) if isinstance(value, str) else None
    reason = f"it lies in world {world}." if world else "the tables do not know it as one single region."
    yield violation(subject, "RES-024", path, value, reason)


def credentials(subject: Subject) -> Iterator[Violation]:
    """RES-019: tokens without an end, and kubeconfigs with a key in them."""
    _, kind = kube.kind_of(subject.type)
    inputs = subject.inputs
    if kind == "Secret" and inputs.get("type") == "kubernetes.io/service-account-token":
        reason = "such a token never expires."
        yield violation(subject, "RES-019", "type", inputs.get("type"), reason, allowed="tokens by TokenRequest")
    if kind not in {"Secret", "ConfigMap"}:
        return
    for part in ("stringData", "data"):
        for key, value in kube.pairs(inputs.get(part)):
            text = _decoded(value) if kind == "Secret" and part == "data" else value
            if isinstance(text, str) and _holds_login(text):
                reason = (
                    "a kubeconfig with a key or a token in it opens a cluster from anywhere until somebody ends it."
                )
                path = f"{part}[{key}]"
                yield violation(
                    subject, "RES-019", path, "(not shown)", reason, allowed="an exec plugin in the kubeconfig"
                )


def _holds_login(text: str) -> bool:
    return "clusters:" in text and "users:" in text and re.search(r"(?:client-key-data|token):\s*\S", text) is not None


def _decoded(value: Any) -> str | None:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8") if isinstance(value, str) else None
    except (binascii.Error, ValueError):
        return None


def charts(subject: Subject) -> Iterator[Violation]:
    """RES-023: a chart, and the images that its values name."""
    if kube.kind_of(subject.type) != ("helm.sh", "Release"):
        return
    inputs = subject.inputs
    chart, repository = inputs.get("chart"), at(inputs, "repositoryOpts", "repo")
    if not isinstance(chart, str) or "://" in chart:
        yield from kube.sent(subject, "RES-023", "chart", chart, pattern=kube.sources(subject))
    elif repository is None:
        reason = "it names no registry, so the machine that runs the program would choose one, or a folder of its own."
        yield violation(subject, "RES-023", "chart", chart, reason, allowed=kube.allowed_hosts(subject))
    yield from kube.sent(subject, "RES-023", "repositoryOpts.repo", repository, pattern=kube.sources(subject))
    pattern = hosts.compiled(hosts.image(subject.world, subject.allowed, subject.hosts))
    for path, image in _chart_images(inputs.get("values"), "values"):
        if len(image) > hosts.LONGEST_ITEM or not pattern.fullmatch(image):
            reason = hosts.why(hosts.image_host(image), subject.world)
            shown, allowed = hosts.shown_image(image), kube.allowed_hosts(subject)
            yield violation(subject, "RES-023", path, shown, reason, allowed=allowed)


def _chart_images(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if hasattr(value, "items"):
        repository, registry = value.get("repository"), value.get("registry")
        if isinstance(repository, str) and ("tag" in value or isinstance(registry, str) or "digest" in value):
            yield f"{path}.repository", f"{registry}/{repository}" if isinstance(registry, str) else repository
        for key, inner in value.items():
            if key == "image" and isinstance(inner, str):
                yield f"{path}.image", inner
            yield from _chart_images(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _chart_images(inner, f"{path}[{index}]")


def volumes(subject: Subject) -> Iterator[Violation]:
    """RES-020: volumes of stores outside the cluster."""
    if kube.kind_of(subject.type)[1] != "PersistentVolume":
        return
    attributes = at(subject.inputs, "spec", "csi", "volumeAttributes")
    for key in ("url", "server", "endpoint"):
        path = f"spec.csi.volumeAttributes.{key}"
        yield from kube.sent(subject, "RES-020", path, at(attributes, key))
    yield from kube.sent(subject, "RES-020", "spec.nfs.server", at(subject.inputs, "spec", "nfs", "server"))


CHECKS: tuple[Check, ...] = (
    Check(rules=("RES-021",), run=origin),
    Check(rules=("RES-027",), run=personal),
    Check(rules=("RES-028",), run=routes),
    Check(rules=("RES-033",), run=egress),
    Check(rules=("RES-014",), run=telemetry),
    Check(rules=("RES-024",), run=backups),
    Check(rules=("RES-019",), run=credentials),
    Check(rules=("RES-023",), run=charts),
    Check(rules=("RES-020",), run=volumes),
)
