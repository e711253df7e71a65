"""A pod's volumes as folders: each lies once under `.volumes`, each mount is a link to it under a container's root."""

from __future__ import annotations

import contextlib
import os
import secrets as random
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rehearsal.agent import podenv
from rehearsal.agent.podenv import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rehearsal.kube.client import Object

# Volumes that are an empty folder here. What a real driver would show in them is the program's business.
_EMPTY = ("emptyDir", "csi", "ephemeral", "image", "persistentVolumeClaim", "hostPath")
_SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@dataclass(frozen=True, kw_only=True)
class TokenWish:
    """A service-account token that a projected volume asks for; `path` is the file, lifetime in seconds."""

    path: str
    audience: str = ""
    lifetime: int = 3600


@dataclass
class Content:
    """The files of one volume (path inside it → bytes) and the tokens still to be fetched into it."""

    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    tokens: list[TokenWish] = field(default_factory=list[TokenWish])


def _chosen(values: Mapping[str, bytes], items: Iterable[Mapping[str, Any]] | None, what: str) -> dict[str, bytes]:
    """The files of a ConfigMap or Secret volume, by its `items` when it has some."""
    if not items:
        return dict(values)
    result: dict[str, bytes] = {}
    for item in items:
        if item["key"] not in values:
            message = f"{what} has no key {item['key']}"
            raise ConfigError(message)
        result[item["path"]] = values[item["key"]]
    return result


def _from_object(
    table: Mapping[tuple[str, str], Object], namespace: str, kind: str, name: str, source: Mapping[str, Any]
) -> dict[str, bytes]:
    item = table.get((namespace, name))
    if item is None:
        if source.get("optional"):
            return {}
        message = f'{kind} "{name}" not found'
        raise ConfigError(message)
    return _chosen(podenv.data(item), source.get("items"), f'{kind} "{name}"')


def content(
    pod: Object,
    volume: Object,
    *,
    config_maps: Mapping[tuple[str, str], Object],
    secrets: Mapping[tuple[str, str], Object],
    pod_ip: str,
    host_ip: str,
) -> Content | None:
    """What a volume holds; None for one that starts empty. Raises ConfigError naming what is missing."""
    namespace = pod["metadata"]["namespace"]
    result = Content()

    def downward(items: Iterable[Mapping[str, Any]]) -> dict[str, bytes]:
        return {
            item["path"]: podenv.field(pod, item["fieldRef"]["fieldPath"], pod_ip=pod_ip, host_ip=host_ip).encode()
            for item in items
            if "fieldRef" in item
        }

    if "configMap" in volume:
        source = volume["configMap"]
        result.files = _from_object(config_maps, namespace, "configmap", source["name"], source)
    elif "secret" in volume:
        source = volume["secret"]
        result.files = _from_object(secrets, namespace, "secret", source["secretName"], source)
    elif "downwardAPI" in volume:
        result.files = downward(volume["downwardAPI"].get("items") or [])
    elif "projected" in volume:
        for source in volume["projected"].get("sources") or []:
            if "configMap" in source:
                one = source["configMap"]
                result.files |= _from_object(config_maps, namespace, "configmap", one["name"], one)
            elif "secret" in source:
                one = source["secret"]
                result.files |= _from_object(secrets, namespace, "secret", one["name"], one)
            elif "downwardAPI" in source:
                result.files |= downward(source["downwardAPI"].get("items") or [])
            elif "serviceAccountToken" in source:
                one = source["serviceAccountToken"]
                wish = TokenWish(
                    path=one["path"],
                    audience=one.get("audience", ""),
                    lifetime=int(one.get("expirationSeconds") or 3600),
                )
                result.tokens.append(wish)
    elif any(kind in volume for kind in _EMPTY):
        return None
    else:
        kinds = ", ".join(sorted(set(volume) - {"name"})) or "empty"
        message = f"volume {volume['name']}: the rehearsal has no volumes of kind {kinds}"
        raise ConfigError(message)
    return result


def write(folder: Path, files: Mapping[str, bytes], *, before: Iterable[str] = ()) -> None:
    """Make `folder` hold these files, each replaced in one step; those of `before` that are no longer wanted go."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        path = _inside(folder, name)
        if path.is_file() and path.read_bytes() == value:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.{random.token_hex(4)}")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(value)
        scratch.replace(path)
    for name in set(before) - set(files):
        with contextlib.suppress(FileNotFoundError):
            _inside(folder, name).unlink()


def _inside(folder: Path, name: str) -> Path:
    """A path inside a folder. Raises ConfigError for one that would leave it."""
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts:
        message = f"path {name!r} would leave its volume"
        raise ConfigError(message)
    return folder.joinpath(*parts)


def mount_paths(container: Object) -> list[str]:
    """The mount paths of a container, outer ones first."""
    return sorted((mount["mountPath"].rstrip("/") or "/" for mount in container.get("volumeMounts") or []), key=len)


def roots(pod_folder: Path, containers: Iterable[Object]) -> dict[str, Path]:
    """The root folder of each container: the pod's own while mounts agree, one of its own for a container that mounts
    something else at a path that another one uses.
    """
    taken: dict[str, tuple[str, str]] = {}
    result: dict[str, Path] = {}
    for container in containers:
        mounts = {
            mount["mountPath"].rstrip("/"): (mount["name"], mount.get("subPath", ""))
            for mount in container.get("volumeMounts") or []
        }
        # Every pod's token mount is at the same place and alike in what it gives.
        differs = any(
            path in taken and taken[path] != what for path, what in mounts.items() if path != _SERVICE_ACCOUNT
        )
        result[container["name"]] = pod_folder / ".containers" / container["name"] if differs else pod_folder
        if not differs:
            taken |= mounts
    return result


def link(root: Path, container: Object, volumes_folder: Path) -> None:
    """Make the links of a container's mounts under its root; repeating changes nothing."""
    mounts = sorted(container.get("volumeMounts") or [], key=lambda mount: len(mount["mountPath"]))
    root.mkdir(parents=True, exist_ok=True)
    for mount in mounts:
        path = mount["mountPath"].strip("/")
        if not path:
            message = f"container {container['name']}: nothing can be mounted at /"
            raise ConfigError(message)
        target = volumes_folder / mount["name"]
        if mount.get("subPath"):
            target = _inside(target, mount["subPath"])
            if not target.exists():
                target.mkdir(parents=True)
        place = _inside(root, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_symlink():
            if place.readlink() == target:
                continue
            place.unlink()
        elif place.is_dir():
            # A mount over a folder that a shorter mount already filled: hide it, as a mount would.
            place.rename(place.with_name(f".{place.name}.hidden"))
        place.symlink_to(target)
