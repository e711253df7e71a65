"""What a cell needs and what its account says: every finding has a state that can be defended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from cli.check import cell as checking
from cli.check.probe import Network, Offer, Quota
from components.clouds import needs
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


def test_a_machine_that_only_some_zones_have_is_told_with_its_zones() -> None:
    one, two = subject().zones
    wants = checking.wanted(subject())[:1]
    name = wants[0].machine

    def state(*zones: str) -> str:
        (found,) = checking.machines(subject(), wants, {name: Offer(zones=frozenset(zones))})
        return found.state

    assert (state(one, two), state(one), state("europe-west4-z"), state()) == ("ok", "ok", "failed", "failed")


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
    assert sorted(addon["name"] for addon in cluster["inputs"]["addons"]) == sorted(needs.NEEDS["alicloud"].addons)
