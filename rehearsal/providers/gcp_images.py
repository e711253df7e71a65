"""Google Cloud Artifact Registry and regional secrets as their APIs enforce them."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from components.rules.checks import not_offered
from components.rules.model import Problem
from rehearsal.providers.facts import GCP_ZONES
from rehearsal.providers.gcp_net import named, project_of
from rehearsal.providers.gcp_rest import KEY, REPOSITORY, SECRET
from rehearsal.providers.model import Call, CloudRefusalError, TypeSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.model import Rule
    from rehearsal.providers.store import Resource

_MULTI_REGIONS = ("asia", "europe", "us")


def _place(*more: str) -> Rule:
    places = {*GCP_ZONES, *more}

    def rule(call: Call) -> Iterator[Problem]:
        value = call.known("location")
        if isinstance(value, str) and value not in places:
            yield Problem("location", not_offered(value, places, what="location"))

    return rule


def _now() -> str:
    return datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _labelled(call: Call) -> dict[str, Any]:
    labels = call.known("labels") or {}
    return {
        "pulumiLabels": labels,
        "effectiveLabels": labels | {"goog-pulumi-provisioned": "true"},
        "project": project_of(call),
        "createTime": _now(),
    }


def _repository_id(call: Call) -> str:
    place = f"projects/{project_of(call)}/locations/{call.text('location')}"
    return f"{place}/repositories/{call.text('repositoryId')}"


def _uri(call: Call) -> str:
    return f"{call.text('location')}-docker.pkg.dev/{project_of(call)}/{call.text('repositoryId')}"


def _secret_id(call: Call) -> str:
    return f"projects/{project_of(call)}/locations/{call.text('location')}/secrets/{call.text('secretId')}"


def _kept(resource: Resource, _call: Call) -> None:
    if resource.inputs.get("deletionPolicy") == "PREVENT" or resource.inputs.get("deletionProtection") is True:
        message = f"{resource.id} is protected against deletion; lift that and bring it up first"
        raise CloudRefusalError(message)


IMAGE_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=REPOSITORY,
        make=named(_repository_id, region=lambda call: call.text("location")),
        key=_repository_id,
        outputs=lambda call, _id: (
            _labelled(call) | {"name": call.text("repositoryId"), "registryUri": _uri(call), "updateTime": _now()}
        ),
        planned=lambda call: {"name": call.text("repositoryId"), "registryUri": _uri(call)},
        removal=_kept,
        parents=(("kmsKeyName", KEY),),
        rules=(_place(*_MULTI_REGIONS),),
    ),
    TypeSpec(
        type_name=SECRET,
        make=named(_secret_id, region=lambda call: call.text("location")),
        key=_secret_id,
        outputs=lambda call, id_: _labelled(call) | {"name": id_},
        planned=lambda call: {"name": _secret_id(call)},
        removal=_kept,
        parents=(("customerManagedEncryption.kmsKeyName", KEY),),
        rules=(_place(),),
    ),
)
