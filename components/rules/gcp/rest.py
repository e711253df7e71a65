"""Google Cloud keys, identities, buckets and project services as their APIs enforce them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.checks import (
    matches,
    one_of,
    shape,
)
from components.rules.gcp.net import LABELS
from components.rules.model import Inputs, Problem, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

# What lies between the dots of a bucket's name.
_PART = r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?"
_SERVICE = matches("service", r"[a-z0-9-]+\.googleapis\.com", "a service such as container.googleapis.com")


# A bucket of several regions, and where its keys lie.
_KEYS_OF = {"eu": "europe", "eur4": "europe", "nam4": "us"}


def _same_place_as_key(call: Inputs) -> Iterator[Problem]:
    key, location = call.known("encryption.defaultKmsKeyName"), call.text("location").lower()
    if isinstance(key, str) and "/locations/" in key and location:
        where = key.split("/locations/", 1)[1].split("/", 1)[0].lower()
        if where not in (location, _KEYS_OF.get(location), "global"):
            yield Problem(
                "encryption.defaultKmsKeyName",
                f"the key lies in {where}, the bucket in {location}: they must be the same",
            )


def _rotation(call: Inputs) -> Iterator[Problem]:
    period = call.known("rotationPeriod")
    if isinstance(period, str) and (not period.endswith("s") or not period[:-1].isdigit() or int(period[:-1]) < 86400):
        yield Problem("rotationPeriod", f"{period!r} must be seconds with an s, at least 86400s")


# Purpose -> how the names of its algorithms begin.
_ALGORITHMS = {
    "ENCRYPT_DECRYPT": ("GOOGLE_SYMMETRIC_ENCRYPTION", "EXTERNAL_SYMMETRIC_ENCRYPTION"),
    "RAW_ENCRYPT_DECRYPT": ("AES_",),
    "ASYMMETRIC_SIGN": ("EC_SIGN_", "RSA_SIGN_", "PQ_SIGN_"),
    "ASYMMETRIC_DECRYPT": ("RSA_DECRYPT_",),
    "MAC": ("HMAC_",),
    "KEY_ENCAPSULATION": ("ML_KEM_", "KEM_"),
}


def _algorithm(call: Inputs) -> Iterator[Problem]:
    """The purpose decides which algorithms there are."""
    purpose = call.known("purpose") or "ENCRYPT_DECRYPT"
    algorithm = call.known("versionTemplate.algorithm")
    known = _ALGORITHMS.get(str(purpose))
    if known and isinstance(algorithm, str) and not algorithm.startswith(known):
        yield Problem("versionTemplate.algorithm", f"{algorithm} is none of purpose {purpose}")
    if purpose == "ASYMMETRIC_SIGN" and algorithm is None:
        yield Problem("versionTemplate.algorithm", "is required by the API for keys that sign")


def _rotated(call: Inputs) -> Iterator[Problem]:
    """Only what encrypts by itself is rotated by the service."""
    purpose = call.known("purpose") or "ENCRYPT_DECRYPT"
    if purpose != "ENCRYPT_DECRYPT" and call.get("rotationPeriod") is not None:
        yield Problem("rotationPeriod", f"keys of purpose {purpose} are not rotated by the service")


_MEMBER = (
    r"allUsers|allAuthenticatedUsers"
    r"|(deleted:)?(user|group|serviceAccount|domain):[^/\s].*"
    r"|(deleted:)?(principal|principalSet)://\S+"
    r"|(projectOwner|projectEditor|projectViewer):\S+"
)


def _binding(type_name: str, *subject: str) -> TypeRules:
    return TypeRules(
        type_name=type_name,
        immutable=frozenset({"condition", *subject, "member", "role"}),
        rules=(
            matches("member", _MEMBER, "a member such as serviceAccount:NAME@PROJECT.iam.gserviceaccount.com"),
            matches(
                "role",
                r"(roles|projects/[^/]+/roles|organizations/[^/]+/roles)/[\w.]+",
                "a role such as roles/storage.objectViewer",
            ),
        ),
    )


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="gcp:kms/keyRing:KeyRing",
        name="name",
        immutable=frozenset({"location", "project"}),
        rules=(matches("name", r"[\w-]{1,63}", "1 to 63 letters, digits, _ and -"),),
    ),
    TypeRules(
        type_name="gcp:kms/cryptoKey:CryptoKey",
        name="name",
        immutable=frozenset(
            {
                "cryptoKeyBackend",
                "destroyScheduledDuration",
                "importOnly",
                "keyRing",
                "purpose",
                "versionTemplate.protectionLevel",
            }
        ),
        rules=(
            LABELS,
            shape(_rotation, fix="take at least 86400s, a day"),
            shape(
                _algorithm,
                _rotated,
                name="signing",
                fix="take an algorithm of the key's purpose, and a rotation only where it encrypts by itself",
            ),
            matches("name", r"[\w-]{1,63}", "1 to 63 letters, digits, _ and -"),
            one_of("purpose", tuple(_ALGORITHMS)),
            one_of("versionTemplate.protectionLevel", ("SOFTWARE", "HSM", "EXTERNAL", "EXTERNAL_VPC")),
        ),
    ),
    TypeRules(
        type_name="gcp:serviceaccount/account:Account",
        name="accountId",
        immutable=frozenset({"project"}),
        rules=(
            matches(
                "accountId",
                r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])",
                "6 to 30 lower-case letters, digits and -, beginning with a letter",
            ),
        ),
    ),
    TypeRules(
        type_name="gcp:storage/bucket:Bucket",
        name="name",
        immutable=frozenset(
            {"customPlacementConfig", "enableObjectRetention", "hierarchicalNamespace", "location", "project"}
        ),
        rules=(
            LABELS,
            shape(_same_place_as_key, fix="take a key of the bucket's own location"),
            one_of("publicAccessPrevention", ("enforced", "inherited")),
            one_of("storageClass", ("STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE", "MULTI_REGIONAL", "REGIONAL")),
            matches(
                "name",
                rf"(?!goog)(?!.*google)(?=.{{3,222}}$){_PART}(\.{_PART})*",
                "3 to 63 lower-case letters, digits, - and _ (222 with dots between such), without the word google",
            ),
        ),
    ),
    TypeRules(
        type_name="gcp:projects/serviceIdentity:ServiceIdentity",
        name="service",
        immutable=frozenset({"project"}),
        rules=(_SERVICE,),
    ),
    TypeRules(
        type_name="gcp:projects/service:Service", name="service", immutable=frozenset({"project"}), rules=(_SERVICE,)
    ),
    _binding("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember", "cryptoKeyId"),
    _binding("gcp:serviceaccount/iAMMember:IAMMember", "serviceAccountId"),
    _binding("gcp:projects/iAMMember:IAMMember", "project"),
    _binding("gcp:storage/bucketIAMMember:BucketIAMMember", "bucket"),
    _binding("gcp:artifactregistry/repositoryIamMember:RepositoryIamMember", "repository", "location", "project"),
    _binding("gcp:secretmanager/regionalSecretIamMember:RegionalSecretIamMember", "secretId", "location", "project"),
)
