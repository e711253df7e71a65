"""What stands against taking a cell to another Kubernetes minor, read from the live cell before anything is changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from cli import errors
from cli.check.model import Finding, failed, ok, unknown
from cli.kube import minors
from components.clouds import kubernetes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cli.kube.client import KubeClient
    from cli.net.http import Deadline
    from components.clouds.kubernetes import Removal

APIS, NODES, STEP = "kubernetes-apis", "kubernetes-nodes", "kubernetes-minor"
_REQUESTED = "apiserver_requested_deprecated_apis"
_SHOWN = 10


def step(*, running: str, wanted: str) -> Finding:
    """Whether a control plane can go this way at all."""
    problem = kubernetes.step_problem(running=running, wanted=wanted)
    subject = f"{running} to {wanted}"
    if problem is None:
        return ok(STEP, subject, "one step up" if running != wanted else "stays as it is")
    nearest = (
        f"1.{kubernetes.number(running) + 1}" if kubernetes.number(wanted) > kubernetes.number(running) else running
    )
    return failed(STEP, subject, f"{problem}.", fix=f"set kubernetes_minor to {nearest}", code=errors.USAGE)


async def live(kube: KubeClient, *, running: str, wanted: str, deadline: Deadline) -> list[Finding]:
    """Removed APIs that are in use, and nodes that would fall too far behind. What cannot be asked is `unknown`."""
    gone = kubernetes.removed_between(running, wanted)
    parts = await asyncio.gather(
        _guarded(APIS, "objects", objects(kube, gone, wanted=wanted, deadline=deadline)),
        _guarded(APIS, "requests", requests(kube, running=running, wanted=wanted, deadline=deadline)),
        _guarded(NODES, "kubelets", nodes(kube, wanted=wanted, deadline=deadline)),
    )
    return [finding for part in parts for finding in part]


async def _guarded(check: str, subject: str, work: Any) -> list[Finding]:
    try:
        return await work
    except errors.TwainError as error:
        return [unknown(check, subject, error.message, fix=error.fix)]


async def objects(kube: KubeClient, gone: tuple[Removal, ...], *, wanted: str, deadline: Deadline) -> list[Finding]:
    """Who last wrote objects through an API version that the wanted minor no longer serves: the field managers say."""
    found: list[Finding] = []
    for group in sorted({one.group for one in gone}):
        mine = [one for one in gone if one.group == group]
        versions = {(one.api_version, one.kind): one for one in mine}
        for item in await _all_of(kube, group, {one.kind for one in mine}, deadline=deadline):
            found.extend(_written(item, versions, wanted=wanted))
    if found:
        return found[:_SHOWN] + _more(found)
    return [ok(APIS, "objects", f"none is managed through one of {len(gone)} API kinds that {wanted} no longer serves")]


def _more(found: list[Finding]) -> list[Finding]:
    left = len(found) - _SHOWN
    if left <= 0:
        return []
    return [failed(APIS, "objects", f"{left} more like these.", fix="move them to the version that stays")]


async def _all_of(kube: KubeClient, group: str, kinds: set[str], *, deadline: Deadline) -> list[dict[str, Any]]:
    """Every object of these kinds, in whatever version the API server prefers; none where it serves none."""
    described = await kube.find(f"/apis/{group}", deadline=deadline)
    if described is None:
        return []
    items: list[dict[str, Any]] = []
    for version in described.get("versions") or ():
        served = await kube.get(f"/apis/{version['groupVersion']}", deadline=deadline)
        for resource in served.get("resources") or ():
            if resource["kind"] in kinds and "list" in resource["verbs"] and "/" not in resource["name"]:
                # One version is enough: it lists the objects of all.
                kinds = kinds - {resource["kind"]}
                listed = await kube.list(f"/apis/{version['groupVersion']}/{resource['name']}", deadline=deadline)
                items.extend({**item, "kind": resource["kind"]} for item in listed)
    return items


def _written(item: Mapping[str, Any], versions: Mapping[tuple[str, str], Removal], *, wanted: str) -> Iterator[Finding]:
    meta = item.get("metadata") or {}
    name = "/".join(part for part in (meta.get("namespace"), meta.get("name")) if part)
    told: set[str] = set()
    for entry in meta.get("managedFields") or ():
        removal = versions.get((str(entry.get("apiVersion")), str(item["kind"])))
        manager = str(entry.get("manager") or "somebody")
        if removal is None or manager in told:
            continue
        told.add(manager)
        yield failed(
            APIS,
            f"{item['kind']} {name}",
            f"{manager} wrote it through {removal.api_version}, which Kubernetes {wanted} no longer serves.",
            fix=_instead(removal, manager),
            source=f"its managedFields, {entry.get('time') or 'without a time'}",
        )


def _instead(removal: Removal, manager: str) -> str:
    target = removal.replacement or "the version that stays"
    return f"let {manager} write {removal.kind} through {target}"


async def requests(kube: KubeClient, *, running: str, wanted: str, deadline: Deadline) -> list[Finding]:
    """Which API versions that the wanted minor no longer serves were asked for since the API server started."""
    from cli.prom import exposition

    body = await kube.raw("GET", "/metrics", accept="text/plain", deadline=deadline)
    if b"apiserver_request" not in body.body:
        return [unknown(APIS, "requests", "the API server publishes no metrics of requests", source=_REQUESTED)]
    lines = [line for line in body.body.splitlines() if line.startswith(_REQUESTED.encode() + b"{")]
    found: list[Finding] = []
    for series in exposition.parse(b"\n".join([*lines, b""])).values if lines else ():
        removed = series.label("removed_release")
        if not removed.startswith("1."):
            continue
        if kubernetes.number(running) < kubernetes.number(removed) <= kubernetes.number(wanted):
            api = f"{series.label('group')}/{series.label('version')}"
            found.append(
                failed(
                    APIS,
                    f"{series.label('resource')} of {api}",
                    f"somebody asked for it since the API server started; Kubernetes {removed} no longer serves it.",
                    fix="find the caller in the audit log and move it to the version that stays",
                    source=_REQUESTED,
                )
            )
    return found or [
        ok(APIS, "requests", f"nobody asked for an API that {wanted} no longer serves since the API server started")
    ]


async def nodes(kube: KubeClient, *, wanted: str, deadline: Deadline) -> list[Finding]:
    """Kubelets may be three minors behind their control plane, and never ahead."""
    counts = await minors.of_nodes(kube, deadline=deadline)
    far = {
        minor: count
        for minor, count in counts.items()
        if minor != "unknown" and kubernetes.number(wanted) - kubernetes.number(minor) > kubernetes.NODES_BACK
    }
    if far:
        words = ", ".join(f"{count} of {minor}" for minor, count in sorted(far.items()))
        says = f"{words} would be more than {kubernetes.NODES_BACK} minors behind {wanted}."
        return [failed(NODES, "kubelets", says, fix="replace these nodes first; the pools make new ones")]
    if counts.get("unknown"):
        return [unknown(NODES, "kubelets", f"{counts['unknown']} nodes do not tell their version")]
    words = ", ".join(f"{count} of {minor}" for minor, count in sorted(counts.items())) or "there is no node"
    return [ok(NODES, "kubelets", words)]
