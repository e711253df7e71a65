"""The rules against a table kept by hand: nothing abroad is accepted, nothing at home is refused.

`make prove` writes what was counted into `docs/proof/sweep.json`.
"""

from __future__ import annotations

import ast
import collections
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.policy.decide import decide
from tests.prove.proofs import commit
from tests.sweep import oracle

ROOT = Path(__file__).resolve().parents[4]
GOLDEN = ROOT / "tests" / "golden" / "graphs"


def judged(*clouds: str) -> tuple[collections.Counter[str], list[oracle.Combination], list[oracle.Combination]]:
    """How many there were of each cloud, those wrongly accepted, those wrongly refused."""
    counts: collections.Counter[str] = collections.Counter()
    false_accepts: list[oracle.Combination] = []
    false_refusals: list[oracle.Combination] = []
    allowed = {world: oracle.allowed(world) for world in oracle.WORLDS}
    for one in oracle.combinations(clouds or oracle.CLOUDS):
        counts[one.cloud] += 1
        counts["accepted" if one.accept else "refused"] += 1
        accepted = not decide(one.rows, world=one.world, allowed=allowed[one.world], security=False)
        if accepted and not one.accept:
            false_accepts.append(one)
        if one.accept and not accepted:
            false_refusals.append(one)
    return counts, false_accepts, false_refusals


def test_nothing_abroad_is_accepted_and_nothing_at_home_is_refused() -> None:
    counts, false_accepts, false_refusals = judged()
    assert [str(one) for one in false_accepts] == []
    assert [str(one) for one in false_refusals] == []
    # A table that lost its rows would find nothing either.
    assert sum(counts[cloud] for cloud in oracle.CLOUDS) > 20_000
    assert counts["accepted"] > 1_500


def test_the_table_names_every_type_that_a_cell_uses() -> None:
    table = oracle.types()
    named = {row["type"] for rows in table["own"].values() for row in rows}
    named |= {*table["elsewhere"]["provider"], *table["elsewhere"]["parent"]}
    used = {
        row["type"]
        for path in GOLDEN.glob("*.infra.json")
        for row in json.loads(path.read_text(encoding="utf-8"))
        if not row["type"].startswith("twain:")
    }
    assert used - named == set()
    assert named - used == set()


# Whose pages say where a region is, and what a type of resource is.
OWN_PAGES = {
    "alicloud": ("www.alibabacloud.com/", "help.aliyun.com/"),
    "gcp": ("cloud.google.com/", "docs.cloud.google.com/"),
    "azure": ("learn.microsoft.com/", "docs.microsoft.com/", "docs.azure.cn/", "github.com/MicrosoftDocs/"),
}
REGISTRY = "https://www.pulumi.com/registry/packages/"
# Or the file of its inputs, in the provider's own repository and as it was at a commit.
FILES = {
    "alicloud": ("pulumi-alicloud", "sdk/nodejs/", ".ts"),
    "gcp": ("pulumi-gcp", "sdk/nodejs/", ".ts"),
    "azure-native": ("pulumi-azure-native-sdk", "", ".go"),
}


def day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)


def test_each_region_has_a_source_of_its_own_cloud_and_is_there_once() -> None:
    regions = oracle.regions()
    for one in regions:
        scheme, _, rest = one.source.partition("://")
        assert scheme == "https", one
        assert rest.startswith(OWN_PAGES[one.cloud]), one
        assert rest not in OWN_PAGES[one.cloud], one
        assert one.place, one
        assert one.dated == "undated" or day(one.dated), one
        assert day(one.seen) if one.read else one.seen == "never", one
    assert len({(one.cloud, one.region) for one in regions}) == len(regions)
    assert {one.jurisdiction for one in regions} == set(oracle.WORLD_OF)
    # Each cloud's pages were read for a good part of its regions.
    for cloud in OWN_PAGES:
        known = [one for one in regions if one.cloud == cloud and one.known]
        assert sum(one.read for one in known) * 3 >= len(known), cloud


def test_each_type_has_the_page_of_its_own_at_its_provider() -> None:
    table, pages = oracle.types(), oracle.pages()
    named = {row["type"] for rows in table["own"].values() for row in rows} | set(table["tagged"])
    named |= {*table["elsewhere"]["provider"], *table["elsewhere"]["parent"]}
    assert set(pages) == named
    assert len({source for source, _, _ in pages.values()}) == len(pages)
    for kind, (source, read, seen) in pages.items():
        package, _, token = kind.removeprefix("pulumi:providers:").partition(":")
        module, _, name = token.rpartition(":")
        own = f"{module.partition('/')[0]}/{name.lower()}" if token else "provider"
        repository, folder, ending = FILES[package]
        at = rf"https://github\.com/pulumi/{repository}/blob/[0-9a-f]{{40}}/{folder}"
        found = re.fullmatch(rf"{at}(?P<file>[\w/]+){re.escape(ending)}", source)
        assert source == f"{REGISTRY}{package}/api-docs/{own}/" or (found and found["file"].lower() == own), kind
        assert day(seen) if read else seen == "never", kind
        # A page whose address is only known by its form is none that somebody opened.
        assert read or not found, kind
        assert {row["page"] for rows in table["own"].values() for row in rows if row["type"] == kind} <= {own}


def test_the_table_imports_nothing_of_the_product() -> None:
    tree = ast.parse((ROOT / "tests" / "sweep" / "oracle.py").read_text(encoding="utf-8"))
    found = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    found |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert not {name for name in found if name.partition(".")[0] in {"components", "stacks", "cli", "rehearsal"}}


def test_a_region_that_moved_across_the_border_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep sees a wrong table: Hong Kong as mainland China."""
    from components.policy import places

    moved = {**places.WORLD_OF, "alicloud": {**places.WORLD_OF["alicloud"], "cn-hongkong": "cn"}}
    monkeypatch.setattr(places, "WORLD_OF", moved)
    wide = {"cn": [*oracle.allowed("cn"), "cn-hongkong"], "row": oracle.allowed("row")}
    monkeypatch.setattr(oracle, "allowed", wide.__getitem__)
    _, false_accepts, false_refusals = judged("alicloud")
    assert {one.world for one in false_accepts} == {"cn"}
    assert all("cn-hongkong" in one.region for one in (*false_accepts, *false_refusals))
    assert false_refusals


@pytest.mark.prove
def test_the_whole_sweep_is_on_record() -> None:
    counts, false_accepts, false_refusals = judged()
    document = {
        "what": "regions × places of resources × origins × worlds against a table kept by hand",
        **commit(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "regions": len(oracle.regions()),
        "places": sum(map(len, oracle.types()["own"].values())) + len(oracle.types()["elsewhere"]["provider"]),
        "combinations": {cloud: counts[cloud] for cloud in oracle.CLOUDS},
        "toBeAccepted": counts["accepted"],
        "toBeRefused": counts["refused"],
        "falseAccepts": len(false_accepts),
        "falseRefusals": len(false_refusals),
    }
    (ROOT / "docs" / "proof" / "sweep.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    assert (false_accepts, false_refusals) == ([], [])
