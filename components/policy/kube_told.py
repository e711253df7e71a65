"""RES-034: addresses elsewhere that a program is told in its arguments, its script or its variables, whatever they are
called there.

Nobody can say what would be sent to them or fetched from them; the places that a world may fetch from are let be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.policy import hosts, kube, kube_pods, kube_texts, told
from components.policy.model import Check, Subject, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.kube import Container
    from components.policy.model import Violation

RULE = "RES-034"
# Nothing that a cluster keeps is longer.
MAX_TEXT = 2 << 20
_STORE, _MOVABLE, _SAID = (hosts.compiled(one) for one in (told.STORE, told.MOVABLE, told.SAID_WHERE))
_STORES = hosts.compiled(kube_pods.STORES)
_VARIABLE = hosts.compiled(hosts.VARIABLE)


def is_judged(name: str) -> bool:
    """Whether a variable has a rule of its own."""
    return bool(kube_pods.ruled(name))


def containers(subject: Subject) -> Iterator[Violation]:
    """RES-034: what the containers of pods are told."""
    for container in kube.containers(subject):
        body = container.body
        yield from _told(subject, f"{container.path}.args", container.words(), container)
        for way in kube_pods.ASKED:
            step: Any = body
            for key in (*way, "exec", "command"):
                step = step.get(key) if hasattr(step, "get") else None
            yield from _told(subject, f"{container.path}.{'.'.join(way)}.exec", " ".join(kube.strings(step)), container)
        for path, name, value in container.env():
            if isinstance(value, str) and value and not is_judged(name):
                yield from _told(subject, f"{path}.value ({name})", value, container, name=name)


def _told(subject: Subject, path: str, text: str, container: Container, *, name: str = "") -> Iterator[Violation]:
    if len(text) > MAX_TEXT:
        reason = "it is longer than anything that a cluster keeps, and was not read."
        yield violation(subject, RULE, path, f"(a text of {len(text)} characters)", reason, allowed="a shorter one")
        return
    for one in told.addresses(text, name=name) if text else ():
        yield from address(subject, path, one, beside=text, container=container)


def address(
    subject: Subject, path: str, one: str, *, beside: str = "", container: Container | None = None
) -> Iterator[Violation]:
    """A violation unless an address is of the world, or a variable that is filled in with one."""
    if _STORE.match(one):
        own = container is not None and any(
            hosts.compiled(kube_pods.STORES).match(name) for _, name, _ in container.env()
        )
        authority = one.partition("://")[2].partition("/")[0].rpartition("@")[2]
        # Some write the host where others write the bucket.
        named = ("." in authority or ":" in authority) and hosts.inside(kube.sources(subject), authority)
        kept = _MOVABLE.match(one) and (own or named or _SAID.search(beside))
        if not kept and not hosts.compiled(told.STORES_OF[subject.world]).match(one):
            reason = "where the store lies is not said, or it lies elsewhere."
            shown, allowed = f"{one.partition('://')[0]}://(not shown)", "a store of the world, with its endpoint"
            yield violation(subject, RULE, path, shown, reason, allowed=allowed)
        return
    if container is not None and _VARIABLE.search(one):
        why = _untraced(subject, one, container)
        if why:
            yield violation(subject, RULE, path, "(not shown)", why, allowed=kube.allowed_hosts(subject))
            return
    if not hosts.may_be_told(subject.world, kube.sources(subject), one):
        yield from kube.sent(subject, RULE, path, one, pattern=kube.sources(subject))


def _untraced(subject: Subject, one: str, container: Container) -> str:
    """Why a host that is put together from variables cannot be let be; empty where it can. What a shell fills in
    itself is not seen.
    """
    authority = (one.partition("://")[2] or one).partition("/")[0].rpartition("@")[2]
    for name in _VARIABLE.findall(authority.partition(":")[0]):
        said = [value for _, key, value in container.env() if f"$({key})" == name]
        if any(not isinstance(value, str) for value in said):
            return "its host comes from a variable that cannot be traced to anything that was judged."
        value = said[-1] if said else ""
        if value and not hosts.may_be_told(subject.world, kube.sources(subject), value):
            return "its host comes from a variable that names a place elsewhere."
    return ""


def texts(subject: Subject) -> Iterator[Violation]:
    """RES-034: scripts in ConfigMaps and Secrets, and single addresses there, which pods take as they are."""
    for path, key, text in kube_texts.texts(subject):
        if not isinstance(text, str) or not text or is_judged(key):
            continue
        said = text.strip()
        script = key.endswith((".sh", ".bash")) or said.startswith("#!")
        single = len(said) <= hosts.LONGEST_ITEM and not said.startswith(("{", "[", "<")) and len(said.split()) == 1
        if script or (single and not _is_of_argo(subject, key)):
            for one in told.addresses(said[: kube_texts.MAX_TEXT], name="" if script else key):
                yield from address(subject, path, one, beside=said)


def _is_of_argo(subject: Subject, key: str) -> bool:
    """Whether a text is the name by which callers reach Argo CD, which it calls `url`."""
    return key == "url" and at(subject.inputs, "metadata", "name") == "argocd-cm"


CHECKS: tuple[Check, ...] = (
    Check(rules=(RULE,), run=containers, pods=True),
    Check(rules=(RULE,), run=texts, types=kube_texts.TYPES),
)
