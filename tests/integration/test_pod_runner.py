"""Pods of an emulated cell as they really run: from an empty GPU pool to answers, and on after a kill."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.clouds.gateways import GROUPS
from rehearsal.kube import cellfile, controlplane, processes
from rehearsal.kube.brought import Brought
from rehearsal.kube.client import ApiError, KubeClient, read_kubeconfig
from rehearsal.kube.waiting import wait_for
from rehearsal.providers.store import Pool, Store, Taint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

NAME = "cn-sha-1"
SPACE = "maison-test"
CELL: dict[str, Any] = {
    "cell": NAME,
    "cloud": "alicloud",
    "region": "cn-shanghai",
    "minor": "1.36",
    "brings": Brought(definitions=GROUPS, gateway_class="ack-gateway"),
}
ENGINE = "registry.test/twain/vllm-openai:v0.33.0@sha256:" + "a" * 64
PROMETHEUS = "registry.test/twain/prometheus:v3"
PODS = f"/api/v1/namespaces/{SPACE}/pods"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{SPACE}/deployments"
JOBS = f"/apis/batch/v1/namespaces/{SPACE}/jobs"
Object = dict[str, Any]

GPU_POOL = Pool(
    name="gpu80g",
    cell=NAME,
    cloud="alicloud",
    kind="gpu",
    gpu_class="gpu-80g",
    instance_type="ecs.gn7e-c16g1.4xlarge",
    gpus=1,
    min=0,
    max=3,
    zones=("cn-shanghai-b", "cn-shanghai-g"),
    labels={"twain/gpu-class": "gpu-80g", "twain/pool": "gpu80g"},
    taints=(Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule"),),
    resource="gpu",
)
SYSTEM_POOL = replace(
    GPU_POOL,
    name="system",
    kind="system",
    gpu_class=None,
    instance_type="ecs.g7.xlarge",
    gpus=0,
    min=1,
    max=2,
    labels={"twain/pool": "system"},
    taints=(),
    resource="system",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("pods")
    (home / "rehearsal.json").write_text(json.dumps({"name": "test", "block": 242, "speed": 60}))
    world = home / "cn"
    store = Store.open(world)
    store.put_pool(SYSTEM_POOL)
    store.put_pool(GPU_POOL)
    store.close()
    controlplane.ensure(world, **CELL)
    on(world, lambda client: client.create("/api/v1/namespaces", {"metadata": {"name": SPACE}}))
    yield world
    controlplane.remove(world, cell=NAME)


def on(world: Path, work: Callable[[KubeClient], Awaitable[Any]]) -> Any:
    """Run one piece of work against the cell's API server."""

    async def body() -> Any:
        async with KubeClient(read_kubeconfig(cellfile.folders(world, NAME).admin_kubeconfig)) as client:
            return await work(client)

    return asyncio.run(body())


def engine_pod(*arguments: str) -> Object:
    return {
        "nodeSelector": {"twain/gpu-class": "gpu-80g"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        "terminationGracePeriodSeconds": 5,
        "volumes": [{"name": "weights", "emptyDir": {}}],
        "containers": [
            {
                "name": "engine",
                "image": ENGINE,
                "args": ["--model", "/models/qwen", "--served-model-name", "qwen", *arguments],
                "ports": [{"name": "http", "containerPort": 8000}],
                "resources": {"limits": {"nvidia.com/gpu": "1"}},
                "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 1},
                "volumeMounts": [{"name": "weights", "mountPath": "/models"}],
            }
        ],
    }


def deployment(name: str, replicas: int, *arguments: str) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": {"app": name, "twain/workload": name}},
                "spec": engine_pod(*arguments),
            },
        },
    }


