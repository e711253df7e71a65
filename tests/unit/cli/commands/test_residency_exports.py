"""`twain residency exports`, and what reads the entries: check, serve, evidence."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from cli import errors, exports
from cli.evidence import report as reporting
from cli.fleet import FleetView
from cli.serve import check
from components.policy import exports as entries
from components.spec.load import load_workload
from tests.recorder import FLEET, ROOT
from tests.unit.cli.test_evidence import GOOD, facts, status
from tests.unit.components.policy.test_exports import TODAY, file

if TYPE_CHECKING:
    from pathlib import Path

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: app, annotations: {twain/origin: cn-personal, twain/export: E-1, twain/model: acme/advisor}}
spec: {containers: [{name: app, image: "europe-west4-docker.pkg.dev/p/twain/app:1"}]}
"""
SMALL = {"mechanism": "exemption", "article": "5-4", "volume": {"persons": 60_000, "sensitive": 0}}


def test_entries_are_listed_with_the_sums_of_the_year(operator: Any, tmp_path: Path) -> None:
    file(tmp_path, until=date(2099, 1, 1))
    ran = operator.twain("residency", "exports", "--exports", str(tmp_path), "-o", "json")
    assert ran.code == 0
    (item,) = ran.json["items"]
    assert (item["id"], item["state"], item["persons"], item["mechanism"]) == (
        *("E-1", "active", 150_000, "standard-contract"),
    )
    lines = {one["id"]: one for one in ran.json["thresholds"]}
    assert lines["persons-contract"]["reached"] is True
    assert lines["persons-assessment"]["reached"] is False
    assert all(one["article"] and one["source"] and one["read"] for one in lines.values())


def test_a_sum_that_needs_more_than_an_entry_has_ends_with_5(operator: Any, tmp_path: Path) -> None:
    for number in (1, 2):
        file(tmp_path, f"E-{number}", artefacts=[f"a{number}"], until=date(2099, 1, 1), **SMALL)
    ran = operator.twain("residency", "exports", "--exports", str(tmp_path))
    assert ran.code == errors.POLICY
    assert "120000 persons" in ran.err
    assert "E-1, E-2 has less" in ran.err


def test_one_that_has_run_out_ends_with_10_where_that_is_asked(operator: Any, tmp_path: Path) -> None:
    file(tmp_path, since=date(2020, 1, 1), until=date(2020, 12, 31))
    call = ("residency", "exports", "--exports", str(tmp_path))
    assert operator.twain(*call).code == 0
    assert operator.twain(*call, "--exit-code").code == errors.DIFFERENCES


def test_a_wrong_entry_ends_with_2_and_its_line(operator: Any, tmp_path: Path) -> None:
    path = file(tmp_path, volume=None)
    ran = operator.twain("residency", "exports", "--exports", str(path))
    assert ran.code == errors.USAGE
    assert f"{path}:" in ran.err
    assert "volume: {persons: N, sensitive: N}" in ran.err


def test_without_any_nothing_may_cross(operator: Any, tmp_path: Path) -> None:
    ran = operator.twain("residency", "exports", "--exports", str(tmp_path))
    assert ran.code == 0
    assert "nothing may cross" in ran.out + ran.err


def test_check_reads_them(operator: Any, tmp_path: Path) -> None:
    pod = tmp_path / "pod.yaml"
    pod.write_text(POD)
    call = ("residency", "check", "-f", str(pod), "--world", "row")
    assert operator.twain(*call).code == errors.POLICY
    folder = tmp_path / "entries"
    file(folder, until=date(2099, 1, 1))
    assert operator.twain(*call, "--exports", str(folder)).code == 0
    assert operator.twain(*call[:-1], "cn", "--exports", str(folder)).code == errors.POLICY


@pytest.mark.parametrize(
    ("export", "model", "says"),
    [
        ("E-1", "acme/advisor", None),
        ("E-1", "acme/other", "not about acme/other"),
        ("E-9", "acme/advisor", "no export"),
    ],
)
def test_weights_of_an_entry_may_be_mirrored(tmp_path: Path, export: str, model: str, says: str | None) -> None:
    found = load_workload(ROOT / "examples" / "advisor.yaml")
    asked = found.model.model_copy(update={"origin": "cn-personal", "export": export, "name": model})
    workload = found.model_copy(update={"model": asked})
    permits = entries.permits([file(tmp_path)], TODAY)
    fleet = FleetView.load(FLEET, tmp_path / "cache")
    told = [str(one) for one in check.against_fleet(workload, fleet, exports=permits)]
    assert bool(told) is (says is not None)
    assert says is None or says in told[0]


def test_evidence_tells_each_entry_and_fails_where_a_sum_needs_more(tmp_path: Path) -> None:
    def told(*rows: dict[str, Any]) -> dict[tuple[str, str], str]:
        paths = [file(tmp_path, f"E-{number}", artefacts=[f"a{number}"], **row) for number, row in enumerate(rows)]
        found = exports.of(entries.load(paths), datetime(2026, 11, 21, tzinfo=UTC).date())
        return status(reporting.ctrf(facts(GOOD, exports=(found.items, found.thresholds))))

    assert told()["world", "export entries"] == "passed"
    assert told(SMALL)["world", "export E-0"] == "passed"
    assert told(SMALL)["world", "threshold persons-contract"] == "passed"
    assert told(SMALL, SMALL)["world", "threshold persons-contract"] == "failed"
    spent = told({"since": date(2025, 1, 1), "until": date(2025, 2, 1)})
    assert spent["world", "export E-0"] == "skipped"
    assert status(reporting.ctrf(facts(GOOD)))["world", "export entries"] == "other"
