"""Google Cloud Artifact Registry and regional secrets as their APIs enforce them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.rules.checks import (
    conflicts,
    matches,
    needs,
    one_of,
    shape,
)
from components.rules.gcp.net import LABELS, NAME_PATTERN, NAME_WORDS
from components.rules.model import Inputs, Problem, Rule, TypeRules

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORMATS = ("APT", "DOCKER", "GENERIC", "GO", "KFP", "MAVEN", "NPM", "PYTHON", "RUBY", "YUM")
_MODES = {
    "REMOTE_REPOSITORY": "remoteRepositoryConfig",
    "STANDARD_REPOSITORY": "",
    "VIRTUAL_REPOSITORY": "virtualRepositoryConfig",
}


_DAY_S = 86_400


def _key_place(path: str) -> Rule:
    def rule(call: Inputs) -> Iterator[Problem]:
        key, location = call.known(path), call.text("location")
        if isinstance(key, str) and "/locations/" in key and location:
            where = key.split("/locations/", 1)[1].split("/", 1)[0]
            if where != location:
                yield Problem(path, f"the key lies in {where}, what it encrypts in {location}: they must be the same")

    return shape(rule, name="key place", fix="take a key of the same location")


def _docker(call: Inputs) -> Iterator[Problem]:
    if call.get("dockerConfig") is not None and call.known("format") != "DOCKER":
        yield Problem("dockerConfig", f"is for format DOCKER, not {call.text('format')}")


def _mode(call: Inputs) -> Iterator[Problem]:
    mode = call.text("mode") or "STANDARD_REPOSITORY"
    for other, config in _MODES.items():
        if config and mode == other and call.get(config) is None:
            yield Problem(config, f"is required by the API when the mode is {mode}")
        if config and mode != other and call.get(config) is not None:
            yield Problem(config, f"is for mode {other}, not {mode}")


def _seconds(path: str, least: int) -> Rule:
    def rule(call: Inputs) -> Iterator[Problem]:
        value = call.known(path)
        if isinstance(value, str) and not (value[:-1].isdigit() and value.endswith("s") and int(value[:-1]) >= least):
            yield Problem(path, f"{value!r} must be seconds with an s, at least {least}s")

    return shape(rule, name="seconds", fix=f"take at least {least}s")


def _rotated(call: Inputs) -> Iterator[Problem]:
    if call.get("rotation") is not None and call.get("topics") in (None, []):
        yield Problem("topics", "is required by the API when a rotation is set")


TYPES: tuple[TypeRules, ...] = (
    TypeRules(
        type_name="gcp:artifactregistry/repository:Repository",
        name="repositoryId",
        immutable=frozenset(
            {
                "format",
                "kmsKeyName",
                "location",
                "mavenConfig",
                "mode",
                "project",
                "remoteRepositoryConfig.aptRepository",
                "remoteRepositoryConfig.commonRepository",
                "remoteRepositoryConfig.description",
                "remoteRepositoryConfig.dockerRepository",
                "remoteRepositoryConfig.mavenRepository",
                "remoteRepositoryConfig.noCache",
                "remoteRepositoryConfig.npmRepository",
                "remoteRepositoryConfig.pythonRepository",
                "remoteRepositoryConfig.yumRepository",
            }
        ),
        rules=(
            LABELS,
            needs("location"),
            _key_place("kmsKeyName"),
            shape(_docker, _mode, name="shape", fix="set the settings of the repository's own format and mode"),
            one_of("format", _FORMATS),
            one_of("mode", tuple(_MODES)),
            one_of("deletionPolicy", ("ABANDON", "DELETE", "PREVENT")),
            one_of("vulnerabilityScanningConfig.enablementConfig", ("INHERITED", "DISABLED")),
            matches("repositoryId", NAME_PATTERN, NAME_WORDS),
        ),
    ),
    TypeRules(
        type_name="gcp:secretmanager/regionalSecret:RegionalSecret",
        name="secretId",
        immutable=frozenset({"location", "project", "tags"}),
        rules=(
            LABELS,
            _key_place("customerManagedEncryption.kmsKeyName"),
            shape(_rotated, fix="name a topic that is told when to rotate"),
            _seconds("versionDestroyTtl", _DAY_S),
            conflicts("ttl", "expireTime"),
            one_of("deletionPolicy", ("ABANDON", "DELETE", "PREVENT")),
            matches("secretId", r"[\w-]{1,255}", "1 to 255 letters, digits, _ and -"),
        ),
    ),
)
