"""RES-034 of texts in ConfigMaps and Secrets: addresses in the settings of programs that no other rule knows.

A text is read as what it is (YAML, JSON, TOML, lines of names and values, directives of a proxy). Of its addresses
those are judged whose name says that something is asked or sent there; no link, no home page, no name of one's own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from components.policy import hosts, kube, kube_told, told
from components.policy.kube_texts import MAX_TEXT, TYPES, parsed, texts
from components.policy.model import Check, Subject, at, violation
from components.policy.places import walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

# Names of what is asked or sent to, in small letters without the marks between words; a mere `url` may be a link.
_ASKED = re.compile(
    r"(?:endpoints?|apibase|baseurl|apiurl|serverurl|serveraddress|serveraddr|bootstrapservers|brokers?|brokerlist|dsn|upstreams?"
    r"|proxypass|proxyurl|webhookurl|pushurl|remoteurl|databaseurl|redisurl|connectionurl|connectionstring|socketaddress"
    r"|hostport|address|collector(?:url|address)?|opentelemetryservice)$"
)
_PLACE = re.compile(
    r"(?:[^@\s/]{1,128}@)?(?:[A-Za-z0-9_-]{1,63}\.){1,12}[A-Za-z0-9-]{1,63}\.?(?::[0-9]{1,5})?(?:/\S*)?"
)
_LINES = (".ini", ".properties", ".env", ".cfg", ".toml")
_LINE = re.compile(
    r"(?m)^[ \t]*(?:export[ \t]+)?(?P<key>[A-Za-z_][\w.-]{0,80})[ \t]*=[ \t]*[\"']?(?P<value>[^\s\"'#;]{1,2048})"
)
# Languages of their own, in which an address is what something is sent to.
_CONFIGURED = (".conf", ".tf", ".hcl", ".alloy", ".river")
# Where a proxy sends requests.
_PASSED = re.compile(r"(?:^|[{;\s])(?:proxy|grpc|fastcgi|uwsgi|scgi)_pass\s+(?P<to>[^;\s]{1,2048})\s*;")
_BEHIND = re.compile(
    r"(?m)(?:^|[{;])[ \t]*server[ \t]+(?:[\w-]+[ \t]+)?"
    r"(?P<to>(?:[A-Za-z0-9_-]+\.){1,12}[A-Za-z0-9-]+(?::\d{1,5})?)[ \t]*[;\n w]"
)
_NO_SETTINGS = (
    *(".sh", ".bash", ".py", ".lua", ".sql", ".md", ".tpl", ".tmpl", ".conf", ".html", ".js", ".crt", ".pem"),
    *(".ini", ".properties", ".env", ".cfg"),
)
# Stores of Thanos, Loki and their like that are a vendor's, and those that lie where an endpoint says.
_ABROAD: Final = {"cn": frozenset({"gcs", "gs", "azure", "bos", "oci", "cos"}), "row": frozenset({"bos", "cos", "obs"})}
_BUCKETS = re.compile(
    r"\.(?:gcs|azure|azure_storage|bos|swift)\.(?:bucket_name|bucketname|bucket|container_name|account_name)$"
)
_MODELS_ABROAD = re.compile(
    r"(?i)^(?:openai|azure|azure_ai|anthropic|gemini|vertex_ai|bedrock|sagemaker|mistral|cohere|groq|together_ai|replicate"
    r"|openrouter|fireworks_ai|perplexity|xai|nvidia_nim|databricks)/|^(?:gpt-|claude-|gemini-|o[134]-|chatgpt)"
)


_ENTRIES = ("kubernetes:networking.k8s.io/", "kubernetes:extensions/")


def settings(subject: Subject) -> Iterator[Violation]:
    """RES-034, and RES-032 of a router of models: settings of programs."""
    for path, key, text in texts(subject):
        if not isinstance(text, str) or len(text) > MAX_TEXT:
            continue
        if key.endswith((".conf", ".cfg", ".conf.template")) and ("_pass" in text or "server" in text):
            yield from passed(subject, path, text)
        if key.endswith(_CONFIGURED) and not _is_a_proxy(text):
            for one in told.addresses(text):
                yield from kube_told.address(subject, path, one, beside=text)
        if key.endswith(_LINES):
            yield from _lines(subject, path, text)
        elif _may_say_something(text):
            for document in _documents(subject, key, text):
                yield from _document(subject, path, document)


def _is_a_proxy(text: str) -> bool:
    """Whether a text is of a server of pages, which names its callers' addresses too, or of a collector that has a rule
    of its own.
    """
    return any(one in text for one in ("server_name", "_pass ", "[OUTPUT]", "<match", "VirtualHost"))


def _may_say_something(text: str) -> bool:
    """Whether a text is more than one value, and holds anything like an address."""
    whole = text.strip()
    return ("\n" in whole or whole[:1] == "{") and any(
        one in whole for one in (".", "://", "model_list", "type", "bucket")
    )


def _documents(subject: Subject, key: str, text: str) -> list[Any]:
    """What a text holds; nothing for one that is no settings (a script, a template, prose)."""
    if key.endswith(_NO_SETTINGS):
        return []
    return [one for one in parsed(subject, text, key) or () if isinstance(one, dict) and not _is_a_board(one)]


def _is_a_board(document: Any) -> bool:
    return "panels" in document or "dashboard" in document


def _lines(subject: Subject, path: str, text: str) -> Iterator[Violation]:
    for found in _LINE.finditer(text):
        key, value = found["key"], found["value"]
        place = f"{path}: {key}"
        for one in told.addresses(value, name=key):
            yield from kube_told.address(subject, place, one, beside=value)
        if _ASKED.search(_small(key)) and ":" not in value and _PLACE.fullmatch(value) and not told.is_own(key):
            yield from kube_told.address(subject, place, value)


def _small(key: str) -> str:
    return re.sub(r"[._-]", "", key).lower()


def _document(subject: Subject, path: str, document: Any) -> Iterator[Violation]:
    yield from _store(subject, path, document)
    yield from _models(subject, path, document)
    for place, key, value in walk(document):
        if isinstance(value, str) and value and len(value) <= hosts.LONGEST_ITEM:
            yield from _leaf(subject, f"{path}: {place}", place, key, value)


def _leaf(subject: Subject, path: str, place: str, key: str, value: str) -> Iterator[Violation]:
    if ".annotations." in f".{place}." or told.is_own(key):
        return
    small = _small(key)
    # Istio's own word for it.
    if small == "service" and ("opentelemetry" in place or "extensionProviders" in place):
        small = "opentelemetryservice"
    if small in {"host", "hosts"} and re.search(r"(?:^|\.)outputs?\b", place):
        small = "endpoint"
    if subject.world == "cn" and _BUCKETS.search(f".{place}"):
        reason = "it is a store of a cloud outside China."
        yield violation(subject, kube_told.RULE, path, f"{place}", reason, allowed="a store with an endpoint inside")
        return
    if _ASKED.search(small) is None:
        if told.is_store(value):
            yield from kube_told.address(subject, path, value)
        return
    if "://" in value:
        for one in told.addresses(value):
            yield from kube_told.address(subject, path, one, beside=value)
    elif _PLACE.fullmatch(value) and not value.startswith("0.0.0.0"):
        yield from kube_told.address(subject, path, value)


def _store(subject: Subject, path: str, document: Any) -> Iterator[Violation]:
    """A store of blocks as Thanos and its like describe one."""
    kind, held = at(document, "type"), at(document, "config")
    if not isinstance(kind, str) or not hasattr(held, "get"):
        return
    small = kind.lower()
    if small in _ABROAD[subject.world] or (small in {"s3", "oss", "aliyunoss"} and not at(held, "endpoint")):
        reason = "it is a vendor's store, and names no endpoint inside the world."
        yield violation(
            subject, kube_told.RULE, f"{path}: type", kind, reason, allowed="a store with an endpoint inside"
        )


def _models(subject: Subject, path: str, document: Any) -> Iterator[Violation]:
    """RES-032: models that a router asks of their vendor, because nothing says where else they are."""
    for index, one in enumerate(kube.items(at(document, "model_list"))) if subject.world == "cn" else ():
        asked = at(one, "litellm_params")
        model, base = at(asked, "model"), at(asked, "api_base") or at(asked, "base_url")
        if isinstance(model, str) and _MODELS_ABROAD.search(model) and not base:
            reason = "it names no address: the model is asked of its vendor, outside China."
            place = f"{path}: model_list[{index}].litellm_params.model"
            yield violation(subject, "RES-032", place, model, reason, allowed="an api_base inside the world")


def passed(subject: Subject, path: str, text: str) -> Iterator[Violation]:
    """RES-034: where a proxy sends requests."""
    for found in (*_PASSED.finditer(text), *_BEHIND.finditer(text)):
        to = found["to"]
        host = (to.partition("://")[2] or to).partition("/")[0]
        if not host.startswith("$") and not told.is_own(host):
            yield from kube_told.address(subject, path, to)


def snippets(subject: Subject) -> Iterator[Violation]:
    """RES-034: directives of a proxy in the annotations of an entry."""
    if not subject.type.startswith(_ENTRIES):
        return
    for key, value in kube.pairs(at(subject.inputs, "metadata", "annotations")):
        if key.endswith("-snippet") and isinstance(value, str):
            yield from passed(subject, f"metadata.annotations[{key}]", value)


CHECKS: tuple[Check, ...] = (
    Check(rules=(kube_told.RULE, "RES-032"), run=settings, types=TYPES),
    Check(rules=(kube_told.RULE,), run=snippets, types=_ENTRIES),
)
