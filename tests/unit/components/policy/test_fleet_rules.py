"""Rules over a fleet about what its clouds are asked to watch and to forbid."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import ResidencyError
from components.policy import spec_rules
from components.policy.model import Subject
from components.policy.rules import judge
from components.spec.load import load_fleet

FLEET = Path(__file__).resolve().parents[4] / "stacks" / "fleets" / "rehearsal.yaml"
CIDRS = {"alicloud": "10.64.0.0/14", "gcp": "10.68.0.0/14", "azure": "10.72.0.0/14"}
GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/finance/providers/Microsoft.Insights"
GCP_BUDGET = "account: 012345-6789AB-CDEF01, currency: EUR, since: '2026-11', alerts: projects/p-1/topics/budgets"
AZURE_BUDGET = f"currency: EUR, since: '2026-11', alerts: {GROUP}/actionGroups/finance"


def problems(tmp_path: Path, *changes: tuple[str, str]) -> list[tuple[str, str]]:
    text = FLEET.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    return [(found.code, found.where) for found in spec_rules.problems_of(load_fleet(path), str(path))]


def asking(cloud: str, budget: str) -> tuple[str, str]:
    old = f"      cidr: {CIDRS[cloud]}"
    return old, f"{old}\n      budget: {{{budget}}}"


@pytest.mark.parametrize(("cloud", "budget"), [("gcp", GCP_BUDGET), ("azure", AZURE_BUDGET)])
def test_a_budget_that_its_cloud_can_watch_passes(tmp_path: Path, cloud: str, budget: str) -> None:
    assert problems(tmp_path, asking(cloud, budget)) == []


@pytest.mark.parametrize(
    ("cloud", "budget", "old", "new", "field"),
    [
        ("alicloud", AZURE_BUDGET, "", "", "spec.cells[0].budget"),
        ("gcp", GCP_BUDGET, "account: 012345-6789AB-CDEF01, ", "", "spec.cells[1].budget.account"),
        ("gcp", GCP_BUDGET, "012345-6789AB-CDEF01", "mine", "spec.cells[1].budget.account"),
        ("gcp", GCP_BUDGET, "projects/p-1/topics/budgets", "finance", "spec.cells[1].budget.alerts"),
        ("gcp", GCP_BUDGET, "EUR", "USD", "spec.cells[1].budget.currency"),
        ("azure", AZURE_BUDGET, "currency", "account: mine, currency", "spec.cells[2].budget.account"),
        ("azure", AZURE_BUDGET, "/actionGroups/finance", "", "spec.cells[2].budget.alerts"),
    ],
)
def test_a_budget_that_its_cloud_cannot_watch_is_refused(
    tmp_path: Path, cloud: str, budget: str, old: str, new: str, field: str
) -> None:
    assert problems(tmp_path, asking(cloud, budget.replace(old, new))) == [("SPEC-BUDGET", field)]


@pytest.mark.parametrize(
    ("percent", "amount", "where"),
    [
        (100, "9999999999999999999.00", "spec.maisons[0].budget.amount"),
        (100, "1000000000000000", "spec.maisons[0].budget.amount"),
        (100, "1E+400", "spec.maisons[0].budget.amount"),
        (100, "999999999999999", ""),
        (1, "0.50", "spec.cells[1].budget.percent"),
        (1, "1.00", ""),
    ],
)
def test_amounts_are_such_that_a_cloud_can_watch_them(tmp_path: Path, percent: int, amount: str, where: str) -> None:
    small = "0.001" if percent == 1 else "5000.00"
    changes = (('"20000.00"', f'"{amount}"'), ('"5000.00"', f'"{small}"'))
    found = problems(tmp_path, asking("gcp", f"{GCP_BUDGET}, percent: {percent}"), *changes)
    assert found == ([("SPEC-BUDGET", where)] if where else [])


def test_a_fault_of_an_amount_is_told_with_its_line_beside_the_others(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    text = FLEET.read_text(encoding="utf-8").replace('"20000.00"', '"99999999999999999999"')
    path.write_text(text.replace("region: francecentral", "region: eastus"), encoding="utf-8")
    with pytest.raises(ResidencyError) as refused:
        spec_rules.load_checked(path)
    told = {problem.where: problem for problem in refused.value.problems}
    one = told["spec.maisons[0].budget.amount"]
    assert (one.value, text.splitlines()[one.line - 1].strip().startswith("budget:")) == ("99999999999999999999", True)
    assert one.fix
    assert "spec.cells[2].region" in told


def test_a_budget_of_nobody_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    old, new = asking("azure", AZURE_BUDGET)
    path.write_text(FLEET.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    nobody = load_fleet(path).model_copy(update={"maisons": ()})
    found = [(problem.code, problem.where) for problem in spec_rules.problems_of(nobody, str(path))]
    assert found == [("SPEC-BUDGET", "spec.cells[2].budget")]


BUDGETS = {
    "gcp:billing/budget:Budget": {"allUpdatesRule": {"disableDefaultIamRecipients": True}},
    "azure-native:consumption:Budget": {
        "notifications": {"actual-50": {"contactEmails": [], "contactGroups": [f"{GROUP}/actionGroups/finance"]}}
    },
}


# What the graph says of a key that names no region: it is the cell's own.
TRACED = frozenset({"properties"})


def judged(kind: str, inputs: dict[str, object]) -> list[tuple[str, str]]:
    allowed = frozenset({"europe-west4", "francecentral"})
    subject = Subject(type=kind, name="it", inputs=inputs, world="row", allowed=allowed, traced=TRACED)
    return [(found.rule, found.property) for found in judge(subject)]


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        *((kind, inputs, list[tuple[str, str]]()) for kind, inputs in BUDGETS.items()),
        ("gcp:billing/budget:Budget", {}, [("SEC-008", "allUpdatesRule.disableDefaultIamRecipients")]),
        (
            "azure-native:consumption:Budget",
            {"notifications": {"a": {"contactEmails": ["x@example.org"]}}},
            [("SEC-008", "notifications.a.contactEmails")],
        ),
        (
            "azure-native:consumption:Budget",
            {"notifications": {"a": {"contactRoles": ["Owner"]}, "b": 3}},
            [("SEC-008", "notifications.a.contactRoles")],
        ),
        ("azure-native:consumption:Budget", {"notifications": 3}, []),
    ],
)
def test_an_alert_names_no_person(kind: str, inputs: dict[str, object], expected: list[tuple[str, str]]) -> None:
    assert judged(kind, inputs) == expected


def railed(world: str, rails: str) -> tuple[str, str]:
    old = {"cn": "      gate_cell: cn-sha-1", "row": "      gate_cell: eu-ams-1"}[world]
    return old, f"{old}\n      guard_rails: {{{rails}}}"


def test_a_guard_rail_on_a_node_of_each_cloud_passes(tmp_path: Path) -> None:
    rows = railed("row", "gcp: folders/123456789012, azure: twain-row"), railed("cn", "alicloud: fd-abcde12345")
    assert problems(tmp_path, *rows) == []


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        ([("cn", "alicloud: everything")], ["spec.worlds.cn.guard_rails.alicloud"]),
        ([("row", "gcp: projects/twain")], ["spec.worlds.row.guard_rails.gcp"]),
        ([("row", "azure: /subscriptions/x")], ["spec.worlds.row.guard_rails.azure"]),
        ([("cn", "gcp: folders/123456789012")], ["spec.worlds.cn.guard_rails.gcp"]),
        (
            [("cn", "alicloud: r-abcdef"), ("row", "alicloud: r-abcdef")],
            [
                "spec.worlds.cn.guard_rails.alicloud",
                "spec.worlds.row.guard_rails.alicloud",
                "spec.worlds.row.guard_rails.alicloud",
            ],
        ),
    ],
)
def test_a_guard_rail_that_nobody_declares_or_two_worlds_share_is_refused(
    tmp_path: Path, rows: list[tuple[str, str]], where: list[str]
) -> None:
    assert problems(tmp_path, *(railed(*row) for row in rows)) == [("SPEC-GUARD", place) for place in where]


def receiver(url: str, name: str = "pager") -> str:
    return f"- {{name: {name}, url: '{url}'}}"


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("https://alerts.twain.internal/hook", False),
        ("https://10.1.2.3:8443/hook", False),
        ("https://hooks.example.com/x", True),
        ("https://oapi.dingtalk.com/robot", True),
        ("https://eu-west-9.example.aliyuncs.com/x", True),
    ],
)
def test_alerts_and_metrics_stay_inside(tmp_path: Path, url: str, refused: bool) -> None:
    """An address that the tables do not know is refused as one that they know to lie outside."""
    old = "    row:\n"
    new = f"{old}      alerts:\n        {receiver(url)}\n"
    found = problems(tmp_path, (old, new))
    assert found == ([("RES-014", "spec.worlds.row.alerts[0].url")] if refused else [])


ORG, ASSIGNED = "gcp:orgpolicy/policy:Policy", "azure-native:authorization:PolicyAssignment"
NAMED = "folders/1/policies/gcp.resourceLocations"


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        (ORG, {"name": NAMED, "spec": {"rules": [{"values": {"allowedValues": ["in:europe-west4-locations"]}}]}}, []),
        (ORG, {"name": NAMED, "spec": {"rules": [{"values": {"deniedValues": ["in:us-locations"]}}]}}, []),
        (
            ORG,
            {"name": NAMED, "spec": {"rules": [{"values": {"allowedValues": ["in:eu-locations", "us-east4"]}}]}},
            [
                ("RES-002", "spec.rules[0].values.allowedValues[0]"),
                ("RES-001", "spec.rules[0].values.allowedValues[1]"),
            ],
        ),
        (
            ORG,
            {"name": NAMED, "spec": {"rules": [{"allowAll": "TRUE"}]}},
            [("RES-002", "spec.rules[0].allowAll")],
        ),
        (ASSIGNED, {"parameters": {"listOfAllowedLocations": {"value": ["francecentral"]}}}, []),
        (
            ASSIGNED,
            {"parameters": {"listOfAllowedLocations": {"value": ["francecentral", "eastus"]}}},
            [("RES-001", "parameters.listOfAllowedLocations.value[1]")],
        ),
    ],
)
def test_what_an_organisation_is_told_to_allow_lies_in_the_world(
    kind: str, inputs: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    assert judged(kind, inputs) == expected


CN_MODEL, AZURE_MODEL = (f"spec.cells[{index}].template.ai_platform.model" for index in (0, 2))
GCP_CIDR = "      cidr: 10.68.0.0/14"
SERVED_MODEL = '{name: text-embeddings, version: "1.0", gpu_class: gpu-24g}'
ROW_MODEL = '{publisher: OpenAI, name: text-embedding-3-large, version: "1"}'


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("gpu_class: gpu-24g", "publisher: Us, gpu_class: gpu-24g", f"{CN_MODEL}.publisher"),
        ("gpu-24g}", "gpu-99g}", f"{CN_MODEL}.gpu_class"),
        (", gpu_class: gpu-24g", "", f"{CN_MODEL}.gpu_class"),
        ("publisher: OpenAI, ", "", f"{AZURE_MODEL}.publisher"),
        ("name: text-embedding-3-large", "name: t", f"{AZURE_MODEL}.name"),
        ("publisher: OpenAI", "gpu_class: gpu-24g, publisher: OpenAI",
         f"{AZURE_MODEL}.gpu_class"),
        (GCP_CIDR, f"{GCP_CIDR}\n      template: {{ai_platform: {{model: {ROW_MODEL}}}}}",
         "spec.cells[1].template.ai_platform.model"),
    ],
)  # fmt: skip
def test_a_model_that_its_cloud_cannot_serve_is_refused(tmp_path: Path, old: str, new: str, where: str) -> None:
    cn = ("cidr: 10.64.0.0/14\n", f"cidr: 10.64.0.0/14\n      template: {{ai_platform: {{model: {SERVED_MODEL}}}}}\n")
    azure = ("cidr: 10.72.0.0/14\n", f"cidr: 10.72.0.0/14\n      template: {{ai_platform: {{model: {ROW_MODEL}}}}}\n")
    assert problems(tmp_path, cn, azure) == []
    assert problems(tmp_path, cn, azure, (old, new)) == [("SPEC-AI", where)]


AI_ACCOUNT, AI_SERVED = "azure-native:cognitiveservices:Account", "azure-native:cognitiveservices:Deployment"
AI_ENDPOINT = "gcp:vertex/aiEndpoint:AiEndpoint"
CLOSED = {
    "location": "francecentral",
    "properties": {
        "publicNetworkAccess": "Disabled",
        "disableLocalAuth": True,
        "encryption": {"keyVaultProperties": {"keyName": "ai"}},
    },
}
JOINED = {
    "location": "europe-west4",
    "region": "europe-west4",
    "privateServiceConnectConfig": {"enablePrivateServiceConnect": True},
    "encryptionSpec": {"kmsKeyName": "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k"},
}


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        (AI_ACCOUNT, CLOSED, []),
        (AI_ACCOUNT, CLOSED | {"location": None}, [("RES-003", "location")]),
        (AI_ACCOUNT, CLOSED | {"location": "eastus"}, [("RES-001", "location")]),
        (
            AI_ACCOUNT,
            {"location": "francecentral", "properties": {}},
            [
                ("SEC-002", "properties.publicNetworkAccess"),
                ("SEC-002", "properties.disableLocalAuth"),
                ("SEC-004", "properties.encryption.keyVaultProperties.keyName"),
            ],
        ),
        (AI_SERVED, {"sku": {"name": "Standard"}}, []),
        (AI_SERVED, {"sku": {"name": "ProvisionedManaged"}}, []),
        *(
            (AI_SERVED, {"sku": {"name": sku}}, [("RES-032", "sku.name")])
            for sku in ("GlobalStandard", "GlobalBatch", "DataZoneStandard", "DataZoneProvisionedManaged", "Anything")
        ),
        (AI_SERVED, {}, [("RES-032", "sku.name")]),
        (AI_ENDPOINT, JOINED, []),
        (AI_ENDPOINT, JOINED | {"location": "global"}, [("RES-002", "location")]),
        (AI_ENDPOINT, JOINED | {"region": "us-central1"}, [("RES-001", "region")]),
        (
            AI_ENDPOINT,
            {"location": "europe-west4"},
            [
                ("SEC-002", "privateServiceConnectConfig.enablePrivateServiceConnect"),
                ("SEC-004", "encryptionSpec.kmsKeyName"),
            ],
        ),
    ],
)
def test_models_compute_in_the_region_behind_a_closed_door(
    kind: str, inputs: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    assert judged(kind, inputs) == expected
