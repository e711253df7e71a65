"""Google Cloud keys, identities, buckets and project services as their APIs enforce them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from components.rules.checks import not_offered
from components.rules.model import Problem
from rehearsal.providers.facts import GCP_MULTI_REGIONS, GCP_ZONES
from rehearsal.providers.gcp_net import project_of
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.store import Resource

KEY_RING, KEY = "gcp:kms/keyRing:KeyRing", "gcp:kms/cryptoKey:CryptoKey"
BUCKET, ACCOUNT = "gcp:storage/bucket:Bucket", "gcp:serviceaccount/account:Account"
# Described in `gcp_images`.
REPOSITORY = "gcp:artifactregistry/repository:Repository"
SECRET = "gcp:secretmanager/regionalSecret:RegionalSecret"  # noqa: S105 - the name of a type
# The domains of services' own accounts that do not follow the pattern `gcp-sa-<service>`.
_AGENTS = {
    "container": "container-engine-robot",
    "compute": "compute-system",
    "file": "cloud-filer",
    "storage": "gs-project-accounts",
    "sqladmin": "gcp-sa-cloud-sql",
}


def _place(call: Call) -> Iterator[Problem]:
    value = call.known("location")
    places = {*GCP_ZONES, *GCP_MULTI_REGIONS, *(name.lower() for name in GCP_MULTI_REGIONS), "global"}
    if isinstance(value, str) and value.lower() not in {place.lower() for place in places}:
        yield Problem("location", not_offered(value, places, what="location"))


def _key_ring_id(call: Call) -> str:
    return f"projects/{project_of(call)}/locations/{call.text('location')}/keyRings/{call.text('name')}"


def _key_id(call: Call) -> str:
    return f"{call.text('keyRing')}/cryptoKeys/{call.text('name')}"


def _email(call: Call) -> str:
    return f"{call.text('accountId')}@{project_of(call)}.iam.gserviceaccount.com"


def _account_outputs(call: Call) -> dict[str, Any]:
    email = _email(call)
    return {
        "email": email,
        "member": f"serviceAccount:{email}",
        "name": f"projects/{project_of(call)}/serviceAccounts/{email}",
        "project": project_of(call),
    }


def _labels(call: Call) -> dict[str, Any]:
    labels = call.known("labels") or {}
    return {"pulumiLabels": labels, "effectiveLabels": labels | {"goog-pulumi-provisioned": "true"}}


def _bucket_outputs(call: Call, id_: str) -> dict[str, Any]:
    return _labels(call) | {
        "url": f"gs://{id_}",
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{id_}",
        "location": call.text("location").upper(),
        "project": project_of(call),
    }


def _binding_id(subject: str) -> Any:
    def make(call: Call) -> str:
        condition = call.known("condition")
        tail = f"/{condition.get('title')}" if isinstance(condition, dict) else ""
        return f"{call.text(subject)}/{call.text('role')}/{call.text('member')}{tail}"

    return make


def _binding(type_name: str, subject: str, parent: str | None) -> TypeSpec:
    identify = _binding_id(subject)
    return TypeSpec(
        type_name=type_name,
        make=lambda call: Made(id=identify(call)),
        key=identify,
        outputs=lambda _call, id_: {"etag": hashlib.sha256(id_.encode()).hexdigest()[:12]},
        parents=((subject, parent),) if parent else (),
    )


def _never(resource: Resource, _call: Call) -> None:
    # Google Cloud keeps key rings for ever; the provider only forgets them, and so do we.
    del resource


def _kept_bucket(resource: Resource, _call: Call) -> None:
    if resource.outputs.get("twainObjects") and resource.inputs.get("forceDestroy") is not True:
        message = f"bucket {resource.id} is not empty and force_destroy is not set"
        raise CloudRefusalError(message)


def _service_agent(call: Call) -> dict[str, Any]:
    service = call.text("service").removesuffix(".googleapis.com")
    agent = _AGENTS.get(service, f"gcp-sa-{service}")
    number = 100000000000 + sum(project_of(call).encode()) * 7919
    email = f"service-{number}@{agent}.iam.gserviceaccount.com"
    return {"email": email, "member": f"serviceAccount:{email}", "project": project_of(call)}


OTHER_TYPES: tuple[TypeSpec, ...] = (
    TypeSpec(
        type_name=KEY_RING,
        make=lambda call: Made(id=_key_ring_id(call), region=call.text("location")),
        key=_key_ring_id,
        outputs=lambda call, _id: {"project": project_of(call)},
        removal=_never,
        planned=lambda call: {"name": call.text("name")},
        rules=(_place,),
    ),
    TypeSpec(
        type_name=KEY,
        make=lambda call: Made(id=_key_id(call), region=call.text("keyRing").split("/locations/")[-1].split("/")[0]),
        key=_key_id,
        outputs=lambda call, id_: (
            _labels(call) | {"primaries": [{"name": f"{id_}/cryptoKeyVersions/1", "state": "ENABLED"}]}
        ),
        planned=lambda call: {"name": call.text("name")},
        parents=(("keyRing", KEY_RING),),
    ),
    TypeSpec(
        type_name=ACCOUNT,
        make=lambda call: Made(id=f"projects/{project_of(call)}/serviceAccounts/{_email(call)}"),
        key=_email,
        outputs=lambda call, id_: _account_outputs(call) | {"uniqueId": str(10**20 + sum(id_.encode()))},
        planned=_account_outputs,
    ),
    TypeSpec(
        type_name=BUCKET,
        make=lambda call: Made(id=call.text("name"), region=call.text("location").lower()),
        key=lambda call: call.text("name"),
        outputs=_bucket_outputs,
        planned=lambda call: {"name": call.text("name"), "url": f"gs://{call.text('name')}"},
        removal=_kept_bucket,
        parents=(("encryption.defaultKmsKeyName", KEY),),
        rules=(_place,),
    ),
    _binding("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember", "cryptoKeyId", KEY),
    _binding("gcp:serviceaccount/iAMMember:IAMMember", "serviceAccountId", ACCOUNT),
    _binding("gcp:projects/iAMMember:IAMMember", "project", None),
    _binding("gcp:storage/bucketIAMMember:BucketIAMMember", "bucket", BUCKET),
    _binding("gcp:artifactregistry/repositoryIamMember:RepositoryIamMember", "repository", REPOSITORY),
    _binding("gcp:secretmanager/regionalSecretIamMember:RegionalSecretIamMember", "secretId", SECRET),
    TypeSpec(
        type_name="gcp:projects/serviceIdentity:ServiceIdentity",
        # Asking for an account that is there gives the one that is there, so every cell of a project may ask. Google's
        # id is the same for all of them; the store keeps one row per asker, told apart by the cell.
        make=lambda call: Made(id=f"projects/{project_of(call)}/services/{call.text('service')}#{call.cell}"),
        key=lambda call: f"{project_of(call)}/{call.text('service')}#{call.cell}",
        outputs=lambda call, _id: _service_agent(call),
        planned=_service_agent,
        # Google Cloud keeps a service's own account for ever.
        removal=_never,
    ),
    TypeSpec(
        type_name="gcp:projects/service:Service",
        make=lambda call: Made(id=f"{project_of(call)}/{call.text('service')}"),
        key=lambda call: f"{project_of(call)}/{call.text('service')}",
        outputs=lambda call, _id: {"project": project_of(call)},
    ),
)
