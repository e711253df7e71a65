"""Cloud Logging and a project's audit configuration as their APIs enforce them."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from components.rules.checks import not_offered
from components.rules.model import Problem
from rehearsal.providers.facts import GCP_ZONES
from rehearsal.providers.gcp_net import project_of
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

BUCKET, SINK = "gcp:logging/projectBucketConfig:ProjectBucketConfig", "gcp:logging/projectSink:ProjectSink"
EXCLUSION = "gcp:logging/projectExclusion:ProjectExclusion"
_SERVICES = ("storage.googleapis.com/", "bigquery.googleapis.com/", "pubsub.googleapis.com/")
_EXCLUSIONS = 10


def _place(call: Call) -> Iterator[Problem]:
    value = call.known("location")
    places = {*GCP_ZONES, "global", "eu", "us"}
    if isinstance(value, str) and value not in places:
        yield Problem("location", not_offered(value, places, what="location"))


def _destination(call: Call) -> Iterator[Problem]:
    value = call.known("destination")
    if not isinstance(value, str) or value.startswith(_SERVICES):
        return
    found = re.fullmatch(
        r"logging\.googleapis\.com/(projects/[^/]+(?:/locations/[^/]+/buckets/(?P<name>[^/]+))?)", value
    )
    if found is None:
        yield Problem("destination", f"{value!r} is no place for logs, such as logging.googleapis.com/projects/P")
        return
    name = found["name"]
    if name and call.store.get_resource(found[1], type=BUCKET) is None and not call.will_exist(BUCKET, name):
        yield Problem("destination", f"there is no log bucket {found[1]!r}")


def _few(call: Call) -> Iterator[Problem]:
    project = project_of(call)
    others = [
        item
        for item in call.store.list_resources(type=EXCLUSION)
        if item.urn != call.urn and item.id.startswith(f"projects/{project}/")
    ]
    if len(others) >= _EXCLUSIONS:
        yield Problem("name", f"{project} has {len(others)} exclusions already, and a project takes {_EXCLUSIONS}")


def _bucket_id(call: Call) -> str:
    return f"projects/{project_of(call)}/locations/{call.text('location')}/buckets/{call.text('bucketId')}"


def _locked(resource: Resource, _call: Call) -> None:
    if resource.inputs.get("locked") is True:
        message = f"{resource.id} is locked and not empty: it can never be deleted"
        raise CloudRefusalError(message)


def _named(kind: str, call: Call) -> str:
    return f"projects/{project_of(call)}/{kind}/{call.text('name')}"


def _audit_id(call: Call) -> str:
    return f"{call.text('project')}/audit_config/{call.text('service')}"


LOG_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=BUCKET,
        make=lambda call: Made(id=_bucket_id(call), region=call.text("location")),
        key=_bucket_id,
        outputs=lambda _call, id_: {"name": id_, "lifecycleState": "ACTIVE"},
        planned=lambda call: {"bucketId": call.text("bucketId")},
        removal=_locked,
        rules=(_place,),
    ),
    TypeSpec(
        type_name=SINK,
        make=lambda call: Made(id=_named("sinks", call)),
        key=lambda call: _named("sinks", call),
        outputs=lambda call, _id: {
            "project": project_of(call),
            "writerIdentity": f"serviceAccount:cloud-logs-{project_of(call)}@gcp-sa-logging.iam.gserviceaccount.com",
        },
        rules=(_destination,),
    ),
    TypeSpec(
        type_name=EXCLUSION,
        make=lambda call: Made(id=_named("exclusions", call)),
        key=lambda call: _named("exclusions", call),
        outputs=lambda call, _id: {"project": project_of(call)},
        rules=(_few,),
    ),
    TypeSpec(
        type_name="gcp:projects/iAMAuditConfig:IAMAuditConfig",
        make=lambda call: Made(id=_audit_id(call)),
        # One per project and service. Google Cloud lets a second declaration overwrite the first in silence; here it
        # is refused, because two stacks would take turns.
        key=_audit_id,
        outputs=lambda _call, id_: {"etag": hashlib.sha256(id_.encode()).hexdigest()[:12]},
    ),
)
