"""What the objects of a served model guarantee: those Deployments whose pods ask for GPUs."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from components.parity import graph as g

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.parity.graph import Graph, Inputs, Reader

_GPU = "nvidia.com/gpu"
_SLO = "twain/slo"
_CONTEXT = "--max-model-len"
# Arguments that follow from the model or from the platform, and so say nothing about how the engine is set.
_OF_MODEL = (_CONTEXT, "--served-model-name", "--model", "--port", "--host", "--revision")
_SHA = "sha256:"
UNPINNED = "unpinned"


def image_of(container: Any) -> tuple[str, str, str]:
    """The image of a container as its last name, tag and digest; what it does not say is empty."""
    text = g.at(container, "image")
    if not isinstance(text, str):
        return "", "", ""
    name, _, digest = text.partition("@")
    last, _, tag = name.rsplit("/", 1)[-1].partition(":")
    return last, tag, digest


def engines(graph: Graph) -> list[tuple[Inputs, Any]]:
    """Every (Deployment, container) that asks for GPUs."""
    found: list[tuple[Inputs, Any]] = []
    for one in graph.like("kubernetes:apps/", "Deployment"):
        for container in g.listed(one, "spec", "template", "spec", "containers") or ():
            asked = (g.at(container, "resources", part, _GPU) for part in ("limits", "requests"))
            if any(g.given(value) for value in asked):
                found.append((one, container))
    return found


def arguments(container: Any) -> list[str] | None:
    """The engine's own settings, in their order."""
    given = g.listed(container, "args")
    if given is None or any(g.readable(one) is g.HIDDEN for one in given):
        return None
    kept: list[str] = []
    skip = False
    for position, one in enumerate(str(item) for item in given):
        if skip:
            skip = False
            continue
        flag, sign, _ = one.partition("=")
        if flag in _OF_MODEL:
            skip = not sign
        elif position or one.startswith("-"):
            kept.append(one)
    return kept


def _each(read: Callable[[Inputs, Any], str | None]) -> Reader:
    def reader(graph: Graph) -> str | None:
        values = [read(deployment, container) for deployment, container in engines(graph)]
        if not values:
            return g.NOT_APPLICABLE if graph.has("kubernetes:") else None
        return None if None in values else "_".join(sorted({one for one in values if one}))

    return reader


def _version(deployment: Inputs, container: Any) -> str | None:
    del deployment
    name, tag, _ = image_of(container)
    return f"{name}/{tag}" if name and tag else None


def _arguments(deployment: Inputs, container: Any) -> str | None:
    del deployment
    own = arguments(container)
    return None if own is None else hashlib.sha256(json.dumps(own).encode()).hexdigest()[:12]


def _digest(text: Any) -> str:
    """A digest in the words that may cross the border, which know no colon."""
    known = isinstance(text, str) and text.startswith(_SHA)
    return f"sha256/{text.removeprefix(_SHA)}" if known else UNPINNED


def _image(deployment: Inputs, container: Any) -> str | None:
    del deployment
    name, _, digest = image_of(container)
    return _digest(digest) if name else None


def _weights(deployment: Inputs, container: Any) -> str | None:
    del container
    volumes = g.listed(deployment, "spec", "template", "spec", "volumes")
    if volumes is None:
        return None
    references = [g.at(one, "image", "reference") for one in volumes if g.at(one, "image")]
    return _digest(str(references[0]).partition("@")[2]) if references else UNPINNED


def _contract(deployment: Inputs, container: Any) -> str | None:
    """Context length and SLOs. The context is the last one that the arguments give: the engine takes that one."""
    given = [str(one) for one in g.listed(container, "args") or ()]
    context = ""
    for one, following in zip(given, [*given[1:], ""], strict=True):
        flag, sign, value = one.partition("=")
        if flag == _CONTEXT:
            context = value if sign else following
    promises = _promises(g.at(deployment, "metadata", "annotations", _SLO))
    return f"{context or 'default'}/{promises}" if promises is not None else None


def _promises(text: Any) -> str | None:
    if text is None:
        return "no-slo"
    try:
        found = [f"{one['metric']}-{one['threshold_s']:g}s-{one['objective']:g}" for one in json.loads(text)]
    except (TypeError, ValueError, KeyError):
        return None
    return "_".join(sorted(found)) or "no-slo"


READERS: dict[str, Reader] = {
    "engine.version": _each(_version),
    "engine.arguments": _each(_arguments),
    "image.digest": _each(_image),
    "model.weights": _each(_weights),
    "model.contract": _each(_contract),
}
