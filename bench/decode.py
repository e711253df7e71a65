"""How fast a list of pods is decoded into the few fields that `twain` shows.

    python bench/decode.py [--pods 2000] [--rounds 10]

Against `json.loads` of the standard library, and against the typed client (`kubernetes`, which the product does not
use: `pip install 'kubernetes>=36.0.3,<37'` first, or its row is missing). All must read the same of every pod.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import harness
from cli.kube import decode

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[bytes], list[tuple[str, str, str]]]


def pod(number: int, pick: random.Random) -> dict[str, Any]:
    """A pod as an API server shows it, managed fields and all: some 2.7 KB."""
    name = f"advisor-{pick.getrandbits(40):010x}"
    fields = {f"f:{pick.getrandbits(32):08x}": {} for _ in range(40)}
    managed = [{"manager": who, "operation": "Apply", "fieldsV1": fields} for who in ("twain", "kubelet")]
    probe = {"httpGet": {"path": "/health", "port": 8000, "scheme": "HTTP"}, "periodSeconds": 5, "timeoutSeconds": 1}
    arguments = ["--model=/weights", "--max-model-len=32768", "--gpu-memory-utilization=0.9"]
    container = {
        "name": "engine",
        "image": f"registry/vllm@sha256:{pick.getrandbits(256):064x}",
        "args": arguments,
        "resources": {"limits": {"nvidia.com/gpu": "1"}, "requests": {"cpu": "4", "memory": "64Gi"}},
        "readinessProbe": probe,
        "livenessProbe": probe,
        "env": [{"name": f"SETTING_{index}", "value": "x" * 20} for index in range(8)],
    }
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": "2026-11-20T10:00:00Z"}
        for kind in ("Ready", "ContainersReady", "PodScheduled", "Initialized")
    ]
    return {
        "metadata": {"name": name, "namespace": f"maison-{number % 75}", "uid": name, "managedFields": managed},
        "spec": {"nodeName": f"node-{number % 300}", "containers": [container]},
        "status": {"phase": "Running", "podIP": "127.1.2.3", "conditions": conditions},
    }


def narrow(body: bytes) -> list[tuple[str, str, str]]:
    return [
        (one.metadata.name, one.spec.node_name, one.status.phase) for one in decode.decode_list(body, decode.Pod).items
    ]


def plain(body: bytes) -> list[tuple[str, str, str]]:
    items = json.loads(body)["items"]
    return [(one["metadata"]["name"], one["spec"]["nodeName"], one["status"]["phase"]) for one in items]


def typed() -> Read | None:
    """The typed client's way, or None where it is not installed."""
    try:
        from kubernetes import client
    except ModuleNotFoundError:
        return None
    api = client.ApiClient()

    class Answer:
        def __init__(self, body: bytes) -> None:
            self.data = body.decode()

    def read(body: bytes) -> list[tuple[str, str, str]]:
        # The client decodes the text and then builds a model per object.
        items = api._ApiClient__deserialize(json.loads(Answer(body).data), "V1PodList").items  # noqa: SLF001
        return [(one.metadata.name, one.spec.node_name, one.status.phase) for one in items]

    return read


def timed(read: Read, body: bytes) -> float:
    began = time.perf_counter()
    read(body)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pods", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=10)
    asked = parser.parse_args()
    on = harness.machine()
    pick = random.Random(1)
    body = json.dumps({"kind": "PodList", "metadata": {}, "items": [pod(n, pick) for n in range(asked.pods)]}).encode()
    ways: dict[str, Read] = {"twain, narrow": narrow, "json.loads": plain}
    client = typed()
    if client is None:
        print("the typed client is not installed, so its row is missing: pip install 'kubernetes>=36.0.3,<37'")
    else:
        ways["kubernetes, typed"] = client
    if len({repr(way(body)) for way in ways.values()}) != 1:
        raise SystemExit("the ways do not read the same: no figure counts")
    taken = harness.interleaved(
        {name: lambda way=way: timed(way, body) for name, way in ways.items()}, rounds=asked.rounds
    )
    print(harness.heading(on))
    print(f"{asked.pods} pods, {len(body) / 1e6:.1f} MB")
    rows = harness.against(taken, "twain, narrow")
    harness.append("decode", {"pods": asked.pods, "bytes": len(body), **rows}, on=on)


if __name__ == "__main__":
    main()
