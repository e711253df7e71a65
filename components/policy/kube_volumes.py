"""Rules about volumes whose data lie outside the cluster, wherever one is declared: in a pod, by itself, by a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.policy import kube
from components.policy.model import Check, Subject, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

# Keys of drivers' own settings that name a server.
_SERVERS = ("url", "server", "endpoint", "host", "address", "storageEndpoint", "source")


def volumes(subject: Subject) -> Iterator[Violation]:
    """RES-020: volumes of stores outside the cluster."""
    _, kind = kube.kind_of(subject.type)
    if kind == "PersistentVolume":
        yield from _volume(subject, "spec", subject.inputs.get("spec"))
    elif kind == "StorageClass":
        yield from _settings(subject, "parameters", subject.inputs.get("parameters"))
    for path, pod in kube.pods(subject):
        for index, one in enumerate(kube.items(pod.get("volumes"))):
            yield from _volume(subject, f"{path}.volumes[{index}]", one)


def _volume(subject: Subject, path: str, one: Any) -> Iterator[Violation]:
    yield from _settings(subject, f"{path}.csi.volumeAttributes", at(one, "csi", "volumeAttributes"))
    yield from _settings(subject, f"{path}.flexVolume.options", at(one, "flexVolume", "options"))
    yield from _sent(subject, f"{path}.nfs.server", at(one, "nfs", "server"))
    yield from _sent(subject, f"{path}.iscsi.targetPortal", at(one, "iscsi", "targetPortal"))
    yield from _sent(subject, f"{path}.quobyte.registry", at(one, "quobyte", "registry"))
    for kind in ("cephfs", "rbd"):
        for number, monitor in enumerate(kube.items(at(one, kind, "monitors"))):
            yield from _sent(subject, f"{path}.{kind}.monitors[{number}]", monitor)
    found = at(one, "gitRepo", "repository")
    yield from kube.sent(subject, "RES-020", f"{path}.gitRepo.repository", found, pattern=kube.sources(subject))


def _settings(subject: Subject, path: str, settings: Any) -> Iterator[Violation]:
    for key in _SERVERS:
        value = at(settings, key)
        # What is no host is a folder or a share of the driver's own store.
        if value is not None and (key != "source" or (isinstance(value, str) and value.startswith("//"))):
            yield from _sent(subject, f"{path}.{key}", value)


def _sent(subject: Subject, path: str, value: Any) -> Iterator[Violation]:
    """A server may be followed by the folder that it exports: `server:/folder`, or `//server/share`."""
    if isinstance(value, str) and "://" not in value:
        value = value.removeprefix("//").replace(":/", "/")
    yield from kube.sent(subject, "RES-020", path, value)


CHECKS: tuple[Check, ...] = (Check(rules=("RES-020",), run=volumes),)
