"""Kubernetes objects that say in another spelling, or in another place, what a rule is for; each with its benign twin.

The list beside it (`residency_cases`) has a case per rule and threat; this one has the ways round them.
"""

from __future__ import annotations

from typing import Any

from tests.residency_cases import CN_IMAGE, ROW_IMAGE, Case, env, pod, thing

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


def noted(body: dict[str, Any], **notes: str) -> dict[str, Any]:
    named = {key.replace("__", "/"): value for key, value in notes.items()}
    return {**body, "metadata": {**body["metadata"], "annotations": named}}


def deployed(**notes: str) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}, "annotations": notes}, "spec": pod("cn")["spec"]}
    return thing("apps/v1", "Deployment", spec={"selector": {"matchLabels": {"a": "b"}}, "template": template})


def cron(**notes: str) -> dict[str, Any]:
    inner = {**pod("cn")["spec"], "restartPolicy": "Never"}
    job = {"template": {"metadata": {"annotations": notes}, "spec": inner}}
    return thing("batch/v1", "CronJob", spec={"schedule": "0 * * * *", "jobTemplate": {"spec": job}})


def volume(**kind: Any) -> dict[str, Any]:
    return spec(volumes=[{"name": "v", **kind}])


def persistent(**kind: Any) -> dict[str, Any]:
    return thing("v1", "PersistentVolume", spec=kind)


def bucket(url: str) -> dict[str, Any]:
    return {"driver": "ossplugin.csi.alibabacloud.com", "volumeAttributes": {"bucket": "w", "url": url}}


def webhook(kind: str, **client: Any) -> dict[str, Any]:
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["secrets"]}]
    one = {"name": "a.b.c", "clientConfig": client, "rules": rules, "sideEffects": "None"}
    return thing("admissionregistration.k8s.io/v1", kind, webhooks=[{**one, "admissionReviewVersions": ["v1"]}])


def converted(**client: Any) -> dict[str, Any]:
    version = {"name": "v1", "served": True, "storage": True}
    schema = {"openAPIV3Schema": {"type": "object"}}
    hook = {"clientConfig": client, "conversionReviewVersions": ["v1"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "as.g.io"},
        "spec": {
            "group": "g.io",
            "scope": "Namespaced",
            "names": {"kind": "A", "plural": "as", "singular": "a", "listKind": "AList"},
            "conversion": {"strategy": "Webhook", "webhook": hook},
            "versions": [{**version, "schema": schema}],
        },
    }


def gateway(name: str) -> dict[str, Any]:
    listeners = [{"name": "a", "port": 443, "protocol": "HTTPS", "hostname": "chat.example.com"}]
    body = {"gatewayClassName": name, "listeners": listeners}
    return thing("gateway.networking.k8s.io/v1", "Gateway", spec=body)


def ingress(**notes: str) -> dict[str, Any]:
    backend = {"service": {"name": "a", "port": {"number": 80}}}
    return noted(thing("networking.k8s.io/v1", "Ingress", spec={"defaultBackend": backend}), **notes)


def cilium(*rules: dict[str, Any]) -> dict[str, Any]:
    return thing("cilium.io/v2", "CiliumNetworkPolicy", spec={"endpointSelector": {}, "egress": list(rules)})


SERVICE = thing("v1", "Service", spec={"ports": [{"port": 80}]})
MON, ARGO = "monitoring.coreos.com/v1", "argoproj.io/v1alpha1"
WEBHOOKS: list[Case] = [
    *both("RES-028", webhook("ValidatingWebhookConfiguration", url="https://hooks.example.com/all"),
          webhook("ValidatingWebhookConfiguration", service={"name": "a", "namespace": "b", "path": "/v"}),
          webhook("ValidatingWebhookConfiguration", url="https://kueue.kueue-system.svc/v"), threat="T17"),
    *both("RES-028", webhook("MutatingWebhookConfiguration", url="https://hooks.example.com/all"),
          webhook("MutatingWebhookConfiguration", url="https://10.64.0.4/v"), threat="T17"),
    *both("RES-028", converted(url="https://conv.example.com/"),
          converted(service={"name": "a", "namespace": "b"}), converted(url="https://conv.a.svc/c"), threat="T17"),
]  # fmt: skip

