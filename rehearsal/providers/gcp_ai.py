"""Google Cloud's Vertex AI as its API enforces it: endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.rules.checks import not_offered
from components.rules.model import Problem
from rehearsal.providers.facts import GCP_ZONES
from rehearsal.providers.gcp_net import project_of
from rehearsal.providers.gcp_rest import KEY
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec

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
        make=lambda call: Made(id=_id(call), region=call.text("location")),
        key=_id,
        outputs=_outputs,
        planned=lambda call: {"name": call.text("name")},
        removal=_kept,
        parents=(("encryptionSpec.kmsKeyName", KEY),),
        rules=(_place,),
    ),
)
