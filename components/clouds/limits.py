"""What one cloud takes and another does not: bounds of values, and how many addresses of a cell's pods a node takes."""

from __future__ import annotations

import re

NONCURRENT_DAYS = {"azure": 365}
"""How many days old versions, and what was deleted, may be kept at most; a cloud that is not named has no bound that a
fleet could reach. Source: ARM, Microsoft.Storage, DeleteRetentionPolicy.days (of blobs and of containers)."""

FORBIDDEN_PARTS = {"azure": (re.compile("--"), "two dashes in a row")}
"""What the part of a bucket must not be called where a part is a resource with a name of its own. Source: Microsoft
Learn, naming containers: 3 to 63 lower-case letters, digits and single dashes."""

NODE_BLOCK = {"gcp": 24, "azure": 24}
"""The block of the pods' range that each node takes, as the length of its prefix: twice the 110 pods of a node on GKE,
always a /24 with AKS' overlay (Microsoft Learn, Azure CNI Overlay). On Alibaba Cloud a node takes addresses one by one
as its pods come; how many it can have its machine type says, so that nothing is known from the fleet."""

UNPATCHED = {
    "azure": "its nodes would get no patches at all: no channel of AKS brings less than security patches, and holds"
}
"""Clouds where images cannot be held without leaving known holes open, and why; the guard refuses it (SEC-016)."""

ZONES = {"alicloud": 5}
"""How many zones a cell may lie in at most: its cluster takes one subnet of each. Source: the provider's reference of
managed clusters, vswitch_ids: 1 to 5."""
