"""Where a host name lies, decided from its name alone.

A name is inside when one pattern says so. The same pattern is used here and, in a cluster, by admission policies, whose
expressions know regular expressions and no tables: so it keeps to what RE2 and Python read alike. What no pattern names
is unknown, and unknown is refused.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from components.clouds.regions import WORLD_OF

if TYPE_CHECKING:
    from collections.abc import Iterable

# Addresses that no route leads to from outside: the cluster's own, the machine's own, a cloud's link-local services.
_PRIVATE = (
    r"localhost",
    r"(?:[a-z0-9_-]+\.)+(?:svc|local|internal)",
    r"10\.[0-9.]+",
    r"127\.[0-9.]+",
    r"192\.168\.[0-9.]+",
    r"172\.(?:1[6-9]|2[0-9]|3[01])\.[0-9.]+",
    r"169\.254\.[0-9.]+",
    r"100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.[0-9.]+",
    r"\[?(?:::1|f[cde][0-9a-f]{2}:[0-9a-f:]+)\]?",
)
_SINGLE = r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?"
# Only the node's own address is filled in by Kubernetes itself; any other variable may hold anything.
_OWN_NODE = r"\$\((?:HOST_IP|NODE_IP|POD_IP|K8S_NODE_IP|MY_NODE_IP)\)"

# Alibaba Cloud writes the region as a word of the last name before the domain, or of the one before a service's name.
_ALI_SERVICES = (
    "log|cr|nas|kms|arms|pai-eas|pai|pai-dlc|ack|cs|eci|fc|mns|ots|vpc|rds|redis|elasticsearch|milvus|opensearch|fcapp"
)
# Names of a cloud that say no region but can lie in one world only.
_WORLDWIDE: dict[str, tuple[str, ...]] = {
    "cn": (r"dashscope\.aliyuncs\.com", r"mirrors\.aliyun\.com", r"mirrors\.cloud\.aliyuncs\.com"),
    "row": (
        r"[a-z]+\.googleapis\.com",
        r"(?:[a-z0-9._-]+\.)storage\.googleapis\.com",
        r"storage\.cloud\.google\.com",
        r"[a-z0-9-]+\.azurecr\.io",
        r"mcr\.microsoft\.com",
        r"[a-z0-9]+\.(?:blob|file|queue|table|dfs)\.core\.windows\.net",
        r"[a-z0-9-]+\.vault\.azure\.net",
        r"[a-z0-9-]+\.(?:openai|cognitiveservices|services\.ai)\.azure\.com",
        r"[a-z0-9-]+\.(?:postgres\.database\.azure\.com|redis\.azure\.net)",
    ),
}
# Public places that things are fetched from. Nothing is told them but what is wanted.
_HUBS: dict[str, tuple[str, ...]] = {
    "cn": (r"(?:[a-z0-9-]+\.)*modelscope\.cn", r"223\.[56]\.[56]\.[56]"),
    "row": (
        r"(?:registry-1\.|index\.|registry\.)?docker\.io",
        r"(?:k8s\.)?gcr\.io",
        r"quay\.io",
        r"ghcr\.io",
        r"registry\.k8s\.io",
        r"nvcr\.io",
        r"public\.ecr\.aws",
        r"(?:[a-z0-9-]+\.)*(?:huggingface\.co|hf\.co)",
        r"(?:[a-z0-9-]+\.)*(?:github\.com|githubusercontent\.com|gitlab\.com)",
        r"pypi\.org",
        r"files\.pythonhosted\.org",
        r"registry\.npmjs\.org",
        r"8\.8\.[84]\.[84]",
        r"1\.[01]\.[01]\.1",
        r"9\.9\.9\.9",
        r"dns\.google",
        r"one\.one\.one\.one",
    ),
}
# Places that things are sent to and that name no region: known to lie in a world, allowed in none unless declared.
_RECEIVERS: dict[str, tuple[str, ...]] = {
    "cn": (r"(?:[a-z0-9-]+\.)*(?:umeng|sensorsdata|aliyun|alicdn)\.(?:com|cn)",),
    "row": (
        r"(?:[a-z0-9-]+\.)*(?:datadoghq\.(?:com|eu)|newrelic\.com|nr-data\.net|sentry\.io|grafana\.(?:net|com))",
        r"(?:[a-z0-9-]+\.)*(?:honeycomb\.io|splunkcloud\.com|dynatrace\.com|smith\.langchain\.com|langfuse\.com|wandb\.ai)",
        r"(?:[a-z0-9-]+\.)*(?:openai\.com|anthropic\.com|amazonaws\.com|google\.com|azure\.com|microsoft\.com|snyk\.io)",
    ),
}
_ANY_REGION = "|".join(
    sorted({re.escape(name) for names in WORLD_OF.values() for name in names}, key=len, reverse=True)
)


def host_of(text: str) -> str:
    """The host of a URL, of `host:port` or of a plain name, in lower case; empty for what names none."""
    rest = text.strip().lower()
    if "://" in rest:
        rest = rest.split("://", 1)[1]
    rest = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rsplit("@", 1)[-1]
    if rest.startswith("["):
        return rest.partition("]")[0] + "]"
    return rest.partition(":")[0].rstrip(".") if rest.count(":") < 2 else rest


def _regional(regions: Iterable[str]) -> list[str]:
    """Endpoints that name a region, of each cloud that has it."""
    found: list[str] = []
    of = {cloud: [re.escape(r) for r in sorted(regions) if r in names] for cloud, names in WORLD_OF.items()}
    if of["alicloud"]:
        word = f"(?:oss-|s3-|vpc-|intranet-)?(?:{'|'.join(of['alicloud'])})(?:-(?:internal|intranet|vpc|share))?"
        found.append(rf"(?:[a-z0-9_-]+\.)*{word}(?:\.(?:{_ALI_SERVICES}))?\.aliyuncs\.com")
    if of["gcp"]:
        word = "|".join(of["gcp"])
        found.append(rf"(?:{word})-(?:[a-z]+\.pkg\.dev|[a-z]+\.googleapis\.com)")
        found.append(rf"(?:[a-z0-9-]+\.)*(?:{word})\.(?:rep\.googleapis\.com|run\.app)")
    if of["azure"]:
        word = "|".join(of["azure"])
        found.append(rf"(?:[a-z0-9-]+\.)+(?:{word})(?:-[0-9])?\.(?:[a-z]+\.)*azure\.com")
    return found


@lru_cache(maxsize=64)
def receivers(world: str, regions: frozenset[str], hosts: frozenset[str] = frozenset()) -> str:
    """The pattern of hosts that data may be sent to: the cluster's own, the world's endpoints in these regions, and the
    hosts that somebody declared. Without anchors.
    """
    parts = [*_PRIVATE, *_declared(hosts), *_regional(regions), *_WORLDWIDE[world]]
    return "|".join(parts)


@lru_cache(maxsize=64)
def sources(world: str, regions: frozenset[str], hosts: frozenset[str] = frozenset()) -> str:
    """The pattern of hosts that things may be fetched from: `receivers` and the world's public hubs."""
    return "|".join([receivers(world, regions, hosts), *_HUBS[world]])


