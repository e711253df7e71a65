"""What replaces a resource, against the marks in the schemas of the providers' own SDKs."""

from __future__ import annotations

import functools
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from components.rules import table

if TYPE_CHECKING:
    from components.rules.model import TypeRules


# Extracts of the published schemas; they lie beside a checkout, not in it.
SCHEMAS = Path(__file__).parents[5] / "shared" / "reference"
PACKAGES = ("alicloud", "gcp")
# Not marked, and yet another resource: its id is made of it, and nothing renames it.
OF_THE_ID = {
    "gcp:filestore/instance:Instance": {"name"},
    "gcp:projects/iAMAuditConfig:IAMAuditConfig": {"service"},
}
# Pools inside a cluster, which no program of ours has: that they are pools is enough.
BEYOND = ("gcp:container/cluster:Cluster", "nodePools.")


@functools.cache
def schema(package: str) -> dict[str, Any]:
    path = SCHEMAS / f"schema-{package}.json.gz"
    if not path.exists():
        pytest.skip(f"no {path.name} beside this checkout")
    return json.loads(gzip.decompress(path.read_bytes()))


def marked(of: dict[str, Any], token: str) -> set[str]:
    """The inputs that the provider marks as replacing, a block where all in it is."""
    found: set[str] = set()
    for name, entry in of["resources"][token]["inputProperties"].items():
        found |= _within(of, entry, name)[0]
    return found


def _within(of: dict[str, Any], entry: dict[str, Any], path: str) -> tuple[set[str], bool]:
    marks = bool(entry.get("willReplaceOnChanges"))
    reference = entry.get("$ref") or (entry.get("items") or {}).get("$ref") or ""
    inner = (of["types"].get(reference.removeprefix("#/types/")) or {}).get("properties")
    if not inner:
        return ({path} if marks else set()), marks
    parts = [_within(of, one, f"{path}.{name}") for name, one in inner.items()]
    if all(whole for _found, whole in parts):
        return {path}, True
    counted = {f"{path}#"} if marks and entry.get("type") == "array" else set[str]()
    return counted.union(*(found for found, _whole in parts)), False


@pytest.mark.parametrize("package", PACKAGES)
def test_what_replaces_is_what_the_provider_marks(package: str) -> None:
    of = schema(package)
    wrong = {
        declared.type_name: sorted(declared.replacing ^ _wanted(of, declared))
        for declared in table.of_package(package).values()
        if declared.type_name in of["resources"] and set(declared.replacing) != _wanted(of, declared)
    }
    assert wrong == {}


def _wanted(of: dict[str, Any], declared: TypeRules) -> set[str]:
    token, prefix = BEYOND
    found = marked(of, declared.type_name) | OF_THE_ID.get(declared.type_name, set())
    return {path for path in found if declared.type_name != token or not path.startswith(prefix)}
