"""Rules about volumes whose data lie outside the cluster, wherever one is declared: in a pod, by itself, by a class."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.policy import kube
from components.policy.model import Check, Subject, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

# Drivers by their names, and what was once a part of Kubernetes.
_IN_TREE = ("awsElasticBlockStore", "gcePersistentDisk", "azureDisk", "azureFile")
_ABROAD = re.compile(
    r"(?:^|\.)csi\.(?:azure|aws|storage\.gke|cloud\.google|digitalocean|linode|ovh|scaleway|hetzner)\b|(?:csi\.)?storage\.gke\.io$"
    r"|\.csi\.aws\.com$|\.csi\.azure\.com$|^kubernetes\.io/(?:aws|gce|azure)"
)
# Keys of drivers' own settings that name a server.
_SERVERS = ("url", "server", "endpoint", "host", "address", "storageEndpoint", "source")


def volumes(subject: Subject) -> Iterator[Violation]:
    """RES-020: volumes of stores outside the cluster."""
    _, kind = kube.kind_of(subject.type)
    if subject.world == "cn" and kind == "StorageClass":
        yield from _foreign(subject, "provisioner", subject.inputs.get("provisioner"))
    if kind == "PersistentVolume":
        yield from _volume(subject, "spec", subject.inputs.get("spec"))
    elif kind == "StorageClass":
        yield from _settings(subject, "parameters", subject.inputs.get("parameters"))
    for path, pod in kube.pods(subject):
        for index, one in enumerate(kube.items(pod.get("volumes"))):
            yield from _volume(subject, f"{path}.volumes[{index}]", one)


def _foreign(subject: Subject, path: str, driver: Any) -> Iterator[Violation]:
    """RES-020: in China no disks, files and buckets of a cloud that has no region there."""
    if isinstance(driver, str) and _ABROAD.search(driver):
        reason = "it keeps data in a cloud outside China."
        yield violation(subject, "RES-020", path, driver, reason, allowed="a driver of the world's own cloud")


def _volume(subject: Subject, path: str, one: Any) -> Iterator[Violation]:
    if subject.world == "cn":
        yield from _foreign(subject, f"{path}.csi.driver", at(one, "csi", "driver"))
        for key in _IN_TREE:
            if at(one, key) is not None:
                yield from _foreign(subject, f"{path}.{key}", f"kubernetes.io/{key}")
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
