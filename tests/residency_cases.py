"""What each rule refuses and the benign twin of it, per threat and cloud, written down by hand. Every enforcer is held
against the same list.

A case is one resource in a world. `sees` names the enforcers beside the engine's three that can see this very case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ALLOWED = {"cn": frozenset({"cn-shanghai", "cn-beijing"}), "row": frozenset({"europe-west4", "francecentral"})}
_HOMES = {"alicloud": ("region", "cn-shanghai"), "gcp": ("region", "europe-west4"),
          "azure-native": ("location", "francecentral")}  # fmt: skip


def under_provider(kind: str, row: dict[str, Any]) -> list[dict[str, Any]]:
    """A row under a provider at home that was named, and before it the provider, where a cloud's resource has one."""
    package = kind.partition(":")[0]
    if package not in _HOMES:
        return [row]
    urn = f"urn:pulumi:s::p::pulumi:providers:{package}::cloud"
    key, home = _HOMES[package]
    provider = {"urn": urn, "type": f"pulumi:providers:{package}", "inputs": {key: home}}
    return [provider, {**row, "provider": f"{urn}::id"}]


CN_IMAGE = "twain-cn-registry-vpc.cn-shanghai.cr.aliyuncs.com/twain/app:1"
ROW_IMAGE = "europe-west4-docker.pkg.dev/p/twain/app:1"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One resource that breaks one rule, and the same resource without the fault."""

    rule: str
    threat: str
    world: str
    type: str
    bad: dict[str, Any]
    good: dict[str, Any]
    admission: bool = field(default=False)

    @property
    def name(self) -> str:
        return f"{self.rule}-{self.threat}-{self.world}-{self.type.rpartition(':')[2]}"


def pod(world: str, **container: Any) -> dict[str, Any]:
    image = CN_IMAGE if world == "cn" else ROW_IMAGE
    spec = {"containers": [{"name": "app", "image": image, **container}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app", "namespace": "default"}, "spec": spec}


def env(world: str, name: str, value: str) -> dict[str, Any]:
    return pod(world, env=[{"name": name, "value": value}])


def labelled(world: str, **labels: str) -> dict[str, Any]:
    body = pod(world)
    return {**body, "metadata": {**body["metadata"], "labels": labels}}


def annotated(world: str, origin: str) -> dict[str, Any]:
    body = pod(world)
    return {**body, "metadata": {**body["metadata"], "annotations": {"twain/origin": origin}}}


def thing(api: str, kind: str, **rest: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "thing", "namespace": "default"}, **rest}


def text(key: str, content: str) -> dict[str, Any]:
    return thing("v1", "ConfigMap", data={key: content})


POD, SERVICE, CONFIG = "kubernetes:core/v1:Pod", "kubernetes:core/v1:Service", "kubernetes:core/v1:ConfigMap"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
GCS, ACCOUNT = "gcp:storage/bucket:Bucket", "azure-native:storage:StorageAccount"
OSS = "alicloud:oss/bucket:Bucket"
TOLD = "route: {{receiver: a}}\nreceivers:\n- name: a\n  webhook_configs:\n  - {}\n"
FIRED = "alerting:\n  alertmanagers:\n  - static_configs:\n    - targets: ['{}']\n"
WRITE = "remote_write:\n- url: {}\n"
OTEL = "exporters:\n  otlp:\n    endpoint: {}\n"


def _pods(rule: str, threat: str, name: str, outside: dict[str, str], inside: dict[str, str]) -> list[Case]:
    return [
        Case(rule=rule, threat=threat, world=world, type=POD, admission=True,
             bad=env(world, name, outside[world]), good=env(world, name, inside[world]))
        for world in outside
    ]  # fmt: skip


_ABROAD = {"cn": "https://collect.example.com/v1", "row": "https://cn-shanghai.log.aliyuncs.com"}
_HOME = {"cn": "http://otel.twain-system.svc:4317", "row": "http://10.68.3.4:4317"}

_HOOK = "https://tells-1.europe-west4.run.app/a"
_CN_HOOK = "https://tells.cn-shanghai.fc.aliyuncs.com/a"
_AWAY = "https://events.example.com/a"
_CHANNEL, _GROUP = "gcp:monitoring/notificationChannel:NotificationChannel", "azure-native:monitor:ActionGroup"
# Whom a cloud's own alerting tells.
_TELLS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("row", _CHANNEL, {"type": "webhook_tokenauth", "labels": {"url": _AWAY}},
     {"type": "webhook_tokenauth", "labels": {"url": _HOOK}}),
    ("row", _CHANNEL, {"type": "email", "labels": {"email_address": "a@example.com"}},
     {"type": "pubsub", "labels": {"topic": "projects/p/topics/t"}}),
    ("row", _GROUP, {"location": "francecentral", "webhookReceivers": [{"name": "a", "serviceUri": _AWAY}]},
     {"location": "francecentral", "webhookReceivers": [{"name": "a", "serviceUri": _HOOK}]}),
    ("row", _GROUP, {"location": "francecentral", "smsReceivers": [{"name": "a", "phoneNumber": "1"}]},
     {"location": "francecentral", "webhookReceivers": []}),
    ("cn", "alicloud:cms/eventRule:EventRule", {"webhookParameters": [{"url": _AWAY}]},
     {"webhookParameters": [{"url": _CN_HOOK}]}),
    ("cn", "alicloud:cms/alarmContact:AlarmContact", {"channelsMail": "a@example.com"},
     {"channelsDingWebHook": _CN_HOOK}),
]  # fmt: skip

CASES: list[Case] = [
    # T01, T03 and T04, T06 are about a whole document: see test_documents.py.
    Case(rule="RES-011", threat="T02", world="row", type="pulumi:pulumi:StackReference",
         bad={"name": "organization/twain/prod.cn-shanghai.infra"}, good={"name": "organization/twain/prod.eu.infra"}),
    Case(rule="RES-011", threat="T02", world="cn", type="pulumi:pulumi:StackReference",
         bad={"name": "organization/twain/prod.europe-west4.infra"}, good={"name": "acme/shop/prod"}),
    Case(rule="RES-014", threat="T05", world="cn", type="alicloud:arms/remoteWrite:RemoteWrite",
         bad={"clusterId": "c", "remoteWriteYaml": WRITE.format("https://prometheus-prod-01.grafana.net/api/push")},
         good={"clusterId": "c", "remoteWriteYaml": WRITE.format("https://cn-shanghai.arms.aliyuncs.com/api/push")}),
    *(Case(rule="RES-014", threat="T05", world=world, type=kind, bad=bad, good=good)
      for world, kind, bad, good in _TELLS),
    Case(rule="RES-014", threat="T05", world="row", type="gcp:monitoring/monitoredProject:MonitoredProject",
         bad={"metricsScope": "other", "name": "p"}, good={}),
    Case(rule="RES-014", threat="T05", world="row", type=CONFIG,
         bad=text("alertmanager.yml", TOLD.format("{url: 'https://oapi.dingtalk.com/robot/send'}")),
         good=text("alertmanager.yml", TOLD.format("{url: 'https://relay.twain-system.svc/alerts'}"))),
    # A receiver that names no address tells its vendor, and an address in a file can be any.
    Case(rule="RES-014", threat="T05", world="cn", type=CONFIG,
         bad=text("alertmanager.yml", TOLD.format("{routing_key: k}").replace("webhook", "pagerduty")),
         good=text("alertmanager.yml", TOLD.format("{url: 'http://10.64.3.4:8080/alerts'}"))),
    Case(rule="RES-014", threat="T05", world="cn", type=CONFIG,
         bad=text("alertmanager.yml", TOLD.format("{url_file: /etc/receivers/a}")),
         good=text("alertmanager.yml", TOLD.format("{url: 'https://cn-shanghai.arms.aliyuncs.com/in'}"))),
    Case(rule="RES-014", threat="T05", world="cn", type=CONFIG,
         bad=text("prometheus.yml", FIRED.format("alerts.grafana.net:443")),
         good=text("prometheus.yml", FIRED.format("alertmanager.twain-system.svc:9093"))),
    *_pods("RES-014", "T05", "REMOTE_WRITE_URL", _ABROAD, _HOME),
    Case(rule="RES-014", threat="T05", world="cn", type="kubernetes:monitoring.coreos.com/v1:Prometheus",
         admission=True,
         bad=thing("monitoring.coreos.com/v1", "Prometheus", spec={"remoteWrite": [{"url": "https://x.grafana.net/p"}]}),
         good=thing("monitoring.coreos.com/v1", "Prometheus", spec={"remoteWrite": [{"url": "http://mimir.obs.svc"}]})),
    Case(rule="RES-014", threat="T05", world="cn", type=CONFIG,
         bad=text("prometheus.yml", WRITE.format("https://a.b.io")),
         good=text("prometheus.yml", WRITE.format("http://mimir.obs.svc:9009/push"))),
    Case(rule="RES-005", threat="T07", world="row", type="gcp:logging/projectSink:ProjectSink",
         bad={"destination": "storage.googleapis.com/a-bucket"},
         good={"destination": "logging.googleapis.com/projects/p/locations/europe-west4/buckets/b"}),
    Case(rule="RES-016", threat="T07", world="cn", type=POD, admission=True,
         bad=pod("cn", args=["/models/q", "--enable-log-requests"]), good=pod("cn", args=["/models/q"])),
    Case(rule="RES-001", threat="T07", world="cn", type="alicloud:log/ossExport:OssExport",
         bad={"role": "acs:oss:eu-central-1:1:b"}, good={"role": "acs:oss:cn-shanghai:1:b"}),
    *_pods("RES-017", "T08", "OTEL_EXPORTER_OTLP_ENDPOINT", _ABROAD, _HOME),
    Case(rule="RES-017", threat="T08", world="cn", type=POD, admission=True,
         bad=pod("cn", args=["/m", "--otlp-traces-endpoint", "grpc://traces.example.com:4317"]),
         good=pod("cn", args=["/m", "--otlp-traces-endpoint", "grpc://otel.obs.svc:4317", "--port", "1"])),
    Case(rule="RES-017", threat="T08", world="cn", type=POD, admission=True,
         bad=pod("cn", image=CN_IMAGE.replace("app", "vllm-openai")),
         good=pod("cn", image=CN_IMAGE.replace("app", "vllm-openai"), env=[{"name": "DO_NOT_TRACK", "value": "1"}])),
    Case(rule="RES-017", threat="T08", world="row", type=CONFIG,
         bad=text("otel.yaml", OTEL.format("api.honeycomb.io:443")),
         good=text("otel.yaml", OTEL.format("jaeger.obs.svc:4317"))),
    Case(rule="RES-017", threat="T08", world="row", type="gcp:pubsub/subscription:Subscription",
         bad={"topic": "t", "pushConfig": {"pushEndpoint": "https://hook.example.cn"}},
         good={"topic": "t", "pushConfig": {"pushEndpoint": "https://svc.europe-west4.run.app/hook"}}),
    Case(rule="RES-017", threat="T08", world="row", type="azure-native:eventgrid:EventSubscription",
         bad={"destination": {"endpointUrl": "https://hook.example.cn"}}, good={"destination": {"resourceId": "/x"}}),
    Case(rule="RES-033", threat="T08", world="cn", type=POLICY, admission=True,
         bad=thing("networking.k8s.io/v1", "NetworkPolicy",
                   spec={"podSelector": {}, "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}),
         good=thing("networking.k8s.io/v1", "NetworkPolicy",
                    spec={"podSelector": {}, "egress": [{"to": [{"ipBlock": {"cidr": "10.64.0.0/14"}}]}]})),
    Case(rule="RES-018", threat="T09", world="row", type="azure-native:costmanagement:Export",
         bad={"exportName": "bills"}, good={}),
    Case(rule="RES-019", threat="T10", world="cn", type="alicloud:ram/accessKey:AccessKey",
         bad={"userName": "ci"}, good={}),
    Case(rule="RES-019", threat="T10", world="row", type="gcp:serviceaccount/key:Key",
         bad={"serviceAccountId": "ci"}, good={}),
    Case(rule="RES-019", threat="T10", world="row", type="pulumi:providers:azure-native",
         bad={"location": "francecentral", "clientSecret": "s"}, good={"location": "francecentral", "useOidc": True}),
    Case(rule="RES-019", threat="T10", world="cn", type="kubernetes:core/v1:Secret", admission=True,
         bad={**thing("v1", "Secret", type="kubernetes.io/service-account-token"),
              "metadata": {"name": "ci", "annotations": {"kubernetes.io/service-account.name": "default"}}},
         good=thing("v1", "Secret", type="Opaque")),
    *_pods("RES-020", "T11", "HF_ENDPOINT", {"cn": "https://huggingface.co"}, {"cn": "https://www.modelscope.cn"}),
    Case(rule="RES-020", threat="T11", world="cn", type=POD, admission=True,
         bad=pod("cn", image=CN_IMAGE.replace("app", "sglang"), args=["--model-path", "Qwen/Qwen3-32B"]),
         good=pod("cn", image=CN_IMAGE.replace("app", "sglang"), args=["--model-path", "/models/qwen3"])),
    Case(rule="RES-020", threat="T11", world="row", type="kubernetes:serving.kserve.io/v1beta1:InferenceService",
         bad=thing("serving.kserve.io/v1beta1", "InferenceService", spec={"model": {"storageUri": "modelscope://q/q"}}),
         good=thing("serving.kserve.io/v1beta1", "InferenceService", spec={"model": {"storageUri": "gs://w/q"}})),
    Case(rule="RES-021", threat="T11", world="row", type=POD, admission=True,
         bad=annotated("row", "cn-personal"), good=annotated("row", "none")),
    Case(rule="RES-021", threat="T11", world="row", type=GCS,
         bad={"location": "EUROPE-WEST4", "labels": {"twain-origin": "cn-personal"}},
         good={"location": "EUROPE-WEST4", "labels": {"twain-origin": "row-personal"}}),
    Case(rule="RES-021", threat="T11", world="row", type=ACCOUNT,
         bad={"location": "francecentral", "tags": {"twain-origin": "cn-personal"}},
         good={"location": "francecentral", "tags": {"twain-origin": "none"}}),
    *_pods("RES-022", "T12", "LMCACHE_REMOTE_URL", {"cn": "redis://u:p@cache.example.com:6379"},
           {"cn": "redis://u:p@r-1.redis.cn-shanghai.rds.aliyuncs.com:6379"}),
    Case(rule="RES-022", threat="T12", world="cn", type="alicloud:kvstore/instance:Instance",
         bad={"zoneId": "cn-shanghai-l", "globalInstance": True}, good={"zoneId": "cn-shanghai-l"}),
    Case(rule="RES-023", threat="T13", world="cn", type=POD, admission=True,
         bad=pod("cn", image="ghcr.io/a/b:1"), good=pod("cn")),
    Case(rule="RES-023", threat="T13", world="row", type=POD, admission=True,
         bad=pod("row", image=CN_IMAGE), good=pod("row", image="ghcr.io/a/b:1")),
    Case(rule="RES-023", threat="T13", world="cn", type="kubernetes:helm.sh/v3:Release",
         bad={"chart": "keda", "repositoryOpts": {"repo": "https://kedacore.github.io/charts"}},
         good={"chart": "oci://twain-cn-registry-vpc.cn-shanghai.cr.aliyuncs.com/charts/keda"}),
    # A chart without a registry comes from the machine that runs the program, or from where that one looks.
    Case(rule="RES-023", threat="T13", world="row", type="kubernetes:helm.sh/v3:Release",
         bad={"chart": "kueue", "version": "0.15.0"},
         good={"chart": "oci://europe-west4-docker.pkg.dev/twain-row/twain/charts/kueue", "version": "0.15.0"}),
    Case(rule="RES-023", threat="T13", world="row", type="kubernetes:helm.sh/v3:Release",
         bad={"chart": "oci://twain-cn-registry-vpc.cn-shanghai.cr.aliyuncs.com/twain/charts/kueue"},
         good={"chart": "kueue", "repositoryOpts": {"repo": "https://charts.twain-system.svc"}}),
    Case(rule="RES-005", threat="T13", world="cn",
         type="alicloud:cs/registryEnterpriseSyncRule:RegistryEnterpriseSyncRule",
         bad={"targetRegionId": "cn-beijing"}, good={}),
    Case(rule="RES-005", threat="T13", world="row", type="azure-native:containerregistry:Replication",
         bad={"location": "francecentral"}, good={}),
    Case(rule="RES-002", threat="T13", world="row", type="gcp:artifactregistry/repository:Repository",
         bad={"location": "europe"}, good={"location": "europe-west4"}),
    Case(rule="RES-024", threat="T14", world="cn",
         type="alicloud:rds/rdsInstanceCrossBackupPolicy:RdsInstanceCrossBackupPolicy",
         bad={"crossBackupRegion": "cn-beijing"}, good={}),
    Case(rule="RES-024", threat="T14", world="row", type="gcp:storage/transferJob:TransferJob",
         bad={"project": "p"}, good={}),
    Case(rule="RES-024", threat="T14", world="row", type="azure-native:storage:ObjectReplicationPolicy",
         bad={"accountName": "a"}, good={}),
    Case(rule="RES-024", threat="T14", world="cn", type="kubernetes:velero.io/v1:BackupStorageLocation", admission=True,
         bad=thing("velero.io/v1", "BackupStorageLocation", spec={"config": {"region": "eu-central-1"}}),
         good=thing("velero.io/v1", "BackupStorageLocation", spec={"config": {"region": "cn-shanghai"}})),
    Case(rule="RES-005", threat="T14", world="row", type=ACCOUNT,
         bad={"location": "francecentral", "sku": {"name": "Standard_GRS"}},
         good={"location": "francecentral", "sku": {"name": "Standard_ZRS"}}),
    Case(rule="RES-005", threat="T15", world="cn", type=OSS,
         bad={"transferAcceleration": {"enabled": True}}, good={"transferAcceleration": {"enabled": False}}),
    Case(rule="RES-006", threat="T15", world="cn", type="alicloud:cen/instance:Instance",
         bad={"cenInstanceName": "x"}, good={}),
    Case(rule="RES-025", threat="T15", world="cn", type="alicloud:cdn/domainNew:DomainNew",
         bad={"domainName": "a.cn"}, good={}),
    Case(rule="RES-025", threat="T15", world="row", type="gcp:compute/backendService:BackendService",
         bad={"name": "b"}, good={"name": "b", "loadBalancingScheme": "INTERNAL_SELF_MANAGED"}),
    Case(rule="RES-025", threat="T15", world="row", type="azure-native:cdn:Profile",
         bad={"location": "francecentral"}, good={}),
    Case(rule="RES-026", threat="T16", world="cn", type="alicloud:vpc/dhcpOptionsSet:DhcpOptionsSet",
         bad={"domainNameServers": "8.8.8.8,100.100.2.136"}, good={"domainNameServers": "100.100.2.136,100.100.2.138"}),
    Case(rule="RES-026", threat="T16", world="row", type="azure-native:network:VirtualNetwork",
         bad={"location": "francecentral", "dhcpOptions": {"dnsServers": ["223.5.5.5"]}},
         good={"location": "francecentral", "dhcpOptions": {"dnsServers": ["10.72.0.4"]}}),
    Case(rule="RES-026", threat="T16", world="row", type="gcp:dns/policy:Policy",
         bad={"alternativeNameServerConfig": {"targetNameServers": [{"ipv4Address": "114.114.114.114"}]}},
         good={"alternativeNameServerConfig": {"targetNameServers": [{"ipv4Address": "10.68.0.2"}]}}),
    Case(rule="RES-026", threat="T16", world="cn", type=POD, admission=True,
         bad={**pod("cn"), "spec": {**pod("cn")["spec"], "dnsConfig": {"nameservers": ["8.8.8.8"]}}},
         good={**pod("cn"), "spec": {**pod("cn")["spec"], "dnsConfig": {"nameservers": ["10.64.0.10"]}}}),
    Case(rule="RES-026", threat="T16", world="cn", type=CONFIG,
         bad=text("Corefile", ".:53 {\n  forward . 1.1.1.1 8.8.8.8\n}\n"),
         good=text("Corefile", ".:53 {\n  forward . /etc/resolv.conf\n}\n")),
    Case(rule="RES-027", threat="T16", world="cn", type=POD, admission=True,
         bad=labelled("cn", customer="13912345678"), good=labelled("cn", customer="c-7f3a")),
    Case(rule="RES-027", threat="T16", world="row", type=GCS,
         bad={"location": "EUROPE-WEST4", "labels": {"owner": "13912345678"}},
         good={"location": "EUROPE-WEST4", "labels": {"owner": "platform"}}),
    Case(rule="RES-027", threat="T16", world="row", type=ACCOUNT,
         bad={"location": "francecentral", "tags": {"owner": "jane.doe@example.com"}},
         good={"location": "francecentral", "tags": {"owner": "platform"}}),
    Case(rule="RES-028", threat="T17", world="cn", type=SERVICE, admission=True,
         bad=thing("v1", "Service", spec={"type": "ExternalName", "externalName": "api.openai.com"}),
         good=thing("v1", "Service", spec={"type": "ExternalName", "externalName": "vllm.maison-a.svc.cluster.local"})),
    Case(rule="RES-028", threat="T17", world="row", type="gcp:dns/recordSet:RecordSet",
         bad={"name": "a.", "routingPolicy": {"enableGeoFencing": True}}, good={"name": "a.", "rrdatas": ["10.0.0.1"]}),
    Case(rule="RES-028", threat="T17", world="cn", type="alicloud:alidns/gtmInstance:GtmInstance",
         bad={"x": 1}, good={}),
    Case(rule="RES-032", threat="T17", world="row", type="azure-native:cognitiveservices:Deployment",
         bad={"sku": {"name": "GlobalStandard"}}, good={"sku": {"name": "Standard"}}),
    *_pods("RES-032", "T17", "OPENAI_BASE_URL", {"cn": "https://api.openai.com/v1", "row": "https://dashscope.aliyuncs.com"},
           {"cn": "https://dashscope.aliyuncs.com/v1", "row": "https://x.openai.azure.com/"}),
    *_pods("RES-029", "T18", "HTTPS_PROXY", {"cn": "http://proxy.example.com:3128", "row": "http://p.example.cn:1"},
           {"cn": "http://proxy.twain-system.svc:3128", "row": "http://10.68.0.9:3128"}),
    *_pods("RES-029", "T18", "PIP_INDEX_URL", {"cn": "https://mirror.example.org/simple"},
           {"cn": "https://mirrors.aliyun.com/simple"}),
    Case(rule="RES-034", threat="T08", world="cn", type=POD, admission=True,
         bad=pod("cn", args=["--push=https://collect.example.com/in"]),
         good=pod("cn", args=["--push=http://collect.obs.svc/in"])),
    Case(rule="RES-034", threat="T08", world="row", type=POD, admission=True,
         bad=env("row", "SINK", "https://collect.example.cn/in"), good=env("row", "SINK", "http://collect.obs.svc/in")),
    Case(rule="RES-031", threat="T20", world="cn", type=POD, admission=True,
         bad=env("cn", "DD_API_KEY", "x"), good=env("cn", "APP_API_KEY", "x")),
    Case(rule="RES-002", threat="T21", world="row", type=GCS,
         bad={"location": "EU"}, good={"location": "EUROPE-WEST4"}),
    Case(rule="RES-002", threat="T21", world="row", type=ACCOUNT,
         bad={"location": "francecentral", "extendedLocation": {"name": "perth", "type": "EdgeZone"}},
         good={"location": "francecentral"}),
    Case(rule="RES-003", threat="T21", world="row", type=ACCOUNT, bad={}, good={"location": "francecentral"}),
    Case(rule="RES-001", threat="T21", world="cn", type="alicloud:vpc/switch:Switch",
         bad={"zoneId": "cn-hongkong-b"}, good={"zoneId": "cn-shanghai-l"}),
    Case(rule="RES-001", threat="T22", world="row", type="pulumi:providers:alicloud",
         bad={"region": "cn-shanghai"}, good={}),
    Case(rule="RES-021", threat="T22", world="cn", type=POD, admission=True,
         bad=annotated("cn", "row-personal"), good=annotated("cn", "cn-personal")),
    Case(rule="RES-021", threat="T22", world="cn", type=OSS,
         bad={"tags": {"twain-origin": "row-personal"}}, good={"tags": {"twain-origin": "cn-personal"}}),
]  # fmt: skip
