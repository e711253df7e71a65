"""Google Cloud Artifact Registry and regional secrets as their APIs enforce them."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from rehearsal.providers.facts import GCP_ZONES
from rehearsal.providers.gcp_net import NAME_PATTERN, NAME_WORDS, label_rules, named, project_of
from rehearsal.providers.gcp_rest import KEY, REPOSITORY, SECRET
from rehearsal.providers.model import Call, CloudRefusalError, TypeSpec
from rehearsal.providers.rules import conflicts, matches, needs, not_offered, one_of
from rehearsal.providers.sdktypes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.providers.model import Rule
    from rehearsal.providers.store import Resource

_MULTI_REGIONS = ("asia", "europe", "us")
_FORMATS = ("APT", "DOCKER", "GENERIC", "GO", "KFP", "MAVEN", "NPM", "PYTHON", "YUM")
_MODES = {
    "REMOTE_REPOSITORY": "remoteRepositoryConfig",
    "STANDARD_REPOSITORY": "",
    "VIRTUAL_REPOSITORY": "virtualRepositoryConfig",
}
_DAY_S = 86_400


def _place(*more: str) -> Rule:
    places = {*GCP_ZONES, *more}

    def rule(call: Call) -> Iterator[Problem]:
        value = call.known("location")
        if isinstance(value, str) and value not in places:
            yield Problem("location", not_offered(value, places, what="location"))

    return rule


def _key_place(path: str) -> Rule:
    def rule(call: Call) -> Iterator[Problem]:
        key, location = call.known(path), call.text("location")
        if isinstance(key, str) and "/locations/" in key and location:
            where = key.split("/locations/", 1)[1].split("/", 1)[0]
            if where != location:
                yield Problem(path, f"the key lies in {where}, what it encrypts in {location}: they must be the same")

    return rule


def _shape(call: Call) -> Iterator[Problem]:
    if call.get("dockerConfig") is not None and call.known("format") != "DOCKER":
        yield Problem("dockerConfig", f"is for format DOCKER, not {call.text('format')}")
    mode = call.text("mode") or "STANDARD_REPOSITORY"
    for other, config in _MODES.items():
        if config and mode == other and call.get(config) is None:
            yield Problem(config, f"is required by the API when the mode is {mode}")
        if config and mode != other and call.get(config) is not None:
            yield Problem(config, f"is for mode {other}, not {mode}")


def _seconds(path: str, least: int) -> Rule:
    def rule(call: Call) -> Iterator[Problem]:
        value = call.known(path)
        if isinstance(value, str) and not (value[:-1].isdigit() and value.endswith("s") and int(value[:-1]) >= least):
            yield Problem(path, f"{value!r} must be seconds with an s, at least {least}s")

    return rule


def _rotated(call: Call) -> Iterator[Problem]:
    if call.get("rotation") is not None and not call.get("topics"):
        yield Problem("topics", "is required by the API when a rotation is set")


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
        name="repositoryId",
        make=named(_repository_id, region=lambda call: call.text("location")),
        key=_repository_id,
        outputs=lambda call, _id: (
            _labelled(call) | {"name": call.text("repositoryId"), "registryUri": _uri(call), "updateTime": _now()}
        ),
        planned=lambda call: {"name": call.text("repositoryId"), "registryUri": _uri(call)},
        removal=_kept,
        immutable=frozenset({"format", "kmsKeyName", "location", "mode", "project", "remoteRepositoryConfig"}),
        parents=(("kmsKeyName", KEY),),
        rules=(
            label_rules,
            needs("location"),
            _place(*_MULTI_REGIONS),
            _key_place("kmsKeyName"),
            _shape,
            one_of("format", _FORMATS),
            one_of("mode", tuple(_MODES)),
            one_of("deletionPolicy", ("ABANDON", "DELETE", "PREVENT")),
            one_of("vulnerabilityScanningConfig.enablementConfig", ("INHERITED", "DISABLED")),
            matches("repositoryId", NAME_PATTERN, NAME_WORDS),
        ),
    ),
    TypeSpec(
        type_name=SECRET,
        name="secretId",
        make=named(_secret_id, region=lambda call: call.text("location")),
        key=_secret_id,
        outputs=lambda call, id_: _labelled(call) | {"name": id_},
        planned=lambda call: {"name": _secret_id(call)},
        removal=_kept,
        immutable=frozenset({"location", "project", "tags"}),
        parents=(("customerManagedEncryption.kmsKeyName", KEY),),
        rules=(
            label_rules,
            _place(),
            _key_place("customerManagedEncryption.kmsKeyName"),
            _rotated,
            _seconds("versionDestroyTtl", _DAY_S),
            conflicts("ttl", "expireTime"),
            one_of("deletionPolicy", ("ABANDON", "DELETE", "PREVENT")),
            matches("secretId", r"[\w-]{1,255}", "1 to 255 letters, digits, _ and -"),
        ),
    ),
)