VOLUMES: list[Case] = [
    *ours("RES-020", volume(nfs={"server": "203.0.113.9", "path": "/w"}),
          volume(nfs={"server": "x.cn-shanghai.nas.aliyuncs.com", "path": "/w"}),
          volume(nfs={"server": "10.64.0.4", "path": "/w"}), volume(emptyDir={}), threat="T11"),
    *ours("RES-020", volume(csi=bucket("oss-ap-southeast-1.aliyuncs.com")),
          volume(csi=bucket("oss-cn-shanghai-internal.aliyuncs.com")), threat="T11"),
    *ours("RES-020", persistent(csi=bucket("oss-ap-southeast-1.aliyuncs.com")),
          persistent(csi=bucket("http://oss-cn-shanghai-internal.aliyuncs.com")),
          persistent(csi={"driver": "diskplugin.csi.alibabacloud.com", "volumeHandle": "d-1"}), threat="T11"),
    *ours("RES-020", persistent(flexVolume={"driver": "oss", "options": {"url": "oss-us-east-1.aliyuncs.com"}}),
          persistent(flexVolume={"driver": "oss", "options": {"url": "oss-cn-beijing.aliyuncs.com"}}),
          threat="T11"),
    *ours("RES-020", thing("storage.k8s.io/v1", "StorageClass", provisioner="nasplugin.csi.alibabacloud.com",
                           parameters={"server": "x.ap-southeast-1.nas.aliyuncs.com:/"}),
          thing("storage.k8s.io/v1", "StorageClass", provisioner="nasplugin.csi.alibabacloud.com",
                parameters={"server": "x.cn-shanghai.nas.aliyuncs.com:/k8s/,y.cn-shanghai.nas.aliyuncs.com:/",
                            "volumeAs": "subpath"}), threat="T11"),
    *ours("RES-020", volume(cephfs={"monitors": ["203.0.113.9:6789"]}),
          volume(cephfs={"monitors": ["10.64.0.9:6789", "10.64.0.10:6789"]}), threat="T11"),
]  # fmt: skip

LEADS: list[Case] = [
    *ours("RES-028", thing("networking.istio.io/v1", "ServiceEntry",
                           spec={"hosts": ["models.internal"], "endpoints": [{"address": "203.0.113.9"}]}),
          thing("networking.istio.io/v1", "ServiceEntry",
                spec={"hosts": ["models.internal"], "addresses": ["10.64.0.0/16"],
                      "endpoints": [{"address": "10.64.0.9"}]}),
          threat="T17"),
    *ours("RES-028", thing("gateway.envoyproxy.io/v1alpha1", "Backend",
                           spec={"endpoints": [{"fqdn": {"hostname": "api.openai.com", "port": 443}}]}),
          thing("gateway.envoyproxy.io/v1alpha1", "Backend",
                spec={"endpoints": [{"fqdn": {"hostname": "vllm.a.svc.cluster.local", "port": 443}}]}), threat="T17"),
    *ours("RES-028", ingress(**{"nginx.ingress.kubernetes.io__permanent-redirect": "https://chat.example.com"}),
          ingress(**{"nginx.ingress.kubernetes.io__permanent-redirect": "/new"}), threat="T17"),
    *ours("RES-028", ingress(**{"nginx.ingress.kubernetes.io__auth-url": "https://auth.example.com/v"}),
          ingress(**{"nginx.ingress.kubernetes.io__auth-url": "http://oauth.a.svc.cluster.local/oauth2/auth",
                     "nginx.ingress.kubernetes.io__auth-signin": "https://$host/oauth2/start?rd=$escaped_request_uri"}),
          threat="T17"),
    *ours("RES-028", noted(SERVICE, **{"service.cilium.io__global": "true"}),
          noted(SERVICE, **{"service.cilium.io__global": "false"}),
          threat="T17"),
    *ours("RES-028", thing("kueue.x-k8s.io/v1beta1", "MultiKueueCluster",
                           spec={"kubeConfig": {"locationType": "Secret", "location": "eu-cluster"}}),
          thing("kueue.x-k8s.io/v1beta1", "ClusterQueue", spec={"namespaceSelector": {}}), threat="T17"),
    *ours("RES-025", gateway("gke-l7-global-external-managed"), gateway("gke-l7-rilb"),
          gateway("gke-l7-regional-external-managed"), world="row", threat="T15"),
    *ours("RES-033", cilium({"toEntities": ["world"]}), cilium({"toEntities": ["cluster", "kube-apiserver"]}, {})),
    *ours("RES-033", cilium({"toFQDNs": [{"matchName": "api.openai.com"}]}),
          cilium({"toFQDNs": [{"matchName": "dashscope.aliyuncs.com"}]})),
    *ours("RES-033", cilium({"toCIDR": ["0.0.0.0/0"]}), cilium({"toCIDR": ["10.64.0.0/14", "10.64.0.1"]})),
    *ours("RES-033", cilium({"toPorts": [{"ports": [{"port": "443"}]}]}),
          cilium({"toEndpoints": [{}], "toPorts": [{"ports": [{"port": "443"}]}]})),
    *ours("RES-014", thing(MON, "Prometheus", spec={"tracingConfig": {"endpoint": "otel.example.com:4317"}}),
          thing(MON, "Prometheus", spec={"tracingConfig": {"endpoint": "otel.obs.svc:4317"},
                                         "externalUrl": "https://prom.example.com"}), threat="T05"),
    *ours("RES-014", thing(MON, "Probe", spec={"prober": {"url": "blackbox.example.com:9115"}}),
          thing(MON, "Probe", spec={"prober": {"url": "blackbox.obs.svc:9115"}}), threat="T05"),
    *ours("RES-014", thing(f"{MON}alpha1", "AlertmanagerConfig",
                           spec={"receivers": [{"name": "a", "webhookConfigs": [{"url": "https://c.example.com"}]}]}),
          thing(f"{MON}alpha1", "AlertmanagerConfig",
                spec={"receivers": [{"name": "a", "webhookConfigs": [{"url": "http://relay.obs.svc"}]},
                                    {"name": "n"}]}),
          threat="T05"),
    *ours("RES-014", thing(f"{MON}alpha1", "AlertmanagerConfig",
                           spec={"receivers": [{"name": "a", "pagerdutyConfigs": [{"routingKey": {"name": "s"}}]}]}),
          thing(f"{MON}alpha1", "AlertmanagerConfig", spec={"receivers": [{"name": "nobody"}]}), threat="T05"),
    *ours("RES-014", thing("keda.sh/v1alpha1", "ScaledObject", spec={"triggers": [
              {"type": "prometheus", "metadata": {"serverAddress": "https://x.grafana.net", "query": "q"}}]}),
          thing("keda.sh/v1alpha1", "ScaledObject", spec={"triggers": [
              {"type": "prometheus", "metadata": {"serverAddress": "http://prom.obs.svc:9090", "query": "a.b/c"}}]}),
          threat="T05"),
    *ours("RES-023", thing("source.toolkit.fluxcd.io/v1", "HelmRepository", spec={"url": "https://charts.bitnami.com"}),
          thing("source.toolkit.fluxcd.io/v1", "HelmRepository",
                spec={"url": "oci://twain-cn-registry-vpc.cn-shanghai.cr.aliyuncs.com/charts"}), threat="T13"),
    *ours("RES-028", thing(ARGO, "Application",
                           spec={"destination": {"server": "https://k8s.eu-west-1.example.com"}}),
          thing(ARGO, "Application",
                spec={"destination": {"server": "https://kubernetes.default.svc"}}), threat="T17"),
    *ours("RES-023", thing(ARGO, "Application", spec={"source": {"repoURL": "git@github.com:a/b.git"}}),
          thing(ARGO, "Application", spec={"source": {"repoURL": "git@git.a.svc:a/b.git"}}),
          thing("metallb.io/v1beta1", "IPAddressPool", spec={"addresses": ["203.0.113.0/28"]}),
          thing("getambassador.io/v2", "Mapping", spec={"host": "chat.example.com", "service": "a"}),
          thing("cert-manager.io/v1", "Certificate", spec={"dnsNames": ["a.example.com"]}), threat="T13"),
    *ours("RES-028", thing("cert-manager.io/v1", "Issuer", spec={"acme": {"server": "https://acme.example.cn/d"}}),
          thing("cert-manager.io/v1", "Issuer",
                spec={"acme": {"server": "https://acme-v02.api.letsencrypt.org/directory"}}),
          world="row", threat="T17"),
    *ours("RES-028", thing("external-secrets.io/v1", "ClusterSecretStore",
                           spec={"provider": {"vault": {"server": "https://vault.example.com"}}}),
          thing("external-secrets.io/v1", "ClusterSecretStore",
                spec={"provider": {"vault": {"server": "https://vault.vault.svc:8200"}}}), threat="T17"),
    *ours("RES-028", thing("nobody.example.dev/v1", "Thing", spec={"a": [{"endpoint": "203.0.113.9:4000"}]}),
          thing("nobody.example.dev/v1", "Thing",
                spec={"a": [{"endpoint": "10.64.0.4:4000"}], "address": "0.0.0.0:80", "host": "reviews",
                      "homepage": "https://example.com", "description": "https://example.com", "server": {"port": 1}}),
          threat="T17"),
]  # fmt: skip

