"""Google Cloud's Vertex AI as its API enforces it: endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.checks import (
    conflicts,
    matches,
    one_of,
    shape,
)
from components.rules.gcp.net import LABELS
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator


def _key_place(call: Inputs) -> Iterator[Problem]:
    key, location = call.known("encryptionSpec.kmsKeyName"), call.text("location")
    if isinstance(key, str) and "/locations/" in key and location:
        where = key.split("/locations/", 1)[1].split("/", 1)[0]
        if where != location:
            yield Problem("encryptionSpec.kmsKeyName", f"the key lies in {where}, the endpoint in {location}")


def _private(call: Inputs) -> Iterator[Problem]:
    joined = call.known("privateServiceConnectConfig.enablePrivateServiceConnect") is True
    if joined and call.known("dedicatedEndpointEnabled") is True:
        yield Problem("dedicatedEndpointEnabled", "conflicts with a private connection: never set both")


def _display(call: Inputs) -> Iterator[Problem]:
    if len(call.text("displayName")) > 128:
        yield Problem("displayName", f"{len(call.text('displayName'))} characters; a display name takes 128")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="gcp:vertex/aiEndpoint:AiEndpoint",
        name="name",
        immutable=frozenset(
            {
                "encryptionSpec",
                "location",
                "network",
                "privateServiceConnectConfig.enablePrivateServiceConnect",
                "project",
                "region",
            }
        ),
        rules=(
            LABELS,
            shape(_key_place, fix="take a key of the endpoint's own location"),
            shape(_private, fix="leave the dedicated endpoint off where the connection is private"),
            shape(_display, fix="shorten it to 128 characters"),
            conflicts("network", "privateServiceConnectConfig"),
            one_of("deletionPolicy", ("ABANDON", "DELETE", "PREVENT")),
            matches("name", r"[1-9]\d{0,9}", "a number of 10 digits at most, without leading zeros"),
        ),
    ),
)
