"""Values that are well formed, and that one cloud refuses, or our own guard: told with the cloud, the place, a fix."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from components.clouds import limits
from components.clouds.profile import NAME_RULES
from components.policy import spec_rules
from components.spec.load import load_fleet

ROOT = Path(__file__).resolve().parents[4]
FLEET = ROOT / "stacks" / "fleets" / "rehearsal.yaml"
REFERENCE = ROOT.parent / "shared" / "reference"
TEXT = FLEET.read_text(encoding="utf-8")
RETENTION = "storage:DeleteRetentionPolicyArgs"
DATASET = """  datasets:
    - name: d--1
      maison: aurelia
      worlds: [row]
"""


def found(tmp_path: Path, *changes: tuple[str, str]) -> list[tuple[str, str, str]]:
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    return [(one.code, one.where, str(one)) for one in spec_rules.problems_of(load_fleet(path), str(path))]


def patched(cell: str, words: str) -> tuple[str, str]:
    """The change that gives one cell a template of its own."""
    (head,) = re.findall(rf"    - name: {cell}\n(?:      .*\n)*?      cidr: \S+\n", TEXT)
    return head, f"{head}      template: {words}\n"


def test_days_that_only_azure_refuses_name_azure_and_the_place(tmp_path: Path) -> None:
    (one,) = found(tmp_path, ("noncurrent_days: 30", "noncurrent_days: 366"))
    assert one[:2] == ("SPEC-VALUE", "spec.template.bucket.noncurrent_days")
    assert "cell eu-par-1: azure keeps old versions 365 days at most" in one[2]
    assert found(tmp_path, ("noncurrent_days: 30", "noncurrent_days: 365")) == []
    assert found(tmp_path, patched("eu-ams-1", "{bucket: {noncurrent_days: 1000}}")) == []
    (one,) = found(tmp_path, patched("eu-par-1", "{bucket: {noncurrent_days: 1000}}"))
    assert one[1] == "spec.cells[2].template.bucket.noncurrent_days"


def test_the_bound_is_the_one_of_the_providers_schema_where_that_is_at_hand() -> None:
    """Both retentions of a blob service are of one type, and its bound is ours."""
    place = REFERENCE / "schema-azure-native.json.gz"
    declared = 365
    if place.is_file():
        schema: dict[str, Any] = json.loads(gzip.decompress(place.read_bytes()))
        declared = schema["types"][RETENTION]["properties"]["days"]["maximum"]
        service = schema["resources"]["azure-native:storage:BlobServiceProperties"]["inputProperties"]
        for key in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
            assert service[key]["$ref"].endswith(RETENTION)
    assert limits.NONCURRENT_DAYS["azure"] == declared


def test_names_that_only_azure_refuses_name_azure(tmp_path: Path) -> None:
    renamed = [one[:2] for one in found(tmp_path, ("name: calisto", "name: a--b"))]
    assert renamed == [("SPEC-NAME", "spec.maisons[1].name")]
    (one,) = found(tmp_path, ("  template:\n    kubernetes_minor", f"{DATASET}  template:\n    kubernetes_minor"))
    assert one[:2] == ("SPEC-NAME", "spec.datasets[0].name")
    assert "azure refuses two dashes in a row" in one[2]
    only_cn = DATASET.replace("row", "cn")
    assert found(tmp_path, ("  template:\n    kubernetes_minor", f"{only_cn}  template:\n    kubernetes_minor")) == []
    assert found(tmp_path, ("name: calisto", "name: a-b")) == []


def test_what_is_refused_in_a_part_is_what_the_rule_on_its_name_refuses() -> None:
    rule = NAME_RULES["azure-native:storage:BlobContainer", "containerName"].pattern
    pattern, _ = limits.FORBIDDEN_PARTS["azure"]
    for name in ("a--b", "a-b", "ab", "d--1", "a---b", "a-b-c"):
        fits = all(rule.fullmatch(f"{prefix}-{name}") for prefix in ("maison", "data"))
        assert fits is (pattern.search(name) is None), name


@pytest.mark.parametrize("cell", ["cn-sha-1", "eu-ams-1", "eu-par-1"])
def test_a_bucket_without_versions_is_refused_where_it_stands(tmp_path: Path, cell: str) -> None:
    (one,) = found(tmp_path, patched(cell, "{bucket: {versioning: false}}"))
    at = ["cn-sha-1", "eu-ams-1", "eu-par-1"].index(cell)
    assert one[:2] == ("SPEC-BUCKET", f"spec.cells[{at}].template.bucket.versioning")
    whole = found(tmp_path, ("{versioning: true,", "{versioning: false,"))
    assert [where for _, where, _ in whole] == ["spec.template.bucket.versioning"] * 3


def test_images_are_held_only_where_patches_still_come(tmp_path: Path) -> None:
    assert found(tmp_path, patched("eu-ams-1", "{nodes: {images: held}}")) == []
    assert found(tmp_path, patched("cn-sha-1", "{nodes: {images: held}}")) == []
    (one,) = found(tmp_path, patched("eu-par-1", "{nodes: {images: held}}"))
    assert one[:2] == ("SPEC-NODES", "spec.cells[2].template.nodes.images")


SMALL = [
    ("cidr: 10.64.0.0/14", "cidr: 10.64.0.0/18"),
    ("cidr: 10.68.0.0/14", "cidr: 10.68.0.0/18"),
    ("cidr: 10.72.0.0/14", "cidr: 10.72.0.0/18"),
]


def test_nodes_whose_pods_would_have_no_addresses_are_refused_with_all_numbers(tmp_path: Path) -> None:
    assert found(tmp_path, *SMALL) == []
    many = found(tmp_path, *SMALL, ("min: 1, max: 3", "min: 1, max: 1000"), ("min: 0, max: 4", "min: 0, max: 1000"))
    assert [one[:2] for one in many] == [("SPEC-CIDR", "spec.cells[1].cidr"), ("SPEC-CIDR", "spec.cells[2].cidr")]
    for said in ("up to 2002 nodes (system 1000 + gpu80g 1000, and 1 more in each pool while nodes are replaced)",
                 "gcp gives each a /24 of the pods' range 10.68.32.0/19, which holds 32", "use a /12 or larger",
                 "lower max of the pools to 30 nodes together"):  # fmt: skip
        assert said in many[0][2]


@pytest.mark.parametrize(("most", "ok"), [(27, True), (28, False)])
def test_a_range_that_is_just_large_enough_passes(tmp_path: Path, most: int, *, ok: bool) -> None:
    assert (found(tmp_path, *SMALL, ("min: 0, max: 4", f"min: 0, max: {most}")) == []) is ok


def test_the_range_that_the_fix_names_is_enough(tmp_path: Path) -> None:
    large = [(old, f"cidr: {new}") for (old, _), new in zip(SMALL, ("10.16.0.0/12", "10.32.0.0/12", "10.48.0.0/12"),
                                                             strict=True)]  # fmt: skip
    pools = (("min: 1, max: 3", "min: 1, max: 1000"), ("min: 0, max: 4", "min: 0, max: 1000"))
    assert found(tmp_path, *large, *pools) == []


def test_a_group_gives_the_rights_of_one_maison_and_of_no_world(tmp_path: Path) -> None:
    (one,) = found(tmp_path, ("calisto-engineers", "aurelia-engineers"))
    assert one[:2] == ("SPEC-DUPLICATE", "spec.maisons[1].rbac_group")
    assert "'aurelia-engineers' is the group of maison aurelia" in one[2]
    for world in load_fleet(FLEET).worlds.values():
        for role, group in (("sre", world.groups.sre), ("gate", world.groups.gate)):
            (one,) = found(tmp_path, ("calisto-engineers", group))
            assert (one[0], f"is the group `{role}` of world" in one[2]) == ("SPEC-DUPLICATE", True)
