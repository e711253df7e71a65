"""The list of capabilities, how each cloud gives them, and the GPU classes by their figures: as a page.

python -m components.parity.report > docs/reference/parity.md
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from components.clouds import gpu, gpu_rates
from components.clouds.gpu_models import MODELS
from components.parity.capabilities import CAPABILITIES, CLOUDS, MEANS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from components.parity.compare import Verdict

_HEAD = """# Parity: capabilities, clouds, GPU classes

Made from `components/parity/data/capabilities.yaml` and `components/clouds/data/`; a test compares
this page with them. What a verdict is and how waivers work: [parity](../explanation/parity.md),
[waive a difference](../how-to/waivers.md).
`twain parity explain ID` prints a row with the inputs that it is read from.

"""
_POOLS = """## Where pools are read

A pool counts wherever it is declared: as a resource of its own (`NodePool`, `AgentPool`), inside its cluster's
(`nodePools` of GKE, `agentPoolProfiles` of AKS), or as GKE's default pool (`nodeConfig`, unless it is removed). One
that stands in both is one pool. A machine with GPUs makes a GPU pool whether accelerators are named beside it or not.

Some clusters make nodes that no plan declares: GKE Autopilot, GKE's auto-provisioning with a limit of an accelerator or
a compute class, AKS with node auto-provisioning and AKS Automatic, ACK in auto mode or of the profiles Serverless and
Acs. What is read from pools is `unknown` there, with that reason, never `n/a` and never equal; only a weakness of a
pool that is declared is still told as one. The same holds for pools that a plan does not know yet.

"""
_MEANS = """| | means |
|---|---|
| native | the cloud's own feature, switched on |
| composed | made of several parts by twain, because the cloud has no such feature in one piece |
| planned | can be given and is not yet: no component makes it |
| blocked | the cloud has it, and something outside of twain keeps it from being used |
| never | the cloud does not have it |

A guarantee that a cloud does not give is a gap like any other where another cell gives it: the matrix says why, and a
waiver says who answers for it and until when.

"""


def markdown(verdicts: Sequence[Verdict]) -> str:
    """A Markdown table, one row per capability, one column per cell. Ends with a newline."""
    cells = list(dict.fromkeys(cell for verdict in verdicts for cell in verdict.values))
    rows = [
        [verdict.capability, *(verdict.values.get(cell) or "unknown" for cell in cells), verdict.verdict, _why(verdict)]
        for verdict in verdicts
    ]
    return _table(["capability", *cells, "verdict", "reason"], rows)


def matrix() -> str:
    """How each cloud gives each guarantee."""
    rows = [
        [f"`{one.id}`", one.source, *(one.clouds[cloud].means for cloud in CLOUDS)] for one in CAPABILITIES
    ]  # fmt: skip
    return _table(["capability", "list", *CLOUDS], rows)


def summary() -> str:
    """How many guarantees each cloud gives, and how: the short form of the matrix."""
    rows = [
        [cloud, *(str(sum(one.clouds[cloud].means == means for one in CAPABILITIES)) for means in MEANS)]
        for cloud in CLOUDS
    ]
    return _table(["cloud", *MEANS], rows)


def reference() -> str:
    """The whole page. Ends with a newline."""
    parts = [
        _HEAD,
        "## The matrix\n\n",
        _MEANS,
        matrix(),
        "\n",
        _POOLS,
        "## What each says\n\n",
        _table(["capability", "value"], [[f"`{one.id}`", one.says] for one in CAPABILITIES]),
        "\n## Why\n\n",
        _table(["capability", *CLOUDS], [[f"`{one.id}`", *_reasons(one.clouds[cloud].why for cloud in CLOUDS)]
                                         for one in CAPABILITIES]),
        "\n## GPU classes\n\n",
        _classes(),
    ]  # fmt: skip
    return "".join(parts)


def _classes() -> str:
    """Every machine beside the others of its class, and what no source gives sizes for."""
    text = (
        "A class is met by what a device has: usable memory, dense compute, number formats; by how the devices of a\n"
        "node are joined; and by what it does, in tokens per second at one reference load:\n"
        f"{gpu_rates.LOAD}.\n"
        "Parity reads the class off the machine, never off a label. `unknown` is a figure that nobody with a source\n"
        "gives at this load; it is neither estimated nor taken from another load.\n\n"
    )
    rows: list[list[str]] = []
    for name in gpu.CLASSES:
        floor = gpu_rates.FLOORS.get(name)
        promised = f"{floor} tokens/s" if floor else "none"
        rows += [[name, promised, *row] for row in (*_machines(name), *_unlisted(name))]
    head = ["class", "least rate", "cloud", "machine", "devices", "joined by", "device", "usable memory", "tokens/s",
            "figure from", "limited for export"]  # fmt: skip
    return text + _table(head, rows)


def _machines(name: str) -> list[list[str]]:
    return [
        [cloud, f"`{one.instance_type}`", str(one.gpus), one.interconnect, *_device(one.gpu_model)]
        for cloud in CLOUDS
        for one in gpu.MACHINES[cloud]
        if one.gpu_class == name
    ]


def _unlisted(name: str) -> list[list[str]]:
    return [
        [one.cloud, f"`{one.family}`", "unknown", "unknown", *_device(one.gpu_model)]
        for one in gpu.UNLISTED
        if one.gpu_class == name
    ]


def _device(name: str) -> list[str]:
    model, figure = MODELS[name], gpu_rates.rate(name)
    told = f"{figure.source}, {figure.as_of}; {figure.engine}, {figure.precision}" if figure else "unknown"
    rate = str(figure.tokens_per_s) if figure else "unknown"
    return [name, f"{model.memory_gib:g} GiB", rate, told, gpu_rates.EXPORT_LIMITED.get(name, "no")]


def _reasons(whys: Iterable[str]) -> list[str]:
    """The reasons, the same one said once."""
    found = list(whys)
    return [found[0], *["the same"] * (len(found) - 1)] if len(set(found)) == 1 else found


def _why(verdict: Verdict) -> str:
    waiver = f"waiver {verdict.waiver}: " if verdict.waiver and verdict.verdict == "equivalent" else ""
    return f"{waiver}{verdict.reason or ''}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(text.replace('|', chr(92) + '|') for text in line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(reference())