def plain_pod(name: str, **spec: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": SPACE}, "spec": spec}


def rolled_out(item: Object | None) -> bool:
    status = {} if item is None else item.get("status", {})
    wanted = 0 if item is None else item["spec"]["replicas"]
    return (
        item is not None
        and status.get("observedGeneration") == item["metadata"]["generation"]
        and status.get("updatedReplicas") == wanted
        and status.get("availableReplicas") == wanted
        and status.get("replicas") == wanted
    )


def container(pod: Object | None, index: int = 0) -> Object:
    found = ((pod or {}).get("status", {}).get("containerStatuses") or [{}, {}])[index]
    return found.get("state") or {}


def test_a_rollout_from_an_empty_pool_never_loses_availability(world: Path) -> None:
    async def work(client: KubeClient) -> None:
        nodes = await client.get("/api/v1/nodes")
        assert [n for n in nodes["items"] if "nvidia.com/gpu" in n.get("status", {}).get("capacity", {})] == []
        await client.apply(f"{DEPLOYMENTS}/advisor", deployment("advisor", 2), manager="test")
        await wait_for(client, DEPLOYMENTS, "advisor", rolled_out, seconds=60)
        lowest = 2

        def watched(item: Object | None) -> bool:
            nonlocal lowest
            lowest = min(lowest, (item or {}).get("status", {}).get("availableReplicas", 0))
            return rolled_out(item)

        second = deployment("advisor", 2, "--max-num-seqs", "64")
        await client.apply(f"{DEPLOYMENTS}/advisor", second, manager="test")
        await wait_for(client, DEPLOYMENTS, "advisor", watched, seconds=90)
        assert lowest == 2
        pods = (await client.get(PODS, labelSelector="app=advisor"))["items"]
        live = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
        assert {pod["status"]["podIP"].rsplit(".", 3)[0] for pod in live} == {"127"}
        assert {status["imageID"] for pod in live for status in pod["status"]["containerStatuses"]} == {ENGINE}
        url = f"http://{live[0]['status']['podIP']}:8000/v1/models"
        answer = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read())
        assert b'"qwen"' in answer

    on(world, work)


def test_nothing_of_the_pods_listens_outside_loopback(world: Path) -> None:
    root = str(cellfile.folders(world, NAME).root)
    lines = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    ours = []
    for line in lines:
        for part in line.split("pid=")[1:]:
            pid = int(part.split(",")[0])
            if any(root in word for word in processes.arguments(pid)):
                ours.append(line.split()[3])
    assert any(address.startswith("127.242.") for address in ours), lines
    assert [address for address in ours if not address.startswith("127.")] == []


def test_an_unknown_image_says_so(world: Path) -> None:
    async def work(client: KubeClient) -> None:
        await client.create(PODS, plain_pod("odd", containers=[{"name": "x", "image": "nginx:1"}]))
        pod = await wait_for(
            client,
            PODS,
            "odd",
            lambda pod: (
                "reason" in container(pod).get("waiting", {})
                and container(pod)["waiting"]["reason"] == "ErrImageNeverPull"
            ),
            seconds=20,
        )
        assert "the rehearsal runs no such image: nginx:1" in container(pod)["waiting"]["message"]
        assert pod is not None
        assert pod["status"]["phase"] == "Pending"
        await client.delete(f"{PODS}/odd")
        await wait_for(client, PODS, "odd", lambda pod: pod is None, seconds=20)

    on(world, work)


def test_an_exec_probe_is_refused_with_its_name(world: Path) -> None:
    probe = {"exec": {"command": ["true"]}}
    odd = {"name": "x", "image": PROMETHEUS, "livenessProbe": probe}

    async def work(client: KubeClient) -> None:
        await client.create(PODS, plain_pod("probed", containers=[odd]))
        pod = await wait_for(
            client, PODS, "probed", lambda pod: "message" in container(pod).get("waiting", {}), seconds=20
        )
        assert "no exec probes (livenessProbe)" in container(pod)["waiting"]["message"]
        await client.delete(f"{PODS}/probed")

    on(world, work)


