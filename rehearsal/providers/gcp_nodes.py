"""What GKE's nodes tell about themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.checks import objects

if TYPE_CHECKING:
    from rehearsal.providers.model import Call


def labels(call: Call) -> dict[str, str]:
    """The label by which GKE's nodes with GPUs tell the driver that they were asked for."""
    for entry in objects(call.known("nodeConfig.guestAccelerators")):
        config = entry.get("gpuDriverInstallationConfig")
        word = config.get("gpuDriverVersion") if isinstance(config, dict) else None
        if word in ("DEFAULT", "LATEST"):
            return {"cloud.google.com/gke-gpu-driver-version": str(word).lower()}
    return {}
