"""Expressions about addresses that a container's node or its program is told, as `components.policy.cel` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.policy import hosts, kube_pods
from components.policy import told as texts

if TYPE_CHECKING:
    from components.policy.decide import Border


def raw(pattern: str) -> str:
    """A pattern as a literal that is read as it stands."""
    if '"' in pattern:
        message = f"a pattern with a quote in it cannot be written in CEL: {pattern}"
        raise ValueError(message)
    return f'r"{pattern}"'


def probes(border: Border) -> list[str]:
    """RES-028 of what a node is to ask; one expression for each way of asking."""
    sent = raw(hosts.destination(hosts.receivers(border.world, border.allowed, border.hosts)))

    def kept(way: str, kind: str) -> str:
        return f"(!has({way}.{kind}) || !has({way}.{kind}.host) || {way}.{kind}.host.matches({sent}))"

    found: list[str] = []
    for steps in kube_pods.ASKED:
        absent = " || ".join(f"!has(c.{'.'.join(steps[: number + 1])})" for number in range(len(steps)))
        kinds = " && ".join(kept(".".join(("c", *steps)), kind) for kind in ("httpGet", "tcpSocket"))
        found.append(f"variables.containers.all(c, {absent} || ({kinds}))")
    return found


def told(border: Border, *, words: str) -> tuple[str, str]:
    """RES-034 of URLs in `words`, which are what a container is started with, and in its variables. What else a text
    tells of addresses an API server does not see.
    """
    judged = " || ".join(f"e.name.matches({raw(names)})" for _, names, _ in kube_pods.ENV)
    started = (
        f"variables.containers.all(c, !{words}.contains('://') || "
        f"{words}.findAll({raw(texts.URLS)}).all(m, {_good(border, words)}))"
    )
    given = (
        "variables.containers.all(c, !has(c.env) || c.env.all(e, !has(e.value) || !e.value.contains('://') || "
        f"{judged} || (e.name + '=').matches({raw(texts.OWN)}) || "
        f"e.value.findAll({raw(texts.URLS)}).all(m, {_good(border, 'e.value')})))"
    )
    return started, given


def _good(border: Border, words: str) -> str:
    """Whether a URL may be told, with what stands before it: as `kube_told.address`."""
    sources = hosts.sources(border.world, border.allowed, border.hosts)
    inside = hosts.destination(f"{sources}|{texts.SHELL}", head=texts.KEY)
    stored = f"(has(c.env) && c.env.exists(f, f.name.matches({raw(kube_pods.STORES)})))"
    said = f"({words}.matches({raw(texts.SAID_WHERE)}) || {stored})"
    store = f"m.matches({raw(texts.STORES_OF[border.world])}) || (m.matches({raw(texts.MOVABLE)}) && {said})"
    known = hosts.elsewhere(border.world)
    let = f"(m.matches({raw(inside)}) || !m.matches({raw(known)}))" if known else f"m.matches({raw(inside)})"
    # Nearly every URL of a cell is inside, so that is asked first: an API server counts what each question costs.
    return (
        f"(m.matches({raw(texts.STORE)}) ? ({store}) : {let}) || m.matches({raw(texts.COMMENT)}) || "
        f"m.matches({raw(texts.OWN)}) || m.matches({raw(texts.NO_HOST)})"
    )
