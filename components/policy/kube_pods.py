"""Rules about what runs in a cluster. Admission policies use their patterns as they are (`components.policy.cel`)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from components.policy import hosts, kube
from components.policy.model import ACCEPTED, UNKNOWN, Check, Subject, at, violation
from components.policy.places import leaves

if TYPE_CHECKING:
    import re
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
_SPACE = hosts.SPACE
_END = rf"(?:{_SPACE}|[;&|\x22\x27)]|$)"
LOGS_CONTENT = (
    rf"(?:^|{_SPACE})--(?:enable-log-requests|enable-log-outputs|log-requests)(?:=(?:true|True|1))?(?:{_SPACE}|$)"
)
# Variables that write what people say into a log or into a trace when they are on, and the words for off.
LOGS_BY_NAME = (
    r"^(?:VLLM_DEBUG_LOG_API_SERVER_RESPONSE|TRACELOOP_TRACE_CONTENT"
    r"|OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT)$"
)
OFF = ("", "0", "false", "False", "no_content", "NO_CONTENT")
# Where a container says what its node is to ask.
ASKED = (
    ("livenessProbe",),
    ("readinessProbe",),
    ("startupProbe",),
    ("lifecycle", "postStart"),
    ("lifecycle", "preStop"),
)
_URI_KEYS = frozenset({"storageUri", "modelUri"})
_MODEL_KEY = ".model.uri"
TRACES = "--otlp-traces-endpoint"
ENGINE_IMAGE = r"(?i)(?:^|/)[^/]*(?:vllm|sglang|text-generation-inference|lmdeploy)[^/]*$"
VLLM_IMAGE = r"(?i)(?:^|/)[^/]*vllm[^/]*$"
# Images that stand beside an engine and say so, unless what they are told names one.
BESIDE_IMAGE = (
    r"(?i)[_-](?:dashboard|exporter|operator|controller|console|frontend|ui|docs|webhook|metrics|monitor)(?::[^/]*)?$"
)
BESIDE_WORDS = r"(?i)vllm|sglang|lmdeploy|text-generation|launch_server"
# Flags whose value is a model, or what belongs to one, written with either mark between words.
_MODEL = (
    rf"(?:^|{_SPACE})(?:serve{_SPACE}|--(?:model|model[-_]path|model[-_]id|tokenizer|tokenizer[-_]path|hf[-_]config[-_]path"
    rf"|speculative[-_]model|speculative[-_]draft[-_]model[-_]path)(?:=|{_SPACE})){_SPACE}*[\x22\x27]?"
)
# Where the pages of a hub are filed, so that nobody's repositories are: `models/q` is a folder.
_FOLDER = "models"


def _but(word: str) -> str:
    """The pattern of a word of a repository that is not this one. RE2 cannot say it shorter."""
    letter, rest = word[0], word[1:]
    others = "".join(f"{a}-{b}" for a, b in (("a", chr(ord(letter) - 1)), (chr(ord(letter) + 1), "z")) if a <= b)
    more = f"(?:{_but(rest)})?" if rest else "[A-Za-z0-9_.-]+"
    return f"[A-Z{others}0-9_.-][A-Za-z0-9_.-]*|{letter}{more}"


# The name of a repository on a hub: two words and one slash. A path begins with a slash, a URL holds a colon.
REPOSITORY = rf"(?:[A-Za-ln-z0-9][A-Za-z0-9_.-]*|{_FOLDER[0]}(?:{_but(_FOLDER[1:])})?)/[A-Za-z0-9_.-]+"
FROM_HUB = rf"{_MODEL}{REPOSITORY}{_END}"
FIRST_FROM_HUB = rf"^{REPOSITORY}(?:{_SPACE}|$)"
MODEL_URI = rf"{_MODEL}[a-z0-9+]+://[^ \t\r\n;&|\x22\x27]*"
# Where a store that speaks S3 or OSS stands: without one of these it is the vendor's own.
STORES = r"^(?:(?:AWS_|S3_)ENDPOINT(?:_URL)?(?:_S3)?|OSS_ENDPOINT)$"
SAAS_KEYS = (
    r"^(?:DD|DATADOG|NEW_RELIC|NRIA|SENTRY|SNYK|DT|DYNATRACE|SPLUNK|SUMO|SYSDIG|HONEYCOMB|LIGHTSTEP|LANGSMITH|LANGCHAIN)"
    r"_(?:API_KEY|APP_KEY|LICENSE_KEY|ACCESS_TOKEN|ACCESS_KEY|AUTH_TOKEN|API_TOKEN|TOKEN)$"
)
SAAS_IMAGE = r"(?i)(?:^|/)(?:datadog|newrelic|dynatrace|snyk|sysdig|sumologic|splunk|lacework|wiz)[a-z-]*(?:/|:|@|$)"
_URI_SCHEMES = {"cn": "modelscope", "row": "hf|gs|az|abfss?|wasbs?"}


def traces_value(receivers: str) -> str:
    """The beginning of what may follow the flag that says where traces go."""
    return rf"(?i)^(?:=|{_SPACE}){_SPACE}*[\x22\x27]?{hosts.item(receivers)}{_END}"


def model_value(world: str, sources: str) -> str:
    """The whole pattern of a flag with a URI that a model may come from."""
    return rf"(?i)^{_MODEL}{storage(world, sources).removeprefix('(?i)^')}"


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
        if not isinstance(value, str) or len(value) > hosts.LONGEST_ITEM or not pattern.fullmatch(value):
            reason = hosts.why(hosts.image_host(value) if isinstance(value, str) else "", subject.world)
            shown, allowed = hosts.shown_image(value), kube.allowed_hosts(subject)
            yield violation(subject, "RES-023", path, shown, reason, allowed=allowed)


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

    def run(subject: Subject) -> Iterator[Violation]:
        for container, path, name, value, of in _destinations(subject).get(rule, ()):
            pattern = kube.sources(subject) if of == FETCHED else kube.receivers(subject)
            place = f"{path}.value ({name})"
            if isinstance(value, str) and not container.stands(value):
                reason = "its host comes from a variable that is no address of the node or the pod."
                allowed = f"a fieldRef to {' or '.join(kube.ADDRESSES)}"
                yield violation(subject, rule, place, "(not shown)", reason, allowed=allowed)
                continue
            yield from kube.sent(subject, rule, place, value, pattern=pattern)

    return Check(rules=(rule,), run=run, pods=True)


_NAMES = [(rule, hosts.compiled(names), of) for rule, names, of in ENV]


@lru_cache(maxsize=4096)
def ruled(name: str) -> tuple[tuple[str, str], ...]:
    """The rules that a variable of this name is under, each with whether data are sent there or things fetched."""
    return tuple((rule, of) for rule, names, of in _NAMES if names.match(name))


def _destinations(subject: Subject) -> dict[str, list[tuple[Container, str, str, Any, str]]]:
    """By rule: (container, path, name, value, direction) of each variable whose name means a destination."""
    if "destinations" not in subject.memo:
        found: dict[str, list[tuple[Container, str, str, Any, str]]] = {}
        for container in kube.containers(subject):
            for path, name, value in container.env():
                for rule, of in ruled(name):
                    found.setdefault(rule, []).append((container, path, name, value, of))
        subject.memo["destinations"] = found
    return subject.memo["destinations"]


def logging(subject: Subject) -> Iterator[Violation]:
    """RES-016: in China an engine does not write what people say."""
    for container in kube.containers(subject) if subject.world == "cn" else ():
        found = hosts.compiled(LOGS_CONTENT).search(container.words())
        if found is not None:
            reason = "prompts or answers would stand in the log of the pod, which is kept and shipped as logs are."
            yield violation(
                subject, "RES-016", f"{container.path}.args", found.group().strip(), reason, allowed="without the flag"
            )
        for path, name, value in container.env():
            if hosts.compiled(LOGS_BY_NAME).match(name) and value not in OFF:
                reason = "prompts or answers would stand in a log or a trace, which are kept and shipped."
                yield violation(subject, "RES-016", f"{path}.value ({name})", value, reason, allowed="without it, or 0")


def traces(subject: Subject) -> Iterator[Violation]:
    """RES-017: where traces go, and in China no usage statistics."""
    for container in kube.containers(subject):
        good = hosts.compiled(traces_value(kube.receivers(subject)))
        for part in container.words().split(TRACES)[1:]:
            if not good.match(part[: hosts.LONGEST_ITEM]):
                value = hosts.first_word(part)
                reason = hosts.why(hosts.first_outside(kube.receivers(subject), value), subject.world)
                path = f"{container.path}.args ({TRACES})"
                shown, allowed = hosts.shown(kube.receivers(subject), value), kube.allowed_hosts(subject)
                yield violation(subject, "RES-017", path, shown, reason, allowed=allowed)
        engine = _runs(container, hosts.compiled(VLLM_IMAGE))
        if subject.world == "cn" and engine and not is_on(container, "VLLM_NO_USAGE_STATS", "DO_NOT_TRACK"):
            path = f"{container.path}.env (VLLM_NO_USAGE_STATS)"
            reason = "vLLM reports its usage to its makers unless it is told not to."
            yield violation(subject, "RES-017", path, "absent", reason, allowed="1, or DO_NOT_TRACK=1")


def _bare(image: str) -> str:
    return image.partition("@")[0]


def is_on(container: Container, *names: str) -> bool:
    """Whether one of these variables is on. The last of a name counts, so each of them must be."""
    said = [(name, value in ("1", "true", "True")) for _, name, value in container.env() if name in names]
    return any(all(on for other, on in said if other == name) for name in {name for name, _ in said})


def is_engine(container: Container) -> bool:
    """Whether an image is one of the engines that look names up at hubs."""
    return _runs(container, _ENGINE)


def _runs(container: Container, engine: re.Pattern[str]) -> bool:
    image = container.image
    if not isinstance(image, str) or len(image) > hosts.LONGEST_ITEM or not engine.search(_bare(image)):
        return False
    beside = hosts.compiled(BESIDE_IMAGE).search(_bare(image)) is not None
    return not beside or hosts.compiled(BESIDE_WORDS).search(container.words()) is not None


_ENGINE = hosts.compiled(ENGINE_IMAGE)


def _models(subject: Subject, container: Container) -> Iterator[Violation]:
    """RES-020: what an engine is told to load."""
    words, path = container.words(), f"{container.path}.args"
    first = " ".join(kube.strings(container.body.get("args")))
    asks = hosts.compiled(FROM_HUB).search(words) or hosts.compiled(FIRST_FROM_HUB).search(first)
    if asks and subject.world == "cn" and not is_on(container, "HF_HUB_OFFLINE"):
        named = hosts.compiled(REPOSITORY + _END).search(asks.group())
        shown = named.group().strip(" \t\r\n;&|\"')")[:120] if named else "(not shown)"
        reason = "a name of a hub is looked up at the hub, and HF_HUB_OFFLINE is not set."
        yield violation(subject, "RES-020", path, shown, reason, allowed="a path, or offline")
    good = hosts.compiled(model_value(subject.world, kube.sources(subject)))
    own = any(hosts.compiled(STORES).match(name) for _, name, _ in container.env())
    for found in hosts.compiled(f"(?i){MODEL_URI}").finditer(words):
        uri = found.group().rpartition("://")
        scheme = hosts.compiled("[a-z0-9+]*$").search(uri[0].lower())
        kept = own and scheme is not None and scheme.group() in ("s3", "oss")
        if len(found.group()) > hosts.LONGEST_ITEM or not (kept or good.fullmatch(found.group())):
            value = f"{scheme.group() if scheme else ''}://{uri[2]}"
            reason = "where the store lies is not said, or it lies elsewhere."
            shown, allowed = hosts.shown(kube.sources(subject), value), "a path, or a store of the world"
            yield violation(subject, "RES-020", path, shown, reason, allowed=allowed)


def weights(subject: Subject) -> Iterator[Violation]:
    """RES-020: in China nothing is fetched from a hub; and a URI of weights lies in the world."""
    for container in kube.containers(subject):
        if is_engine(container):
            yield from _models(subject, container)
    # A URI of weights stands nearly nowhere: it is looked for before paths are made.
    if not any(key in _URI_KEYS or key == "uri" for _, key, _ in leaves(subject)):
        return
    pattern = hosts.compiled(storage(subject.world, kube.sources(subject)))
    for path, value in _uris(subject.inputs):
        known = isinstance(value, str) and len(value) <= hosts.LONGEST_ITEM
        if value is not ACCEPTED and not (known and pattern.fullmatch(value)):
            sources = kube.sources(subject)
            shown = hosts.shown(sources, value) if isinstance(value, str) else value
            name = hosts.first_outside(sources, value) if isinstance(value, str) else ""
            reason = hosts.why(name, subject.world) if isinstance(value, str) else "it cannot be traced."
            yield violation(subject, "RES-020", path, shown, reason, allowed="a claim, a path, or a store of the world")


def _uris(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in kube.pairs(value):
        place = f"{path}.{key}" if path else str(key)
        if (key in _URI_KEYS or place.endswith(_MODEL_KEY)) and not kube.pairs(inner):
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
            place, shown = f"{container.path}.image", hosts.shown_image(image)
            yield violation(subject, "RES-031", place, shown, reason, allowed="no such agent")
        for path, name, _ in container.env():
            if hosts.compiled(SAAS_KEYS).match(name):
                yield violation(subject, "RES-031", f"{path}.name", name, reason, allowed="no key of such a service")


def resolvers(subject: Subject) -> Iterator[Violation]:
    """RES-026: the resolvers of a pod."""
    for path, pod in kube.pods(subject):
        for index, server in enumerate(kube.items(at(pod, "dnsConfig", "nameservers"))):
            place = f"{path}.dnsConfig.nameservers[{index}]"
            yield from kube.sent(subject, "RES-026", place, server, pattern=kube.sources(subject))


def aliases(subject: Subject) -> Iterator[Violation]:
    """RES-028: addresses that a pod's own table of hosts leads to, under whatever name."""
    for path, pod in kube.pods(subject):
        for index, one in enumerate(kube.items(pod.get("hostAliases"))):
            yield from kube.sent(subject, "RES-028", f"{path}.hostAliases[{index}].ip", at(one, "ip"))


def probes(subject: Subject) -> Iterator[Violation]:
    """RES-028: what the node itself asks on behalf of a pod, when it is not the pod."""
    for container in kube.containers(subject):
        for way in ASKED:
            for kind in ("httpGet", "tcpSocket"):
                place = f"{container.path}.{'.'.join(way)}.{kind}.host"
                yield from kube.sent(subject, "RES-028", place, at(container.body, *way, kind, "host"))


CHECKS: tuple[Check, ...] = (
    Check(rules=("RES-004",), run=kube.untraced),
    Check(rules=("RES-028",), run=probes, pods=True),
    Check(rules=("RES-023",), run=images),
    *(destinations(rule) for rule in dict.fromkeys(rule for rule, _, _ in ENV)),
    Check(rules=("RES-016",), run=logging, pods=True),
    Check(rules=("RES-017",), run=traces, pods=True),
    Check(rules=("RES-020",), run=weights),
    Check(rules=("RES-031",), run=agents, pods=True),
    Check(rules=("RES-026",), run=resolvers, pods=True),
    Check(rules=("RES-028",), run=aliases, pods=True),
)
