"""Rules over a whole fleet: all problems at once, residency before the rest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from components.errors import ResidencyError, SpecError
from components.policy import spec_rules
from components.spec.load import load_fleet

if TYPE_CHECKING:
    from components.spec.model import Fleet

FLEET = Path(__file__).resolve().parents[4] / "stacks" / "fleets" / "rehearsal.yaml"
TEXT = FLEET.read_text(encoding="utf-8")


def fleet_with(tmp_path: Path, *changes: tuple[str, str]) -> Fleet:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    return load_fleet(path)


def bucket_in(location: str) -> tuple[str, str]:
    """The change that puts the buckets of the cell on GCP somewhere else."""
    old = "      cidr: 10.68.0.0/14"
    return old, f"{old}\n      overrides: {{gcp: {{bucket_location: {location}}}}}"


def codes(fleet: Fleet) -> list[str]:
    return [problem.code for problem in spec_rules.problems_of(fleet, "fleet.yaml")]


def test_the_rehearsal_has_no_problem() -> None:
    spec_rules.check(load_fleet(FLEET), str(FLEET))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("      region: cn-shanghai", "      region: cn-hongkong", "RES-001"),
        ("      region: cn-shanghai", "      region: ap-southeast-1", "RES-001"),
        ("      region: cn-shanghai", "      region: cn-chengdu", "RES-001"),
        ("      region: cn-shanghai", "      region: cn-wuhan-lr", "RES-002"),
        ("      region: europe-west4", "      region: us-central1", "RES-001"),
        ("      region: francecentral", "      region: chinaeast2", "RES-002"),
        ("[cn-shanghai, cn-beijing, cn-hangzhou]", "[cn-shanghai, cn-hongkong]", "RES-001"),
        ("[cn-shanghai, cn-beijing, cn-hangzhou]", "[cn-shanghai, atlantis]", "RES-001"),
        ("[europe-west4, francecentral, swedencentral]", "[europe-west4, francecentral, cn-beijing]", "RES-001"),
        (*bucket_in("EU"), "RES-002"),
        (*bucket_in("eur4"), "RES-002"),
        (*bucket_in("us-central1"), "RES-001"),
        (*bucket_in("cn-shanghai"), "RES-002"),
        (*bucket_in("europe-west1"), "RES-001"),
        (*bucket_in("swedencentral"), "SPEC-BUCKET"),
        ("gpus_per_node: 1,", "gpus_per_node: 7,", "SPEC-SKU"),
        ("gpu_class: gpu-80g", "gpu_class: gpu-640g", "SPEC-CLASS"),
        ("cidr: 10.68.0.0/14", "cidr: 10.66.0.0/16", "SPEC-CIDR"),
        ("cidr: 10.72.0.0/14", "cidr: 10.72.0.0/14\n      zones: ['1', '9']", "SPEC-ZONE"),
        ("cidr: 10.72.0.0/14", "cidr: 10.72.0.0/14\n      zones: ['1']", "SPEC-ZONE"),
        ("system_pool:", "nodes: {driver: newest}\n    system_pool:", "SPEC-DRIVER"),
        ("system_pool:", "nodes: {driver: 570.172.08}\n    system_pool:", "SPEC-DRIVER"),
        *(
            ("cidr: 10.64.0.0/14", f"cidr: 10.64.0.0/14\n      template: {{nodes: {{driver: {one}}}}}", "SPEC-DRIVER")
            for one in ("470.82.01", "535.129.03", "550.54.15")
        ),
        ("name: eu-ams-1", "name: goog-1", "SPEC-NAME"),
    ],
)
def test_a_fault_of_the_fleet_has_its_code(tmp_path: Path, old: str, new: str, code: str) -> None:
    more = (("gate_cell: eu-ams-1", "gate_cell: goog-1"),) if code == "SPEC-NAME" else ()
    assert code in codes(fleet_with(tmp_path, (old, new), *more))


@pytest.mark.parametrize(("number", "wanted"), [(5, []), (6, ["SPEC-ZONE"])])
def test_a_cluster_lies_in_so_many_zones_as_it_takes_subnets(tmp_path: Path, number: int, wanted: list[str]) -> None:
    zones = [f"cn-shanghai-{letter}" for letter in "abefgl"][:number]
    cidr = "      cidr: 10.64.0.0/14"
    fleet = fleet_with(tmp_path, (cidr, f"{cidr}\n      zones: [{', '.join(zones)}]"))
    found = [one for one in spec_rules.problems_of(fleet, "fleet.yaml") if "zones at most" in one.message]
    assert [one.code for one in found] == wanted
    assert all((one.where, one.value) == ("spec.cells[0].zones", ", ".join(zones)) for one in found)


@pytest.mark.parametrize("zones", ["", "\n      zones: ['1', '2']"])
def test_a_region_without_zones_takes_no_cell(tmp_path: Path, zones: str) -> None:
    old = "      region: francecentral\n      cidr: 10.72.0.0/14"
    allowed = "[europe-west4, francecentral, swedencentral]"
    for region, wanted in (("northcentralus", ["SPEC-ZONE"]), ("swedencentral", [])):
        changes = ((old, f"{old.replace('francecentral', region)}{zones}"), (allowed, f"[europe-west4, {region}]"))
        found = spec_rules.problems_of(fleet_with(tmp_path, *changes), "fleet.yaml")
        assert [one.code for one in found if one.code != "SPEC-SKU"] == wanted
        assert all("has no zones" in one.message for one in found if one.code == "SPEC-ZONE")


@pytest.mark.parametrize("location", ["europe-west4", "EUROPE-WEST4"])
def test_a_bucket_may_lie_in_the_region_of_its_cell_and_key(tmp_path: Path, location: str) -> None:
    assert codes(fleet_with(tmp_path, bucket_in(location))) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("      region: cn-shanghai", "      region: cn-hongkong"), "      region: cn-hongkong"),
        (bucket_in("EU"), "      overrides:"),
        (("gpus_per_node: 1,", "gpus_per_node: 7,"), "    - name: cn-sha-1"),
        (("[cn-shanghai, cn-beijing, cn-hangzhou]", "[cn-shanghai, atlantis]"), "      regions: [cn-shanghai, a"),
    ],
)
def test_a_problem_names_its_line_or_the_nearest_that_the_file_has(
    tmp_path: Path, change: tuple[str, str], line: str
) -> None:
    fleet = fleet_with(tmp_path, change)
    path = tmp_path / "fleet.yaml"
    with pytest.raises((ResidencyError, SpecError)) as caught:
        spec_rules.check(fleet, str(path))
    text = path.read_text(encoding="utf-8").splitlines()
    assert text[caught.value.problems[0].line - 1].startswith(line)


def test_residency_comes_first_and_carries_every_other_problem_too(tmp_path: Path) -> None:
    fleet = fleet_with(
        tmp_path,
        ("      region: cn-shanghai", "      region: cn-hongkong"),
        ("cidr: 10.72.0.0/14", "cidr: 10.68.0.0/14"),
    )
    with pytest.raises(ResidencyError) as caught:
        spec_rules.check(fleet, "fleet.yaml")
    assert {problem.code for problem in caught.value.problems} >= {"RES-001", "SPEC-CIDR"}


def test_a_fault_that_is_not_about_residency_is_a_fault_of_the_spec(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="SPEC-CIDR"):
        spec_rules.check(fleet_with(tmp_path, ("cidr: 10.72.0.0/14", "cidr: 10.68.0.0/14")), "fleet.yaml")


def test_a_problem_names_the_cell_the_value_and_a_fix(tmp_path: Path) -> None:
    fleet = fleet_with(tmp_path, ("      region: cn-shanghai", "      region: cn-hongkong"))
    text = "\n".join(str(problem) for problem in spec_rules.problems_of(fleet, "fleet.yaml"))
    for part in (
        "fleet.yaml",
        "spec.cells[0].region",
        "cn-sha-1",
        "cn-hongkong",
        "world row",
        "use one of cn-shanghai",
    ):
        assert part in text


def files_of(size: int) -> tuple[str, str]:
    """The change that sets the size of the shared files of the whole fleet."""
    old = "    kubernetes_minor:"
    return old, f"    file_share: {{size_gib: {size}}}\n{old}"


def logs_for(days: int) -> tuple[str, str]:
    """The change that sets how long the whole fleet keeps logs."""
    old = "    observability: {"
    return old, f"{old}log_days: {days}, "


@pytest.mark.parametrize(
    ("size", "cells"),
    [
        (1024, set[str]()),
        (12_800, set[str]()),
        (1000, {"eu-ams-1"}),
        (11_000, {"eu-ams-1"}),
        (99, {"cn-sha-1", "eu-ams-1", "eu-par-1"}),
        (128_000, {"eu-ams-1", "eu-par-1"}),
    ],
)
def test_a_file_share_is_of_a_size_that_every_cloud_of_the_fleet_can_make(
    tmp_path: Path, size: int, cells: set[str]
) -> None:
    fleet = fleet_with(tmp_path, files_of(size))
    found = spec_rules.problems_of(fleet, "fleet.yaml")
    assert {problem.code for problem in found} <= {"SPEC-SIZE"}
    assert {problem.message.split()[1].rstrip(":") for problem in found} == cells


def test_logs_are_kept_six_months_in_mainland_china_and_as_long_as_one_likes_elsewhere(tmp_path: Path) -> None:
    fleet = fleet_with(tmp_path, logs_for(90))
    (problem,) = spec_rules.problems_of(fleet, "fleet.yaml")
    assert problem.code == "SPEC-LOGS"
    assert "cn-sha-1" in problem.message
    assert codes(fleet_with(tmp_path, logs_for(365))) == []


ACKNOWLEDGED = "    registry: {prepaid_acknowledged: true}\n"


@pytest.mark.parametrize("instead", ["", "    registry: {prepaid_acknowledged: false}\n"])
def test_what_is_sold_in_advance_only_is_bought_for_no_fleet_that_has_not_said_so(tmp_path: Path, instead: str) -> None:
    fleet = fleet_with(tmp_path, (ACKNOWLEDGED, instead))
    (problem,) = spec_rules.problems_of(fleet, "fleet.yaml")
    assert problem.code == "SPEC-PREPAID"
    assert "cn-sha-1" in problem.message
    assert "prepaid_acknowledged: true" in problem.fix
    with pytest.raises(SpecError, match="SPEC-PREPAID"):
        spec_rules.check(fleet, "fleet.yaml")


def test_one_cell_may_acknowledge_for_itself(tmp_path: Path) -> None:
    old = "      cidr: 10.64.0.0/14"
    own = f"{old}\n      template: {{registry: {{prepaid_acknowledged: true}}}}"
    assert codes(fleet_with(tmp_path, (ACKNOWLEDGED, ""), (old, own))) == []


def test_a_purchase_that_nobody_acknowledged_is_told_beside_everything_else(tmp_path: Path) -> None:
    fleet = fleet_with(tmp_path, (ACKNOWLEDGED, ""), ("cidr: 10.72.0.0/14", "cidr: 10.68.0.0/14"))
    assert set(codes(fleet)) == {"SPEC-PREPAID", "SPEC-CIDR"}


def test_an_unknown_field_hides_nothing_that_is_wrong_with_the_fleet(tmp_path: Path) -> None:
    changes = (
        ("      region: cn-shanghai", "      regionn: x\n      region: cn-hongkong"),
        ("cidr: 10.68.0.0/14", "cidr: 10.72.0.0/14"),
    )
    fleet_file = tmp_path / "fleet.yaml"
    text = FLEET.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    fleet_file.write_text(text, encoding="utf-8")
    with pytest.raises(ResidencyError) as caught:
        spec_rules.load_checked(fleet_file)
    assert {problem.code for problem in caught.value.problems} >= {"SPEC-UNKNOWN", "RES-001", "SPEC-CIDR"}


def test_a_value_of_the_wrong_kind_is_told_as_before(tmp_path: Path) -> None:
    fleet_file = tmp_path / "fleet.yaml"
    fleet_file.write_text(FLEET.read_text(encoding="utf-8").replace("min: 1, max: 3", "min: one, max: 3, top: 4"))
    with pytest.raises(SpecError) as caught:
        spec_rules.load_checked(fleet_file)
    assert {problem.code for problem in caught.value.problems} == {"SPEC-VALUE", "SPEC-UNKNOWN"}


def test_values_of_the_wrong_kind_hide_nothing_and_invent_nothing(tmp_path: Path) -> None:
    fleet_file = tmp_path / "fleet.yaml"
    document = yaml.safe_load(FLEET.read_text(encoding="utf-8"))
    spec = document["spec"]
    first, second, third = spec["cells"]
    del spec["template"]["registry"]
    spec["template"]["kubernetes_minor"] = "1.99"
    spec["maisons"][0]["budget"]["amount"] = "-1"
    first["cidr"] = "10.64.0.0/20"
    second["name"] = spec["worlds"]["row"]["gate_cell"] = "a-name-that-is-much-too-long"
    second["overrides"] = {"alicloud": {}}
    pool = {"name": "gpu80g", "gpu_class": "gpu-140g-fp8", "gpus_per_node": 1, "min": 5, "max": 4}
    third["template"] = {"gpu_pools": [pool]}
    fleet_file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        spec_rules.load_checked(fleet_file)
    assert {(problem.code, problem.where.partition(" ")[0]) for problem in caught.value.problems} == {
        ("SPEC-VALUE", "spec.template.kubernetes_minor"),
        ("SPEC-VALUE", "spec.maisons[0].budget.amount"),
        ("SPEC-VALUE", "spec.cells[0].cidr"),
        ("SPEC-VALUE", "spec.cells[1].name"),
        ("SPEC-VALUE", "spec.worlds.row.gate_cell"),
        ("SPEC-OVERRIDE", "spec.cells[1].overrides.alicloud"),
        ("SPEC-POOL", "spec.cells[2].template.gpu_pools[0].min"),
        ("SPEC-PREPAID", "spec.cells[0].template.registry.prepaid_acknowledged"),
        ("SPEC-SKU", "spec.cells[2]"),
    }
    assert "stand-in" not in str(caught.value)


def test_a_region_outside_its_world_is_told_beside_a_value_of_the_wrong_kind(tmp_path: Path) -> None:
    fleet_file = tmp_path / "fleet.yaml"
    text = FLEET.read_text(encoding="utf-8").replace("min: 1, max: 3", "min: one, max: 3")
    fleet_file.write_text(text.replace("      region: cn-shanghai", "      region: cn-hongkong"), encoding="utf-8")
    with pytest.raises(ResidencyError) as caught:
        spec_rules.load_checked(fleet_file)
    assert {problem.code for problem in caught.value.problems} >= {"SPEC-VALUE", "RES-001"}


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('amount: "5000.00"', 'amount: "0"', "spec.maisons[1].budget.amount"),
        ('amount: "5000.00"', 'amount: "NaN"', "spec.maisons[1].budget.amount"),
        ("cidr: 10.72.0.0/14", 'cidr: 10.72.0.0/14\n      zones: ["1", "1"]', "spec.cells[2].zones"),
        (
            "cidr: 10.72.0.0/14",
            "cidr: 10.72.0.0/14\n      overrides: {azure: {subscription: mine}}",
            "spec.cells[2].overrides.azure.subscription",
        ),
        (
            "cidr: 10.68.0.0/14",
            "cidr: 10.68.0.0/14\n      overrides: {gcp: {project: My Project}}",
            "spec.cells[1].overrides.gcp.project",
        ),
    ],
)
def test_a_value_that_no_cloud_would_take_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, where: str
) -> None:
    text = FLEET.read_text(encoding="utf-8")
    assert old in text
    fleet_file = tmp_path / "fleet.yaml"
    fleet_file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        spec_rules.load_checked(fleet_file)
    assert [(problem.code, problem.where) for problem in caught.value.problems] == [("SPEC-VALUE", where)]


@pytest.mark.parametrize(
    ("minor", "cells"), [("1.36", set[str]()), ("1.34", set[str]()), ("1.33", {"cn-sha-1", "eu-par-1"})]
)
def test_a_kubernetes_minor_that_one_cloud_does_not_offer_is_told_for_each_of_its_cells(
    tmp_path: Path, minor: str, cells: set[str]
) -> None:
    fleet = fleet_with(tmp_path, ('kubernetes_minor: "1.36"', f'kubernetes_minor: "{minor}"'))
    found = spec_rules.problems_of(fleet, "fleet.yaml")
    assert {problem.code for problem in found} <= {"SPEC-MINOR"}
    assert {problem.message.split()[1].rstrip(":") for problem in found} == cells
    assert all("1.34, 1.35, 1.36" in problem.fix for problem in found)


@pytest.mark.parametrize(
    ("cidr", "driver"),
    [("10.64.0.0/14", "'570.169'"), ("10.64.0.0/14", "580.65.06"), ("10.68.0.0/14", "newest")],
)
def test_a_cell_takes_a_driver_that_its_cloud_can_be_told(tmp_path: Path, cidr: str, driver: str) -> None:
    change = (f"cidr: {cidr}", f"cidr: {cidr}\n      template: {{nodes: {{driver: {driver}}}}}")
    assert codes(fleet_with(tmp_path, change)) == []
