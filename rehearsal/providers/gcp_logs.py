"""Cloud Logging and a project's audit configuration as their APIs enforce them."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from rehearsal.providers.facts import GCP_ZONES
from rehearsal.providers.gcp_net import project_of
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import between, matches, needs, not_offered, objects
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

BUCKET, SINK = "gcp:logging/projectBucketConfig:ProjectBucketConfig", "gcp:logging/projectSink:ProjectSink"
EXCLUSION = "gcp:logging/projectExclusion:ProjectExclusion"
_NAME, _WORDS = r"[a-zA-Z0-9][\w.-]{0,99}", "1 to 100 letters, digits, _ - and ."
_KINDS = frozenset({"ADMIN_READ", "DATA_READ", "DATA_WRITE"})
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


def _kinds(call: Call) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, config in enumerate(objects(call.known("auditLogConfigs"))):
        kind = config.get("logType")
        if isinstance(kind, str) and kind not in _KINDS:
            yield Problem(f"auditLogConfigs[{index}].logType", not_offered(kind, _KINDS, what="value"))
        if isinstance(kind, str) and kind in seen:
            yield Problem(f"auditLogConfigs[{index}].logType", f"{kind} is given twice")
        seen.add(str(kind))


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
        name="bucketId",
        make=lambda call: Made(id=_bucket_id(call), region=call.text("location")),
        key=_bucket_id,
        outputs=lambda _call, id_: {"name": id_, "lifecycleState": "ACTIVE"},
        planned=lambda call: {"bucketId": call.text("bucketId")},
        removal=_locked,
        immutable=frozenset({"location", "project"}),
        rules=(_place, between("retentionDays", 1, 3650), matches("bucketId", _NAME, _WORDS)),
    ),
    TypeSpec(
        type_name=SINK,
        name="name",
        make=lambda call: Made(id=_named("sinks", call)),
        key=lambda call: _named("sinks", call),
        outputs=lambda call, _id: {
            "project": project_of(call),
            "writerIdentity": f"serviceAccount:cloud-logs-{project_of(call)}@gcp-sa-logging.iam.gserviceaccount.com",
        },
        immutable=frozenset({"project"}),
        rules=(_destination, matches("name", _NAME, _WORDS)),
    ),
    TypeSpec(
        type_name=EXCLUSION,
        name="name",
        make=lambda call: Made(id=_named("exclusions", call)),
        key=lambda call: _named("exclusions", call),
        outputs=lambda call, _id: {"project": project_of(call)},
        immutable=frozenset({"project"}),
        rules=(needs("filter"), _few, matches("name", _NAME, _WORDS)),
    ),
    TypeSpec(
        type_name="gcp:projects/iAMAuditConfig:IAMAuditConfig",
        name="service",
        make=lambda call: Made(id=_audit_id(call)),
        # One per project and service. Google Cloud lets a second declaration overwrite the first in silence; here it
        # is refused, because two stacks would take turns.
        key=_audit_id,
        outputs=lambda _call, id_: {"etag": hashlib.sha256(id_.encode()).hexdigest()[:12]},
        immutable=frozenset({"project"}),
        rules=(
            needs("auditLogConfigs"),
            _kinds,
            matches("service", r"allServices|[a-z0-9-]+\.googleapis\.com", "a service or allServices"),
        ),
    ),
)
