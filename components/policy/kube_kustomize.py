"""Rules about what Kustomize and the tools around it put together: images, charts, bases, literals, values, patches."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.policy import hosts, kube, kube_objects, kube_pods, kube_texts, kube_told, told
from components.policy.model import Check, Subject, at, violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.policy.model import Violation

# Keys in the values of charts: what callers come in by; variables; arguments; addresses.
_ENTRIES = re.compile(r"(?i)^(?:ingress|route|gateway|virtualservice|httproute|tls|sources?|maintainers|home|icon)$")
_VARIABLES = re.compile(r"(?i)(?:^|[a-z])env(?:s|vars?|ironment)?$|envRaw$")
_ARGUMENTS = re.compile(r"(?i)(?:args|command|arguments)$")
_ADDRESS = re.compile(r"(?i)(?:ur[il]|endpoint|server|address|host|broker|brokers|bootstrapservers|remote|proxy)$")
# Lists of a kustomization that name files or places to take them from.
_TAKEN = ("resources", "components", "bases", "crds")


def kustomized(subject: Subject) -> Iterator[Violation]:
    """RES-023 and RES-034: what a kustomization takes from elsewhere, and what it writes over."""
    group, kind = kube.kind_of(subject.type)
    if group == "kustomize.config.k8s.io":
        yield from _kustomization(subject, "", subject.inputs)
    elif (group, kind) == ("kustomize.toolkit.fluxcd.io", "Kustomization"):
        yield from _kustomization(subject, "spec.", subject.inputs.get("spec"))
    elif group == "argoproj.io" and kind in {"Application", "ApplicationSet"}:
        spec = subject.inputs.get("spec")
        for path, one in _sources(spec, "spec"):
            yield from _source(subject, path, one)


def _sources(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every source of an application, also in the template of a set of them."""
    for key, inner in kube.pairs(value):
        if key == "source" and hasattr(inner, "get"):
            yield f"{path}.source", inner
        elif key == "sources":
            yield from ((f"{path}.sources[{index}]", one) for index, one in enumerate(kube.items(inner)))
        else:
            yield from _sources(inner, f"{path}.{key}")


def _source(subject: Subject, path: str, one: Any) -> Iterator[Violation]:
    yield from _kustomization(subject, f"{path}.kustomize.", at(one, "kustomize"))
    helm = at(one, "helm")
    yield from values(subject, f"{path}.helm.valuesObject", at(helm, "valuesObject"))
    for document in _documents(at(helm, "values")):
        yield from values(subject, f"{path}.helm.values", document)
    for index, parameter in enumerate(kube.items(at(helm, "parameters"))):
        name, value = str(at(parameter, "name") or ""), at(parameter, "value")
        if isinstance(value, str):
            yield from _said(subject, f"{path}.helm.parameters[{index}].value", value, name)


def _said(subject: Subject, path: str, value: str, name: str) -> Iterator[Violation]:
    for found in told.addresses(value, name=name):
        yield from kube_told.address(subject, path, found, beside=value)


def _kustomization(subject: Subject, path: str, body: Any) -> Iterator[Violation]:
    for index, one in enumerate(kube.items(at(body, "images"))):
        named = one.partition("=")[2] or one if isinstance(one, str) else at(one, "newName")
        if named is not None:
            yield from image(subject, f"{path}images[{index}].newName", named)
    for index, one in enumerate(kube.items(at(body, "helmCharts"))):
        place, found = f"{path}helmCharts[{index}]", at(one, "repo")
        yield from kube.sent(subject, "RES-023", f"{place}.repo", found, pattern=kube.sources(subject))
        yield from values(subject, f"{place}.valuesInline", at(one, "valuesInline"))
    for key in _TAKEN:
        for index, one in enumerate(kube.items(at(body, key))):
            yield from _taken(subject, f"{path}{key}[{index}]", one)
    for place, name, value in _literals(body):
        yield from variable(subject, f"{path}{place} ({name})", name, value)
    for key in ("patches", "patchesStrategicMerge", "patchesJson6902"):
        for index, one in enumerate(kube.items(at(body, key))):
            text = one if isinstance(one, str) else at(one, "patch")
            for document in _documents(text):
                yield from _patch(subject, f"{path}{key}[{index}]", document)


def _documents(text: Any) -> list[Any]:
    """What stands in a text; nothing in the name of a file."""
    return kube_texts.read(text) or [] if isinstance(text, str) and (":" in text or "{" in text) else []


def _literals(body: Any) -> Iterator[tuple[str, str, str]]:
    for key in ("configMapGenerator", "secretGenerator"):
        for index, one in enumerate(kube.items(at(body, key))):
            for number, literal in enumerate(kube.strings(at(one, "literals"))):
                name, _, value = literal.partition("=")
                yield f"{key}[{index}].literals[{number}]", name, value
    for name, value in kube.pairs(at(body, "postBuild", "substitute")):
        if isinstance(value, str):
            yield f"postBuild.substitute.{name}", name, value


