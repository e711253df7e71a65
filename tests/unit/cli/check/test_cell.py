"""What a cell needs and what its account says: every finding has a state that can be defended."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest

from cli.check import cell as checking
from cli.check import machines
from cli.check.probe import Network, Offer, Quota
from components.clouds import needs
from components.policy import spec_rules
from components.spec.load import load_fleet

ROOT = Path(__file__).resolve().parents[4]
FLEET = load_fleet(ROOT / "stacks" / "fleets" / "rehearsal.yaml")


def subject(cell: str = "eu-ams-1", *, up: bool = False) -> checking.Subject:
    return checking.Subject(fleet=FLEET.name, cell=FLEET.resolved(cell), up=up)


@pytest.mark.parametrize(
    ("limit", "used", "up", "state"),
    [
        (10, 0, False, "ok"),
        (10, 5, False, "ok"),
        (10, 6, False, "failed"),
        (10, 6, True, "unknown"),
        (4, 0, True, "failed"),
        (10, None, False, "ok"),
        (None, None, False, "unknown"),
    ],
)
def test_a_quota_counts_what_others_use_and_does_not_guess_whose_it_is(
    limit: float | None, used: float | None, up: bool, state: str
) -> None:
    (found,) = checking.quotas(subject(up=up), [Quota(name="GPUS", limit=limit, used=used, needed=5)])
    assert found.state == state
    assert (found.fix is None) == (state == "ok")


def test_each_pool_is_counted_with_the_machine_that_an_upgrade_takes() -> None:
    template = FLEET.resolved("eu-ams-1").template
    wants = {want.machine: want.count for want in checking.wanted(subject())}
    assert sorted(wants.values()) == sorted(
        [template.system_pool.max + 1, *(one.max + 1 for one in template.gpu_pools)]
    )


@pytest.mark.parametrize(("cell", "more"), [("cn-sha-1", 1), ("eu-ams-1", 3), ("eu-par-1", 3)])
def test_as_many_machines_more_are_counted_as_the_cloud_takes_at_once(tmp_path: Path, cell: str, more: int) -> None:
    text = (ROOT / "stacks" / "fleets" / "rehearsal.yaml").read_text(encoding="utf-8")
    path = tmp_path / "fleet.yaml"
    path.write_text(text.replace("    system_pool:", "    nodes: {surge: 3}\n    system_pool:"), encoding="utf-8")
    fleet = load_fleet(path)
    wants = checking.wanted(checking.Subject(fleet=fleet.name, cell=fleet.resolved(cell)))
    assert wants[0].count == fleet.resolved(cell).template.system_pool.max + more


@pytest.mark.parametrize(
    ("ranges", "name", "state"),
    [
        (("10.68.0.0/16",), "legacy", "failed"),
        (("10.0.0.0/8",), "legacy", "failed"),
        (("10.200.0.0/16", "10.71.255.0/24"), "legacy", "failed"),
        (("10.72.0.0/14",), "legacy", "ok"),
        (("10.68.0.0/14",), "rehearsal-eu-ams-1-vpc", "ok"),
        (("10.68.0.0/14",), "rehearsal-eu-ams-10-vpc", "failed"),
    ],
)
def test_a_network_in_the_way_is_any_but_the_cells_own(ranges: tuple[str, ...], name: str, state: str) -> None:
    (found,) = checking.networks(subject(), [Network(name=name, ranges=ranges)])
    assert found.state == state


def test_each_pool_is_asked_for_in_each_zone_that_it_spans() -> None:
    one, two = subject().zones

    def states(*zones: str, up: bool = False) -> list[str]:
        wants = checking.wanted(subject(up=up))
        offers = {want.machine: Offer(zones=frozenset(zones)) for want in wants}
        return [found.state for found in machines.look(subject(up=up), wants, offers)]

    assert states(one, two) == ["ok", "ok"]
    assert states(one) == states("europe-west4-z") == states() == ["failed", "failed"]
    # A system pool that is there has less room; nobody changes the zones of a cell that is up for it.
    assert states(one, up=True) == ["ok", "failed"]
    assert states("europe-west4-z", up=True) == ["failed", "failed"]


def written(tmp_path: Path, cell: str, fix: str) -> checking.Subject:
    """The cell after its fleet was changed as a finding says."""
    said = re.fullmatch(rf"under template of cell {cell} write (gpu_pools: \[.*\])(; .*)?", fix)
    assert said is not None, fix
    text, line = (ROOT / "stacks" / "fleets" / "rehearsal.yaml").read_text(encoding="utf-8"), f"    - name: {cell}\n"
    assert line in text
    path = tmp_path / "fleet.yaml"
    path.write_text(text.replace(line, f"{line}      template:\n        {said[1]}\n"), encoding="utf-8")
    return checking.Subject(fleet=FLEET.name, cell=spec_rules.load_checked(path).resolved(cell))


@pytest.mark.parametrize("cell", ["cn-sha-1", "eu-ams-1", "eu-par-1"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_pool_in_a_zone_without_its_machine_fails_and_the_fix_is_the_line_that_mends_it(
    tmp_path: Path, cell: str, place: int
) -> None:
    before = subject(cell)
    system, gpus = checking.wanted(before)
    offers = {
        system.machine: Offer(zones=frozenset(before.zones)),
        gpus.machine: Offer(zones=frozenset({before.zones[place]})),
    }
    _, found = machines.look(before, [system, gpus], offers)
    assert (found.state, found.subject) == ("failed", gpus.machine)
    assert found.says == (
        f"this account cannot order it in {before.zones[1 - place]} today, "
        f"and pool gpu80g spans {before.zones[0]} and {before.zones[1]}."
    )
    after = written(tmp_path, cell, found.fix or "")
    (pool,), (was,) = after.cell.template.gpu_pools, before.cell.template.gpu_pools
    assert pool == was.model_copy(update={"zones": (before.zones[place],)})
    assert [one.state for one in machines.look(after, checking.wanted(after), offers)] == ["ok", "ok"]


def test_one_line_mends_all_pools_of_a_cell_and_keeps_what_they_say(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    pools = """gpu_pools:
      - {name: "on", gpu_class: gpu-80g, max: 2}
      - {name: small, gpu_class: gpu-24g, max: 3, zones: [europe-west4-b]}
      - {name: other, gpu_class: gpu-24g, max: 1}"""
    text = (ROOT / "stacks" / "fleets" / "rehearsal.yaml").read_text(encoding="utf-8")
    path.write_text(re.sub(r"gpu_pools:\n.*", pools, text), encoding="utf-8")
    before = checking.Subject(fleet=FLEET.name, cell=load_fleet(path).resolved("eu-ams-1"))
    wants = checking.wanted(before)
    offers = {want.machine: Offer(zones=frozenset({"europe-west4-a"})) for want in wants if want.gpus}
    offers[wants[0].machine] = Offer(zones=frozenset(before.zones))
    found = machines.look(before, wants, offers)
    assert [one.state for one in found] == ["ok", "failed", "failed", "failed"]
    (fix,) = {one.fix for one in found if one.state == "failed"}
    after = written(tmp_path, "eu-ams-1", fix or "")
    assert [(pool.name, pool.max, pool.zones) for pool in after.cell.template.gpu_pools] == [
        (name, most, ("europe-west4-a",)) for name, most in (("on", 2), ("small", 3), ("other", 1))
    ]
    assert {one.state for one in machines.look(after, checking.wanted(after), offers)} == {"ok"}


@pytest.mark.parametrize(("cell", "anew"), [("cn-sha-1", False), ("eu-ams-1", False), ("eu-par-1", True)])
def test_the_fix_says_where_a_pool_that_is_there_is_made_anew_for_it(cell: str, anew: bool) -> None:
    before = subject(cell, up=True)
    wants = checking.wanted(before)
    offers = {want.machine: Offer(zones=frozenset(before.zones[:1])) for want in wants}
    _, found = machines.look(before, wants, offers)
    assert ("made anew" in (found.fix or "")) is anew


def test_a_machine_that_is_sold_in_no_zone_of_the_cell_takes_other_zones_or_another_class() -> None:
    wants = checking.wanted(subject())
    offers = {want.machine: Offer(zones=frozenset({"europe-west4-c", "europe-west4-d"})) for want in wants}
    system, gpus = machines.look(subject(), wants, offers)
    assert system.fix == "give the cell other zones: some of [europe-west4-c, europe-west4-d]"
    assert (gpus.fix or "").endswith("name those in the pool too: zones: [europe-west4-c, europe-west4-d]")
    assert [one.fix for one in machines.look(subject(), wants, {})] == [
        "choose another system_pool.size or region",
        "choose another class or region",
    ]


def test_an_answer_of_another_shape_is_unknown_and_stops_nothing() -> None:
    class Odd:
        def __getattr__(self, name: str) -> Any:
            return lambda *_args: "somebody" if name == "identity" else {}["nothing"]

    found = checking.look(subject(), cast("Any", Odd()))
    assert {finding.check: finding.state for finding in found} == {
        **dict.fromkeys(checking.CHECKS, "unknown"),
        checking.CREDENTIALS: "ok",
    }


@pytest.mark.parametrize(("cloud", "cell"), [("alicloud", "cn-sha-1"), ("gcp", "eu-ams-1"), ("azure", "eu-par-1")])
def test_each_module_whose_types_a_cell_declares_says_what_has_to_be_switched_on(cloud: str, cell: str) -> None:
    files = (ROOT / "tests" / "golden" / "graphs").glob(f"{cell}*.json")
    graph = [one for file in files for one in json.loads(file.read_text(encoding="utf-8"))]
    package = "azure-native" if cloud == "azure" else cloud
    declared = {one["type"].split(":")[1].partition("/")[0] for one in graph if one["type"].startswith(f"{package}:")}
    assert len(declared) > 10
    assert declared <= needs.SERVICES[cloud].keys()
    assert set(needs.services(cloud)) == {one for several in needs.SERVICES[cloud].values() for one in several}


def test_what_an_account_has_only_once_it_is_asked_for_is_missed_with_what_to_type() -> None:
    on = frozenset(needs.services("gcp")) - {"dns.googleapis.com"}
    found = checking.services(subject(), on)
    assert [(one.subject, one.fix) for one in found] == [
        ("dns.googleapis.com", "gcloud services enable dns.googleapis.com"),
        ("service agent of Cloud Storage", "gcloud storage service-agent --project PROJECT"),
    ]
    (fine,) = checking.services(subject(), frozenset(needs.services("gcp")) | {"service agent of Cloud Storage"})
    assert fine.state == "ok"


def test_a_service_that_only_one_type_of_a_cell_needs_is_missed_too() -> None:
    everything = frozenset(needs.services("gcp")) | set(needs.NEEDS["gcp"].asked_for)
    on = everything - {"memorystore.googleapis.com"}
    (found,) = checking.services(subject(), on)
    assert (found.state, found.subject) == ("failed", "memorystore.googleapis.com")


def test_the_add_ons_that_are_asked_for_are_those_that_the_cell_declares() -> None:
    graph = json.loads((ROOT / "tests" / "golden" / "graphs" / "cn-sha-1.infra.json").read_text(encoding="utf-8"))
    (cluster,) = [one for one in graph if one["type"].endswith(":ManagedKubernetes")]
    later = [one["inputs"]["name"] for one in graph if one["type"].endswith(":KubernetesAddon")]
    declared = [*(addon["name"] for addon in cluster["inputs"]["addons"]), *later]
    assert sorted(declared) == sorted(needs.NEEDS["alicloud"].addons)
