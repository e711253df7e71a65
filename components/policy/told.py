r"""What a text tells a program of addresses: its arguments, its script, one of its variables, whatever they are called.

An address is found by its own shape (a URL, a name with a port), by the name of what it is given to (`--endpoint`,
`UPSTREAM_HOST=`), or behind a program that does nothing but speak to others (`curl`, `nc`). URLs are found by patterns
that RE2 and Python read alike, for an API server judges by them too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from components.policy import hosts

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPACE = hosts.SPACE
# What stands before a value: a name and an equals sign, or a flag.
KEY = rf"(?:[A-Za-z_-][A-Za-z0-9_.:-]{{0,60}}=|-{{1,2}}[A-Za-z][A-Za-z0-9_.-]{{0,60}}{_SPACE}+)?[\x22\x27]?"
# A URL as far as a shell reads it; braces belong to it as those of a variable only.
_OF_URL = r"(?:\$\{[A-Za-z0-9_]+\}|\$\([A-Za-z0-9_.-]+\)|[^ \t\r\n\x22\x27<>|;(){}\x60\\])"
URL = rf"{KEY}[A-Za-z][A-Za-z0-9+.-]{{0,20}}://{_OF_URL}+"
# A line that a shell does not read.
COMMENT = r"(?m:^[ \t]*#[^\n]*)"
URLS = f"{COMMENT}|{URL}"
# What a name says it is: the address by which callers come in, where it listens, whom it lets in, what is only shown.
_OWN = (
    r"listen(?:ers?)?|bind|advertised?|cors|allow(?:ed)?|origins?|redirect|csrf|referr?er|audiences?"
    r"|service-account-issuer|no[_-]?proxy|home-?page|docs?|documentation|help|support|terms|privacy|logo|icon|schema"
    r"|virtual[_-]?host|(?:external|public|root|site|frontend|canonical)[_.-]?(?:ur[il]|host(?:name)?|addr(?:ess)?)"
)
OWN = (
    rf"(?i)^-{{0,2}}(?:(?:[a-z0-9_.:-]*[^a-z0-9])?(?:{_OWN})(?:[^a-z= \t\r\n][a-z0-9_.:-]*)?"
    r"|(?:app|site|cookie|root|base|ingress)?[_-]?domain|(?:kc[_-])?hostname(?:[_-]url)?)(?:=|[ \t\r\n])"
)
# Schemes that name no host: files, sockets, volumes, identities, names of things. Also `$(a command)`, which no reader
# can follow, and every address of the machine itself, where something listens.
NO_HOST = (
    rf"(?i)^{KEY}(?:(?:file|dir|unix|unixgram|pvc|pvc\+cache|spiffe|k8s|secret|vault|npipe|fd|memory|mem|sqlite|duckdb)://.*"
    r"|[a-z][a-z0-9+.-]*://(?:[^/]*\$|(?:0\.0\.0\.0|\[::\]|)(?::[0-9]*)?/?))$"
)
# Stores that are reached by a name of their own: which place that is stands elsewhere, or is a vendor's.
STORE = rf"(?i)^{KEY}(?:s3[an]?|oss|gs|gcs|az|abfss?|wasbs?|hf|modelscope|cos|obs|tos|r2|b2)://"
STORES_OF: Final[dict[str, str]] = {
    "cn": rf"(?i)^{KEY}modelscope://",
    "row": rf"(?i)^{KEY}(?:gs|gcs|az|abfss?|wasbs?|hf)://",
}
# Those that lie where an endpoint says, and what says it beside them: that is judged itself.
MOVABLE = rf"(?i)^{KEY}(?:s3[an]?|oss)://"
SAID_WHERE = rf"(?:^|{_SPACE})(?:--endpoint(?:-url)?|--s3-endpoint|-e)(?:=|{_SPACE})"
# A variable as a shell writes it.
SHELL = r"\$(?:\{[A-Za-z_][A-Za-z0-9_]*\}|[A-Za-z_][A-Za-z0-9_]*)"

# The rest is looked for by this program alone.
_FILES = re.compile(
    r"(?i)\.(?:py|sh|go|js|mjs|ts|rs|rb|pl|md|txt|log|json|jsonl|ya?ml|toml|conf|cfg|ini|xml|html|csv|gz|tgz|tar|zip|pem|crt|key)$"
)
_NAME = r"(?:[A-Za-z0-9_-]{1,63}\.){1,12}[A-Za-z][A-Za-z0-9-]{1,62}"
_ADDRESS = rf"(?:[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}|{_NAME})"
_END = r"(?=$|[\s,;/?\"'\]|&)])"
_WITH_PORT = re.compile(rf"(?<![A-Za-z0-9_.:-])(?P<to>{_ADDRESS}:[0-9]{{2,5}}){_END}")
_MEANS = (
    r"(?:ur[il]s?|endpoints?|servers?|addr|address(?:es)?|hosts?|brokers?|upstreams?|targets?|collectors?|sinks?|peers?"
    r"|prox(?:y|ies)|mirrors?|registry|dsn|remote|destination)"
)
_PLACE = rf"{_ADDRESS}(?::[0-9]{{1,5}})?"
_NAMED = re.compile(
    rf"(?i)(?<![a-z0-9_.:-])(?P<key>-{{0,2}}(?:[a-z_][a-z0-9_.:-]{{0,80}}?)?{_MEANS}=|-{{1,2}}[a-z0-9_.-]{{0,80}}?{_MEANS}\s+)"
    rf"[\"']?(?:[^@\s\"'/,]{{1,128}}@)?(?P<to>{_PLACE}(?:,{_PLACE}){{0,50}}){_END}"
)
# Programs that speak to whatever address they are given, and what a shell opens as if it were a file.
_COMMAND = re.compile(
    r"(?:^|[\s;&|(/\"'`])(?:curl|wget|nc|ncat|netcat|telnet|ssh|scp|sftp|ftp|lftp|rsync|socat|git|openssl|psql|pg_dump(?:all)?"
    r"|mysql(?:dump)?|mongodump|mongosh|redis-cli|clickhouse-client|docker|podman|skopeo|crane|oras|nerdctl|ctr|buildah)\s(?P<rest>[^;&|\n]{1,2000})"
)
# What stands behind these is a file, a header, a name of something.
_NOT_SPOKEN_TO = re.compile(
    r"(?:^|\s)(?:-[HAobcKEeu]|-o|--(?:output|header|user-agent|referer|cookie|cacert|cert|key|config|servername|data(?:-raw)?|exclude|include))"
    r"(?:\s+|=)(?:\"[^\"]*\"|'[^']*'|\S+)"
)
_ENDS = "com|net|org|io|cn|ai|dev|cloud|app|co|eu|uk|de|fr|it|ch|nl|es|us|ca|jp|kr|sg|hk|tw|in|au|ru|info|biz|xyz|me|tv"
_SPOKEN_TO = re.compile(
    rf"(?i)(?<![a-z0-9_./-])(?P<to>[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}|(?:[a-z0-9_-]{{1,63}}\.){{1,12}}(?:{_ENDS}))(?=$|[:/\s\"'])"
)
# As Git writes a repository that is reached by SSH, and as some name a kind of store before its host.
_BY_SSH = re.compile(rf"(?<![A-Za-z0-9._-])[A-Za-z0-9._-]{{1,64}}@(?P<to>{_NAME}):[A-Za-z~/]")
_OF_KIND = re.compile(rf"(?<![A-Za-z0-9._-])(?:s3|rest|sftp):(?:[^@\s/]{{1,64}}@)?(?P<to>{_NAME})(?=[/:\s]|$)")
_OPENED = re.compile(r"/dev/(?:tcp|udp)/(?P<to>[^/\s]{1,253})/")
_URLS, _COMMENT, _KEY, _OWN_KEY = (re.compile(one) for one in (URLS, COMMENT, f"^{KEY}", OWN))
_VARIABLE, _STORED = re.compile(SHELL), re.compile(STORE)


def urls(text: str) -> Iterator[str]:
    """Every URL of a text with what stands before it, but for comments and for what is one's own."""
    for one in _URLS.finditer(text) if "://" in text else ():
        whole = one.group()
        if not whole.lstrip(" \t").startswith("#") and not _OWN_KEY.match(whole):
            yield whole