ORIGINS: list[Case] = [
    *both("RES-021", deployed(**{"twain/origin": "row-personal"}), deployed(**{"twain/origin": "cn-personal"}),
          deployed(), threat="T22"),
    *both("RES-021", cron(**{"twain/origin": "row-personal"}), cron(**{"twain/origin": "none"}), threat="T22"),
    *both("RES-021", ingress(twain__origin="row-personal"), ingress(twain__origin="cn-personal"), threat="T22"),
    *both("RES-027", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "u-13812345678"}},
          {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "u-7f3a"}}, threat="T16"),
]  # fmt: skip


BALANCER: dict[str, Any] = {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"a": "b"}}
INTERNAL = {
    "cn": {"service.beta.kubernetes.io__alibaba-cloud-loadbalancer-address-type": "intranet"},
    "row": {"networking.gke.io__load-balancer-type": "Internal"},
}
BALANCERS: list[Case] = [
    case
    for world, notes in INTERNAL.items()
    for case in ours("SEC-003", thing("v1", "Service", spec=BALANCER),
                     noted(thing("v1", "Service", spec=BALANCER), **notes),
                     thing("v1", "Service", spec={**BALANCER, "loadBalancerSourceRanges": ["10.0.0.0/8"]}),
                     SERVICE, world=world, threat="")
]  # fmt: skip

CASES: list[Case] = [*ADDRESSES, *ENGINES, *WEBHOOKS, *VOLUMES, *LEADS, *ORIGINS, *BALANCERS]
