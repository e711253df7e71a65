"""Spec files: what is accepted, and that every fault of a file is reported at once with its place."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from components.errors import ResidencyError, SpecError
from components.policy import spec_rules
from components.spec.load import load_fleet, load_waivers, load_workload

ROOT = Path(__file__).parents[4]
FLEET = ROOT / "stacks" / "fleets" / "rehearsal.yaml"
WORKLOAD = ROOT / "examples" / "advisor.yaml"


def _fleet_with(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = FLEET.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    return path


def _problems(path: Path) -> dict[str, tuple[str, int]]:
    with pytest.raises(SpecError) as caught:
        load_fleet(path)
    return {problem.code: (problem.where, problem.line) for problem in caught.value.problems}


def _line(path: Path, text: str) -> int:
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def test_the_shipped_fleet_has_one_cell_in_china_and_two_elsewhere() -> None:
    fleet = load_fleet(FLEET)
    assert [(cell.name, cell.world, cell.cloud) for cell in fleet.cells] == [
        ("cn-sha-1", "cn", "alicloud"),
        ("eu-ams-1", "row", "gcp"),
        ("eu-par-1", "row", "azure"),
    ]
    assert fleet.maisons[0].budget.amount == Decimal("20000.00")


def test_the_shipped_workload_is_mirrored_into_both_worlds() -> None:
    workload = load_workload(WORKLOAD)
    assert workload.worlds == ("cn", "row")
    assert workload.gpu.gpu_class == "gpu-80g"


def test_every_fault_is_reported_at_once_with_its_line(tmp_path: Path) -> None:
    path = _fleet_with(
        tmp_path,
        ("gpu_pools:", "gpu_pool:"),
        ("cidr: 10.68.0.0/14", "cidr: 10.68.0.1/14"),
        ('"5000.00"', "5000.5"),
        ("max: 3", "max: no"),
    )
    with pytest.raises(SpecError) as caught:
        load_fleet(path)
    found = {(problem.code, problem.line) for problem in caught.value.problems}
    assert ("SPEC-UNKNOWN", _line(path, "gpu_pool:")) in found
    assert ("SPEC-VALUE", _line(path, "10.68.0.1")) in found
    assert ("SPEC-VALUE", _line(path, "5000.5")) in found
    assert ("SPEC-SCALAR", _line(path, "max: no")) in found
    assert len(found) == 4


def test_an_unknown_field_names_the_nearest_known_one(tmp_path: Path) -> None:
    path = _fleet_with(tmp_path, ("gpu_pools:", "gpu_pool:"))
    with pytest.raises(SpecError, match="did you mean 'gpu_pools'"):
        load_fleet(path)


_OWN_POOLS = "cidr: 10.72.0.0/14\n      template:\n        gpu_pools:\n          - {}"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("cn-sha-1\n      world", "eu-ams-1\n      world", "SPEC-DUPLICATE"),
        ("kind: Fleet", "kind: Workload", "SPEC-KIND"),
        ("apiVersion: twain/v1", "apiVersion: twain/v0", "SPEC-VERSION"),
        ("gate_cell: cn-sha-1", "gate_cell: eu-ams-1", "SPEC-GATE"),
        ("min: 0, max: 4", "min: 5, max: 4", "SPEC-POOL"),
        ("name: gpu80g", "name: system", "SPEC-POOL"),
        ("min: 1, max: 3", "min: 5, max: 3", "SPEC-POOL"),
        ("cidr: 10.72.0.0/14", _OWN_POOLS.format("{name: a, gpu_class: gpu-80g, min: 9, max: 4}"), "SPEC-POOL"),
        ("cidr: 10.68.0.0/14", "cidr: 127.0.0.0/14", "SPEC-VALUE"),
        ("cidr: 10.68.0.0/14", "cidr: 169.254.0.0/16", "SPEC-VALUE"),
        ("name: eu-par-1", 'name: "eu-par-1\\n"', "SPEC-VALUE"),
        ("min: 0, max: 4", "min: 0, max: 0777", "SPEC-SCALAR"),
        ("reporting_currency: EUR", "reporting_currency: EUR\n  reporting_currency: USD", "SPEC-DUPLICATE"),
        ("region: cn-shanghai", "region: cn-shanghai\n      overrides: {gcp: {project: x}}", "SPEC-OVERRIDE"),
        ('"1.36"', "1.36", "SPEC-VALUE"),
        ('"1.36"', '"1.29"', "SPEC-VALUE"),
    ],
)
def test_a_faulty_fleet_is_refused_with_its_code(tmp_path: Path, old: str, new: str, code: str) -> None:
    assert code in _problems(_fleet_with(tmp_path, (old, new)))


def test_a_yaml_bomb_is_refused_before_it_expands(tmp_path: Path) -> None:
    path = tmp_path / "bomb.yaml"
    lines = ['a0: &a0 ["x","x","x","x","x","x","x","x","x"]']
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    path.write_text("\n".join(lines))
    assert "SPEC-ALIAS" in _problems(path)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xfe", "SPEC-UTF8"),
        (b"a: [1, 2", "SPEC-YAML"),
        (b"- 1", "SPEC-KIND"),
        (b"", "SPEC-KIND"),
        (b"a: " + b"[" * 5000, "SPEC-YAML"),
        (b"[" * 200 + b"]" * 200, "SPEC-DEPTH"),
        (b"x" * (1 << 20) + b"xx", "SPEC-SIZE"),
    ],
)
def test_an_unreadable_file_says_why(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_bytes(content)
    assert code in _problems(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    assert "SPEC-FILE" in _problems(tmp_path / "absent.yaml")
    assert "SPEC-FILE" in _problems(tmp_path)


def test_a_cells_own_template_wins_over_the_fleets(tmp_path: Path) -> None:
    path = _fleet_with(
        tmp_path, ("cidr: 10.64.0.0/14", 'cidr: 10.64.0.0/14\n      template: {kubernetes_minor: "1.35"}')
    )
    fleet = load_fleet(path)
    assert fleet.resolved("cn-sha-1").template.kubernetes_minor == "1.35"
    assert fleet.resolved("cn-sha-1").template.gpu_pools == fleet.template.gpu_pools
    assert fleet.resolved("eu-ams-1").template.kubernetes_minor == "1.36"


def test_a_rollout_that_can_never_move_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(WORKLOAD.read_text().replace("max_surge: 1", "max_surge: 0"))
    with pytest.raises(SpecError, match="SPEC-ROLLOUT"):
        load_workload(path)


def test_waivers_of_a_folder_are_read_together_and_all_faults_named(tmp_path: Path) -> None:
    good = (
        "apiVersion: twain/v1\nkind: Waiver\nmetadata: {id: W-1}\nspec:\n  capability: gpu.class\n  cells: [cn-sha-1]\n"
        "  owner: platform\n  reason: China gets another part of the same class\n  until: 2027-01-31\n"
    )
    (tmp_path / "a.yaml").write_text(good)
    (waiver,) = load_waivers(tmp_path)
    assert waiver.until.isoformat() == "2027-01-31"
    (tmp_path / "b.yaml").write_text(good.replace("W-1", "W 1"))
    (tmp_path / "c.yaml").write_text(good.replace("2027-01-31", "soon"))
    with pytest.raises(SpecError) as caught:
        load_waivers(tmp_path)
    assert {Path(problem.path).name for problem in caught.value.problems} == {"b.yaml", "c.yaml"}


ONE = """apiVersion: twain/v1
kind: Fleet
metadata: {name: one}
spec:
  worlds:
    cn:
      regions: [cn-shanghai]
      state: {backend: file:///s, secrets_provider: passphrase, location: emulated}
      registry: registry-vpc.cn-shanghai.aliyuncs.com/twain
      gate_cell: cn-sha-1
  template:
    kubernetes_minor: "1.36"
    gpu_pools:
      - {name: gpu80g, gpu_class: gpu-80g, gpus_per_node: 7, min: 0, max: 4}
  cells:
    - {name: cn-sha-1, world: cn, cloud: alicloud, region: cn-shanghai, cidr: 10.64.0.0/20}
"""


def _told(tmp_path: Path, *changes: tuple[str, str]) -> dict[str, str]:
    """Codes by place, as the check of the whole tells them."""
    text = ONE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    with pytest.raises((SpecError, ResidencyError)) as caught:
        spec_rules.load_checked(path)
    assert not any("stand-in" in str(problem) for problem in caught.value.problems)
    return {problem.where.split(" ")[0]: problem.code for problem in caught.value.problems}


REST = {"spec.cells[0].template.registry.prepaid_acknowledged": "SPEC-PREPAID", "spec.cells[0]": "SPEC-SKU"}


def test_the_only_cell_has_a_fault_of_form_and_every_rule_on_the_whole_is_told_too(tmp_path: Path) -> None:
    """A list whose items are wrong is not too short."""
    assert _told(tmp_path) == {"spec.cells[0].cidr": "SPEC-VALUE", **REST}


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("regions: [cn-shanghai]", "regions: [X, cn-shanghai]", "spec.worlds.cn.regions[0]"),
        ("cidr: 10.64.0.0/20", "cidr: 10.64.0.0/14, zones: [1, 2]", "spec.cells[0].zones[0]"),
        ("min: 0, max: 4", "min: 0, max: no", "spec.template.gpu_pools[0].max"),
    ],
)
def test_a_fault_of_an_item_hides_no_rule(tmp_path: Path, old: str, new: str, where: str) -> None:
    told = _told(tmp_path, *(((old, new),) if "cidr" in old else ((old, new), ("/20", "/18"))))
    assert {where, *REST} <= set(told)
    assert set(told) - {where, "spec.cells[0].zones[1]", *REST} == set()


def test_an_empty_list_is_still_too_short(tmp_path: Path) -> None:
    told = _told(tmp_path, ("regions: [cn-shanghai]", "regions: []"), ("/20", "/18"))
    assert told["spec.worlds.cn.regions"] == "SPEC-VALUE"


def test_what_stands_for_a_number_of_nodes_breaks_no_rule(tmp_path: Path) -> None:
    """On a cloud whose nodes each take a block of a small range."""
    told = _told(tmp_path, ("cloud: alicloud", "cloud: gcp"), ("/20", "/18"), ("min: 0, max: 4", "min: 2, max: [4]"))
    assert "SPEC-CIDR" not in told.values()
    assert "SPEC-POOL" not in told.values()
