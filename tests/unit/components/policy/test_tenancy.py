"""The evaluators of access control, network policies, quotas and cloud grants: what each doubt counts as."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.policy import netpol, quotas, rbac
from components.policy.grants import Access


def policy(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {"kind": "NetworkPolicy", "metadata": {"name": name, "namespace": "a"}, "spec": {"podSelector": {}, **spec}}


A = netpol.Pod(namespace="a", namespace_labels={"kubernetes.io/metadata.name": "a"}, labels={"app": "x"})
B = netpol.Pod(
    namespace="b",
    namespace_labels={"kubernetes.io/metadata.name": "b", "tier": "t"},
    labels={"app": "y"},
    address="10.1.0.5",
)
CLOSED = policy(policyTypes=["Ingress", "Egress"])


def test_without_a_policy_everything_is_let_through() -> None:
    assert netpol.reaches([], A, B, port=80)
    assert not netpol.reaches([CLOSED], A, B, port=80)
    assert not netpol.reaches([CLOSED], B, A, port=80)


def test_policies_add_up_and_none_takes_away() -> None:
    open_ = policy("open", policyTypes=["Egress"], egress=[{}])
    assert netpol.reaches([CLOSED, open_], A, B, port=80)
    assert netpol.reaches([open_, CLOSED], A, B, port=80)


@pytest.mark.parametrize(
    ("peer", "reached"),
    [
        ({"namespaceSelector": {"matchLabels": {"tier": "t"}}}, True),
        ({"namespaceSelector": {"matchLabels": {"tier": "t"}}, "podSelector": {"matchLabels": {"app": "z"}}}, False),
        # Without a selector of namespaces a peer is of the policy's own.
        ({"podSelector": {"matchLabels": {"app": "y"}}}, False),
        ({"namespaceSelector": {}}, True),
        ({"namespaceSelector": {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}}, False),
        ({"namespaceSelector": {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["u"]}]}}, True),
        # An operator of another time is taken to match.
        ({"namespaceSelector": {"matchExpressions": [{"key": "tier", "operator": "Gt", "values": ["1"]}]}}, True),
        ({"ipBlock": {"cidr": "10.1.0.0/16"}}, True),
        ({"ipBlock": {"cidr": "10.1.0.0/16", "except": ["10.1.0.0/24"]}}, False),
        ({"ipBlock": {"cidr": "10.2.0.0/16"}}, False),
    ],
)
def test_a_peer_is_chosen_by_namespace_by_pod_or_by_address(peer: dict[str, Any], reached: bool) -> None:
    one = policy("one", policyTypes=["Egress"], egress=[{"to": [peer]}])
    assert netpol.reaches([one], A, B, port=80) is reached


def test_a_block_matches_a_pod_whose_address_is_not_known() -> None:
    one = policy("one", policyTypes=["Egress"], egress=[{"to": [{"ipBlock": {"cidr": "10.2.0.0/16"}}]}])
    unknown = netpol.Pod(namespace="b", namespace_labels=B.namespace_labels)
    assert netpol.reaches([one], A, unknown, port=80)


@pytest.mark.parametrize(
    ("ports", "reached"),
    [
        ([{"port": 80}], True),
        ([{"port": 80, "protocol": "UDP"}], False),
        ([{"port": 70, "endPort": 90}], True),
        ([{"port": 81}], False),
        ([{"port": "http"}], True),
        ([{"protocol": "TCP"}], True),
        ([], True),
    ],
)
def test_ports_by_number_by_range_and_by_a_name_that_could_be_any(ports: list[Any], reached: bool) -> None:
    one = policy("one", policyTypes=["Egress"], egress=[{"ports": ports}])
    assert netpol.reaches([one], A, B, port=80) is reached


def binding(called: str, role: str, *, namespace: str = "", **subject: str) -> dict[str, Any]:
    return {
        "kind": called,
        "metadata": {"name": "b", **({"namespace": namespace} if namespace else {})},
        "roleRef": {"kind": "Role" if role == "own" else "ClusterRole", "name": role},
        "subjects": [subject],
    }


ROLE = {
    "kind": "ClusterRole",
    "metadata": {"name": "logs"},
    "rules": [{"apiGroups": [""], "resources": ["*/log"], "verbs": ["get"], "resourceNames": ["one"]}],
}
LOG = rbac.Request(verb="get", resource="pods/log", namespace="a", name="one")
ACTOR = rbac.Actor.account("a", "x")


def test_a_role_binding_is_for_its_namespace_and_a_cluster_s_for_all() -> None:
    subject = {"kind": "User", "name": ACTOR.user}
    here, there = (binding("RoleBinding", "logs", namespace=space, **subject) for space in ("a", "b"))
    assert rbac.why_allowed([ROLE, here], ACTOR, LOG) == ["RoleBinding/a/b"]
    assert rbac.why_allowed([ROLE, there], ACTOR, LOG) == []
    assert rbac.why_allowed([ROLE, binding("ClusterRoleBinding", "logs", **subject)], ACTOR, LOG)


def test_names_verbs_and_subresources_are_told_apart() -> None:
    bound = [ROLE, binding("ClusterRoleBinding", "logs", kind="Group", name="system:serviceaccounts:a")]
    assert rbac.why_allowed(bound, ACTOR, LOG)
    for change in ({"name": "two"}, {"verb": "list"}, {"resource": "pods"}, {"group": "apps"}):
        asked = rbac.Request(**{"verb": "get", "resource": "pods/log", "namespace": "a", "name": "one", **change})
        assert rbac.why_allowed(bound, ACTOR, asked) == []


def test_a_role_that_is_not_described_allows_anything() -> None:
    anything = rbac.Request(verb="delete", resource="secrets", namespace="a")
    for role in ("edit", "own"):
        bound = binding("RoleBinding", role, namespace="a", kind="User", name=ACTOR.user)
        assert rbac.why_allowed([bound], ACTOR, anything)
    view = binding("RoleBinding", "view", namespace="a", kind="User", name=ACTOR.user)
    assert rbac.why_allowed([view], ACTOR, anything) == []


def ram(statement: dict[str, Any], condition: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    trust = {"Effect": "Allow", "Condition": {"StringEquals": {"oidc:sub": "system:serviceaccount:a:x"}}}
    document = {"Effect": "Allow", **statement, **({"Condition": condition} if condition else {})}
    return [
        {
            "type": "alicloud:ram/role:Role",
            "inputs": {"roleName": "r", "assumeRolePolicyDocument": json.dumps({"Statement": [trust]})},
        },
        {
            "type": "alicloud:ram/policy:Policy",
            "inputs": {"policyName": "p", "policyDocument": json.dumps({"Statement": [document]})},
        },
        {
            "type": "alicloud:ram/rolePolicyAttachment:RolePolicyAttachment",
            "inputs": {"roleName": "r", "policyName": "p", "policyType": "Custom"},
        },
    ]


def asked(rows: list[dict[str, Any]], cloud: str = "alicloud") -> Access:
    return Access(rows, cloud, namespace="a", account="x")


def test_wildcards_of_a_policy_and_a_policy_that_is_not_there() -> None:
    rows = ram({"Action": "oss:Get*", "Resource": "acs:oss:*:*:b/maison-a/*"})
    assert asked(rows).reads_object("b", "maison-a/w")
    assert not asked(rows).reads_object("b", "maison-ab/w")
    assert not asked(rows).lists("b", "maison-a/")
    rows[1]["inputs"]["policyName"] = "another"
    assert asked(rows).reads_secret("anything")


def test_a_condition_that_is_not_understood_holds() -> None:
    listing = {"Action": "oss:ListObjects", "Resource": "acs:oss:*:*:b"}
    assert asked(ram(listing, {"StringLike": {"oss:Prefix": ["m/*"]}})).lists("b", "m/x")
    assert not asked(ram(listing, {"StringLike": {"oss:Prefix": ["m/*"]}})).lists("b", "")
    assert asked(ram(listing, {"IpAddress": {"acs:SourceIp": ["10.0.0.0/8"]}})).lists("b", "")


def test_a_condition_in_another_language_s_words_holds() -> None:
    rows = [
        {
            "type": "gcp:serviceaccount/iAMMember:IAMMember",
            "inputs": {
                "serviceAccountId": "projects/p/serviceAccounts/e@p",
                "role": "roles/iam.workloadIdentityUser",
                "member": "serviceAccount:p.svc.id.goog[a/x]",
            },
        },
        {
            "type": "gcp:storage/bucketIAMMember:BucketIAMMember",
            "inputs": {
                "bucket": "b",
                "role": "roles/storage.objectViewer",
                "member": "serviceAccount:e@p",
                "condition": {"expression": "request.time < timestamp('2030-01-01T00:00:00Z')"},
            },
        },
    ]
    assert asked(rows, "gcp").reads_object("b", "anything")
    assert not asked(rows, "gcp").reads_object("c", "anything")
    assert Access(rows, "gcp", namespace="b", account="x").identities == frozenset()


def test_a_quota_counts_its_own_namespace_and_its_own_scope() -> None:
    hard = {"kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "a"}, "spec": {"hard": {"pods": "1"}}}
    full = {"a": quotas.Used(pods=1)}
    assert quotas.refusals([hard], quotas.Asked(namespace="a"), full) == ["a/q: pods"]
    assert quotas.refusals([hard], quotas.Asked(namespace="b"), full) == []
    scope = {"matchExpressions": [{"scopeName": "BestEffort"}]}
    scoped = {**hard, "spec": {"hard": {"pods": "1"}, "scopeSelector": scope}}
    assert quotas.refusals([scoped], quotas.Asked(namespace="a"), full) == ["a/q: pods"]
