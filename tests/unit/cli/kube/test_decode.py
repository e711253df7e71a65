"""Narrow decoding: what is needed, tolerant of nulls, one bad object costs one row."""

from __future__ import annotations

import json

import pytest

from cli import errors
from cli.kube import decode


def pods(*items: object) -> bytes:
    return json.dumps({"kind": "PodList", "metadata": {"continue": "c"}, "items": list(items)}).encode()


GOOD = {
    "metadata": {"name": "a", "namespace": "n", "labels": None, "unknown": [1]},
    "spec": {"containers": [{"name": "x", "resources": {"limits": {"nvidia.com/gpu": "2"}}}]},
    "status": {"phase": "Running", "podIP": "127.1.1.2", "conditions": [{"type": "Ready", "status": "True"}]},
}


def test_a_pod_is_read_with_what_is_shown() -> None:
    (pod,) = decode.decode_list(pods(GOOD), decode.Pod).items
    assert (pod.metadata.name, pod.status.pod_ip, pod.ready, pod.gpus, pod.metadata.label("x", "-")) == (
        "a", "127.1.1.2", True, 2, "-",
    )  # fmt: skip


def test_a_pod_that_is_leaving_is_not_ready() -> None:
    leaving = {**GOOD, "metadata": {**GOOD["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    (pod,) = decode.decode_list(pods(leaving), decode.Pod).items
    assert not pod.ready


def test_one_malformed_object_is_named_and_the_rest_is_kept() -> None:
    bad = {"metadata": {"name": "b", "namespace": "n"}, "spec": {"containers": None}}
    found = decode.decode_list(pods(GOOD, bad, "nonsense"), decode.Pod)
    assert [pod.metadata.name for pod in found.items] == ["a"]
    assert found.unparsed == ["n/b", "(no name)"]


@pytest.mark.parametrize("body", [b"", b"<html>login</html>", b"[]", b'{"items": 3}'])
def test_what_is_no_list_is_an_error_and_not_an_empty_list(body: bytes) -> None:
    with pytest.raises(errors.ResourceError):
        decode.decode_list(body, decode.Pod)


def test_items_that_are_null_are_none() -> None:
    assert decode.decode_list(b'{"items": null}', decode.Pod).items == []
    assert decode.list_meta(pods()).continue_ == "c"
