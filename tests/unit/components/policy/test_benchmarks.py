"""The rules after the CIS benchmarks: each refuses its cases on every cloud that the benchmark is of, by every
enforcer, and lets the right resource pass; the ids are a closed table; our own cells keep them.
"""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.proto import analyzer_pb2

from components.errors import ResidencyError
from components.policy import cel
from components.policy.benchmarks import BENCHMARKS, EXCEPTIONS, INVERTED, SKIPPED
from components.policy.catalogue import IN_CLUSTERS, RULES
from components.policy.decide import Border, decide
from components.policy.model import ACCEPTED, UNKNOWN, Subject
from components.policy.rules import judge
from stacks.guard import Guard
from tests.residency_cases import ALLOWED, Case, under_provider
from tests.security_cases import CASES, FAULTS, GOOD, UNTRACED, put
from tests.unit.components.policy.test_pack import Context, configured, resource
from tests.unit.stacks.test_guard_cases import NAMED
from tests.unit.stacks.test_planner import plan

GOLDEN = Path(__file__).resolve().parents[3] / "golden" / "graphs"
GKE, ACK = "gcp:container/cluster:Cluster", "alicloud:cs/managedKubernetes:ManagedKubernetes"
CELLS = {"cn-sha-1": "cn", "eu-ams-1": "row", "eu-par-1": "row"}
CLOUDS = {"gke": "gcp:", "aks": "azure-native:", "ack": "alicloud:"}


def name(case: Case) -> str:
    return f"{case.rule}-{case.world}-{case.type.rpartition(':')[2]}"


def by_check(case: Case, inputs: dict[str, Any]) -> set[str]:
    row = {"urn": f"urn:pulumi:s::p::{case.type}::thing", "type": case.type, "inputs": inputs}
    rows = under_provider(case.type, row)
    return {one.rule for one in decide(rows, world=case.world, allowed=ALLOWED[case.world], security=True)}


def by_program(case: Case, inputs: dict[str, Any]) -> set[str]:
    options = pulumi.ResourceOptions()
    options.provider = NAMED
    given = pulumi.ResourceTransformArgs(True, case.type, "thing", inputs, options)
    try:
        asyncio.run(Guard(Border(world=case.world, allowed=ALLOWED[case.world])).judge(given))
    except ResidencyError as error:
        return {problem.code for problem in error.problems}
    return set()


def by_pack(case: Case, inputs: dict[str, Any]) -> set[str]:
    made = resource(case.type, "thing", inputs)
    asked = analyzer_pb2.AnalyzeRequest(
        type=made.type, urn=made.urn, name=made.name, properties=made.properties, provider=made.provider
    )
    return {one.policyName for one in configured(case.world, security=True).Analyze(asked, Context()).diagnostics}


@pytest.mark.parametrize("enforcer", [by_check, by_program, by_pack])
@pytest.mark.parametrize("case", CASES, ids=name)
def test_every_enforcer_refuses_the_fault_and_takes_the_twin(case: Case, enforcer: Any) -> None:
    assert case.rule in enforcer(case, case.bad)
    assert enforcer(case, case.good) - UNTRACED.get(case.type, set()) == set()


def test_the_table_of_ids_is_closed_by_cases_for_each_cloud() -> None:
    assert set(BENCHMARKS) <= set(RULES)
    seen = {(case.rule, prefix) for case in CASES for prefix in CLOUDS.values() if case.type.startswith(prefix)}
    for rule, twins in BENCHMARKS.items():
        if rule not in IN_CLUSTERS and rule != "RES-023":
            for cloud, prefix in CLOUDS.items():
                assert not getattr(twins, cloud) or (rule, prefix) in seen, (rule, cloud)
    inside = {(case.rule, case.world) for case in CASES if case.rule in IN_CLUSTERS}
    assert inside == {(rule, world) for rule in IN_CLUSTERS for world in ("cn", "row")}
    # Every rule from SEC-009 on is there because a benchmark, or a scanner, asks for it.
    assert {rule for rule in RULES if rule.startswith("SEC-") and rule > "SEC-008"} <= set(BENCHMARKS)
    for twins in BENCHMARKS.values():
        assert twins.rows()
        assert all(re.fullmatch(r"\d+\.\d+\.\d+", one) for one in (*twins.gke, *twins.aks, *twins.ack))
        assert all(re.fullmatch(r"CKV2?_(GCP|AZURE|ALI|K8S)_\d+", one) for one in twins.scanners)


