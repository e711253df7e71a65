"""RES-034 of the clouds' own resources: addresses elsewhere, wherever in a resource they stand."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Any, Final

from components.policy import hooks, hosts, kube_told, told
from components.policy.model import Check, Subject, cloud_of
from components.policy.place_keys import is_word
from components.policy.places import leaves, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

# Keys whose value is a host where it is a name with dots.
_HOSTS: Final = frozenset(
    {
        *("endpoint", "url", "uri", "host", "hostname", "hostName", "fqdn", "server", "serverName", "serverAddress"),
        *("hostRedirect", "backendHost", "targetHost", "databaseEndpoint", "sourceEndpointIp", "destinationEndpointIp"),
        *("mirrorUrl", "address", "bootstrapServers", "brokers", "connectionString", "connection_string"),
        *("dataSource", "jdbcUrl", "serviceEndpoint", "baseUrl", "apiUrl"),
    }
)
# A resource's own address, which its place decides: the host itself may name no region.
_OWN: Final = ("alicloud:rds/", "connectionString")
_NAME = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.){1,12}[A-Za-z]{2,24}(?::[0-9]{1,5})?")
# Addresses of these are what a load balancer sends requests to.
_BEHIND: Final = (
    *("alicloud:alb/serverGroup:", "alicloud:nlb/serverGroup", "alicloud:slb/serverGroup"),
    *("gcp:compute/regionNetworkEndpoint:", "gcp:compute/networkEndpoint:"),
)
_ADDRESSES: Final = frozenset({"serverIp", "serverId", "ipAddress", "ip"})
_NUMBERS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_SERVERS: Final = ("server", "data source", "host", "hostname", "addr", "address", "endpoint", "network address")
# Scripts, and texts that are written in base64.
_SCRIPTS: Final = frozenset(
    {
        "userData",
        "customData",
        "metadataStartupScript",
        "startup-script",
        "commandToExecute",
        "script",
        "command",
        "args",
    }
)
_CODED: Final = frozenset({"userData", "customData", "encodedsamlMetadataDocument", "samlMetadataDocument"})
_KEYS: Final = _HOSTS | _SCRIPTS | _CODED
# Words, and names by which somebody else comes in.
_LEFT: Final = frozenset(
    {
        *("description", "tags", "labels", "annotations", "displayName", "policyDescription", "remark", "comment"),
        *("resourceGroupName", "runbookUrl", "documentation", "content", "mimeType", "schema", "$schema", "origins"),
        *("allowedOrigins", "redirectUris", "replyUrls", "logoutUrl", "homepage", "image", "imageUri", "imageUrl"),
    }
)
# Names of ways of writing, which nobody asks.
_WRITING = re.compile(
    r"(?i)^[a-z]+://(?:www\.w3\.org|(?:[a-z0-9-]+\.)*json-schema\.org|schema\.management\.azure\.com|schemas\.[a-z.]+|schema\.org"
    r"|docs\.oasis-open\.org|xml\.apache\.org)[/#:]?"
)
_IDENTITIES = re.compile(r"(?i)^(?:principal|principalset|api|spiffe|domain|group|user)://")


def told_of(subject: Subject) -> Iterator[Violation]:
    """RES-034: URLs, hosts and scripts."""
    if cloud_of(subject.type) is None or subject.type.startswith(("pulumi:providers:", *hooks.CALLERS)):
        return
    behind = subject.type.startswith(_BEHIND)
    for path, key, value in leaves(subject):
        if not isinstance(value, str):
            continue
        if key in _KEYS or "://" in value or (value[:1] == "{" and "." in value):
            yield from _leaf(subject, path, key, value)
        elif behind and key in _ADDRESSES and _NUMBERS.fullmatch(value):
            yield from kube_told.address(subject, path, value)


def _leaf(subject: Subject, path: str, key: str, value: str) -> Iterator[Violation]:
    if key in _LEFT or is_word(path, key) or (path == _OWN[1] and subject.type.startswith(_OWN[0])):
        return
    if key in _CODED:
        value = _decoded(value)
    if key in _SCRIPTS:
        found = told.addresses(value)
    elif value[:1] == "{":
        yield from _json(subject, path, value)
        return
    elif "://" not in value:
        whole = _NAME.fullmatch(value) is not None
        found = [value] if whole else _connected(value)
    else:
        found = told.addresses(value, name=key)
    for one in found:
        if not _WRITING.match(one) and not _IDENTITIES.match(one) and not _is_made(subject, path, one):
            yield from kube_told.address(subject, path, one, beside=value)


def _is_made(subject: Subject, path: str, one: str) -> bool:
    """Whether an address was made by accepted resources, as the issuer of a cluster is: its name may be anything that
    is not known to lie elsewhere.
    """
    top = re.split(r"[.\[:]", path, maxsplit=1)[0]
    return top in subject.traced and hosts.world_of(hosts.host_of(one)) in (None, subject.world)


def _connected(value: str) -> list[str]:
    """The host in a text such as `Server=HOST;Port=1`."""
    parts = (one.partition("=") for one in value.split(";"))
    named = {key.strip().lower(): said.strip() for key, _, said in parts}
    found = [named[key].removeprefix("tcp:").partition(",")[0] for key in _SERVERS if key in named]
    return [one for one in found if _NAME.fullmatch(one)]


def _json(subject: Subject, path: str, value: str) -> Iterator[Violation]:
    """A document in a text. What is none is read as it stands."""
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        for one in told.addresses(value):
            yield from kube_told.address(subject, path, one, beside=value)
        return
    for inner, key, leaf in walk(document) if _is_shallow(document) else ():
        if isinstance(leaf, str) and leaf[:1] != "{" and ("://" in leaf or key in _HOSTS):
            yield from _leaf(subject, f"{path}: {inner}", key, leaf)


def _is_shallow(document: Any, depth: int = 60) -> bool:
    if depth == 0:
        return False
    if isinstance(document, dict):
        return all(_is_shallow(one, depth - 1) for one in document.values())
    return not isinstance(document, list) or all(_is_shallow(one, depth - 1) for one in document)


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return value


CHECKS: tuple[Check, ...] = (Check(rules=(kube_told.RULE,), run=told_of),)