def _taken(subject: Subject, path: str, one: Any) -> Iterator[Violation]:
    """A file of the same folder, or a repository that is written with its host."""
    if not isinstance(one, str):
        return
    host = one.partition("/")[0]
    if "://" in one:
        yield from kube.sent(subject, "RES-023", path, one, pattern=kube.sources(subject))
    elif "@" in host or (("." in host.strip(".")) and "/" in one):
        place = host.rpartition("@")[2].partition(":")[0]
        yield from kube.sent(subject, "RES-023", path, place, pattern=kube.sources(subject))


def variable(subject: Subject, path: str, name: str, value: str) -> Iterator[Violation]:
    """What a pod will be told under a name: by the rule of that name, else by RES-034."""
    for rule, names, of in kube_pods.ENV:
        if hosts.compiled(names).match(name):
            pattern = kube.sources(subject) if of == kube_pods.FETCHED else kube.receivers(subject)
            yield from kube.sent(subject, rule, path, value, pattern=pattern)
            return
    yield from _said(subject, path, value, name)


def image(subject: Subject, path: str, value: Any) -> Iterator[Violation]:
    """RES-023 of one image."""
    pattern = hosts.compiled(hosts.image(subject.world, subject.allowed, subject.hosts))
    known = isinstance(value, str) and len(value) <= hosts.LONGEST_ITEM
    if not known or not pattern.fullmatch(value):
        reason = hosts.why(hosts.image_host(value) if isinstance(value, str) else "", subject.world)
        shown, allowed = hosts.shown_image(value), kube.allowed_hosts(subject)
        yield violation(subject, "RES-023", path, shown, reason, allowed=allowed)


def _patch(subject: Subject, path: str, value: Any) -> Iterator[Violation]:
    """Images and addresses in a patch, wherever in the object it is put."""
    operation = at(value, "path")
    if isinstance(operation, str) and operation.endswith("/image"):
        yield from image(subject, path, at(value, "value"))
    for key, inner in kube.pairs(value):
        if key == "image" and isinstance(inner, str):
            yield from image(subject, f"{path}.{key}", inner)
        elif isinstance(inner, str) and key not in {"description", "path"}:
            name = at(value, "name") if key == "value" else key
            yield from variable(subject, f"{path}.{key}", name if isinstance(name, str) else "", inner)
        elif key not in {"metadata", "description"}:
            yield from _patch(subject, f"{path}.{key}", inner)
    for index, inner in enumerate(kube.items(value)):
        if isinstance(inner, str):
            yield from _said(subject, f"{path}[{index}]", inner, "")
        else:
            yield from _patch(subject, f"{path}[{index}]", inner)


def values(subject: Subject, path: str, value: Any) -> Iterator[Violation]:
    """What the values of a chart say: images, the configuration of programs that send things, variables, arguments."""
    yield from kube_objects.chart_values(subject, value, path)
    yield from _given(subject, path, value)


def _given(subject: Subject, path: str, value: Any) -> Iterator[Violation]:
    """Variables, arguments and addresses in the values of a chart."""
    name, said = at(value, "name"), at(value, "value")
    if isinstance(name, str) and isinstance(said, str):
        yield from variable(subject, f"{path}.value ({name})", name, said)
    for key, inner in kube.pairs(value):
        place = f"{path}.{key}"
        if _ENTRIES.search(key) or key in {"description", "annotations", "labels"}:
            continue
        if _VARIABLES.search(key) and kube.pairs(inner):
            for name, one in kube.pairs(inner):
                if isinstance(one, str):
                    yield from variable(subject, f"{place}.{name}", name, one)
        elif _ARGUMENTS.search(key) and kube.strings(inner):
            yield from _said(subject, place, " ".join(kube.strings(inner)), "")
        elif isinstance(inner, str) and _ADDRESS.search(key):
            yield from _said(subject, place, inner, key)
        else:
            yield from _given(subject, place, inner)
    for index, inner in enumerate(kube.items(value)):
        yield from _given(subject, f"{path}[{index}]", inner)


def charts(subject: Subject) -> Iterator[Violation]:
    """RES-023 and what values say: charts that something in the cluster installs."""
    group, kind = kube.kind_of(subject.type)
    spec = subject.inputs.get("spec")
    if (group, kind) == ("helm.toolkit.fluxcd.io", "HelmRelease"):
        yield from values(subject, "spec.values", at(spec, "values"))
    if (group, kind) == ("helm.sh", "Release"):
        yield from _given(subject, "values", subject.inputs.get("values"))
    if (group, kind) == ("helm.cattle.io", "HelmChart"):
        yield from kube.sent(subject, "RES-023", "spec.repo", at(spec, "repo"), pattern=kube.sources(subject))
        for document in _documents(at(spec, "valuesContent")):
            yield from values(subject, "spec.valuesContent", document)


_PROJECTS = ("kubernetes:kustomize.", "kubernetes:argoproj.io/")
_CHARTS = ("kubernetes:helm.toolkit.", "kubernetes:helm.cattle.", "kubernetes:helm.sh/")
CHECKS: tuple[Check, ...] = (
    Check(rules=("RES-023", "RES-034"), run=kustomized, types=_PROJECTS),
    Check(rules=("RES-023", "RES-014", "RES-017", "RES-034"), run=charts, types=_CHARTS),
)
