"""What the emulated clouds refuse about what lies above a cell: budgets, guard rails of an organisation."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

GCP_BUDGET, AZURE_BUDGET = "gcp:billing/budget:Budget", "azure-native:consumption:Budget"
SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-00000000000a"
GROUP = f"{SUBSCRIPTION}/resourceGroups/finance/providers/Microsoft.Insights/actionGroups/finance"


TAGS = {"name": "twain-maison", "operator": "In", "values": ["aurelia"]}


def month(ahead: int) -> str:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    months = today.year * 12 + today.month - 1 + ahead
    return f"{months // 12}-{months % 12 + 1:02}-01T00:00:00Z"


def gcp_budget(**more: Any) -> dict[str, Any]:
    whole = {
        "billingAccount": "01E0E0-000000-0000EE",
        "displayName": "cell-budget",
        "amount": {"specifiedAmount": {"currencyCode": "EUR", "units": "8250", "nanos": 250_000_000}},
        "budgetFilter": {"calendarPeriod": "MONTH", "labels": {"twain-cell": "eu-ams-1"}},
        "thresholdRules": [{"thresholdPercent": 0.5, "spendBasis": "CURRENT_SPEND"}],
        "allUpdatesRule": {"monitoringNotificationChannels": ["projects/p/notificationChannels/1"]},
    } | more
    return {name: value for name, value in whole.items() if value is not None}


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"billingAccount": "mine"}, {"billingAccount"}),
        ({"billingAccount": "012345-012345-012345"}, {"billingAccount"}),
        ({"billingAccount": "01D0D0-000000-0000DD"}, {"amount.specifiedAmount.currencyCode"}),
        ({"amount": {}}, {"amount.specifiedAmount"}),
        (
            {"amount": {"lastPeriodAmount": True, "specifiedAmount": {"units": "1"}}},
            {"amount.lastPeriodAmount"},
        ),
        (
            {"amount": {"specifiedAmount": {"units": "8250.25", "nanos": 1_000_000_000}}},
            {"amount.specifiedAmount.units", "amount.specifiedAmount.nanos"},
        ),
        ({"thresholdRules": [{"thresholdPercent": -1, "spendBasis": "SPENT"}]},
         {"thresholdRules[0].thresholdPercent", "thresholdRules[0].spendBasis"}),
        ({"budgetFilter": {"labels": {"a": "1", "b": "2"}}}, {"budgetFilter.labels"}),
        ({"budgetFilter": {"calendarPeriod": "WEEK"}}, {"budgetFilter.calendarPeriod"}),
        ({"budgetFilter": {"creditTypes": ["DISCOUNT"]}}, {"budgetFilter.creditTypes"}),
        ({"allUpdatesRule": {"schemaVersion": "1.0"}}, {"allUpdatesRule"}),
        (
            {"allUpdatesRule": {"monitoringNotificationChannels": [f"c{number}" for number in range(6)]}},
            {"allUpdatesRule.monitoringNotificationChannels"},
        ),
        ({"displayName": "b" * 61}, {"displayName"}),
        ({"ownershipScope": "ME", "deletionPolicy": "KEEP"}, {"ownershipScope", "deletionPolicy"}),
    ],
)  # fmt: skip
def test_a_billing_account_takes_whole_budgets_in_its_own_currency(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    assert {path for path, _ in caller("gcp").check(GCP_BUDGET, gcp_budget(**change))} == paths


def test_a_budget_has_the_name_of_its_account(caller: Callable[[str], Any], refused: type[Exception]) -> None:
    cloud = caller("gcp")
    id_, outputs = cloud.create(GCP_BUDGET, gcp_budget(deletionPolicy="PREVENT"))
    assert id_.startswith("billingAccounts/01E0E0-000000-0000EE/budgets/")
    assert outputs["name"] == id_
    with pytest.raises(refused, match="protected"):
        cloud.delete(GCP_BUDGET, id_)
    moved = gcp_budget(billingAccount="01D0D0-000000-0000DD")
    assert list(cloud.diff(GCP_BUDGET, gcp_budget(), moved).replaces) == ["billingAccount"]


def told(**more: Any) -> dict[str, Any]:
    return {
        "enabled": True,
        "operator": "GreaterThanOrEqualTo",
        "threshold": 50,
        "thresholdType": "Actual",
        "contactEmails": [],
        "contactGroups": [GROUP],
    } | more


def azure_budget(**more: Any) -> dict[str, Any]:
    return {
        "budgetName": "cell-budget",
        "scope": SUBSCRIPTION,
        "category": "Cost",
        "timeGrain": "Monthly",
        "timePeriod": {"startDate": month(0)},
        "amount": 8250.25,
        "notifications": {"actual-50": told()},
    } | more


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"scope": "/somewhere"}, {"scope"}),
        ({"scope": f"{SUBSCRIPTION}/resourceGroups/rg"}, set[str]()),
        ({"amount": 0}, {"amount"}),
        ({"category": "Usage", "timeGrain": "Weekly"}, {"category", "timeGrain"}),
        ({"timePeriod": {"startDate": month(12)}}, set[str]()),
        ({"timePeriod": {"startDate": month(13)}}, {"timePeriod.startDate"}),
        ({"timePeriod": {"startDate": month(-1)}}, {"timePeriod.startDate"}),
        ({"timePeriod": {"startDate": month(0).replace("-01T", "-02T")}}, {"timePeriod.startDate"}),
        ({"timePeriod": {"startDate": "soon"}}, {"timePeriod.startDate"}),
        ({"timePeriod": {"startDate": month(0), "endDate": month(0)}}, {"timePeriod.endDate"}),
        ({"notifications": {f"n{number}": told() for number in range(6)}}, {"notifications"}),
        (
            {"notifications": {"n": told(thresholdType="Guessed", operator="Above")}},
            {"notifications.n.thresholdType", "notifications.n.operator"},
        ),
        ({"notifications": {"n": told(threshold=1001)}}, {"notifications.n.threshold"}),
        ({"notifications": {"n": told(contactGroups=[])}}, {"notifications.n.contactEmails"}),
        ({"notifications": {"n": told(contactGroups=["finance"])}}, {"notifications.n.contactGroups"}),
        ({"budgetName": "cell budget"}, {"budgetName"}),
        ({"filter": {"tags": TAGS}}, set[str]()),
        ({"filter": {"and": [{"tags": TAGS}, {"tags": TAGS}]}}, set[str]()),
        ({"filter": {"and": [{"tags": TAGS}]}}, {"filter.and"}),
        ({"filter": {"and": [{"tags": TAGS}, {"tags": TAGS}], "tags": TAGS}}, {"filter"}),
    ],
)
def test_a_subscription_takes_budgets_that_begin_now_or_soon(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    assert {path for path, _ in caller("azure-native").check(AZURE_BUDGET, azure_budget(**change))} == paths


def test_a_budget_that_has_begun_stays_valid_and_cannot_be_moved(caller: Callable[[str], Any]) -> None:
    cloud = caller("azure-native")
    id_, outputs = cloud.create(AZURE_BUDGET, azure_budget())
    assert id_ == f"{SUBSCRIPTION}/providers/Microsoft.Consumption/budgets/cell-budget"
    assert outputs["name"] == "cell-budget"
    # A year later the month it began in is past.
    assert cloud.check(AZURE_BUDGET, azure_budget(timePeriod={"startDate": month(-12)})) == []
    later = azure_budget(timePeriod={"startDate": month(1)})
    assert list(cloud.diff(AZURE_BUDGET, azure_budget(), later).replaces) == ["timePeriod.startDate"]


CONTROL = "alicloud:resourcemanager/controlPolicy:ControlPolicy"
ATTACHMENT = "alicloud:resourcemanager/controlPolicyAttachment:ControlPolicyAttachment"
ORG_POLICY, ASSIGNMENT = "gcp:orgpolicy/policy:Policy", "azure-native:authorization:PolicyAssignment"
DENIED = '{"Version":"1","Statement":[{"Effect":"Deny","Action":"*","Resource":["acs:*:us-east-1:*:*"]}]}'


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"controlPolicyName": "a b"}, {"controlPolicyName"}),
        ({"effectScope": "Everyone"}, {"effectScope"}),
        ({"policyDocument": "no"}, {"policyDocument"}),
        ({"policyDocument": '{"Version":"2","Statement":[]}'}, {"policyDocument"}),
        ({"policyDocument": DENIED.replace("Deny", "Refuse")}, {"policyDocument"}),
        ({"policyDocument": DENIED.replace('"Action":"*",', "")}, {"policyDocument"}),
        ({"policyDocument": DENIED.replace("us-east-1", "us-east-1" * 500)}, {"policyDocument"}),
    ],
)
def test_a_control_policy_is_a_document(caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]) -> None:
    good = {"controlPolicyName": "regions", "effectScope": "RAM", "policyDocument": DENIED}
    assert {path for path, _ in caller("alicloud").check(CONTROL, good | change)} == paths


def test_a_control_policy_is_attached_to_a_folder_that_takes_ten(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud, folder = caller("alicloud"), "fd-abcde12345"
    bad = {"policyId": "cp-none", "targetId": "everything"}
    assert {path for path, _ in cloud.check(ATTACHMENT, bad)} == set(bad)
    made: list[str] = []
    for number in range(11):
        one = {"controlPolicyName": f"p{number}", "effectScope": "RAM", "policyDocument": DENIED}
        made.append(cloud.create(CONTROL, one, f"p{number}")[0])
    for number, policy in enumerate(made[:10]):
        id_, _ = cloud.create(ATTACHMENT, {"policyId": policy, "targetId": folder}, f"a{number}")
        assert id_ == f"{policy}:{folder}"
    with pytest.raises(refused, match="has 10 control policies"):
        cloud.create(ATTACHMENT, {"policyId": made[10], "targetId": folder}, "a10")
    with pytest.raises(refused, match="DependencyViolation"):
        cloud.delete(CONTROL, made[0], "p0")


def org_policy(*values: str, **more: Any) -> dict[str, Any]:
    return {
        "parent": "folders/123456789012",
        "name": "folders/123456789012/policies/gcp.resourceLocations",
        "spec": {"rules": [{"values": {"allowedValues": list(values)}}]},
    } | more


@pytest.mark.parametrize(
    ("inputs", "paths"),
    [
        (org_policy("in:europe-west4-locations"), set[str]()),
        (org_policy("in:atlantis-locations", "mars"),
         {"spec.rules[0].values.allowedValues[0]", "spec.rules[0].values.allowedValues[1]"}),
        (org_policy(parent="us"), {"parent", "name"}),
        (org_policy(parent="folders/999999999999"), {"name"}),
        (org_policy(name="gcp.resourceLocations"), {"name"}),
        (org_policy(spec=None), {"spec"}),
        (org_policy(spec={"rules": [{"allowAll": "TRUE", "denyAll": "TRUE"}]}), {"spec.rules[0]"}),
        (org_policy(spec={"reset": True, "rules": [{"denyAll": "TRUE"}]}), {"spec.rules"}),
        (org_policy(deletionPolicy="KEEP"), {"deletionPolicy"}),
    ],
)  # fmt: skip
def test_a_policy_of_an_organisation_lies_in_its_node_and_names_places(
    caller: Callable[[str], Any], inputs: dict[str, Any], paths: set[str]
) -> None:
    given = {name: value for name, value in inputs.items() if value is not None}
    assert {path for path, _ in caller("gcp").check(ORG_POLICY, given)} == paths


def test_there_is_one_policy_for_a_constraint_and_it_can_be_kept(
    caller: Callable[[str], Any], refused: type[Exception]
) -> None:
    cloud, inputs = caller("gcp"), org_policy("in:europe-west4-locations", deletionPolicy="PREVENT")
    id_, _ = cloud.create(ORG_POLICY, inputs, "one")
    assert id_ == inputs["name"]
    with pytest.raises(refused):
        cloud.create(ORG_POLICY, inputs, "two")
    with pytest.raises(refused, match="protected"):
        cloud.delete(ORG_POLICY, id_, "one")


def assignment(**more: Any) -> dict[str, Any]:
    return {
        "policyAssignmentName": "regions",
        "scope": "/providers/Microsoft.Management/managementGroups/row",
        "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/"
        "e56962a6-4747-49cd-b67b-bf8b01975c4c",
        "parameters": {"listOfAllowedLocations": {"value": ["francecentral"]}},
    } | more


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({}, set[str]()),
        ({"scope": "row"}, {"scope"}),
        ({"policyDefinitionId": "mine"}, {"policyDefinitionId"}),
        ({"policyAssignmentName": "r" * 25}, {"policyAssignmentName"}),
        ({"policyAssignmentName": "r" * 25, "scope": SUBSCRIPTION}, set[str]()),
        ({"policyAssignmentName": "a/b"}, {"policyAssignmentName"}),
        ({"parameters": {}}, {"parameters.listOfAllowedLocations.value"}),
        (
            {"parameters": {"listOfAllowedLocations": {"value": ["atlantis"]}}},
            {"parameters.listOfAllowedLocations.value[0]"},
        ),
        ({"identity": {"type": "SystemAssigned"}}, {"location"}),
        ({"enforcementMode": "Sometimes"}, {"enforcementMode"}),
    ],
)
def test_a_policy_is_assigned_with_the_places_that_exist(
    caller: Callable[[str], Any], change: dict[str, Any], paths: set[str]
) -> None:
    assert {path for path, _ in caller("azure-native").check(ASSIGNMENT, assignment(**change))} == paths
