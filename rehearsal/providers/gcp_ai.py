"""Google Cloud's Vertex AI as its API enforces it: endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.providers.facts import GCP_ZONES
from rehearsal.providers.gcp_net import label_rules, project_of
from rehearsal.providers.gcp_rest import KEY
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import conflicts, matches, not_offered, one_of
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

ENDPOINT = "gcp:vertex/aiEndpoint:AiEndpoint"


def _place(call: Call) -> Iterator[Problem]:
    for path in ("location", "region"):
        value = call.known(path)
        if isinstance(value, str) and value not in GCP_ZONES:
            yield Problem(path, not_offered(value, GCP_ZONES, what="region"))
    location, region = call.known("location"), call.known("region")
    if isinstance(location, str) and isinstance(region, str) and location != region:
        yield Problem("region", f"is {region}, and the location {location}: the call goes to one place")


def _key_place(call: Call) -> Iterator[Problem]:
    key, location = call.known("encryptionSpec.kmsKeyName"), call.text("location")
    if isinstance(key, str) and "/locations/" in key and location:
        where = key.split("/locations/", 1)[1].split("/", 1)[0]
        if where != location:
            yield Problem("encryptionSpec.kmsKeyName", f"the key lies in {where}, the endpoint in {location}")


def _private(call: Call) -> Iterator[Problem]:
    joined = call.known("privateServiceConnectConfig.enablePrivateServiceConnect") is True
    if joined and call.known("dedicatedEndpointEnabled") is True:
        yield Problem("dedicatedEndpointEnabled", "conflicts with a private connection: never set both")
    if len(call.text("displayName")) > 128:
        yield Problem("displayName", f"{len(call.text('displayName'))} characters; a display name takes 128")


def _id(call: Call) -> str:
    return f"projects/{project_of(call)}/locations/{call.text('location')}/endpoints/{call.text('name')}"


def _outputs(call: Call, _id: str) -> dict[str, Any]:
    labels = call.known("labels") or {}
    return {
        "pulumiLabels": labels,
        "effectiveLabels": labels | {"goog-pulumi-provisioned": "true"},
        "project": project_of(call),
        "deployedModels": [],
    }


def _kept(resource: Resource, _call: Call) -> None:
    if resource.inputs.get("deletionPolicy") == "PREVENT":
        message = f"{resource.id} is protected against deletion; lift that and bring it up first"
        raise CloudRefusalError(message)


AI_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=ENDPOINT,
        name="name",
        make=lambda call: Made(id=_id(call), region=call.text("location")),
        key=_id,
        outputs=_outputs,
        planned=lambda call: {"name": call.text("name")},
        removal=_kept,
        immutable=frozenset({"encryptionSpec", "location", "network", "project", "region"}),
        parents=(("encryptionSpec.kmsKeyName", KEY),),
        rules=(
            label_rules,
            _place,
            _key_place,
            _private,
            conflicts("network", "privateServiceConnectConfig"),
            one_of("deletionPolicy", ("ABANDON", "DELETE", "PREVENT")),
            matches("name", r"[1-9]\d{0,9}", "a number of 10 digits at most, without leading zeros"),
        ),
    ),
)
