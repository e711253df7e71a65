"""What a fleet says of its nodes' images and drivers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Nodes(BaseModel):
    """How the nodes of every pool get new images and drivers. `automatic` images come with the cloud's own patch runs,
    `held` ones stay until the line says otherwise. `driver` is a channel, or a version where the cloud takes one (in
    quotes: YAML reads a version of two parts as a number). `surge` is how many machines more each pool may have while
    old ones are replaced; Alibaba Cloud takes no such number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: Literal["automatic", "held"] = "automatic"
    driver: str = Field(default="stable", pattern=r"^(stable|newest|\d{3}(\.\d{1,3}){1,2})$")
    surge: int = Field(default=1, ge=1, le=10, strict=True)
