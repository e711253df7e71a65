"""`twain parity check` as people read it: a table of words, and under it what each verdict rests on."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cli import errors, parity
from components.parity import compare
from components.spec.load import load_fleet
from components.spec.model import Waiver

FLEET = Path(__file__).parents[4] / "stacks" / "fleets" / "rehearsal.yaml"
SAME = {
    "kubernetes.minor": "1.36",
    "api.private": "private",
    "secrets.encryption": "customer-key",
    "gpu.class": "gpu-80g/1",
    "gpu.scale_from_zero": "yes",
    "bucket.public_access": "blocked",
}
WAIVER = Waiver(
    id="W-1",
    capability="kubernetes.minor",
    cells=("cn-sha-1",),
    owner="platform",
    reason="offered later there",
    until=date(2026, 11, 30),
)


def play(
    monkeypatch: pytest.MonkeyPatch, *, waivers: tuple[Waiver, ...] = (), silent: bool = False, **of_cn: str
) -> None:
    """Put cells where the deployed ones would be: all alike but for what is said of cn-sha-1."""
    row = {cell: dict(SAME) for cell in ("eu-ams-1", "eu-par-1")}

    def own(app: Any, cells: Any) -> tuple[Any, Any]:
        return {cell.name: row[cell.name] for cell in cells}, []

    async def others(app: Any, worlds: Any) -> tuple[Any, Any]:
        if silent:
            return {}, [errors.row_of(errors.PartialError("the gate does not answer.", id="GATE-DOWN"), world="cn")]
        return {"cn-sha-1": {**SAME, **{name.replace("__", "."): value for name, value in of_cn.items()}}}, []

    monkeypatch.setattr(parity, "_own", own)
    monkeypatch.setattr(parity, "_others", others)
    monkeypatch.setattr("components.spec.load.load_waivers", lambda path: waivers)


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


def test_the_json_holds_the_fix_too(operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, api__private="public")
    (gap,) = [row for row in operator.twain("parity", "check", "-o", "json").json["items"] if row["verdict"] == "gap"]
    fleet = load_fleet(FLEET)
    values = {cell.name: {"api.private": "private"} for cell in fleet.cells} | {"cn-sha-1": {"api.private": "public"}}
    found = compare.compare(values, fleet=fleet, fleet_path=FLEET, today=date(2026, 11, 20))
    assert gap["fix"] == next(one.fix for one in found if one.capability == "api.private")
    assert gap["fix"].startswith("make the component of cn-sha-1 give private")


def test_a_waiver_is_a_column_when_one_counts_and_is_named_with_its_end(
    operator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, waivers=(WAIVER,), kubernetes__minor="1.35")
    ran = operator.twain("parity", "check", "--waivers", "w", "--exit-code")
    assert ran.code == 0
    assert "WAIVER" in ran.out.splitlines()[0]
    assert "why    waiver W-1: offered later there (until 2026-11-30, platform)" in ran.out
    assert "excuses nothing" not in ran.out


@pytest.mark.parametrize("silent", [False, True])
def test_a_waiver_that_excuses_nothing_is_named_where_all_cells_are_known(
    operator: Any, monkeypatch: pytest.MonkeyPatch, *, silent: bool
) -> None:
    play(monkeypatch, waivers=(WAIVER,), silent=silent)
    ran = operator.twain("parity", "check", "--waivers", "w", "-o", "json")
    assert ran.code == (13 if silent else 0)
    assert ran.json["idleWaivers"] == ([] if silent else ["W-1"])
    table = operator.twain("parity", "check", "--waivers", "w").out
    assert ("excuses nothing, and can go: waiver W-1" in table) is not silent