def test_a_pool_grows_to_its_maximum_and_no_further_until_the_maximum_grows(world: Path) -> None:
    async def running(client: KubeClient, count: int) -> list[Object]:
        async with asyncio.timeout(40):
            while True:
                pods = (await client.get(PODS, labelSelector="app=crowd"))["items"]
                if sum(1 for pod in pods if pod["status"]["phase"] == "Running") >= count:
                    return pods
                await asyncio.sleep(0.2)

    async def work(client: KubeClient) -> None:
        # The advisor's two pods hold two of the three machines that the pool may have.
        await client.apply(f"{DEPLOYMENTS}/crowd", deployment("crowd", 3), manager="test")
        await running(client, 1)
        events = f"/api/v1/namespaces/{SPACE}/events"
        async with asyncio.timeout(20):
            while True:
                found = (await client.get(events, fieldSelector="reason=NotTriggerScaleUp"))["items"]
                if any("maximum of 3" in event["message"] for event in found):
                    break
                await asyncio.sleep(0.2)
        nodes = (await client.get("/api/v1/nodes", labelSelector="twain/pool=gpu80g"))["items"]
        assert len(nodes) == 3
        store = Store.open(world)
        store.put_pool(replace(GPU_POOL, max=4))
        await running(client, 2)
        nodes = (await client.get("/api/v1/nodes", labelSelector="twain/pool=gpu80g"))["items"]
        assert len(nodes) == 4
        recorded = [node for node in store.nodes(NAME) if node.pool == "gpu80g"]
        assert {node.name for node in recorded} == {node["metadata"]["name"] for node in nodes}
        assert all(node.ready is not None for node in recorded)
        assert {node.zone for node in recorded} == {"cn-shanghai-b", "cn-shanghai-g"}
        store.close()
        await client.delete(f"{DEPLOYMENTS}/crowd")

    on(world, work)


def test_logs_are_read_from_the_node_with_tail_and_times(world: Path) -> None:
    async def work(client: KubeClient) -> None:
        pods = (await client.get(PODS, labelSelector="app=advisor"))["items"]
        path = f"{PODS}/{pods[0]['metadata']['name']}/log"
        whole = await client.get(path)
        assert len(whole.splitlines()) > 3
        last = await client.get(path, tailLines="1", timestamps="true")
        assert len(last.splitlines()) == 1
        stamp, _, text = last.partition(" ")
        assert stamp.startswith("20")
        assert stamp.endswith("Z")
        assert text.strip()
        with pytest.raises(ApiError, match="previous terminated container"):
            await client.get(path, previous="true")

    on(world, work)


def test_jobs_init_containers_and_volumes_come_to_their_end(world: Path) -> None:
    version = {"image": PROMETHEUS, "args": ["--version"]}
    check = {
        "image": PROMETHEUS,
        "args": ["--config.file=/etc/prometheus/prometheus.yml"],
        "volumeMounts": [{"name": "config", "mountPath": "/etc/prometheus"}],
    }

    def job(name: str, **spec: Any) -> Object:
        template = {"spec": {"restartPolicy": "Never", **spec}}
        return {"metadata": {"name": name}, "spec": {"backoffLimit": 0, "template": template}}

    def ended(item: Object | None, kind: str) -> bool:
        conditions = (item or {}).get("status", {}).get("conditions") or []
        return any(c["type"] == kind and c["status"] == "True" for c in conditions)

    async def work(client: KubeClient) -> None:
        good = job("good", initContainers=[{"name": "first", **version}], containers=[{"name": "main", **version}])
        await client.create(JOBS, good)
        await wait_for(client, JOBS, "good", lambda item: ended(item, "Complete"), seconds=40)
        pod = (await client.get(PODS, labelSelector="job-name=good"))["items"][0]
        assert pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
        log = await client.get(f"{PODS}/{pod['metadata']['name']}/log", container="first")
        assert log.startswith("prometheus, version")
        # The volume's ConfigMap does not exist yet: the pod waits for it, then Prometheus refuses what it holds.
        bad = job(
            "bad", containers=[{"name": "main", **check}], volumes=[{"name": "config", "configMap": {"name": "late"}}]
        )
        await client.create(JOBS, bad)
        events = f"/api/v1/namespaces/{SPACE}/events"
        async with asyncio.timeout(20):
            while True:
                if (await client.get(events, fieldSelector="reason=FailedMount"))["items"]:
                    break
                await asyncio.sleep(0.2)
        late = {"metadata": {"name": "late"}, "data": {"prometheus.yml": "no_such_field: 1\n"}}
        await client.create(f"/api/v1/namespaces/{SPACE}/configmaps", late)
        await wait_for(client, JOBS, "bad", lambda item: ended(item, "Failed"), seconds=40)
        pod = (await client.get(PODS, labelSelector="job-name=bad"))["items"][0]
        assert container(pod)["terminated"]["exitCode"] != 0
        assert "no_such_field" in await client.get(f"{PODS}/{pod['metadata']['name']}/log")

    on(world, work)


