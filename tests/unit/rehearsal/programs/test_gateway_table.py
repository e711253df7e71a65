from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from rehearsal.programs.gateway_table import Backend, Balancer, Endpoint, Rule, endpoint, rules, selects, targets

GATEWAY = {
    "metadata": {"name": "cell", "namespace": "twain-system"},
    "spec": {
        "listeners": [
            {
                "allowedRoutes": {
                    "namespaces": {
                        "from": "Selector",
                        "selector": {"matchExpressions": [{"key": "twain/maison", "operator": "Exists"}]},
                    }
                }
            }
        ]
    },
}
NAMESPACES = {"maison-a": {"twain/maison": "a"}, "default": {}}


def _route(name: str, prefix: str, *, namespace: str = "maison-a", **rule: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {
            "parentRefs": [{"name": "cell", "namespace": "twain-system"}],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": prefix}}],
                    "backendRefs": [{"kind": "InferencePool", "group": "inference.networking.k8s.io", "name": name}],
                    **rule,
                }
            ],
        },
    }


def _found(*routes: dict[str, Any]) -> list[Rule]:
    return rules(routes, gateway=GATEWAY, namespaces=NAMESPACES)


def _pod(name: str, *, ready: bool = True, terminating: bool = False, **labels: str) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": name, "namespace": "maison-a", "uid": f"uid-{name}", "labels": labels}
    if terminating:
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {
        "metadata": meta,
        "spec": {"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 8000}]}]},
        "status": {"podIP": "127.9.1.2", "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }


def _endpoints(*pods: dict[str, Any]) -> list[Endpoint]:
    return [one for one in map(endpoint, pods) if one is not None]


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/a/advisor/v1/models", "maison-a/advisor"),
        ("/a/advisor", "maison-a/advisor"),
        ("/a/advisor/eu/v1", "maison-a/eu"),
        ("/a/advisory", None),
        ("/a", None),
    ],
)
def test_the_longest_whole_segment_prefix_wins(path: str, route: str | None) -> None:
    found = _found(_route("advisor", "/a/advisor/"), _route("eu", "/a/advisor/eu/"))
    match = next((one for one in found if one.matches("POST", path)), None)
    assert (match.route if match else None) == route


def test_the_prefix_is_rewritten_away() -> None:
    rewrite = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}
    (rule,) = _found(_route("advisor", "/a/advisor/", filters=[rewrite]))
    assert rule.rewritten("/a/advisor/v1/models") == "/v1/models"
    assert rule.rewritten("/a/advisor") == "/"


def test_a_route_of_a_namespace_that_the_listener_does_not_take_is_no_route() -> None:
    assert _found(_route("advisor", "/a/", namespace="default")) == []


def test_a_route_of_another_gateway_is_no_route() -> None:
    route = _route("advisor", "/a/")
    route["spec"]["parentRefs"][0]["name"] = "other"
    assert _found(route) == []


def test_what_is_not_supported_breaks_the_rule_instead_of_half_of_it() -> None:
    (rule,) = _found(_route("advisor", "/a/", filters=[{"type": "RequestMirror"}]))
    assert rule.broken == "filter RequestMirror is not supported here"
    (rule,) = _found(_route("advisor", "/a/", backendRefs=[{"name": "x", "namespace": "maison-b", "port": 80}]))
    assert rule.broken is not None
    assert "another namespace" in rule.broken


def test_unready_and_terminating_pods_are_no_endpoints() -> None:
    assert [one.pod for one in _endpoints(_pod("a"), _pod("b", ready=False), _pod("c", terminating=True))] == ["a"]


def test_a_pool_selects_ready_pods_at_its_port() -> None:
    pool = {"spec": {"selector": {"matchLabels": {"twain/workload": "advisor"}}, "targetPorts": [{"number": 8000}]}}
    ready = _endpoints(_pod("a", **{"twain/workload": "advisor"}), _pod("b", **{"twain/workload": "coder"}))
    backend = Backend("InferencePool", "maison-a", "advisor", None, 1)
    found = targets(backend, pools={("maison-a", "advisor"): pool}, services={}, ready=ready)
    assert [(pod.pod, port) for pod, port in found] == [("a", 8000)]
    assert targets(backend, pools={}, services={}, ready=ready) == []


@pytest.mark.parametrize(("target", "port"), [(8000, 8000), ("http", 8000)])
def test_a_service_selects_ready_pods_at_its_target_port(target: int | str, port: int) -> None:
    service = {"spec": {"selector": {"app": "x"}, "ports": [{"port": 80, "targetPort": target}]}}
    backend = Backend("Service", "maison-a", "x", 80, 1)
    found = targets(backend, pools={}, services={("maison-a", "x"): service}, ready=_endpoints(_pod("a", app="x")))
    assert [number for _, number in found] == [port]


def test_weights_are_kept_exactly_over_a_round() -> None:
    balancer = Balancer()
    heavy, light, none = (Backend("Service", "n", name, 80, weight) for name, weight in (("h", 9), ("l", 1), ("z", 0)))
    count = Counter(balancer.backend((heavy, light, none)) for _ in range(200))
    assert count == {heavy: 180, light: 20}
    assert balancer.backend((none,)) is None


def test_the_pod_with_the_fewest_requests_in_flight_is_next_and_equals_take_turns() -> None:
    balancer = Balancer()
    choices = [(one, 8000) for one in _endpoints(_pod("a"), _pod("b"))]
    first = balancer.pod(choices)
    second = balancer.pod(choices)
    assert first is not None
    assert second is not None
    assert {first[0].pod, second[0].pod} == {"a", "b"}
    balancer.began("uid-a")
    for _ in range(3):
        chosen = balancer.pod(choices)
        assert chosen is not None
        assert chosen[0].pod == "b"
    balancer.ended("uid-a")
    assert balancer.in_flight("uid-a") == 0


@pytest.mark.parametrize(
    ("selector", "held"),
    [
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
    ],
)
def test_label_selectors_read_as_in_kubernetes(selector: dict[str, Any], held: bool) -> None:
    assert selects(selector, {"a": "1"}) is held
