"""Google Cloud keys, identities, buckets and project services as their APIs enforce them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from rehearsal.providers import signing
from rehearsal.providers.facts import GCP_MULTI_REGIONS, GCP_ZONES
from rehearsal.providers.gcp_net import label_rules, project_of
from rehearsal.providers.model import Call, CloudRefusalError, Made, TypeSpec
from rehearsal.providers.rules import matches, not_offered, one_of
from rehearsal.providers.sdktypes import Problem

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
_SERVICE = matches("service", r"[a-z0-9-]+\.googleapis\.com", "a service such as container.googleapis.com")
_MEMBER = r"(allUsers|allAuthenticatedUsers|(user|group|serviceAccount|domain|principal|principalSet)://?.+|(user|group|serviceAccount|domain):.+)"


def _place(call: Call) -> Iterator[Problem]:
    value = call.known("location")
    places = {*GCP_ZONES, *GCP_MULTI_REGIONS, *(name.lower() for name in GCP_MULTI_REGIONS), "global"}
    if isinstance(value, str) and value.lower() not in {place.lower() for place in places}:
        yield Problem("location", not_offered(value, places, what="location"))


def _same_place_as_key(call: Call) -> Iterator[Problem]:
    key, location = call.known("encryption.defaultKmsKeyName"), call.text("location").lower()
    if isinstance(key, str) and "/locations/" in key and location:
        where = key.split("/locations/", 1)[1].split("/", 1)[0].lower()
        if where not in (location, "global"):
            yield Problem(
                "encryption.defaultKmsKeyName",
                f"the key lies in {where}, the bucket in {location}: they must be the same",
            )


def _rotation(call: Call) -> Iterator[Problem]:
    period = call.known("rotationPeriod")
    if isinstance(period, str) and (not period.endswith("s") or not period[:-1].isdigit() or int(period[:-1]) < 86400):
        yield Problem("rotationPeriod", f"{period!r} must be seconds with an s, at least 86400s")


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
        immutable=frozenset({"condition", subject, "member", "role"}),
        parents=((subject, parent),) if parent else (),
        rules=(
            matches("member", _MEMBER, "a member such as serviceAccount:NAME@PROJECT.iam.gserviceaccount.com"),
            matches(
                "role",
                r"(roles|projects/[^/]+/roles|organizations/[^/]+/roles)/[\w.]+",
                "a role such as roles/storage.objectViewer",
            ),
        ),
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
        name="name",
        make=lambda call: Made(id=_key_ring_id(call), region=call.text("location")),
        key=_key_ring_id,
        outputs=lambda call, _id: {"project": project_of(call)},
        removal=_never,
        planned=lambda call: {"name": call.text("name")},
        immutable=frozenset({"location", "project"}),
        rules=(_place, matches("name", r"[\w-]{1,63}", "1 to 63 letters, digits, _ and -")),
    ),
    TypeSpec(
        type_name=KEY,
        name="name",
        make=lambda call: Made(id=_key_id(call), region=call.text("keyRing").split("/locations/")[-1].split("/")[0]),
        key=_key_id,
        outputs=lambda call, id_: (
            _labels(call) | {"primaries": [{"name": f"{id_}/cryptoKeyVersions/1", "state": "ENABLED"}]}
        ),
        planned=lambda call: {"name": call.text("name")},
        immutable=frozenset({"cryptoKeyBackend", "destroyScheduledDuration", "importOnly", "keyRing", "purpose"}),
        parents=(("keyRing", KEY_RING),),
        rules=(
            label_rules,
            _rotation,
            signing.gcp,
            matches("name", r"[\w-]{1,63}", "1 to 63 letters, digits, _ and -"),
            one_of("purpose", ("ENCRYPT_DECRYPT", "ASYMMETRIC_SIGN", "ASYMMETRIC_DECRYPT", "MAC")),
            one_of("versionTemplate.protectionLevel", ("SOFTWARE", "HSM", "EXTERNAL", "EXTERNAL_VPC")),
        ),
    ),
    TypeSpec(
        type_name=ACCOUNT,
        name="accountId",
        make=lambda call: Made(id=f"projects/{project_of(call)}/serviceAccounts/{_email(call)}"),
        key=_email,
        outputs=lambda call, id_: _account_outputs(call) | {"uniqueId": str(10**20 + sum(id_.encode()))},
        planned=_account_outputs,
        immutable=frozenset({"project"}),
        rules=(
            matches(
                "accountId",
                r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])",
                "6 to 30 lower-case letters, digits and -, beginning with a letter",
            ),
        ),
    ),
    TypeSpec(
        type_name=BUCKET,
        name="name",
        make=lambda call: Made(id=call.text("name"), region=call.text("location").lower()),
        key=lambda call: call.text("name"),
        outputs=_bucket_outputs,
        planned=lambda call: {"name": call.text("name"), "url": f"gs://{call.text('name')}"},
        removal=_kept_bucket,
        immutable=frozenset({"enableObjectRetention", "hierarchicalNamespace", "location", "project"}),
        parents=(("encryption.defaultKmsKeyName", KEY),),
        rules=(
            label_rules,
            _place,
            _same_place_as_key,
            one_of("publicAccessPrevention", ("enforced", "inherited")),
            one_of("storageClass", ("STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE", "MULTI_REGIONAL", "REGIONAL")),
            matches(
                "name",
                r"(?!goog)(?!.*google)[a-z0-9][a-z0-9_.-]{1,61}[a-z0-9]",
                "3 to 63 lower-case letters, digits, - _ and ., without the word google",
            ),
        ),
    ),
    _binding("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember", "cryptoKeyId", KEY),
    _binding("gcp:serviceaccount/iAMMember:IAMMember", "serviceAccountId", ACCOUNT),
    _binding("gcp:projects/iAMMember:IAMMember", "project", None),
    _binding("gcp:storage/bucketIAMMember:BucketIAMMember", "bucket", BUCKET),
    _binding("gcp:artifactregistry/repositoryIamMember:RepositoryIamMember", "repository", REPOSITORY),
    _binding("gcp:secretmanager/regionalSecretIamMember:RegionalSecretIamMember", "secretId", SECRET),
    TypeSpec(
        type_name="gcp:projects/serviceIdentity:ServiceIdentity",
        name="service",
        # Asking for an account that is there gives the one that is there, so every cell of a project may ask. Google's
        # id is the same for all of them; the store keeps one row per asker, told apart by the cell.
        make=lambda call: Made(id=f"projects/{project_of(call)}/services/{call.text('service')}#{call.cell}"),
        key=lambda call: f"{project_of(call)}/{call.text('service')}#{call.cell}",
        outputs=lambda call, _id: _service_agent(call),
        planned=_service_agent,
        # Google Cloud keeps a service's own account for ever.
        removal=_never,
        immutable=frozenset({"project"}),
        rules=(_SERVICE,),
    ),
    TypeSpec(
        type_name="gcp:projects/service:Service",
        name="service",
        make=lambda call: Made(id=f"{project_of(call)}/{call.text('service')}"),
        key=lambda call: f"{project_of(call)}/{call.text('service')}",
        outputs=lambda call, _id: {"project": project_of(call)},
        immutable=frozenset({"project"}),
        rules=(_SERVICE,),
    ),
)
