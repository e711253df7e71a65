"""What the clouds' own AI platforms serve, and where: facts for the hook of a cell.

Sources: the vendors' pages on regions and deployment scopes, August 2026. The scope of a hosted model matters more than
the address of its API: Alibaba Cloud's "Global" scope (Frankfurt, Virginia) may compute inside mainland China and is
not among these; on Azure it is a word of the deployment's SKU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# How a model comes to be served: from an image of ours on machines of the platform, or from the cloud's own catalogue.
Serving = Literal["image", "catalogue"]
SERVES: dict[str, Serving] = {"alicloud": "image", "azure": "catalogue"}

# The SKUs of a deployment that compute in the account's own region and nowhere else.
REGIONAL_SKUS = ("Standard", "ProvisionedManaged")


@dataclass(frozen=True, kw_only=True)
class Hosted:
    """The base address of a hosted-model API, and the region that it computes in."""

    url: str
    region: str


# Model Studio, by the world that its deployment scope covers ("Chinese mainland", "International").
_MODEL_STUDIO = {
    "cn": Hosted(url="https://dashscope.aliyuncs.com/compatible-mode/v1", region="cn-beijing"),
    "row": Hosted(url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1", region="ap-southeast-1"),
}


def model_studio(world: str, allowed: tuple[str, ...]) -> str:
    """The address of Model Studio for a world's cells: empty unless the world allows the region that it computes in."""
    found = _MODEL_STUDIO.get(world)
    return found.url if found is not None and found.region in allowed else ""


def vertex(region: str) -> str:
    """The regional address of Vertex AI; the one without a region is global."""
    return f"https://{region}-aiplatform.googleapis.com"