def bare(url: str) -> str:
    """A URL without what stands before it, its variables as Kubernetes writes them."""
    return _VARIABLE.sub(lambda one: f"$({one.group().strip('${}')})", url[_KEY.match(url).end() :])  # type: ignore[union-attr]


def is_own(name: str) -> bool:
    """Whether a name says that what stands under it is one's own address, or only shown."""
    return _OWN_KEY.match(f"{name}=") is not None


def is_store(value: str) -> bool:
    """Whether a value is a store that is reached by a name of its own."""
    return _STORED.match(value) is not None


def addresses(text: str, *, name: str = "") -> list[str]:
    """Every address that a text names, as hosts and URLs; `name` is that of a variable whose value it is."""
    if name and _OWN_KEY.match(f"{name}="):
        return []
    if "://" not in text and "." not in text:
        return []
    found = [bare(one) for one in urls(text) if not _NO_HOST.match(one)]
    if "." not in text:
        return found
    if "#" in text:
        text = _COMMENT.sub("", text)
    named = f"{name}={text}" if name else text
    found += [one["to"] for one in _WITH_PORT.finditer(text) if not _is_file(one["to"])] if ":" in text else []
    found += [one["to"] for one in _NAMED.finditer(named) if not _OWN_KEY.match(one["key"]) and not _is_file(one["to"])]
    if ":" in text:
        found += [one["to"] for finder in (_BY_SSH, _OF_KIND) for one in finder.finditer(text)]
    for one in _COMMAND.finditer(text) if not name else ():
        found += [to["to"] for to in _SPOKEN_TO.finditer(_NOT_SPOKEN_TO.sub(" ", f" {one['rest']}"))]
    found += [one["to"] for one in _OPENED.finditer(text)] if "/dev/" in text else []
    return [one for one in dict.fromkeys(found) if not one.startswith("0.0.0.0")]


def _is_file(address: str) -> bool:
    return _FILES.search(address.partition(":")[0]) is not None


_NO_HOST = re.compile(NO_HOST)
