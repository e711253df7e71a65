"""The policy pack refuses what the rules refuse, always as mandatory, and decides what is not known yet itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2

from components.policy.catalogue import RULES
from components.policy.pack.server import Pack
from tests.residency_cases import ALLOWED, CASES, Case, under_provider

if TYPE_CHECKING:
    import grpc

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
PROVIDER = "urn:pulumi:s::p::pulumi:providers:x::cloud"


class RefusedError(Exception):
    """What the engine would be told."""


class Context:
    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        raise RefusedError(f"{code.name} {details}")


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    found = struct_pb2.Struct()
    found.update(values)
    return found


def configured(world: str, **more: Any) -> Pack:
    asked = {"world": world, "regions": sorted(ALLOWED[world]), **more}
    config = analyzer_pb2.PolicyConfig(enforcementLevel=analyzer_pb2.MANDATORY, properties=struct(asked))
    pack = Pack()
    pack.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig={"border": config}), Context())
    return pack


def provider(kind: str) -> Any:
    *before, _ = under_provider(kind, {})
    if not before:
        return analyzer_pb2.AnalyzerProviderResource(urn=PROVIDER, name="cloud")
    (made,) = before
    return analyzer_pb2.AnalyzerProviderResource(
        urn=made["urn"], type=made["type"], name="cloud", properties=struct(made["inputs"])
    )


def resource(kind: str, name: str, inputs: dict[str, Any], edges: dict[str, list[str]] | None = None) -> Any:
    urn = f"urn:pulumi:s::p::{kind}::{name}"
    depends = {k: analyzer_pb2.AnalyzerPropertyDependencies(urns=v) for k, v in (edges or {}).items()}
    return analyzer_pb2.AnalyzerResource(
        type=kind,
        urn=urn,
        name=name,
        properties=struct(inputs),
        propertyDependencies=depends,
        provider=provider(kind),
    )


def one(case: Case, inputs: dict[str, Any]) -> list[Any]:
    made = resource(case.type, "thing", inputs)
    asked = analyzer_pb2.AnalyzeRequest(
        type=made.type, urn=made.urn, name=made.name, properties=made.properties, provider=made.provider
    )
    return list(configured(case.world).Analyze(asked, Context()).diagnostics)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_pack_agrees_with_the_rules_on_every_case(case: Case) -> None:
    refused = one(case, case.bad)
    assert case.rule in {found.policyName for found in refused}
    assert {found.enforcementLevel for found in refused} == {analyzer_pb2.MANDATORY}
    assert all(found.message.startswith(found.policyName) for found in refused)
    if case.good:
        assert one(case, case.good) == []


def test_what_is_not_known_yet_is_decided_by_the_graph() -> None:
    group, identity = "azure-native:resources:ResourceGroup", "azure-native:managedidentity:UserAssignedIdentity"

    def rules(place: str, edges: list[str]) -> list[tuple[str, str]]:
        home = resource(group, "g", {"location": place})
        who = resource(identity, "who", {"location": UNKNOWN}, {"location": edges})
        pack = configured("row")
        single = analyzer_pb2.AnalyzeRequest(
            type=who.type, urn=who.urn, name=who.name, properties=who.properties, provider=who.provider
        )
        assert list(pack.Analyze(single, Context()).diagnostics) == []
        # The engine does not promise an order.
        found = pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=[who, home]), Context())
        return [(d.policyName, d.urn.rsplit("::", 1)[-1]) for d in found.diagnostics]

    urn = f"urn:pulumi:s::p::{group}::g"
    assert rules("francecentral", [urn]) == []
    assert rules("eastus", [urn]) == [("RES-001", "g"), ("RES-004", "who")]
    assert rules("francecentral", []) == [("RES-004", "who")]


def test_what_was_told_of_a_resource_is_not_told_again_of_the_graph() -> None:
    case = next(case for case in CASES if case.rule == "RES-002")
    made = resource(case.type, "thing", case.bad)
    pack = configured(case.world)
    asked = analyzer_pb2.AnalyzeRequest(
        type=made.type, urn=made.urn, properties=made.properties, provider=made.provider
    )
    assert len(pack.Analyze(asked, Context()).diagnostics) == 1
    assert list(pack.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=[made]), Context()).diagnostics) == []


def test_a_configuration_makes_no_rule_weaker_and_names_no_rule_that_there_is_not() -> None:
    advice = analyzer_pb2.PolicyConfig(enforcementLevel=analyzer_pb2.ADVISORY)
    for name, said in {"RES-001": "RES-001 is mandatory", "RES-999": "a rule that there is not: RES-999"}.items():
        with pytest.raises(RefusedError, match=said):
            Pack().Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig={name: advice}), Context())


def test_without_a_world_nothing_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWAIN_WORLD", raising=False)
    with pytest.raises(RefusedError, match="which world"):
        Pack().Analyze(analyzer_pb2.AnalyzeRequest(type="gcp:storage/bucket:Bucket", urn="a::b"), Context())
    monkeypatch.setenv("TWAIN_WORLD", "row")
    assert list(Pack().Analyze(analyzer_pb2.AnalyzeRequest(type="x:y:Z", urn="a::b"), Context()).diagnostics) == []


def test_the_pack_declares_the_rules_that_the_table_says_it_sees() -> None:
    info = Pack().GetAnalyzerInfo(None, Context())
    declared = {policy.name for policy in info.policies} - {"border"}
    assert declared == {rule.id for rule in RULES.values() if "pack" in rule.sees}
    assert {policy.enforcementLevel for policy in info.policies} == {analyzer_pb2.MANDATORY}
