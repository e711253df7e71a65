"""Kubernetes objects that say in another spelling, or in another place, what a rule is for; each with its benign twin.

The list beside it (`residency_cases`) has a case per rule and threat; this one has the ways round them.
"""

from __future__ import annotations

from typing import Any

from tests.residency_cases import CN_IMAGE, POD, ROW_IMAGE, Case, env, pod, thing

OTLP, PROXY = "OTEL_EXPORTER_OTLP_ENDPOINT", "HTTPS_PROXY"
ENGINE = {"cn": CN_IMAGE.replace("app", "vllm-openai"), "row": ROW_IMAGE.replace("app", "vllm-openai")}
QUIET = {"name": "VLLM_NO_USAGE_STATS", "value": "1"}
OFFLINE = {"name": "HF_HUB_OFFLINE", "value": "1"}


def field(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def plain(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value}


def secret(name: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}


def with_env(*listed: dict[str, Any], world: str = "cn") -> dict[str, Any]:
    return pod(world, env=list(listed))


def spec(**more: Any) -> dict[str, Any]:
    body = pod("cn")
    return {**body, "spec": {**body["spec"], **more}}


def engine(*listed: dict[str, Any], world: str = "cn", **more: Any) -> dict[str, Any]:
    return pod(world, image=ENGINE[world], env=[QUIET, *listed], **more)


def script(text: str) -> dict[str, Any]:
    return engine(command=["sh", "-c"], args=[text])


def both(rule: str, bad: dict[str, Any], *good: dict[str, Any], world: str = "cn", threat: str = "T08") -> list[Case]:
    """One case per benign twin; a cluster's API server can see them all."""
    return [_case(rule, bad, one, world=world, threat=threat, admission=True) for one in good]


def ours(rule: str, bad: dict[str, Any], *good: dict[str, Any], world: str = "cn", threat: str = "T08") -> list[Case]:
    """As `both`, of what an API server cannot see."""
    return [_case(rule, bad, one, world=world, threat=threat, admission=False) for one in good]


def _case(rule: str, bad: dict[str, Any], good: dict[str, Any], *, world: str, threat: str, admission: bool) -> Case:
    version = bad["apiVersion"]
    kind = f"kubernetes:{version if '/' in version else f'core/{version}'}:{bad['kind']}"
    return Case(rule=rule, threat=threat, world=world, type=kind, bad=bad, good=good, admission=admission)


NODE = field("NODE", "status.hostIP")

ADDRESSES: list[Case] = [
    # A number is an address in another spelling: this one is 8.8.8.8.
    *both("RES-017", env("cn", OTLP, "http://134744072:4318"), env("cn", OTLP, "http://otel4:4318")),
    *both("RES-017", env("cn", OTLP, "0x08080808:4318"), env("cn", OTLP, "otel:4318")),
    *both("RES-028", thing("v1", "Service", spec={"type": "ExternalName", "externalName": "134744072"}),
          thing("v1", "Service", spec={"type": "ExternalName", "externalName": "vllm.a.svc.cluster.local"})),
    # A variable may be the host when Kubernetes itself fills it in with an address.
    *both("RES-017", with_env(plain("HOST_IP", "collector.example.com"), plain(OTLP, "http://$(HOST_IP):4317")),
          with_env(NODE, plain(OTLP, "http://$(NODE):4317")),
          with_env(field("HOST_IP", "status.hostIP"), plain(OTLP, "http://$(HOST_IP):4317"))),
    *both("RES-017", with_env(field("N", "metadata.annotations['to']"), plain(OTLP, "http://$(N):4317")),
          with_env(field("N", "status.podIP"), plain(OTLP, "http://$(N):4317/$(N)"))),
    *both("RES-017", with_env(field(OTLP, "metadata.annotations['to']")), with_env(field(OTLP, "status.hostIP"))),
    *both("RES-017", with_env(plain(OTLP, "http://$(NOBODY):4317")), with_env(NODE, plain(OTLP, "$(NODE):4317"))),
    *both("RES-022", with_env(plain("U", "x@evil.example.com/"), plain("REDIS_URL", "redis://$(U)@cache.svc:6379")),
          with_env(plain("U", "app"), plain("REDIS_URL", "redis://$(U)@cache.a.svc:6379")),
          with_env(secret("PW"), plain("REDIS_URL", "redis://u:$(PW)@cache.a.svc:6379/0"))),
    # gRPC asks the first for the second.
    *both("RES-017", env("cn", OTLP, "dns://10.0.0.10/collector.example.com:4317"),
          env("cn", OTLP, "dns:///otel.obs.svc:4317"), env("cn", OTLP, "dns:otel.obs.svc:4317"),
          env("cn", OTLP, "udp://otel.obs.svc:4317")),
    *both("RES-028", spec(hostAliases=[{"ip": "203.0.113.9", "hostnames": ["otel.obs.svc"]}]),
          spec(hostAliases=[{"ip": "10.64.0.9", "hostnames": ["otel.obs.svc"]}]), threat="T17"),
    # What stands behind a semicolon is the next of a list.
    *both("RES-029", env("cn", PROXY, "http://p.a.svc/;http://proxy.example.com"),
          env("cn", PROXY, "http://p.a.svc/;http://q.a.svc:3128;"), threat="T18"),
]  # fmt: skip

ENGINES: list[Case] = [
    *both("RES-020", script("set -e\nexport A=1\nvllm serve Qwen/Qwen3-8B --port 8000\nsleep 1\necho done\n"),
          script("set -e\nexport A=1\nvllm serve /models/Qwen/Qwen3-8B --port 8000\nsleep 1\n"), threat="T11"),
    *both("RES-020", script("cd /x\nvllm serve Qwen/Qwen3-8B\n"), script("cd /x\nvllm serve /x/q\n"), threat="T11"),
    *both("RES-020", script("exec vllm serve 'Qwen/Qwen3-8B'; true"), script("exec vllm serve '/q/w'"), threat="T11"),
    *both("RES-020", engine(args=["--model", "/models/q", "--tokenizer", "Qwen/Qwen3-8B"]),
          engine(args=["--model", "/models/q", "--tokenizer", "/models/q", "--served-model-name", "Qwen/Qwen3-8B"]),
          engine(OFFLINE, args=["--model", "/models/q", "--tokenizer", "Qwen/Qwen3-8B"]), threat="T11"),
    *both("RES-020", engine(args=["--model", "s3://weights-us-east-1/q", "--load-format", "runai_streamer"]),
          engine(plain("AWS_ENDPOINT_URL", "https://oss-cn-shanghai-internal.aliyuncs.com"),
                 args=["--model", "s3://weights/q", "--load-format", "runai_streamer"]), threat="T11"),
    *both("RES-020", engine(args=["--model=https://weights.example.com/q"]),
          engine(args=["--model=https://w.oss-cn-shanghai-internal.aliyuncs.com/q"]), threat="T11"),
    *both("RES-020", engine(world="row", args=["serve", "s3://weights/q"]),
          engine(world="row", args=["serve", "gs://weights/q"]), threat="T11", world="row"),
    # The last of a name counts.
    *both("RES-020", engine(OFFLINE, plain("HF_HUB_OFFLINE", "0"), args=["--model", "Qwen/Qwen3-8B"]),
          engine(OFFLINE, OFFLINE, args=["--model", "Qwen/Qwen3-8B"]), threat="T11"),
    *both("RES-017", engine(plain("VLLM_NO_USAGE_STATS", "0")), engine(plain("DO_NOT_TRACK", "0")), threat="T08"),
    *both("RES-017", pod("cn", args=["--otlp-traces-endpoint  http://traces.example.com:4317"]),
          pod("cn", args=["--otlp-traces-endpoint  http://otel.obs.svc:4317"]),
          pod("cn", args=["x --otlp-traces-endpoint='http://otel.obs.svc:4317'; y"])),
]  # fmt: skip

CASES: list[Case] = [*ADDRESSES, *ENGINES]
assert {case.type for case in ADDRESSES} >= {POD}
