from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.agent import podenv, volumes
from rehearsal.agent.podenv import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

POD: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"app": "a"}, "annotations": {}},
    "spec": {"nodeName": "node", "serviceAccountName": "sa", "containers": []},
}
MAPS = {("n", "cm"): {"kind": "ConfigMap", "data": {"a.yml": "one", "b.yml": "two"}}}
SECRETS = {("n", "s"): {"type": "Opaque", "data": {"key": base64.b64encode(b"\x00secret").decode()}}}
PLACES = {"config_maps": MAPS, "secrets": SECRETS, "pod_ip": "127.1.33.2", "host_ip": "127.1.33.1"}


def content(volume: dict[str, Any]) -> volumes.Content:
    held = volumes.content(POD, {"name": "v", **volume}, **PLACES)
    assert held is not None
    return held


def test_config_maps_secrets_and_chosen_keys_become_files() -> None:
    assert content({"configMap": {"name": "cm"}}).files == {"a.yml": b"one", "b.yml": b"two"}
    assert content({"secret": {"secretName": "s"}}).files == {"key": b"\x00secret"}
    chosen = {"configMap": {"name": "cm", "items": [{"key": "a.yml", "path": "sub/x.yml"}]}}
    assert content(chosen).files == {"sub/x.yml": b"one"}


def test_what_is_missing_is_named_unless_it_is_optional() -> None:
    with pytest.raises(ConfigError, match='configmap "none" not found'):
        content({"configMap": {"name": "none"}})
    assert content({"configMap": {"name": "none", "optional": True}}).files == {}
    with pytest.raises(ConfigError, match="has no key c"):
        content({"configMap": {"name": "cm", "items": [{"key": "c", "path": "c"}]}})


def test_a_projected_volume_joins_its_sources_and_asks_for_its_token() -> None:
    sources = [
        {"serviceAccountToken": {"path": "token", "audience": "twain-gate", "expirationSeconds": 3607}},
        {"configMap": {"name": "cm", "items": [{"key": "a.yml", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]
    held = content({"projected": {"sources": sources}})
    assert held.files == {"ca.crt": b"one", "namespace": b"n"}
    assert held.tokens == [volumes.TokenWish(path="token", audience="twain-gate", lifetime=3607)]


def test_an_unknown_kind_of_volume_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="no volumes of kind nfs"):
        content({"nfs": {"server": "x", "path": "/"}})
    assert volumes.content(POD, {"name": "v", "emptyDir": {}}, **PLACES) is None


def test_writing_replaces_what_changed_and_removes_what_went(tmp_path: Path) -> None:
    volumes.write(tmp_path, {"a": b"1", "d/b": b"2"})
    untouched = (tmp_path / "a").stat().st_ino
    volumes.write(tmp_path, {"a": b"1", "c": b"3"}, before=["a", "d/b"])
    assert (tmp_path / "a").stat().st_ino == untouched
    assert not (tmp_path / "d/b").exists()
    assert (tmp_path / "c").read_bytes() == b"3"
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_key_that_would_leave_its_volume_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="would leave its volume"):
        volumes.write(tmp_path / "v", {"../x": b""})
    assert not (tmp_path / "x").exists()


def test_mounts_are_links_that_two_containers_share(tmp_path: Path) -> None:
    one = {"name": "a", "volumeMounts": [{"name": "v", "mountPath": "/in"}]}
    two = {"name": "b", "volumeMounts": [{"name": "v", "mountPath": "/out"}, {"name": "w", "mountPath": "/out/sub"}]}
    held = tmp_path / ".volumes"
    for name in ("v", "w"):
        volumes.write(held / name, {})
    for container in (one, two):
        volumes.link(tmp_path, container, held)
        volumes.link(tmp_path, container, held)
    (tmp_path / "in" / "file").write_text("x")
    assert (tmp_path / "out" / "file").read_text() == "x"
    (tmp_path / "out" / "sub" / "deep").write_text("y")
    assert (held / "w" / "deep").read_text() == "y"


def test_a_container_whose_mounts_disagree_gets_a_root_of_its_own(tmp_path: Path) -> None:
    one = {"name": "a", "volumeMounts": [{"name": "v", "mountPath": "/config"}]}
    two = {"name": "b", "volumeMounts": [{"name": "w", "mountPath": "/config"}]}
    same = {"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/config/"}]}
    assert volumes.roots(tmp_path, [one, two, same]) == {
        "a": tmp_path,
        "b": tmp_path / ".containers" / "b",
        "c": tmp_path,
    }


def test_variables_come_from_every_source_in_order() -> None:
    container = {
        "name": "x",
        "resources": {"limits": {"cpu": "1500m", "memory": "1Gi"}},
        "envFrom": [{"configMapRef": {"name": "cm"}, "prefix": "P_"}],
        "env": [
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            {"name": "URL", "value": "http://$(IP):8000"},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            {"name": "MAP", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "b.yml"}}},
            {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k", "optional": True}}},
        ],
    }
    assert podenv.environment(POD, container, **PLACES) == {
        "P_a.yml": "one",
        "P_b.yml": "two",
        "IP": "127.1.33.2",
        "APP": "a",
        "URL": "http://127.1.33.2:8000",
        "CPU": "2",
        "MAP": "two",
    }


def test_a_missing_secret_key_is_named() -> None:
    container = {"name": "x", "env": [{"name": "K", "valueFrom": {"secretKeyRef": {"name": "s", "key": "nope"}}}]}
    with pytest.raises(ConfigError, match="couldn't find key nope in secret n/s"):
        podenv.environment(POD, container, **PLACES)