def test_what_is_turned_round_or_left_out_has_a_reason_and_is_no_twin() -> None:
    twins = {one for found in BENCHMARKS.values() for one in found.scanners}
    for aside in (*INVERTED.values(), *SKIPPED):
        assert len(aside.why) > 40
        assert not twins & set(aside.ids)
    assert set(INVERTED) | set(EXCEPTIONS) <= set(RULES)
    (accelerated,) = [case for case in CASES if case.rule == "RES-005"]
    assert INVERTED["RES-005"].ids == ("CKV_ALI_11",)
    assert by_check(accelerated, accelerated.bad) == {"RES-005"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.type.rpartition(':')[2]}-{fault.path}")
def test_a_setting_that_nobody_knows_is_refused(fault: Any) -> None:
    case = fault.case()
    inputs = GOOD[fault.type] | {fault.path.partition(".")[0]: UNKNOWN}
    given = Subject(type=case.type, name="x", inputs=inputs, world=case.world, allowed=ALLOWED[case.world])
    assert judge(given)


def told(kind: str, world: str, **inputs: Any) -> set[tuple[str, str]]:
    """Rule and property of what is refused about a good resource with some inputs changed, by the rules of security."""
    whole = GOOD[kind] | inputs
    found = judge(Subject(type=kind, name="x", inputs=whole, world=world, allowed=ALLOWED[world]))  # pyright: ignore[reportArgumentType]
    return {(one.rule, one.property) for one in found if one.rule.startswith("SEC-")}


def test_a_number_is_no_switch() -> None:
    assert told(GKE, "row", enableShieldedNodes=True) == set()
    assert told(GKE, "row", enableShieldedNodes=1) == {("SEC-016", "enableShieldedNodes")}


@pytest.mark.parametrize("block", ["0.0.0.0/0", "::/0"])
def test_a_list_of_networks_that_holds_everybody_is_open(block: str) -> None:
    where = "masterAuthorizedNetworksConfig"
    listed = {**GOOD[GKE][where], "cidrBlocks": [{"cidrBlock": "10.68.0.0/14"}, {"cidrBlock": block}]}
    assert told(GKE, "row", **{where: listed}) == {("SEC-010", f"{where}.cidrBlocks[1].cidrBlock")}


@pytest.mark.parametrize(
    ("addon", "refused"),
    [
        ({"name": "terway-eniip", "config": '{"NetworkPolicy": "true"}'}, False),
        ({"name": "terway-eniip", "config": '{"NetworkPolicy": "false"}'}, True),
        ({"name": "terway-eniip", "config": "{}"}, True),
        ({"name": "terway-eniip", "config": "no JSON"}, True),
        ({"name": "terway-eniip"}, True),
        ({"name": "flannel", "config": '{"NetworkPolicy": "true"}'}, True),
    ],
)
def test_an_engine_of_policies_is_asked_for_by_its_name_and_its_setting(addon: dict[str, str], refused: bool) -> None:
    assert told(ACK, "cn", addons=[addon]) == ({("SEC-012", "addons")} if refused else set())


def test_a_key_from_the_same_graph_is_a_key() -> None:
    for kind, path in (("gcp:container/nodePool:NodePool", "nodeConfig.bootDiskKmsKey"),):
        inputs = put(GOOD[kind], path, ACCEPTED)
        assert judge(Subject(type=kind, name="x", inputs=inputs, world="row", allowed=ALLOWED["row"])) == []


@pytest.mark.parametrize("cell", CELLS)
def test_our_own_cells_keep_every_rule(cell: str) -> None:
    rows = json.loads((GOLDEN / f"{cell}.infra.json").read_text(encoding="utf-8"))
    told = {
        (one.rule, row["type"])
        for row in rows
        if not row["type"].startswith("twain:")
        for one in judge(
            Subject(type=row["type"], name=row["name"], inputs=row["inputs"], world=CELLS[cell],
                    allowed=frozenset({"cn-shanghai", "europe-west4", "francecentral"}))
        )
        if one.rule.startswith("SEC-")
    }  # fmt: skip
    assert told == set()
    status, resources, errors = plan(f"rehearsal.{cell}.platform")
    assert (status, errors) == (0, "")
    inside = [row for row in resources if row["type"].startswith("kubernetes:")]
    assert len(inside) > 40
    refused = decide(inside, world=CELLS[cell], allowed=ALLOWED[CELLS[cell]], security=True)
    assert [str(one) for one in refused if one.rule.startswith("SEC-")] == []


def test_a_cluster_refuses_by_policy_what_the_table_says() -> None:
    held = {one.rule for p in cel.policies(Border(world="row", allowed=ALLOWED["row"])) for one in p.expressions}
    assert {rule for rule in held if rule.startswith("SEC-")} == {"SEC-020"}
    assert {case.rule for case in CASES if case.admission} == {"SEC-020"}
