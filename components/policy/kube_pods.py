"""Rules about what runs in a cluster. Admission policies use their patterns as they are (`components.policy.cel`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.policy import hosts, kube
from components.policy.model import ACCEPTED, UNKNOWN, Check, Subject, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.kube import Container
    from components.policy.model import Violation

SENT, FETCHED = "receivers", "sources"
# Variables whose value is a destination: rule, names, whether data is sent there or things are fetched.
ENV: tuple[tuple[str, str, str], ...] = (
    ("RES-014", r"^(?:PROMETHEUS_)?(?:REMOTE_WRITE|PUSHGATEWAY)_(?:URL|ADDRESS|ENDPOINT)$", SENT),
    ("RES-017", r"^(?:OTEL_EXPORTER_[A-Z_]*ENDPOINT|JAEGER_(?:ENDPOINT|AGENT_HOST)|ZIPKIN_ENDPOINT|SENTRY_DSN)$", SENT),
    ("RES-017", r"^(?:LANGFUSE_(?:HOST|BASE_URL)|LANG(?:SMITH|CHAIN)_ENDPOINT|PHOENIX_COLLECTOR_ENDPOINT)$", SENT),
    ("RES-017", r"^(?:FLUENT(?:D|BIT)?_HOST|LOKI_(?:URL|ENDPOINT)|ELASTICSEARCH_(?:URL|HOSTS?)|LOGSTASH_HOST)$", SENT),
    ("RES-017", r"^(?:SPLUNK_HEC_URL|WANDB_BASE_URL|MLFLOW_TRACKING_URI)$", SENT),
    ("RES-020", r"^(?:HF_ENDPOINT|MODELSCOPE_DOMAIN|(?:AWS_|S3_)ENDPOINT(?:_URL)?(?:_S3)?|OSS_ENDPOINT)$", FETCHED),
    ("RES-022", r"^(?:LMCACHE_REMOTE_URL|MOONCAKE_(?:MASTER|METADATA_SERVER)|(?:REDIS|VALKEY)_(?:URL|HOST))$", SENT),
    ("RES-022", r"^(?:MILVUS_(?:URI|HOST)|(?:QDRANT|WEAVIATE)_(?:URL|HOST)|VECTOR_STORE_URL|PGVECTOR_URL)$", SENT),
    ("RES-029", r"(?i)^(?:(?:https?|all|ftp)_proxy|NPM_CONFIG_REGISTRY)$", FETCHED),
    ("RES-029", r"^(?:PIP|UV)_(?:EXTRA_|DEFAULT_)?INDEX(?:_URL)?$", FETCHED),
    ("RES-032", r"^(?:OPENAI|AZURE_OPENAI|ANTHROPIC|DASHSCOPE)_(?:API_)?(?:BASE|BASE_URL|ENDPOINT)$", SENT),
    ("RES-032", r"^(?:GEMINI|VERTEX|MISTRAL)_(?:API_)?(?:BASE|BASE_URL|ENDPOINT)$", SENT),
)  # fmt: skip
# Flags of the engines, in one line with everything else that they are told.
LOGS_CONTENT = r"(?:^|\s)--(?:enable-log-requests|enable-log-outputs|log-requests)(?:=(?:true|True|1))?(?:\s|$)"
_URI_KEYS = frozenset({"storageUri", "modelUri"})
TRACES = "--otlp-traces-endpoint"
ENGINE_IMAGE = r"(?i)(?:^|/)[^/]*(?:vllm|sglang|text-generation-inference|lmdeploy)[^/]*$"
VLLM_IMAGE = r"(?i)(?:^|/)[^/]*vllm[^/]*$"
# The name of a repository on a hub: two words and one slash. A path begins with a slash, a URL holds a colon.
_REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9_.-]+"
FROM_HUB = rf"(?:^|.*\s)(?:serve\s+|--model(?:-path)?[=\s]\s*){_REPOSITORY}(?:\s.*)?$"
FIRST_FROM_HUB = rf"^{_REPOSITORY}(?:\s.*)?$"
SAAS_KEYS = (
    r"^(?:DD|DATADOG|NEW_RELIC|NRIA|SENTRY|SNYK|DT|DYNATRACE|SPLUNK|SUMO|SYSDIG|HONEYCOMB|LIGHTSTEP|LANGSMITH|LANGCHAIN)"
    r"_(?:API_KEY|APP_KEY|LICENSE_KEY|ACCESS_TOKEN|ACCESS_KEY|AUTH_TOKEN|API_TOKEN|TOKEN)$"
)
SAAS_IMAGE = r"(?i)(?:^|/)(?:datadog|newrelic|dynatrace|snyk|sysdig|sumologic|splunk|lacework|wiz)[a-z-]*(?:/|:|@|$)"
_URI_SCHEMES = {"cn": "modelscope", "row": "hf|gs|az|abfss?|wasbs?"}


def traces_value(receivers: str) -> str:
    """The whole pattern of what may follow the flag that says where traces go, to the end of the line."""
    one = hosts.destination(receivers).removeprefix(r"(?i)^\s*").removesuffix(r"\s*$")
    return rf"(?i)^[=\s]\s*{one}(?:\s|$)"


def storage(world: str, sources: str) -> str:
    """The whole pattern of a URI that weights or data may come from in a world."""
    return (
        rf"(?i)^(?:|/.*|(?:pvc|file|pvc\+cache)://.*|(?:{_URI_SCHEMES[world]})://.*"
        rf"|(?:https?|oss|s3)://(?:[a-z0-9-]+\.)?(?:{sources})(?::[0-9]+)?(?:/.*)?)$"
    )


def images(subject: Subject) -> Iterator[Violation]:
    """RES-023: images, and images mounted as volumes."""
    pattern = hosts.compiled(hosts.image(subject.world, subject.allowed, subject.hosts))
    for path, value in _references(subject):
        if value is None or value == "" or value is ACCEPTED or value is UNKNOWN:
            continue
        if not isinstance(value, str) or not pattern.match(value):
            reason = hosts.why(hosts.image_host(value) if isinstance(value, str) else "", subject.world)
            yield violation(subject, "RES-023", path, value, reason, allowed=kube.allowed_hosts(subject))


def _references(subject: Subject) -> Iterator[tuple[str, Any]]:
    for container in kube.containers(subject):
        yield f"{container.path}.image", container.image
    for path, pod in kube.pods(subject):
        for index, volume in enumerate(kube.items(pod.get("volumes"))):
            yield f"{path}.volumes[{index}].image.reference", at(volume, "image", "reference")
    named = at(subject.inputs, "spec", "image")
    if isinstance(named, str):
        yield "spec.image", named


def destinations(rule: str) -> Check:
    """The check of one rule about destinations in the environment of containers."""
    groups = [(hosts.compiled(names), of) for one, names, of in ENV if one == rule]

    def run(subject: Subject) -> Iterator[Violation]:
        for container in kube.containers(subject):
            for path, name, value in container.env():
                for names, of in groups:
                    if names.match(name):
                        pattern = kube.sources(subject) if of == FETCHED else kube.receivers(subject)
                        yield from kube.sent(subject, rule, f"{path}.value ({name})", value, pattern=pattern)

    return Check(rules=(rule,), run=run)


def logging(subject: Subject) -> Iterator[Violation]:
    """RES-016: in China an engine does not write what people say."""
    for container in kube.containers(subject) if subject.world == "cn" else ():
        found = hosts.compiled(LOGS_CONTENT).search(container.words())
        if found is not None:
            reason = "prompts or answers would stand in the log of the pod, which is kept and shipped as logs are."
            yield violation(
                subject, "RES-016", f"{container.path}.args", found.group().strip(), reason, allowed="without the flag"
            )


def traces(subject: Subject) -> Iterator[Violation]:
    """RES-017: where traces go, and in China no usage statistics."""
    for container in kube.containers(subject):
        good = hosts.compiled(traces_value(kube.receivers(subject)))
        for part in container.words().split(TRACES)[1:]:
            if not good.match(part):
                value = part.lstrip("= ").partition(" ")[0]
                reason = hosts.why(hosts.host_of(value), subject.world)
                path = f"{container.path}.args ({TRACES})"
                shown, allowed = kube.without_secrets(value), kube.allowed_hosts(subject)
                yield violation(subject, "RES-017", path, shown, reason, allowed=allowed)
        image = container.image
        engine = isinstance(image, str) and hosts.compiled(VLLM_IMAGE).search(_bare(image)) is not None
        if subject.world == "cn" and engine and not _is_on(container, "VLLM_NO_USAGE_STATS", "DO_NOT_TRACK"):
            path = f"{container.path}.env (VLLM_NO_USAGE_STATS)"
            reason = "vLLM reports its usage to its makers unless it is told not to."
            yield violation(subject, "RES-017", path, "absent", reason, allowed="1, or DO_NOT_TRACK=1")


def _bare(image: str) -> str:
    return image.partition("@")[0]


def _is_on(container: Container, *names: str) -> bool:
    return any(name in names and value in ("1", "true", "True") for _, name, value in container.env())


def weights(subject: Subject) -> Iterator[Violation]:
    """RES-020: in China nothing is fetched from a hub; and a URI of weights lies in the world."""
    for container in kube.containers(subject):
        image = container.image
        engine = isinstance(image, str) and hosts.compiled(ENGINE_IMAGE).search(_bare(image)) is not None
        first = " ".join(kube.strings(container.body.get("args")))
        asks = hosts.compiled(FROM_HUB).match(container.words()) or hosts.compiled(FIRST_FROM_HUB).match(first)
        if subject.world == "cn" and engine and asks and not _is_on(container, "HF_HUB_OFFLINE"):
            reason = "a name of a hub is looked up at the hub, and HF_HUB_OFFLINE is not set."
            yield violation(
                subject, "RES-020", f"{container.path}.args", asks.group()[:120], reason, allowed="a path, or offline"
            )
    if not _names_uri(subject.inputs):
        return
    pattern = hosts.compiled(storage(subject.world, kube.sources(subject)))
    for path, value in _uris(subject.inputs):
        if value is not ACCEPTED and not (isinstance(value, str) and pattern.match(value)):
            shown = kube.without_secrets(value) if isinstance(value, str) else value
            reason = (
                hosts.why(hosts.host_of(value), subject.world) if isinstance(value, str) else "it cannot be traced."
            )
            yield violation(subject, "RES-020", path, shown, reason, allowed="a claim, a path, or a store of the world")


def _names_uri(value: Any) -> bool:
    """Whether a URI of weights stands anywhere: nearly nowhere, so that it is looked for before paths are made."""
    if hasattr(value, "items"):
        return any(str(key) in _URI_KEYS or _names_uri(inner) for key, inner in value.items())
    return isinstance(value, list | tuple) and any(_names_uri(inner) for inner in value)


def _uris(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in kube.pairs(value):
        place = f"{path}.{key}" if path else str(key)
        if key in _URI_KEYS and not kube.pairs(inner):
            yield place, inner
        elif key != "openAPIV3Schema":
            yield from _uris(inner, place)
    if isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _uris(inner, f"{path}[{index}]")


def agents(subject: Subject) -> Iterator[Violation]:
    """RES-031: in China no agent of somebody else's service."""
    for container in kube.containers(subject) if subject.world == "cn" else ():
        reason = "it reports to a service outside China; scanners and agents stay out of this world."
        image = container.image
        if isinstance(image, str) and hosts.compiled(SAAS_IMAGE).search(_bare(image)):
            yield violation(subject, "RES-031", f"{container.path}.image", image, reason, allowed="no such agent")
        for path, name, _ in container.env():
            if hosts.compiled(SAAS_KEYS).match(name):
                yield violation(subject, "RES-031", f"{path}.name", name, reason, allowed="no key of such a service")


def resolvers(subject: Subject) -> Iterator[Violation]:
    """RES-026: the resolvers of a pod."""
    for path, pod in kube.pods(subject):
        for index, server in enumerate(kube.items(at(pod, "dnsConfig", "nameservers"))):
            place = f"{path}.dnsConfig.nameservers[{index}]"
            yield from kube.sent(subject, "RES-026", place, server, pattern=kube.sources(subject))


CHECKS: tuple[Check, ...] = (
    Check(rules=("RES-004",), run=kube.untraced),
    Check(rules=("RES-023",), run=images),
    *(destinations(rule) for rule in dict.fromkeys(rule for rule, _, _ in ENV)),
    Check(rules=("RES-016",), run=logging),
    Check(rules=("RES-017",), run=traces),
    Check(rules=("RES-020",), run=weights),
    Check(rules=("RES-031",), run=agents),
    Check(rules=("RES-026",), run=resolvers),
)
