"""Configuration that stands as text, or in the values of a chart, written in every way; each with its benign twin."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.kube_cases import OTLP, ours
from tests.residency_cases import Case, text, thing

PUSH, IN = "https://x.grafana.net/push", "http://mimir.obs.svc:9009/push"
OSS = "https://oss-cn-shanghai-internal.aliyuncs.com"
LISTENING: dict[str, Any] = {"prometheus": {"endpoint": "0.0.0.0:8889"}, "debug": {}}
SPAN: dict[str, Any] = {"exporters": {"otlp": {"endpoint": "tempo.obs.svc:4317"}, **LISTENING}}
WHOLE = {**SPAN, "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}}}},
         "service": {"pipelines": {"traces": {"exporters": ["otlp"]}}}}  # fmt: skip


def config(content: Any, key: str = "prometheus.yml") -> dict[str, Any]:
    return text(key, content if isinstance(content, str) else json.dumps(content))


def coded(content: str, key: str) -> dict[str, Any]:
    return thing("v1", "Secret", data={key: base64.b64encode(content.encode()).decode()})


def prom(**more: Any) -> dict[str, Any]:
    return config({"scrape_configs": [], **more})


def scrape(**job: Any) -> dict[str, Any]:
    return prom(scrape_configs=[{"job_name": "a", **job}])


def otel(**exporters: Any) -> dict[str, Any]:
    return config({"exporters": exporters}, "otel.yaml")


def fluent(*lines: str) -> dict[str, Any]:
    written = ("[INPUT]", "    Name tail", "[OUTPUT]", *(f"    {one}" for one in lines))
    return text("fluent-bit.conf", "\n".join(written))


def fluentd(body: str) -> dict[str, Any]:
    return text("fluent.conf", f"<source>\n  @type s3\n</source>\n<match **>\n  @type {body}\n</match>\n")


def pipeline(**output: Any) -> dict[str, Any]:
    return config({"pipeline": {"inputs": [{"name": "tail"}], "outputs": [output]}}, "fluent-bit.yaml")


def promtail(url: str) -> dict[str, Any]:
    return config({"clients": [{"url": url}], "scrape_configs": []}, "promtail.yaml")


def vector(**sinks: Any) -> dict[str, Any]:
    return config({"sinks": sinks}, "vector.yaml")


def told(url: str) -> str:
    return f"route: {{receiver: a}}\nreceivers:\n- name: a\n  webhook_configs:\n  - {{url: '{url}'}}\n"


def release(**more: Any) -> dict[str, Any]:
    return {"chart": "oci://twain-cn-registry-vpc.cn-shanghai.cr.aliyuncs.com/charts/kps", "version": "1", **more}


def written(url: str) -> dict[str, Any]:
    values = {"prometheusSpec": {"remoteWrite": [{"url": url}]}, "ingress": {"hosts": ["prom.example.com"]}}
    return release(values={"prometheus": values})


def filed(url: str) -> dict[str, Any]:
    return release(values={"files": {"prometheus.yml": f"remote_write:\n- url: {url}\n"}})


ESCAPED = '{{"remote\\u005fwrite": [{{"url": "{}"}}]}}'

METRICS: list[Case] = [
    *ours("RES-014", prom(remote_write=[{"url": PUSH}]), prom(remote_write=[{"url": IN}]), threat="T05"),
    *ours("RES-014", config(f'"remote_write":\n- url: {PUSH}\n'), config(f'"remote_write":\n- url: {IN}\n'),
          threat="T05"),
    *ours("RES-014", config(f"  global: {{}}\n  remote_write:\n  - url: {PUSH}\n"),
          config(f"  global: {{}}\n  remote_write:\n  - url: {IN}\n"), threat="T05"),
    *ours("RES-014", config(f"a: 1\n---\nremote_write:\n- url: {PUSH}\n"),
          config(f"a: 1\n---\nremote_write:\n- url: {IN}\n"), threat="T05"),
    *ours("RES-014", config(ESCAPED.format(PUSH)), config(ESCAPED.format(IN)), threat="T05"),
    *ours("RES-014", coded(told("https://oapi.example.com/x"), "alertmanager.yaml"),
          coded(told("http://relay.obs.svc/x"), "alertmanager.yaml"), coded("receivers: are people", "note"),
          thing("v1", "Secret", data={"tls.key": "AAECAwQF/w=="}), threat="T05"),
    *ours("RES-014", prom(tracing={"endpoint": "otel.example.com:4317"}),
          prom(tracing={"endpoint": "otel.obs.svc:4317"}), threat="T05"),
    *ours("RES-014", scrape(http_sd_configs=[{"url": "https://sd.example.com/x"}]),
          scrape(http_sd_configs=[{"url": "http://sd.obs.svc/x"}], kubernetes_sd_configs=[{"role": "pod"}]),
          threat="T05"),
    *ours("RES-014", scrape(proxy_url="http://proxy.example.com:3128"),
          scrape(static_configs=[{"targets": ["localhost:9090"]}]), threat="T05"),
]  # fmt: skip

LOGS: list[Case] = [
    *ours("RES-017", otel(datadog={"api": {"key": "x", "site": "datadoghq.com"}}), otel(**LISTENING)),
    *ours("RES-017", otel(datadog={"api": {"key": "x"}}), config(WHOLE, "otel.yaml")),
    *ours("RES-017", otel(elasticsearch={"endpoints": ["https://es.example.com:9200"]}),
          otel(elasticsearch={"endpoints": ["https://es.obs.svc:9200"]})),
    *ours("RES-017", otel(kafka={"brokers": ["kafka.example.com:9092"]}),
          otel(kafka={"brokers": ["kafka-0.kafka.obs.svc:9092"], "topic": "t"})),
    *ours("RES-017", otel(awss3={"s3uploader": {"region": "us-east-1", "s3_bucket": "b"}}),
          otel(awss3={"s3uploader": {"endpoint": OSS, "s3_bucket": "b"}})),
    *ours("RES-017", otel(googlecloud={}), otel(**LISTENING)),
    *ours("RES-017", otel(datadog={}), otel(googlecloud={}), otel(azuremonitor={}), world="row"),
    *ours("RES-017", config({**WHOLE, "exporters": {"something": {}}}, "otel.yaml"),
          config({**WHOLE, "exporters": {"loadbalancing": {"resolver": {"k8s": {"service": "a.b"}}}}}, "otel.yaml"),
          config({"exporters": {"nodeExporter": {"enabled": True}, "list": ["a"]}}, "values.yaml"),
          config({"exporters": ["otlp"]}, "names.yaml")),
    *ours("RES-017", pipeline(name="es", match="*", host="es.example.com"), pipeline(name="es", host="es.obs.svc"),
          pipeline(name="stdout", match="*")),
    *ours("RES-017", pipeline(Name="s3", bucket="b"), pipeline(name="loki", host="loki.obs.svc", uri="/loki/push")),
    *ours("RES-017", fluent("Name datadog", "Match *", "apikey x"),
          fluent("Name es", "Host es.obs.svc", "# Host es.example.com"), fluent("Name stdout", "Match *")),
    *ours("RES-017", fluent("Name s3", "Match *", "bucket b", "region us-east-1"),
          fluent("Name s3", "bucket b", f"endpoint {OSS}")),
    *ours("RES-017", fluentd("s3\n  s3_bucket b"), fluentd("elasticsearch\n  host es.obs.svc")),
    *ours("RES-017", promtail("https://logs-prod.grafana.net/p"), promtail("http://loki.obs.svc:3100/p"),
          config({"clients": ["anna", "li"]}, "people.yaml"),
          config({"clients": [{"id": "shop", "url": "https://shop.example.com"}]}, "dex.yaml")),
    *ours("RES-017", vector(out={"type": "http", "uri": "https://collect.example.com"}),
          vector(out={"type": "http", "uri": "http://collect.obs.svc"}, c={"type": "console"},
                 p={"type": "prometheus_exporter", "address": "0.0.0.0:9598"})),
    *ours("RES-017", text("vector.toml", '[sinks.o]\ntype = "aws_s3"\nbucket = "b"\n'),
          text("vector.toml", '[sinks.o]\ntype = "loki"\nendpoint = "http://loki.obs.svc"\n')),
    *ours("RES-017", config("https://collect.example.com", OTLP), config("http://otel.obs.svc:4317", OTLP)),
    *ours("RES-020", config("https://huggingface.co", "HF_ENDPOINT"), config("https://modelscope.cn", "HF_ENDPOINT"),
          threat="T11"),
    *ours("RES-029", config("http://proxy.example.com:3128", "HTTPS_PROXY"), config("http://p.a.svc:1", "https_proxy"),
          threat="T18"),
    *ours("RES-026", text("upstreamNameservers", '["8.8.8.8"]'), text("upstreamNameservers", '["10.64.0.10"]'),
          threat="T16"),
]  # fmt: skip


def _typed(rule: str, kind: str, bad: dict[str, Any], *good: dict[str, Any], threat: str) -> list[Case]:
    return [Case(rule=rule, threat=threat, world="cn", type=kind, bad=bad, good=one) for one in good]


HELM, NAMED = "kubernetes:helm.sh/v3:Release", {"metadata": {"name": "p"}}
# What the engine has of its own: patches of objects, releases of charts.
ENGINES: list[Case] = [
    *_typed("RES-028", "kubernetes:core/v1:ServicePatch",
            {**NAMED, "spec": {"type": "ExternalName", "externalName": "api.openai.com"}},
            {**NAMED, "spec": {"type": "ExternalName", "externalName": "vllm.a.svc"}}, threat="T17"),
    *_typed("RES-014", HELM, written(PUSH), written(IN), threat="T05"),
    *_typed("RES-014", HELM, filed(PUSH), filed(IN), threat="T05"),
    *_typed("RES-017", HELM, release(values={"config": {"exporters": {"otlp": {"endpoint": "api.honeycomb.io:443"}}}}),
            release(values={"config": SPAN, "exporters": {"nodeExporter": {"enabled": True}}}), threat="T08"),
    *_typed("RES-004", HELM, release(valueYamlFiles=[None]), release(valueYamlFiles=[]), release(), threat="T21"),
]  # fmt: skip

CASES: list[Case] = [*METRICS, *LOGS, *ENGINES]
