"""Rules about Kubernetes objects that run nothing themselves: labels, backups, secrets, charts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.clouds.regions import WORLD_OF
from components.policy import hosts, kube, kube_texts
from components.policy.model import ACCEPTED, UNKNOWN, Check, Subject, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.policy.model import Violation

ORIGIN = "twain/origin"
EXPORT = "twain/export"
# What says which artefact something is: annotations of objects, tags and labels of a cloud's resources.
ARTEFACTS = ("twain/model", "twain/dataset", "twain-model", "twain-dataset")
# What an export entry calls them.
KINDS = {"model": "weights", "dataset": "dataset"}
ORIGINS = frozenset({"none", "cn-personal", "row-personal", "unknown"})
# Data of an origin may not be in this world.
ELSEWHERE = {"cn-personal": "row", "row-personal": "cn"}
# What names a person: an address, a mobile number of China, the number of a Chinese identity card.
_MAIL = r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}\.[A-Za-z]{2}"
_NUMBERS = (
    r"(?:^|[^0-9A-Za-z])1[3-9][0-9]{9}(?:$|[^0-9A-Za-z])"
    r"|(?:^|[^0-9A-Za-z])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?:$|[^0-9A-Za-z])"
)
PERSONAL = re.compile(f"{_MAIL}|{_NUMBERS}")
MAIL = re.compile(_MAIL)
# Labels whose last word says what they count: a number there is of a build or a moment, and of nobody's.
COUNTED = re.compile(
    r"(?i)(?:^|[./_-])(?:build|pipeline|run|job|commit|release|revision|version|chart|generation|serial|checksum|hash|sha"
    r"|digest|timestamp|epoch|time|date|created|updated|deployed|restarted)(?:[_-]?(?:id|no|nr|num|number|at|on))?$"
)
_ANY_WORLD = {region: world for names in WORLD_OF.values() for region, world in names.items()}


def origin(subject: Subject) -> Iterator[Violation]:
    """RES-021: what an object, or what it makes pods and claims of, says of the origin of its data."""
    for path, metadata in _metadata(subject):
        held = dict(kube.pairs(at(metadata, "annotations")))
        for part in ("labels", "annotations"):
            value = at(metadata, part, ORIGIN)
            if value is not None and value is not ACCEPTED:
                yield from origin_of(subject, f"{path}.{part}[{ORIGIN}]", value, held=held)


def _metadata(subject: Subject) -> Iterator[tuple[str, Any]]:
    """Every description of an object in an object: its own, and those of its templates."""
    yield "metadata", subject.inputs.get("metadata")
    if not subject.type.startswith(kube.WITHOUT_PODS):
        yield from _templates(subject.inputs.get("spec"), "spec")


def _templates(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    for key, inner in kube.pairs(value):
        place = f"{path}.{key}"
        if key == "metadata" and hasattr(inner, "get"):
            yield place, inner
        elif key != "openAPIV3Schema":
            yield from _templates(inner, place)
    if isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _templates(inner, f"{path}[{index}]")


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
    return entry.why_not(origin=origin, world=subject.world, artefacts=named_artefacts(held))


def named_artefacts(held: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """Every artefact that something says it is, with its kind; no name for one that is not known."""
    named = [(key, held[key]) for key in ARTEFACTS if held.get(key) is not None]
    return [(KINDS[key[6:]], value if isinstance(value, str) else None) for key, value in named]


def personal(subject: Subject) -> Iterator[Violation]:
    """RES-027: names and labels."""
    values = {f"metadata.{key}": at(subject.inputs, "metadata", key) for key in ("name", "namespace")}
    for path, value in values.items():
        yield from personal_in(subject, path, value)
    for key, value in kube.pairs(at(subject.inputs, "metadata", "labels")):
        yield from personal_in(subject, f"metadata.labels[{key}]", value, key=key)


def personal_in(subject: Subject, path: str, value: Any, *, key: str = "") -> Iterator[Violation]:
    """A violation when a value, perhaps that of a label or a tag of this key, names a person. What was found is not
    repeated.
    """
    if isinstance(value, str) and PERSONAL.search(value) and (MAIL.search(value) or not COUNTED.search(key)):
        reason = "names, labels and tags are read by everybody, stand in bills and in the state, and are never erased."
        yield violation(subject, "RES-027", path, "(personal data, not shown)", reason, allowed="an opaque id")


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
    for path, _, text in kube_texts.texts(subject):
        if isinstance(text, str) and _holds_login(text):
            reason = "a kubeconfig with a key or a token in it opens a cluster from anywhere until somebody ends it."
            yield violation(subject, "RES-019", path, "(not shown)", reason, allowed="an exec plugin in the kubeconfig")


def _holds_login(text: str) -> bool:
    return "clusters:" in text and "users:" in text and re.search(r"(?:client-key-data|token):\s*\S", text) is not None


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
    yield from chart_values(subject, inputs.get("values"), "values")
    if kube.items(inputs.get("valueYamlFiles")) or inputs.get("valueYamlFiles") is UNKNOWN:
        reason = "what stands in the files of values is not in the plan."
        yield violation(subject, "RES-004", "valueYamlFiles", "(files)", reason, allowed="values in the program")


def chart_values(subject: Subject, value: Any, where: str) -> Iterator[Violation]:
    """RES-023, RES-014 and RES-017: the images and the configurations in the values of a chart."""
    pattern = hosts.compiled(hosts.image(subject.world, subject.allowed, subject.hosts))
    for path, image in _chart_images(value, where):
        if len(image) > hosts.LONGEST_ITEM or not pattern.fullmatch(image):
            reason = hosts.why(hosts.image_host(image), subject.world)
            shown, allowed = hosts.shown_image(image), kube.allowed_hosts(subject)
            yield violation(subject, "RES-023", path, shown, reason, allowed=allowed)
    yield from kube_texts.values(subject, value, where)


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


CHECKS: tuple[Check, ...] = (
    Check(rules=("RES-021",), run=origin),
    Check(rules=("RES-027",), run=personal),
    Check(rules=("RES-024",), run=backups),
    Check(rules=("RES-019",), run=credentials),
    Check(rules=("RES-023", "RES-004", "RES-014", "RES-017"), run=charts),
)
