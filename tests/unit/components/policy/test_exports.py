"""Export entries: what of them is refused, what they let in exactly, and how they are counted against the law."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from components.errors import SpecError
from components.policy import cel, exports
from components.policy.decide import Border, decide
from tests.residency_cases import ALLOWED, GCS, POD, annotated, under_provider

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 21)
ENTRY: dict[str, Any] = {
    "origin": "cn-personal",
    "to": "row",
    "kind": "weights",
    "artefacts": ["acme/advisor"],
    "owner": "dpo@example.cn",
    "reason": "The adviser of the group's shops abroad.",
    "mechanism": "standard-contract",
    "volume": {"persons": 150_000, "sensitive": 0},
    "since": date(2026, 1, 1),
    "until": date(2026, 12, 31),
}


def file(folder: Path, identifier: str = "E-1", **changes: Any) -> Path:
    spec = {key: value for key, value in {**ENTRY, **changes}.items() if value is not None}
    body = {"apiVersion": "twain/v1", "kind": "ExportEntry", "metadata": {"id": identifier}, "spec": spec}
    folder.mkdir(exist_ok=True)
    path = folder / f"{identifier}.yaml"
    path.write_text(yaml.safe_dump(body))
    return path


def wrong(*paths: Path) -> list[tuple[str, str]]:
    with pytest.raises(SpecError) as error:
        exports.load(paths)
    assert all(problem.fix and problem.message and problem.line for problem in error.value.problems)
    return [(problem.where, problem.message) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        ({"volume": None}, "spec.volume", "counted"),
        ({"until": None}, "spec.until", "for ever"),
        ({"mechanism": None}, "spec.mechanism", "mechanism of the law"),
        ({"to": "cn"}, "spec.to", "at home"),
        ({"until": date(2025, 12, 31)}, "spec.since", "before it begins"),
        ({"volume": {"persons": 1, "sensitive": 2}}, "spec.volume.sensitive", "than persons"),
        ({"article": "5-4"}, "spec.article", "names its article"),
        ({"mechanism": "exemption"}, "spec.article", "names its article"),
        ({"mechanism": "exemption", "article": "5-4"}, "spec.article", "100,000"),
        (
            {"mechanism": "exemption", "article": "5-4", "volume": {"persons": 9, "sensitive": 1}},
            "spec.article",
            "sensitive",
        ),
        ({"mechanism": "exemption", "article": "5-1", "important": True}, "spec.important", "no exemption"),
        ({"important": True}, "spec.mechanism", "important data"),
        ({"critical_operator": True}, "spec.mechanism", "critical operator"),
        ({"volume": {"persons": 1_000_000, "sensitive": 0}}, "spec.mechanism", "1,000,000"),
        ({"volume": {"persons": 10_000, "sensitive": 10_000}}, "spec.mechanism", "10,000"),
        ({"mechanism": "security-assessment", "until": date(2029, 1, 2)}, "spec.until", "three years"),
        (
            {"origin": "row-personal", "to": "cn", "mechanism": "security-assessment"},
            "spec.mechanism",
            "China's law",
        ),
    ],
)
def test_an_entry_that_says_too_little_or_against_itself_is_refused(
    tmp_path: Path, changes: dict[str, Any], where: str, says: str
) -> None:
    told = wrong(file(tmp_path, **changes))
    assert [place for place, _ in told] == [where]
    assert says in told[0][1]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mechanism": "certification"},
        {"mechanism": "security-assessment", "volume": {"persons": 2_000_000, "sensitive": 0}},
        {"mechanism": "security-assessment", "important": True, "until": date(2029, 1, 1)},
        {"mechanism": "exemption", "article": "5-4", "volume": {"persons": 99_999, "sensitive": 0}},
        {"mechanism": "exemption", "article": "5-2", "volume": {"persons": 500_000, "sensitive": 400}},
        {"volume": {"persons": 9_999, "sensitive": 9_999}},
        {"origin": "row-personal", "to": "cn"},
    ],
)
def test_an_entry_that_holds_is_taken(tmp_path: Path, changes: dict[str, Any]) -> None:
    (found,) = exports.load([file(tmp_path, **changes)])
    assert found.entry.id == "E-1"


def test_every_fault_of_every_file_is_told_at_once_and_so_is_what_contradicts(tmp_path: Path) -> None:
    told = wrong(file(tmp_path, "E-1", volume=None), file(tmp_path, "E-2", owner=None), file(tmp_path, "E-3", to="cn"))
    assert [place for place, _ in told] == ["spec.volume", "spec.owner", "spec.to"]
    both = wrong(file(tmp_path, "E-4"), file(tmp_path, "E-5", mechanism="certification", since=date(2026, 6, 1)))
    assert both[0][0] == "spec.artefacts"
    assert "E-4" in both[0][1]
    assert "certification" in both[0][1]
    again = file(tmp_path / "other", "E-4", artefacts=["acme/else"])
    assert wrong(tmp_path / "E-4.yaml", again)[0][0] == "metadata.id"
    later = file(tmp_path, "E-6", since=date(2027, 1, 1), until=date(2027, 12, 31))
    assert len(exports.load([tmp_path / "E-4.yaml", later])) == 2


@pytest.mark.parametrize(
    ("day", "standing"),
    [
        (date(2025, 12, 31), "future"),
        (date(2026, 1, 1), "active"),
        (date(2026, 12, 31), "active"),
        (date(2027, 1, 1), "expired"),
    ],
)
def test_an_entry_counts_from_its_first_day_to_its_last(tmp_path: Path, day: date, standing: str) -> None:
    assert exports.permits([file(tmp_path)], day)["E-1"].standing == standing


def judged(world: str, body: dict[str, Any], entries: Any, kind: str = POD) -> list[str]:
    row = {"urn": f"urn:pulumi:s::p::{kind}::thing", "type": kind, "inputs": body}
    found = decide(under_provider(kind, row), world=world, allowed=ALLOWED[world], security=False, exports=entries)
    assert {one.rule for one in found} <= {"RES-021"}
    return [one.reason for one in found]


def pod(origin: str = "cn-personal", **annotations: str) -> dict[str, Any]:
    body = annotated("row", origin)
    body["metadata"]["annotations"] |= {f"twain/{key}": value for key, value in annotations.items()}
    return body


def test_the_guard_lets_in_exactly_what_an_entry_names(tmp_path: Path) -> None:
    entries = exports.permits([file(tmp_path)], TODAY)
    assert judged("row", pod(export="E-1", model="acme/advisor"), entries) == []
    for body, why in (
        (pod(), "no export entry is named"),
        (pod(model="acme/advisor"), "no export entry is named"),
        (pod(export="E-9", model="acme/advisor"), "no export entry E-9"),
        (pod(export="E-1", model="acme/other"), "not about acme/other"),
        (pod(export="E-1"), "which artefact"),
        # What comes along with it is let in by nobody, and a data set is no model of the same name.
        (pod(export="E-1", model="acme/advisor", dataset="secret-chats"), "not about secret-chats"),
        (pod(export="E-1", dataset="acme/advisor"), "about weights of that name and nothing else"),
    ):
        (reason,) = judged("row", body, entries)
        assert why in reason
    spent = exports.permits([tmp_path / "E-1.yaml"], date(2027, 1, 1))
    assert "has run out" in judged("row", pod(export="E-1", model="acme/advisor"), spent)[0]
    early = exports.permits([tmp_path / "E-1.yaml"], date(2025, 1, 1))
    assert "has not begun" in judged("row", pod(export="E-1", model="acme/advisor"), early)[0]


def test_an_entry_is_about_one_direction_and_a_buckets_labels_name_it_too(tmp_path: Path) -> None:
    entries = exports.permits([file(tmp_path, kind="dataset", artefacts=["tickets-2026"])], TODAY)
    labels = {"twain-origin": "cn-personal", "twain-export": "E-1", "twain-dataset": "tickets-2026"}
    assert judged("row", {"location": "EUROPE-WEST4", "labels": labels}, entries, GCS) == []
    labels["twain-dataset"] = "tickets-2025"
    assert judged("row", {"location": "EUROPE-WEST4", "labels": labels}, entries, GCS)
    back = pod("row-personal", export="E-1", model="tickets-2026")
    back["spec"]["containers"][0]["image"] = "twain-cn-registry-vpc.cn-shanghai.cr.aliyuncs.com/twain/app:1"
    assert "lets cn-personal into world row and nothing else" in judged("cn", back, entries)[0]


def test_a_policy_of_the_cluster_names_the_entries_of_its_world_and_their_days_whatever_day_it_is(
    tmp_path: Path,
) -> None:
    def held(world: str, day: date) -> str:
        border = Border(world=world, allowed=ALLOWED[world], exports=exports.permits([tmp_path / "E-1.yaml"], day))
        found = [one.cel for policy in cel.policies(border) for one in policy.expressions if one.rule == "RES-021"]
        return " ".join(found)

    file(tmp_path)
    # An object's own labels and notes, of two policies, and those of the template of its pods.
    assert held("row", TODAY).count("'E-1'") == 6
    assert 'r"acme/advisor"' in held("row", TODAY)
    assert "!('twain/dataset' in object.metadata.annotations)" in held("row", TODAY)
    assert "E-1" not in held("cn", TODAY)
    # The API server asks for the day at each request: a later `up` has nothing to change.
    assert held("row", TODAY) == held("row", date(2027, 1, 1)) == held("row", date(2025, 1, 1))
    for part in ("object.metadata.creationTimestamp", "object.metadata.managedFields"):
        assert part in held("row", TODAY)
    (entry,) = exports.load([tmp_path / "E-1.yaml"])
    assert f"<= timestamp('{entry.entry.until}T23:59:59Z')" in held("row", TODAY)
    assert f">= timestamp('{entry.entry.since}T00:00:00Z')" in held("row", TODAY)


def counted(tmp_path: Path, *rows: dict[str, Any], year: int = 2026) -> dict[str, tuple[int, bool, tuple[str, ...]]]:
    paths = [file(tmp_path, f"E-{number}", artefacts=[f"a{number}"], **row) for number, row in enumerate(rows)]
    found = exports.count((one.entry for one in exports.load(paths)), year)
    return {one.threshold.id: (one.sum, one.reached, one.short) for one in found}


def test_persons_add_up_over_the_entries_of_a_year_and_each_must_have_the_mechanism_of_the_sum(tmp_path: Path) -> None:
    small = {"mechanism": "exemption", "article": "5-4", "volume": {"persons": 60_000, "sensitive": 0}}
    one = counted(tmp_path, small)
    assert one["persons-contract"] == (60_000, False, ())
    two = counted(tmp_path, small, small)
    assert two["persons-contract"] == (120_000, True, ("E-0", "E-1"))
    assert two["persons-assessment"] == (120_000, False, ())
    big = {"volume": {"persons": 600_000, "sensitive": 0}}
    assert counted(tmp_path, big, big)["persons-assessment"] == (1_200_000, True, ("E-0", "E-1"))
    sensitive = {"volume": {"persons": 6_000, "sensitive": 6_000}}
    found = counted(tmp_path, sensitive, sensitive)
    assert found["sensitive-assessment"] == (12_000, True, ("E-0", "E-1"))
    assert found["persons-contract"] == (0, False, ())


@pytest.mark.parametrize(("persons", "reached"), [(99_999, False), (100_000, True)])
def test_a_threshold_is_reached_by_as_many_as_the_law_names(tmp_path: Path, persons: int, reached: bool) -> None:
    found = counted(tmp_path, {"volume": {"persons": persons, "sensitive": 0}})
    assert found["persons-contract"] == (persons, reached, ())


def test_what_the_law_does_not_add_up_is_not_added_and_neither_is_another_year(tmp_path: Path) -> None:
    staff = {"mechanism": "exemption", "article": "5-2", "volume": {"persons": 900_000, "sensitive": 0}}
    back = {"origin": "row-personal", "to": "cn"}
    found = counted(tmp_path, staff, back)
    assert {value for value, _, _ in found.values()} == {0}
    assert counted(tmp_path, {}, year=2027)["persons-contract"] == (0, False, ())
    assert counted(tmp_path, {}, year=2026)["persons-contract"] == (150_000, True, ())


def test_each_threshold_says_article_source_and_day() -> None:
    assert {line.at for line in exports.THRESHOLDS} == {1, 10_000, 100_000, 1_000_000}
    for line in exports.THRESHOLDS:
        assert line.article.startswith("CAC 2024 art. ")
        assert line.source.startswith("https://")
        assert date.fromisoformat(line.read) <= TODAY
