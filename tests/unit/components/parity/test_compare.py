"""The verdicts, by a fixed today: equal, equivalent, gap, not applicable, unknown."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from components.parity import compare, report
from components.parity.capabilities import IDS
from components.spec.load import load_fleet
from components.spec.model import Waiver

FLEET = Path(__file__).resolve().parents[4] / "stacks" / "fleets" / "rehearsal.yaml"
TODAY = date(2026, 11, 20)
CELLS = ("cn-sha-1", "eu-ams-1", "eu-par-1")
# Every capability, with a word that no cell lacks.
SAME: dict[str, str] = {
    **dict.fromkeys(IDS, "good"),
    "kubernetes.minor": "1.36",
    "api.private": "private",
    "gpu.class": "gpu-80g/1",
}


def waiver(
    *, until: date, cells: tuple[str, ...] = ("cn-sha-1",), capability: str = "kubernetes.minor", **more: Any
) -> Waiver:
    return Waiver(
        id="W-1",
        capability=capability,
        cells=cells,
        owner="platform",
        reason="offered later there",
        until=until,
        **more,
    )


def verdicts(
    *waivers: Waiver, fleet: Path = FLEET, **changes: dict[str, str | None] | None
) -> dict[str, compare.Verdict]:
    values: dict[str, dict[str, str | None] | None] = {cell: dict(SAME) for cell in CELLS}
    for cell, change in changes.items():
        name = cell.replace("_", "-")
        values[name] = None if change is None else {**SAME, **change}
    found = compare.compare(values, fleet=load_fleet(fleet), fleet_path=fleet, waivers=waivers, today=TODAY)
    assert tuple(verdict.capability for verdict in found) == IDS
    return {verdict.capability: verdict for verdict in found}


def test_equal_values_are_equal() -> None:
    found = verdicts()
    assert {found[name].verdict for name in IDS if name != "gpu.class"} == {"equal"}


def test_one_class_on_different_devices_is_equivalent_and_names_them() -> None:
    found = verdicts()["gpu.class"]
    assert found.verdict == "equivalent"
    assert found.waiver is None
    assert "SXM4" in (found.reason or "")
    assert "PCIe" in (found.reason or "")


def test_a_difference_is_a_gap_with_both_values_its_line_and_a_fix() -> None:
    found = verdicts(cn_sha_1={"kubernetes.minor": "1.35"})["kubernetes.minor"]
    assert found.verdict == "gap"
    assert found.values == {"cn-sha-1": "1.35", "eu-ams-1": "1.36", "eu-par-1": "1.36"}
    assert found.reason == "cn-sha-1 has 1.35, the others 1.36"
    line = next(n for n, text in enumerate(FLEET.read_text().splitlines(), start=1) if "name: cn-sha-1" in text)
    assert found.where == f"{FLEET}:{line} (spec.cells[0])"
    assert "kubernetes_minor of cn-sha-1" in (found.fix or "")


def test_a_difference_that_a_cell_declares_is_shown_at_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    text = FLEET.read_text(encoding="utf-8")
    path.write_text(text + '      template: {kubernetes_minor: "1.35"}\n', encoding="utf-8")
    found = verdicts(fleet=path, eu_par_1={"kubernetes.minor": "1.35"})["kubernetes.minor"]
    assert found.where == f"{path}:{len(text.splitlines()) + 1} (spec.cells[2].template.kubernetes_minor)"


def test_a_waiver_makes_a_declared_difference_equivalent_to_the_end_of_its_last_day() -> None:
    found = verdicts(waiver(until=TODAY), cn_sha_1={"kubernetes.minor": "1.35"})["kubernetes.minor"]
    assert (found.verdict, found.waiver) == ("equivalent", "W-1")


def test_an_expired_waiver_is_a_gap_again_and_is_named() -> None:
    old = waiver(until=date(2026, 11, 19))
    found = verdicts(old, cn_sha_1={"kubernetes.minor": "1.35"})["kubernetes.minor"]
    assert (found.verdict, found.waiver) == ("gap", "W-1")
    assert "waiver W-1 ran out on 2026-11-19" in (found.reason or "")


@pytest.mark.parametrize(
    "other", [waiver(until=TODAY, cells=("eu-par-1",)), waiver(until=TODAY, capability="api.private")]
)
def test_a_waiver_for_something_else_excuses_nothing(other: Waiver) -> None:
    assert verdicts(other, cn_sha_1={"kubernetes.minor": "1.35"})["kubernetes.minor"].verdict == "gap"


def test_a_waiver_does_not_hide_a_second_difference() -> None:
    found = verdicts(waiver(until=TODAY), cn_sha_1={"kubernetes.minor": "1.35"}, eu_par_1={"kubernetes.minor": "1.34"})
    assert found["kubernetes.minor"].verdict == "gap"


def test_a_cell_that_nothing_is_known_of_is_unknown_and_never_equal() -> None:
    found = verdicts(eu_par_1=None)
    assert {verdict.verdict for verdict in found.values()} == {"unknown"}
    assert found["api.private"].reason == "nothing is known of eu-par-1"
    assert verdicts(eu_par_1={"api.private": None})["api.private"].verdict == "unknown"


def test_a_known_difference_is_a_gap_although_a_third_cell_is_silent() -> None:
    assert verdicts(cn_sha_1={"api.private": "public"}, eu_par_1=None)["api.private"].verdict == "gap"


def test_a_capability_without_its_object_anywhere_is_not_applicable_and_beside_one_it_is_a_gap() -> None:
    bare: dict[str, str | None] = {"gpu.class": "n/a", "gpu.scale_from_zero": "n/a"}
    assert verdicts(cn_sha_1=bare, eu_ams_1=bare, eu_par_1=bare)["gpu.class"].verdict == "not applicable"
    assert verdicts(cn_sha_1=bare)["gpu.class"].verdict == "gap"


def test_a_waiver_that_excuses_nothing_is_told() -> None:
    idle = waiver(until=TODAY)
    assert compare.unused(list(verdicts(idle).values()), [idle]) == [idle]
    used = verdicts(idle, cn_sha_1={"kubernetes.minor": "1.35"})
    assert compare.unused(list(used.values()), [idle]) == []


def test_the_table_has_a_row_per_capability_and_a_column_per_cell() -> None:
    text = report.markdown(list(verdicts(eu_par_1=None).values()))
    lines = text.splitlines()
    assert len(lines) == len(IDS) + 2
    assert {line.count("|") for line in lines} == {len(CELLS) + 4}
    assert "| api.private | private | private | unknown | unknown |" in text


def test_a_waiver_hides_no_cell_of_which_nothing_is_known() -> None:
    excused = waiver(until=date(2099, 1, 1), cells=("eu-par-1",), capability="api.private")
    found = verdicts(excused, cn_sha_1={"api.private": None}, eu_par_1={"api.private": "public"})["api.private"]
    assert found.verdict == "unknown"
    assert "cn-sha-1" in (found.reason or "")


def test_a_waiver_for_all_but_the_odd_cell_excuses_nothing() -> None:
    others = waiver(until=date(2099, 1, 1), cells=("cn-sha-1", "eu-ams-1"), capability="api.private")
    assert verdicts(others, eu_par_1={"api.private": "public"})["api.private"].verdict == "gap"


def test_the_line_is_the_cells_own_also_where_another_name_begins_like_it(tmp_path: Path) -> None:
    text = FLEET.read_text(encoding="utf-8").replace("    - name: aurelia\n", "    - name: eu-par-1\n")
    text = text.replace("name: eu-ams-1", "name: eu-par-1-b").replace("gate_cell: eu-ams-1", "gate_cell: eu-par-1-b")
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    values: dict[str, dict[str, str | None] | None] = {
        cell: dict(SAME) for cell in ("cn-sha-1", "eu-par-1-b", "eu-par-1")
    }
    values["eu-par-1"] = {**SAME, "api.private": "public"}
    found = compare.compare(values, fleet=load_fleet(path), fleet_path=path, waivers=(), today=TODAY)
    (gap,) = [verdict for verdict in found if verdict.verdict == "gap"]
    # The first is the maison of that name.
    _, line = [n for n, row in enumerate(text.splitlines(), 1) if row == "    - name: eu-par-1"]
    assert gap.where == f"{path}:{line} (spec.cells[2])"


def test_a_waiver_that_has_not_begun_excuses_nothing_and_says_when_it_will() -> None:
    later = waiver(until=date(2027, 1, 31), since=date(2026, 11, 21))
    found = verdicts(later, cn_sha_1={"kubernetes.minor": "1.35"})["kubernetes.minor"]
    assert (found.verdict, found.waiver) == ("gap", "W-1")
    assert "waiver W-1 begins on 2026-11-21 (platform)" in (found.reason or "")
    today = waiver(until=date(2027, 1, 31), since=TODAY)
    assert verdicts(today, cn_sha_1={"kubernetes.minor": "1.35"})["kubernetes.minor"].verdict == "equivalent"


def test_a_waiver_for_one_value_does_not_excuse_another() -> None:
    narrow = waiver(until=TODAY, value="1.35")
    assert verdicts(narrow, cn_sha_1={"kubernetes.minor": "1.35"})["kubernetes.minor"].verdict == "equivalent"
    found = verdicts(narrow, cn_sha_1={"kubernetes.minor": "1.31"})["kubernetes.minor"]
    assert (found.verdict, found.waiver) == ("gap", "W-1")
    assert "waiver W-1 is for the value 1.35" in (found.reason or "")


def test_of_two_cells_that_differ_a_waiver_for_either_excuses_and_the_better_one_is_the_measure() -> None:
    values = {"cn-sha-1": {"disks.encryption": "cloud-key"}, "eu-par-1": {"disks.encryption": "customer-key"}}
    for cell in values:
        excused = waiver(until=TODAY, cells=(cell,), capability="disks.encryption")
        found = compare.compare(values, fleet=load_fleet(FLEET), fleet_path=FLEET, waivers=[excused], today=TODAY)
        assert [one.verdict for one in found if one.capability == "disks.encryption"] == ["equivalent"]
    found = compare.compare(values, fleet=load_fleet(FLEET), fleet_path=FLEET, today=TODAY)
    (gap,) = [one for one in found if one.verdict == "gap"]
    assert gap.reason == "cn-sha-1 has cloud-key, eu-par-1 customer-key"
    assert (gap.fix or "").startswith("make the component of cn-sha-1 give customer-key")


def test_what_no_cell_has_because_no_cloud_gives_it_is_not_applicable_with_the_reason() -> None:
    none: dict[str, str | None] = {"pod_autoscaling": "none"}
    found = verdicts(cn_sha_1=none, eu_ams_1=none, eu_par_1=none)["pod_autoscaling"]
    assert found.verdict == "not applicable"
    assert (found.reason or "").startswith("no cell has it: planned (KEDA is installed")
    # What they could have and do not is equal, however poor.
    public: dict[str, str | None] = {"api.private": "public"}
    assert verdicts(cn_sha_1=public, eu_ams_1=public, eu_par_1=public)["api.private"].verdict == "equal"


def test_plans_of_strangers_need_no_fleet_and_point_at_the_file_and_its_inputs() -> None:
    values = {"ours": {"api.private": "private"}, "theirs": {"api.private": "public"}}
    about = {
        "ours": compare.About(cloud="gcp", file="ours.json"),
        "theirs": compare.About(cloud="alicloud", file="theirs.json"),
    }
    found = compare.compare(values, fleet=None, fleet_path="", today=TODAY, about=about)
    (gap,) = [one for one in found if one.verdict == "gap"]
    assert gap.where == "theirs.json (ManagedKubernetes slbInternetEnabled)"
    assert gap.reason == "theirs has public, ours private"


def test_digests_that_differ_name_the_arguments_behind_them() -> None:
    values = {"a": {"engine.arguments": "0123"}, "b": {"engine.arguments": "4567"}}
    about = {
        name: compare.About(file=f"{name}.json", details={"engine.arguments": text})
        for name, text in (("a", "--x 1"), ("b", "--x 2"))
    }
    found = compare.compare(values, fleet=None, fleet_path="", today=TODAY, about=about)
    (gap,) = [one for one in found if one.verdict == "gap"]
    assert gap.reason == "b has 4567, a 0123 (--x 2; a: --x 1)"
