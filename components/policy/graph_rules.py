"""Rules about a whole document rather than one resource: how a state's secrets are encrypted, what a telemetry contract
lets out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.policy.kube import pairs
from components.policy.model import Violation, at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.policy.documents import Document

# Secrets providers of the engine whose key lies with a cloud of the rest of the world.
_ABROAD = ("awskms", "azurekeyvault", "gcpkms")
_LEAST = 10
# Words of a label's name that say who asked, or name something small; one of them anywhere in the name is enough.
_NAMING = frozenset(
    {
        "adapter", "client", "container", "content", "customer", "email", "guest", "host", "hostname", "instance", "ip",
        "lora", "mail", "member", "message", "mobile", "node", "openid", "owner", "passport", "person", "phone", "pod",
        "prompt", "request", "session", "span", "text", "trace", "unionid", "user", "uuid", "visitor", "wechat",
    }
)  # fmt: skip
# Words of a count's name that say that it counts what people did.
_OF_PEOPLE = frozenset(
    {
        "call", "chat", "client", "conversation", "customer", "guest", "member", "message", "people", "person",
        "prompt", "query", "queries", "request", "session", "user", "visit", "visitor",
    }
)  # fmt: skip
# What a name ends in that is about a group of them all the same: a kind of machine, a class of customers.
_OF_A_GROUP = frozenset({"class", "kind", "tier", "type"})
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# Types that are closed: their values are of a pattern, of a list, or a number.
CLOSED = frozenset(
    {
        "name", "model", "digest", "minor", "time", "count", "number", "money", "currency", "month", "cell", "maison",
        "region", "capability", "gpuClass", "gpuCounts",
    }
)  # fmt: skip


def judge(document: Document, *, world: str) -> list[Violation]:
    """Every violation of a document as a whole."""
    if document.form == "state":
        return list(_secrets(document.secrets or {}, world))
    if document.contract is not None:
        return list(_contract(document.contract))
    return []


def _violation(rule: str, path: str, value: object, allowed: str, reason: str) -> Violation:
    return Violation(
        rule=rule,
        resource="(the whole)",
        property=path,
        value=str(value)[:200],
        allowed=allowed,
        reason=reason,
    )


def _secrets(found: Mapping[str, Any], world: str) -> Iterator[Violation]:
    """RES-010 and RES-012: a hosted backend, a key abroad."""
    kind = str(found.get("type") or "")
    if kind == "service":
        url = at(found, "state", "url")
        yield _violation(
            "RES-010", "secrets_providers.type", f"service {url or ''}".strip(), "a bucket of the world, or a file",
            "the state is kept by a hosted service, which lies outside every world.",
        )  # fmt: skip
    url = str(at(found, "state", "url") or "")
    scheme = url.partition("://")[0]
    if kind == "cloud" and world == "cn" and scheme in _ABROAD:
        yield _violation(
            "RES-012", "secrets_providers.state.url", f"{scheme}://…", "passphrase, or a vault in China",
            "the key that opens the secrets of this state is asked of a cloud outside China.",
        )  # fmt: skip
    elif kind not in {"", "passphrase", "service", "cloud"} or (
        kind == "cloud" and scheme not in {*_ABROAD, "hashivault"}
    ):
        yield _violation(
            "RES-012", "secrets_providers", kind, "passphrase, cloud", "nobody can say where this key lies."
        )


def _contract(contract: Mapping[str, Any]) -> Iterator[Violation]:
    """RES-013 and RES-015: what a telemetry contract lets out."""
    shapes = {key for key, _ in pairs(contract.get("shapes"))}
    sections = contract.get("sections")
    if not pairs(sections):
        reason = "a contract without sections cannot be read, and what cannot be read may let out anything."
        yield _violation("RES-013", "sections", "absent", "sections of kinds of rows", reason)
        return
    for section, kinds in pairs(sections):
        for kind, row in pairs(kinds):
            place = f"sections.{section}.{kind}"
            yield from _labels(place, at(row, "labels"))
            yield from _open(f"{place}.fields", at(row, "fields"), shapes)
            yield from _minimum(place, row)


def _words(name: str) -> list[str]:
    """The words of a name in any spelling (podIp, pod_ip, POD-IP), in lower case."""
    return [word.lower() for word in _WORDS.findall(name[:256])]


def _speaks_of(name: str, subjects: frozenset[str]) -> bool:
    """Whether a name, or a word of it, in the plural too, is one of these."""
    return any(one in subjects or one.removesuffix("s") in subjects for one in (name[:256].lower(), *_words(name)))


def _names_somebody(name: str) -> bool:
    """Whether a label says who asked, or names something small, and not a group of them."""
    return _speaks_of(name, _NAMING) and _words(name)[-1] not in _OF_A_GROUP


def _labels(place: str, labels: Any) -> Iterator[Violation]:
    for name, kind in pairs(labels):
        if _names_somebody(name):
            reason = "a label of this name says who asked, or which single machine answered."
            yield _violation("RES-013", f"{place}.labels.{name}", kind, "labels of groups: world, cell, maison", reason)
        elif not isinstance(kind, list) and str(kind).removesuffix("|null") not in CLOSED:
            reason = "a label of this type can hold any text."
            yield _violation("RES-013", f"{place}.labels.{name}", kind, ", ".join(sorted(CLOSED)), reason)


def _open(place: str, fields: Any, shapes: set[str]) -> Iterator[Violation]:
    for name, kind in pairs(fields):
        if hasattr(kind, "items"):
            yield from _open(f"{place}.{name}", kind, shapes)
        elif not isinstance(kind, list) and str(kind).removesuffix("|null") not in CLOSED | shapes:
            reason = "a field of this type can hold any text."
            yield _violation("RES-013", f"{place}.{name}", kind, ", ".join(sorted(CLOSED)), reason)


def _minimum(place: str, row: Any) -> Iterator[Violation]:
    """Rows about what people did say something about people; the smallest group of it is ten."""
    fields = at(row, "fields")
    counted = [name for name, kind in pairs(fields) if _counts(kind) and _speaks_of(name, _OF_PEOPLE)]
    if not counted:
        return
    least = at(row, "minimum", "least")
    if type(least) is not int or least < _LEAST or at(row, "minimum", "field") not in counted:
        reason = "a group of a few requests is one customer, and two reports differ by that customer."
        yield _violation("RES-015", f"{place}.minimum", least if least is not None else "absent", "10 or more", reason)


def _counts(kind: Any) -> bool:
    return str(kind).removesuffix("|null") == "count"
