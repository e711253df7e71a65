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

# Namespaces that are called so everywhere, and by whose names no domain of the internet ends.
_NAMESPACES = (
    "default|monitoring|observability|logging|tracing|telemetry|metrics|redis|kafka|mysql|postgres|postgresql|mongodb"
    "|rabbitmq|zookeeper|etcd|minio|elasticsearch|opensearch|clickhouse|qdrant|milvus"
)
# Addresses that no route leads to from outside: the cluster's own, the machine's own, a cloud's link-local services.
_PRIVATE = (
    r"localhost",
    r"(?:[a-z0-9_-]+\.)+(?:svc|local|internal)",
    # A Service and its namespace. Behind the last dot of a name of the internet stands no hyphen, nor one of these.
    rf"[a-z0-9_-]+\.(?:{_NAMESPACES}|[a-z0-9]+(?:-[a-z0-9]+)+)",
    r"10\.[0-9.]+",
    r"127\.[0-9.]+",
    r"192\.168\.[0-9.]+",
    r"172\.(?:1[6-9]|2[0-9]|3[01])\.[0-9.]+",
    r"169\.254\.[0-9.]+",
    r"100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.[0-9.]+",
    r"\[?(?:::1|f[cde][0-9a-f]{2}:[0-9a-f:]+)\]?",
)
# A name without dots is a Service. It begins with a letter: a mere number is an address in another spelling.
_SINGLE = r"[a-z](?:[a-z0-9_-]*[a-z0-9])?"
# Another variable of the same container. Whoever takes a value with one asks where that comes from.
VARIABLE = r"\$\([A-Za-z0-9_.-]+\)"
# What Python and RE2 both mean by a space: their own classes differ.
SPACE = r"[ \t\r\n]"
# What separates destinations of a list. None of them stands inside one, so that a list is read in one way only.
_BETWEEN = r"[,; \t\r\n]"
_WITHIN = r"[^,; \t\r\n]"
# Longer texts name no destinations: what would be read of them would take longer than anybody waits.
LONGEST, LONGEST_ITEM = 16384, 4096
# `dns://SERVER/NAME` asks a server, and then goes to the name: it is read by itself.
_SCHEME = r"(?:[a-ce-z][a-z0-9+.-]*|d(?:[a-mo-z0-9+.-][a-z0-9+.-]*|n(?:[a-rt-z0-9+.-][a-z0-9+.-]*|s[a-z0-9+.-]+)?)?)://"

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
        r"acme(?:-staging)?-v02\.api\.letsencrypt\.org",
        r"8\.8\.[84]\.[84]",
        r"1\.[01]\.[01]\.1",
        r"9\.9\.9\.9",
        r"dns\.google",
        r"one\.one\.one\.one",
    ),
}
# Places that things are sent to and that name no region: known to lie in a world, allowed in none unless declared.
_RECEIVERS: dict[str, tuple[str, ...]] = {
    "cn": (
        r"(?:[a-z0-9-]+\.)*(?:umeng|sensorsdata|aliyun|alicdn|aliyuncs|gitee|baidu|baidubce|bcebos|dingtalk|feishu)\.(?:com|cn)",
        r"(?:[a-z0-9-]+\.)*(?:qq|weixin|tencentcos|myqcloud|tencentcloudapi|volces|volcengine|deepseek|moonshot|bigmodel)\.(?:com|cn)",
        r"(?:[a-z0-9-]+\.)*(?:myhuaweicloud|huaweicloud|qiniucs|qiniu|jdcloud|taobao|tmall|alipay|bilibili)\.(?:com|cn)",
    ),
    "row": (
        r"(?:[a-z0-9-]+\.)*(?:datadoghq\.(?:com|eu)|newrelic\.com|nr-data\.net|sentry\.io|grafana\.(?:net|com))",
        r"(?:[a-z0-9-]+\.)*(?:honeycomb\.io|splunkcloud\.com|dynatrace\.com|smith\.langchain\.com|langfuse\.com|wandb\.ai)",
        r"(?:[a-z0-9-]+\.)*(?:openai\.com|anthropic\.com|amazonaws\.com|google\.com|azure\.com|microsoft\.com|snyk\.io)",
    ),
}


def host_of(text: str) -> str:
    """The host of a URL, of `host:port` or of a plain name, in lower case; empty for what names none."""
    rest = text.strip().lower()
    scheme, _, after = rest.partition("://")
    if after:
        # gRPC's names hold a server of names before the name itself.
        rest = after.rpartition("/")[2] if scheme == "dns" else after
    rest = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rsplit("@", 1)[-1]
    if rest.startswith("["):
        return rest.partition("]")[0] + "]"
    return rest.partition(":")[0].rstrip(".") if rest.count(":") < 2 else rest


def _regional(names: Iterable[str]) -> list[str]:
    """Endpoints that name a region, of each cloud that has it."""
    found: list[str] = []
    regions = frozenset(names)
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


