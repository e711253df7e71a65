"""What people write, in the shapes in which they write it: what crosses the border is refused by its rules, and what
does not is refused by none. The files are kept by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.policy import documents, kube
from components.policy.catalogue import RULES
from components.policy.decide import decide
from tests.residency_cases import ALLOWED, under_provider

FOLDER = Path(__file__).resolve().parents[3] / "field"
FIELD: list[dict[str, Any]] = [
    one for name in ("clouds", "objects") for one in yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
]
BAD = [one for one in FIELD if "bad" in one]
GOOD = [(one, number) for one in FIELD for number in range(len(one["good"]))]


def refused(one: dict[str, Any], inputs: dict[str, Any], folder: Path) -> set[str]:
    """The rules that refuse a resource of a plan, or an object of a file."""
    if "type" in one:
        row = {"urn": f"urn:pulumi:s::p::{one['type']}::thing", "type": one["type"], "inputs": inputs}
        rows = under_provider(one["type"], row)
    else:
        file = folder / "object.json"
        file.write_text(json.dumps(inputs))
        rows = documents.read(file).resources
        assert [row["type"] for row in rows] == [kube.token_of(inputs)]
    return {found.rule for found in decide(rows, world=one["world"], allowed=ALLOWED[one["world"]], security=False)}


@pytest.mark.parametrize("one", BAD, ids=[one["name"] for one in BAD])
def test_what_crosses_is_refused_by_its_rules(one: dict[str, Any], tmp_path: Path) -> None:
    assert one["rules"]
    assert set(one["rules"]) <= RULES.keys()
    assert refused(one, one["bad"], tmp_path) == set(one["rules"])


@pytest.mark.parametrize(("one", "number"), GOOD, ids=[f"{one['name']}-{number}" for one, number in GOOD])
def test_what_stays_is_refused_by_none(one: dict[str, Any], number: int, tmp_path: Path) -> None:
    assert refused(one, one["good"][number], tmp_path) == set()


def test_both_worlds_and_all_clouds_are_there() -> None:
    assert {one["world"] for one in BAD} == {one["world"] for one, _ in GOOD} == {"cn", "row"}
    assert {one["type"].partition(":")[0] for one in BAD if "type" in one} == {"alicloud", "gcp", "azure-native"}
    assert len({one["name"] for one in FIELD}) == len(FIELD)
    assert len(BAD) > 100
    assert len(GOOD) > 100