def test_a_real_prometheus_discovers_pods_with_its_own_service_account(world: Path) -> None:
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [
            {
                "job_name": "pods",
                "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [SPACE]}}],
                "relabel_configs": [
                    {
                        "source_labels": ["__meta_kubernetes_pod_container_port_name"],
                        "regex": "http",
                        "action": "keep",
                    },
                    {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
                ],
            }
        ],
    }
    account = {"kind": "ServiceAccount", "name": "default", "namespace": SPACE}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    server = {
        "name": "prometheus",
        "image": PROMETHEUS,
        "args": ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"],
        "readinessProbe": {"httpGet": {"path": "/-/ready", "port": 9090}, "periodSeconds": 1},
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/prometheus"},
            {"name": "data", "mountPath": "/prometheus"},
        ],
    }

    def ready(pod: Object | None) -> bool:
        return any(
            c["type"] == "Ready" and c["status"] == "True" for c in (pod or {}).get("status", {}).get("conditions", [])
        )

    async def work(client: KubeClient) -> None:
        data = {"metadata": {"name": "prometheus"}, "data": {"prometheus.yml": json.dumps(config)}}
        await client.create(f"/api/v1/namespaces/{SPACE}/configmaps", data)
        binding = {"metadata": {"name": "view-pods"}, "roleRef": role, "subjects": [account]}
        await client.create(f"/apis/rbac.authorization.k8s.io/v1/namespaces/{SPACE}/rolebindings", binding)
        volumes = [{"name": "config", "configMap": {"name": "prometheus"}}, {"name": "data", "emptyDir": {}}]
        await client.create(PODS, plain_pod("prometheus", containers=[server], volumes=volumes))
        pod = await wait_for(client, PODS, "prometheus", ready, seconds=30)
        assert pod is not None
        url = f"http://{pod['status']['podIP']}:9090/api/v1/query?query=up"
        async with asyncio.timeout(20):
            while True:
                answer = json.loads(await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=5).read()))
                up = [r["metric"]["pod"] for r in answer["data"]["result"] if r["value"][1] == "1"]
                if len([name for name in up if name.startswith("advisor-")]) == 2:
                    return
                await asyncio.sleep(0.5)

    on(world, work)