def item(pattern: str) -> str:
    """The pattern of one destination, without anchors: a URL, `host:port` or a name; a path and a socket name none."""
    host = f"(?:{pattern}|{_SINGLE}|{VARIABLE})"
    head = rf"(?:{_SCHEME}|dns:(?:///)?)?(?:[^@/?#\\,; \t\r\n]*@)?"
    path = rf"/(?:[^/,; \t\r\n]{_WITHIN}*)?"
    port = rf"(?::(?:[0-9]{{1,5}}|{VARIABLE}|\$\{{?[A-Za-z_][A-Za-z0-9_]*\}}?))?"
    return rf"(?:{path}|(?:unix|file):{_WITHIN}*|{head}{host}\.?{port}(?:[/?#]{_WITHIN}*)?)"


def destination(pattern: str, *, head: str = "") -> str:
    """The whole pattern of a value that names destinations: none, one, or a list. For readers that never go back in a
    text, as an API server is; `inside` says the same in Python, where a list is taken apart first.
    """
    one = item(pattern)
    return rf"(?i)^{head}{_BETWEEN}*(?:{one}(?:{_BETWEEN}+{one})*)?{_BETWEEN}*$"


def items_of(value: str) -> list[str]:
    """The destinations of a list."""
    return [one for one in re.split(rf"{_BETWEEN}+", value) if one]


@lru_cache(maxsize=64)
def _known(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?i){item(pattern)}")


def inside(pattern: str, value: str) -> bool:
    """Whether a value names destinations of a pattern only."""
    if len(value) > LONGEST:
        return False
    known = _known(pattern)
    return all(len(one) <= LONGEST_ITEM and known.fullmatch(one) is not None for one in items_of(value))


_NAME = re.compile(r"[a-z0-9_*-]+(?:\.[a-z0-9_*-]+)+|\[[0-9a-f:.]+\]|[0-9a-f]*:[0-9a-f:]+|[0-9]+|\$\([a-z0-9_.-]+\)")


def shown(pattern: str, value: str) -> str:
    """What a refusal may repeat of a value: scheme and host of what is outside. Credentials stand everywhere else."""
    if len(value) > LONGEST:
        return f"(a text of {len(value)} characters)"
    known = _known(pattern)
    found = [one for one in items_of(value) if len(one) > LONGEST_ITEM or known.fullmatch(one) is None]
    return ", ".join(dict.fromkeys(_named(one) for one in found)) or "(not shown)"


def _named(one: str) -> str:
    scheme, mark, _ = one.partition("://")
    name = host_of(one)
    said = name if _NAME.fullmatch(name) else "(not shown)"
    return f"{scheme}://{said}" if mark and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,20}", scheme) else said


def shown_image(reference: object) -> object:
    """What a refusal may repeat of an image reference: an image has no user, whatever somebody writes before an @."""
    if not isinstance(reference, str) or re.fullmatch(r"[\w.:/${}()-]{1,300}(?:@sha\d+:[0-9a-f]+)?", reference):
        return reference
    return _named(reference.rpartition("@")[2].strip()[:LONGEST_ITEM])


def first_word(part: str) -> str:
    """What follows a flag, without the marks around it."""
    return re.split(r"[ \t\r\n]", part.lstrip("= \t\r\n"), maxsplit=1)[0].strip("\"'")


def first_outside(pattern: str, value: str) -> str:
    """The host of the first destination of a list that is not of the pattern, when it is a name that may be said."""
    known = _known(pattern)
    listed = items_of(value) if len(value) <= LONGEST else []
    found = next((one for one in listed if len(one) <= LONGEST_ITEM and known.fullmatch(one) is None), "")
    name = host_of(found)
    return name if _NAME.fullmatch(name) else ""


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
    for part in (_of_regions, _of_names):
        for world in ("cn", "row"):
            if compiled(rf"(?i)^(?:{part(world)})$").match(host):
                return world
    return None


@lru_cache(maxsize=2)
def _of_regions(world: str) -> str:
    """The pattern of every endpoint that names a region of a world."""
    return "|".join(_regional(name for names in WORLD_OF.values() for name, of in names.items() if of == world))


def _of_names(world: str) -> str:
    return "|".join([*_WORLDWIDE[world], *_HUBS[world], *_RECEIVERS[world]])


@lru_cache(maxsize=2)
def elsewhere(world: str) -> str:
    """The pattern of a text that names a host which is known to lie elsewhere, for addresses of which nobody can say
    more than that a program is told of them. In China whatever is not inside lies elsewhere. In the rest of the world
    that is what the tables know: China, endpoints of regions, somebody's service, a public address. Whoever asks has
    let be what is inside.
    """
    if world == "cn":
        return ""
    services = [one for one in _RECEIVERS["row"] if "openai" not in one]
    services.append(r"(?:[a-z0-9-]+\.)*(?:openai\.com|anthropic\.com|amazonaws\.com|snyk\.io)")
    number = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
    # A name under China's own domain may lie anywhere: nobody who keeps out of China names one.
    own = r"(?:[a-z0-9_-]+\.)+cn"
    known = "|".join([_of_regions("cn"), _of_names("cn"), own, _of_regions("row"), *services, number])
    return rf"(?i)(?:^|[/@,; \t\r\n=\x22\x27])(?:{known})\.?(?:$|[:/?#,; \t\r\n\x22\x27])"


def may_be_told(world: str, pattern: str, value: str) -> bool:
    """Whether a program may be told of an address; `pattern` is what the world may fetch from."""
    if inside(pattern, value):
        return True
    known = elsewhere(world)
    return bool(known) and len(value) <= LONGEST and compiled(known).search(value) is None


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