def _declared(hosts: Iterable[str]) -> list[str]:
    return [
        r"(?:[a-z0-9_-]+\.)+" + re.escape(host[2:]) if host.startswith("*.") else re.escape(host)
        for host in sorted(one.lower() for one in hosts)
    ]


def destination(pattern: str) -> str:
    """The whole pattern of a value that names a host: a URL, `host:port` or a name, alone or in a list. A path and
    an empty text name none. A name without dots is a Service of the same namespace.
    """
    host = f"(?:{pattern}|{_SINGLE}|{_OWN_NODE})"
    one = rf"(?:[a-z][a-z0-9+.-]*://)?(?:[^@/?#\\,\s]*@)?{host}\.?(?::[0-9]+)?(?:[/?#][^,\s]*)?"
    return rf"(?i)^\s*(?:|/[^,\s]*|(?:unix|file):[^,\s]*|{one}(?:[,;\s]+{one})*)\s*$"


def image(world: str, regions: frozenset[str], hosts: frozenset[str] = frozenset()) -> str:
    """The whole pattern of an image reference that may run in a world. One that names no host is of Docker Hub."""
    named = rf"(?:{sources(world, regions, hosts)})(?::[0-9]+)?/.+"
    hub = r"|[a-z0-9_-]+(?::[a-z0-9_.-]+)?(?:@.+)?|[a-z0-9_-]+/[^\s]+" if world == "row" else ""
    return rf"(?i)^(?:{named}{hub})$"


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern, compiled once."""
    return re.compile(pattern)


def image_host(reference: str) -> str:
    """The registry of an image reference."""
    first, slash, _ = reference.partition("/")
    return host_of(first) if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def world_of(host: str) -> str | None:
    """The world that a host is known to lie in, for the words of a refusal; None when the tables do not know it."""
    for world in ("cn", "row"):
        regions = frozenset(name for names in WORLD_OF.values() for name, of in names.items() if of == world)
        known = [*_regional(regions), *_WORLDWIDE[world], *_HUBS[world], *_RECEIVERS[world]]
        if compiled(rf"(?i)^(?:{'|'.join(known)})$").match(host):
            return world
    return None


def is_private(host: str) -> bool:
    """Whether no route leads to a host from outside the network."""
    return compiled(rf"(?i)^(?:{'|'.join(_PRIVATE)}|{_SINGLE})$").match(host) is not None


def is_accelerated(host: str) -> bool:
    """Whether a host is an access point that is everywhere: transfer acceleration, a content network."""
    return compiled(r"(?i)^(?:[a-z0-9_-]+\.)*oss-accelerate(?:-overseas)?\.aliyuncs\.com$").match(host) is not None


def why(host: str, world: str) -> str:
    """Why a host is refused, in words."""
    actual = world_of(host)
    if actual is None:
        return f"the tables do not know where {host or 'it'} lies."
    if actual != world:
        return f"{host} lies in world {actual}."
    return f"{host} lies in world {world} but in none of its allowed regions, or names none."