def test_a_gateway_object_gets_an_address_and_a_process_that_answers_there(world: Path) -> None:
    spaces = f"/apis/gateway.networking.k8s.io/v1/namespaces/{SPACE}/gateways"
    listener = {"name": "https", "port": 8443, "protocol": "HTTPS"}
    tls = {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": "gateway-tls"}]}
    gateway = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "cell", "namespace": SPACE},
        "spec": {"gatewayClassName": "ack-gateway", "listeners": [listener | {"tls": tls}]},
    }

    def programmed(item: Object | None) -> bool:
        conditions = (item or {}).get("status", {}).get("conditions") or []
        return any(c["type"] == "Programmed" and c["status"] == "True" for c in conditions)

    async def work(client: KubeClient) -> None:
        secret = {"metadata": {"name": "gateway-tls"}, "type": "kubernetes.io/tls", "stringData": self_signed()}
        await client.create(f"/api/v1/namespaces/{SPACE}/secrets", secret)
        await client.create(spaces, gateway)
        item = await wait_for(client, spaces, "cell", programmed, seconds=20)
        assert item is not None
        assert item["status"]["addresses"] == [{"type": "IPAddress", "value": "127.242.32.10"}]
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.242.32.10", 8443)
                    break
                except OSError:
                    await asyncio.sleep(0.1)
        writer.close()
        await client.delete(f"{spaces}/cell")
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.242.32.10", 8443)
                except ConnectionRefusedError:
                    break
                writer.close()
                await asyncio.sleep(0.1)

    on(world, work)


def self_signed() -> dict[str, str]:
    """A key and certificate for the gateway's listener."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return {"tls.crt": certificate.public_bytes(serialization.Encoding.PEM).decode(), "tls.key": private.decode()}


def test_after_the_agent_was_killed_nothing_of_it_runs_on_and_the_next_one_goes_on(world: Path) -> None:
    place = cellfile.folders(world, NAME)
    before = {process.pid for process in controlplane.agentfile.recorded(place)}
    assert len(before) >= 3  # the agent, the simulators, Prometheus
    agent = controlplane.status(world, cell=NAME).agent
    assert agent is not None
    children = [process for process in controlplane.agentfile.recorded(place) if process.pid != agent]
    os.kill(agent, signal.SIGKILL)
    processes._wait_gone(children, processes.time.monotonic() + 5)
    assert [child.pid for child in children if processes.alive(child)] == []
    controlplane.ensure(world, **CELL)

    async def work(client: KubeClient) -> None:
        def again(pod: Object | None) -> bool:
            statuses = (pod or {}).get("status", {}).get("containerStatuses") or [{}]
            return statuses[0].get("restartCount") == 1 and bool(statuses[0].get("ready"))

        pods = (await client.get(PODS, labelSelector="app=advisor"))["items"]
        for pod in [*pods, {"metadata": {"name": "prometheus"}}]:
            seen = await wait_for(client, PODS, pod["metadata"]["name"], again, seconds=40)
            assert seen is not None
            last = seen["status"]["containerStatuses"][0]["lastState"]["terminated"]
            assert (last["exitCode"], last["message"]) == (137, "the node's agent was restarted")

    on(world, work)


def test_idle_machines_go_and_the_bill_ends_with_them(world: Path) -> None:
    async def work(client: KubeClient) -> None:
        await client.delete(f"{DEPLOYMENTS}/advisor")
        async with asyncio.timeout(60):
            while True:
                if not (await client.get("/api/v1/nodes", labelSelector="twain/pool=gpu80g"))["items"]:
                    break
                await asyncio.sleep(0.5)
        assert len((await client.get("/api/v1/nodes"))["items"]) == 1

    on(world, work)
    store = Store.open(world)
    gone = [node for node in store.nodes(NAME, live=False) if node.pool == "gpu80g"]
    store.close()
    assert len(gone) == 4
    assert all(node.deleted is not None and node.deleted > node.created for node in gone)


def test_removing_the_cell_leaves_no_process(world: Path) -> None:
    place = cellfile.folders(world, NAME)
    known = [*controlplane.agentfile.recorded(place)]
    known += [
        process
        for pid in controlplane.status(world, cell=NAME).processes.values()
        if (process := processes.lookup(pid))
    ]
    assert len(known) >= 5
    controlplane.remove(world, cell=NAME)
    assert [process.pid for process in known if processes.alive(process)] == []
