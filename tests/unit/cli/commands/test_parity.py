"""`twain parity` as people use it: a table of words, under it what each verdict rests on, and waivers as files."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from cli import errors, subjects
from cli.app import Clock
from cli.fleet import FleetView
from components.parity import compare, state
from components.parity.capabilities import IDS
from components.spec.load import load_fleet, load_workload
from tests.unit.components.parity import plans
from tests.unit.components.parity.seeds import SEEDS

if TYPE_CHECKING:
    from pathlib import Path

FLEET = plans.FLEET
TODAY = date(2026, 11, 20)
SAME: dict[str, str] = {**dict.fromkeys(IDS, "good"), "kubernetes.minor": "1.36", "gpu.class": "gpu-80g/1"}


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    monkeypatch.setattr(Clock, "now", lambda self: now)


def subject(name: str, world: str, values: dict[str, str | None] | None, source: Any = "state") -> subjects.Subject:
    return subjects.Subject(name=name, source=source, values=values, about=compare.About(), world=world)


def play(monkeypatch: pytest.MonkeyPatch, *, silent: bool = False, **of_cn: str) -> None:
    """Put cells where the deployed ones would be: all alike but for what is said of cn-sha-1."""
    other: dict[str, str | None] = {**SAME, **{name.replace("__", "."): word for name, word in of_cn.items()}}

    def live(app: Any, own: Any, others: Any, served: Any) -> subjects.Found:
        found = subjects.Found(subjects=[subject(cell.name, "row", dict(SAME)) for cell in own])
        if silent:
            found.errors.append(
                errors.row_of(errors.PartialError("the gate does not answer.", id="GATE-DOWN"), world="cn")
            )
        found.subjects.append(subject("cn-sha-1", "cn", None if silent else other, "gate"))
        return found

    monkeypatch.setattr(subjects, "live", live)


def waiver(folder: Path, **changes: Any) -> Path:
    spec = {
        "capability": "kubernetes.minor", "cells": ["cn-sha-1"], "owner": "platform", "reason": "offered later there",
        "until": date(2026, 11, 30),
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    path = folder / f"{changes.pop('id', 'W-1')}.yaml"
    document = {"apiVersion": "twain/v1", "kind": "Waiver", "metadata": {"id": path.stem}, "spec": {**spec, **changes}}
    path.write_text(yaml.safe_dump(document))
    return path


def state_of(cloud: str, path: Path, rows: plans.Rows | None = None) -> Path:
    path.write_text(json.dumps({"version": 3, "deployment": {"resources": rows or plans.plan(cloud)}}))
    return path


def test_a_gap_is_told_under_the_table_with_its_place_and_its_fix(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, kubernetes__minor="1.35")
    ran = operator.twain("parity", "check", "--exit-code")
    assert ran.code == 10
    table, _, told = ran.out.partition("\n\n")
    assert max(len(line) for line in table.splitlines()) <= 100
    gap, equivalent = told.split("\n\n")
    first, why, where, fix = gap.splitlines()
    assert (first, why) == ("gap: kubernetes.minor", "  why    cn-sha-1 has 1.35, the others 1.36")
    assert where.startswith("  where  ")
    assert where.endswith("(spec.cells[0])")
    assert fix.startswith("  fix    make kubernetes_minor of cn-sha-1 give 1.36, or declare a waiver")
    assert "by class (cn-sha-1, eu-ams-1: NVIDIA A100-SXM4-80GB; eu-par-1:" in equivalent


def test_the_json_holds_the_fix_and_where_each_cell_was_learnt(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, api__private="public")
    found = operator.twain("parity", "check", "-o", "json").json
    (gap,) = [row for row in found["items"] if row["verdict"] == "gap"]
    assert gap["fix"].startswith("make the component of cn-sha-1 give good")
    assert [(one["cell"], one["source"]) for one in found["sources"]] == [
        ("cn-sha-1", "gate"), ("eu-ams-1", "state"), ("eu-par-1", "state"),
    ]  # fmt: skip


def test_a_waiver_is_a_column_when_one_counts_and_is_named_with_its_end(
    operator: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    play(monkeypatch, kubernetes__minor="1.35")
    waiver(tmp_path / "w")
    ran = operator.twain("parity", "check", "--waivers", str(tmp_path / "w"), "--exit-code")
    assert ran.code == 0
    assert "WAIVER" in ran.out.splitlines()[0]
    assert "why    waiver W-1: offered later there (until 2026-11-30, platform)" in ran.out
    assert "excuses nothing" not in ran.out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"until": date(2026, 11, 19)}, "waiver W-1 ran out on 2026-11-19 (platform)"),
        ({"since": date(2026, 11, 21)}, "waiver W-1 begins on 2026-11-21 (platform)"),
        ({"value": "1.34"}, "waiver W-1 is for the value 1.34 (platform)"),
    ],
    ids=["expired", "future", "another value"],
)
def test_a_waiver_that_does_not_count_is_a_gap_that_says_why(
    operator: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    play(monkeypatch, kubernetes__minor="1.35")
    path = waiver(tmp_path, **change)
    ran = operator.twain("parity", "check", "--waivers", str(path), "--exit-code")
    assert ran.code == 10
    assert said in ran.out


def test_the_waivers_beside_the_fleet_count_without_being_named(
    operator: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    operator.fleet = tmp_path / "fleet.yaml"
    operator.fleet.write_bytes(FLEET.read_bytes())
    operator.write()
    waiver(tmp_path / "waivers")
    play(monkeypatch, kubernetes__minor="1.35")
    assert operator.twain("parity", "check", "--exit-code").code == 0
    context = json.loads((operator.home / "contexts.json").read_text())
    context["contexts"]["test"]["waivers"] = str(tmp_path / "elsewhere")
    (operator.home / "contexts.json").write_text(json.dumps(context))
    assert operator.twain("parity", "check", "--exit-code").code == 10


@pytest.mark.parametrize("silent", [False, True])
def test_a_waiver_that_excuses_nothing_is_named_where_all_cells_are_known(
    operator: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, silent: bool
) -> None:
    play(monkeypatch, silent=silent)
    path = str(waiver(tmp_path))
    ran = operator.twain("parity", "check", "--waivers", path, "-o", "json")
    assert ran.code == (13 if silent else 0)
    assert ran.json["idleWaivers"] == ([] if silent else ["W-1"])
    table = operator.twain("parity", "check", "--waivers", path).out
    assert ("excuses nothing, and can go: waiver W-1" in table) is not silent


def test_contradictory_waivers_end_with_2_and_name_both(operator: Any, tmp_path: Path) -> None:
    waiver(tmp_path / "w")
    waiver(tmp_path / "w", id="W-2", owner="security", until=date(2027, 1, 1))
    for verb in ("check", "waivers"):
        ran = operator.twain("parity", verb, "--waivers", str(tmp_path / "w"))
        assert ran.code == 2
        assert "error SPEC-WAIVER" in ran.err
        assert "W-2 and W-1" in ran.err


# Planned from the spec, on a fleet that was never up, by the real program.
def test_a_fleet_that_was_never_up_is_compared_without_a_context(operator: Any, tmp_path: Path) -> None:
    (operator.home / "contexts.json").unlink()
    fleet = tmp_path / "fleet.yaml"
    patch = '      template: {kubernetes_minor: "1.35"}\n'
    fleet.write_text(FLEET.read_text() + patch)
    ran = operator.twain("parity", "check", "--fleet", str(fleet), "--workload", str(plans.WORKLOAD), "--exit-code",
                         "-o", "json")  # fmt: skip
    assert ran.code == 10, ran.err
    found = {row["capability"]: row for row in ran.json["items"]}
    assert tuple(found) == IDS
    gaps = {name for name, row in found.items() if row["verdict"] == "gap"}
    assert gaps == {"kubernetes.minor", "nodes.metadata", "registry.encryption"}
    line = len(fleet.read_text().splitlines())
    assert found["kubernetes.minor"]["where"] == f"{fleet}:{line} (spec.cells[2].template.kubernetes_minor)"
    assert {one["source"] for one in ran.json["sources"]} == {"planned from spec"}
    assert found["model.weights"]["verdict"] == "equal"
    # What is planned is what the golden graphs say: the seeds stand on both.
    for cloud, cell in plans.CELLS.items():
        values = state.guarantees(plans.plan(cloud), cloud)
        told = {name: value["value"] for name, row in found.items() for value in row["values"] if value["cell"] == cell}
        different = {name for name in IDS if told[name] != values[name]}
        assert different == ({"kubernetes.minor"} if cloud == "azure" else set())


def test_two_versions_of_a_fleet_are_compared_cell_by_cell(operator: Any, tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    new.write_text(FLEET.read_text().replace('kubernetes_minor: "1.36"', 'kubernetes_minor: "1.35"'))
    ran = operator.twain("parity", "diff", f"{FLEET}:eu-ams-1", f"{new}:eu-ams-1", "--exit-code", "-o", "json")
    assert ran.code == 10, ran.err
    (gap,) = [row for row in ran.json["items"] if row["verdict"] == "gap"]
    assert gap["capability"] == "kubernetes.minor"
    assert [value["cell"] for value in gap["values"]] == ["eu-ams-1", "eu-ams-1-2"]
    assert gap["where"] == f"{new} (Cluster minMasterVersion)"


def test_states_of_strangers_are_compared_and_a_planted_difference_is_found(operator: Any, tmp_path: Path) -> None:
    rows = plans.plan("gcp")
    next(one for one in SEEDS if one.cloud == "gcp" and "api.private" in one.expected).plant(rows)
    ours, theirs = state_of("gcp", tmp_path / "ours.json"), state_of("gcp", tmp_path / "theirs.json", rows)
    ran = operator.twain("parity", "diff", str(ours), str(theirs), "--exit-code")
    assert ran.code == 10
    assert "gap: api.private\n  why    theirs has public, ours private\n  where  " in ran.out
    assert f"{theirs} (Cluster privateClusterConfig.enablePrivateEndpoint" in ran.out
    assert operator.twain("parity", "diff", str(ours), str(ours), "--exit-code").code == 0
    path = waiver(tmp_path / "w", capability="api.private", cells=["theirs"])
    assert operator.twain("parity", "diff", str(ours), str(theirs), "--exit-code", "--waivers", str(path)).code == 0


def test_files_alone_need_no_context_and_beside_a_fleet_they_are_more_cells(operator: Any, tmp_path: Path) -> None:
    (operator.home / "contexts.json").unlink()
    files = [state_of(cloud, tmp_path / f"{cloud}.json") for cloud in ("gcp", "azure")]
    ran = operator.twain("parity", "check", "--file", str(files[0]), "--file", str(files[1]), "-o", "json")
    assert ran.code == 0, ran.err
    assert [one["cell"] for one in ran.json["sources"]] == ["gcp", "azure"]
    assert {row["capability"] for row in ran.json["items"] if row["verdict"] == "gap"} == {"nodes.metadata"}


def test_worlds_with_models_of_their_own_differ_by_a_waiver_and_keep_one_contract(
    operator: Any, tmp_path: Path
) -> None:
    fleet = FleetView.of(load_fleet(FLEET).model_dump(mode="json"), FLEET)
    text = plans.WORKLOAD.read_text().replace("worlds: [cn, row]", "worlds: [cn]")
    variant = tmp_path / "cn.yaml"

    def other(text: str) -> Path:
        variant.write_text(text.replace("6c1f0f6a", "00000000").replace("qwen3-32b", "local"))
        rows = [row for row in plans.plan("alicloud") if not row["urn"].endswith("::advisor")]
        rows += subjects.served(fleet, fleet.cell("cn-sha-1"), [load_workload(variant)])
        return state_of("alicloud", tmp_path / "cn.json", rows)

    def found(path: Path, *more: str) -> dict[str, str]:
        ran = operator.twain("parity", "diff", str(path), str(ours), "-o", "json", *more)
        return {row["capability"]: row["verdict"] for row in ran.json["items"]}

    ours = state_of("gcp", tmp_path / "row.json")
    plain = found(other(text))
    assert plain["model.weights"] == "gap"
    assert (plain["model.contract"], plain["engine.arguments"], plain["image.digest"]) == ("equal",) * 3
    excused = ("--waivers", str(waiver(tmp_path / "w", capability="model.weights", cells=["cn"])))
    assert found(other(text), *excused)["model.weights"] == "equivalent"
    shorter = found(other(text.replace("32768", "8192")), *excused)
    assert (shorter["model.weights"], shorter["model.contract"]) == ("equivalent", "gap")


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("diff", "eu-ams-1", "nowhere"), 6, "'nowhere' is no file, and there is no cell"),
        (("diff", "eu-ams-1", "absent.json"), 2, "PLAN-FILE"),
        (("diff", "eu-ams-1", "eu-par-1", "--live", "--fleet", "x.yaml"), 2, "CFG-SCOPE"),
        (("check", "--planned", "--cell", "nowhere"), 6, "CELL-404"),
        (("check", "--fleet", "absent.yaml"), 2, "SPEC-FILE"),
        (("explain", "gpu.clas"), 6, "did you mean gpu.class"),
        (("explain", "xyzzy"), 6, "twain parity explain lists them"),
    ],
)
def test_what_is_asked_wrongly_ends_with_its_code_and_a_fix(
    operator: Any, args: tuple[str, ...], code: int, said: str
) -> None:
    ran = operator.twain("parity", *args)
    assert ran.code == code
    assert said in ran.err


def test_two_workloads_at_once_are_refused(operator: Any, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(plans.WORKLOAD.read_text().replace("name: advisor", "name: writer"))
    ran = operator.twain("parity", "check", "--planned", "--workload", str(plans.WORKLOAD), "--workload", str(other))
    assert (ran.code, "aurelia/advisor, aurelia/writer are different workloads" in ran.err) == (2, True)
    ran = operator.twain("parity", "check", "--planned", *["--workload", str(plans.WORKLOAD)] * 2)
    assert (ran.code, "claimed by more than one file" in ran.err) == (2, True)


def test_explain_says_what_a_value_means_and_how_each_cloud_gives_it(operator: Any) -> None:
    ran = operator.twain("parity", "explain", "secrets.encryption")
    assert "azure: composed, Key Vault KMS" in ran.out
    assert "  reads  gcp:container/cluster:Cluster databaseEncryption.keyName" in ran.out
    listed = operator.twain("parity", "explain", "-o", "json").json["items"]
    assert tuple(item["capability"] for item in listed) == IDS


WAIVE = ("parity", "waive", "disks.encryption", "--cell", "eu-par-1", "--owner", "ann@example.com", "--reason",
         "no disk encryption set is made yet", "--until", "2027-01-31")  # fmt: skip


def test_a_waiver_is_written_once_and_excuses(operator: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    args = (*WAIVE, "--waivers", str(folder))
    assert operator.twain(*args, "--dry-run").code == 0
    assert not folder.exists()
    assert operator.twain(*args).code == 2
    ran = operator.twain(*args, "-y", "-o", "json")
    assert ran.code == 0, ran.err
    (item,) = ran.json["items"]
    assert (item["id"], item["state"], item["daysLeft"], item["file"]) == (
        "W-1",
        "active",
        73,
        str(folder / "W-1.yaml"),
    )
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = operator.twain(*args, "-y")
    assert (again.code, "declared already" in again.err) == (0, True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    play(monkeypatch)
    play_disks = {**SAME, "disks.encryption": "cloud-key"}
    monkeypatch.setattr(
        subjects, "live",
        lambda app, own, others, served: subjects.Found(subjects=[
            subject("cn-sha-1", "cn", dict(SAME)), subject("eu-ams-1", "row", dict(SAME)),
            subject("eu-par-1", "row", dict(play_disks))]),
    )  # fmt: skip
    assert operator.twain("parity", "check", "--exit-code").code == 10
    assert operator.twain("parity", "check", "--exit-code", "--waivers", str(folder)).code == 0


def test_all_that_is_wrong_about_a_new_waiver_is_told_at_once(operator: Any, tmp_path: Path) -> None:
    ran = operator.twain("parity", "waive", "disks.encryptio", "--cell", "nowhere", "--reason", "short", "--waivers",
                         str(tmp_path), "-y")  # fmt: skip
    assert ran.code == 2
    for said in ("PAR-404", "PAR-UNTIL", "PAR-OWNER", "PAR-REASON", "CELL-404", "a permission for ever"):
        assert said in ran.err
    ran = operator.twain(*WAIVE[:-1], "2026-11-19", "--since", "tomorrow", "--waivers", str(tmp_path), "-y")
    assert "--until 2026-11-19 has passed" in ran.err
    assert "--since 'tomorrow' is no day" in ran.err
    assert list(tmp_path.glob("*.yaml")) == []


def test_a_second_waiver_for_the_same_is_refused_and_gets_a_number_where_it_is_for_another(
    operator: Any, tmp_path: Path
) -> None:
    args = (*WAIVE, "--waivers", str(tmp_path / "w"), "-y")
    assert operator.twain(*args).code == 0
    other = operator.twain(*(one.replace("2027-01-31", "2027-02-28") for one in args))
    assert (other.code, "W-2 and W-1" in other.err) == (2, True)
    assert operator.twain(*(one.replace("disks.encryption", "nodes.metadata") for one in args)).code == 0
    assert sorted(path.name for path in (tmp_path / "w").iterdir()) == ["W-1.yaml", "W-2.yaml"]
    taken = operator.twain(*(one.replace("disks.encryption", "audit.log") for one in args), "--id", "W-1")
    assert (taken.code, "this id is taken" in taken.err) == (2, True)


def test_waivers_are_listed_with_how_they_stand_those_that_ran_out_first(operator: Any, tmp_path: Path) -> None:
    for number, (since, until) in enumerate(((None, 40), (30, 60), (None, -1), (None, 0))):
        more = {"since": TODAY + timedelta(days=since)} if since else {}
        waiver(tmp_path / "w", id=f"W-{number}", capability=IDS[number], until=TODAY + timedelta(days=until), **more)
    ran = operator.twain("parity", "waivers", "--waivers", str(tmp_path / "w"), "--exit-code", "-o", "json")
    assert ran.code == 10
    assert [(item["id"], item["state"], item["daysLeft"]) for item in ran.json["items"]] == [
        ("W-2", "expired", 0), ("W-3", "active", 1), ("W-0", "active", 41), ("W-1", "future", 61),
    ]  # fmt: skip
    (tmp_path / "w" / "W-2.yaml").unlink()
    assert operator.twain("parity", "waivers", "--waivers", str(tmp_path / "w"), "--exit-code").code == 0


def test_the_fleet_behind_these_tests_is_the_rehearsals() -> None:
    assert [cell.name for cell in load_fleet(FLEET).cells] == list(plans.CELLS.values())
