"""The kubernetes provider's answers that need no cluster."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from rehearsal.providers.kubernetes import KubernetesProvider, _projected
from rehearsal.providers.wire import UNKNOWN, Secret, decode, encode


class Refused(Exception):  # noqa: N818 - it is an answer
    pass


class Context:
    def abort(self, _code: object, message: str) -> None:
        raise Refused(message)


def urn(token: str) -> str:
    return f"urn:pulumi:test.cn-sha-1.platform::twain::{token}::it"


def check(token: str, inputs: dict[str, Any]) -> dict[str, str]:
    request = provider_pb2.CheckRequest(urn=urn(token), news=encode(inputs))
    return {each.property: each.reason for each in KubernetesProvider().Check(request, Context()).failures}


def diff(old: dict[str, Any], new: dict[str, Any], config: dict[str, Any] | None = None) -> list[str]:
    provider = KubernetesProvider()
    provider.Configure(provider_pb2.ConfigureRequest(args=encode(config or {})), Context())
    request = provider_pb2.DiffRequest(
        urn=urn("kubernetes:core/v1:ConfigMap"), old_inputs=encode(old), news=encode(new)
    )
    return list(provider.Diff(request, Context()).replaces)


def an_object(kind: str = "ConfigMap", **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a", "namespace": "n"}} | more


def test_a_missing_name_is_refused() -> None:
    assert "metadata.name" in check("kubernetes:core/v1:ConfigMap", {"apiVersion": "v1", "kind": "ConfigMap"})


@pytest.mark.parametrize(
    "token",
    ["kubernetes:helm.sh/v3:Chart", "kubernetes:yaml/v2:ConfigGroup", "kubernetes:core/v1:ConfigMapPatch"],
)
def test_what_is_no_single_object_is_refused_by_name(token: str) -> None:
    assert token in check(token, an_object())[""]


RELEASE = "kubernetes:helm.sh/v3:Release"
CHART = "oci://registry.example/twain/charts/keda"


def a_release(**more: Any) -> dict[str, Any]:
    return {"name": "keda", "namespace": "keda", "chart": CHART, "version": "2.21.0"} | more


def test_a_release_of_the_closed_list_is_accepted_also_where_its_registry_is_not_known_yet() -> None:
    assert check(RELEASE, a_release()) == {}
    assert check(RELEASE, a_release(chart=UNKNOWN)) == {}


@pytest.mark.parametrize(
    ("change", "at", "says"),
    [
        ({"chart": "oci://registry.example/charts/grafana"}, "chart", "plays no chart grafana: it plays keda 2.21.0"),
        ({"chart": "keda"}, "chart", "keda is not a chart in a registry"),
        ({"chart": None}, "chart", "is required"),
        ({"version": "2.20.1"}, "version", "plays no version 2.20.1 of chart keda"),
        ({"version": None}, "version", "left out, Helm takes the newest there is"),
        ({"name": None}, "name", "is required"),
        ({"namespace": ""}, "namespace", "is required"),
        ({"createNamespace": True}, "createNamespace", "declare the Namespace"),
        ({"repositoryOpts": {"repo": "https://kedacore.github.io/charts"}}, "repositoryOpts", "into `chart`"),
        ({"valueYamlFiles": ["values.yaml"]}, "valueYamlFiles", "say it with `values`"),
    ],
)
def test_a_release_that_is_not_played_is_refused_with_the_reason(change: dict[str, Any], at: str, says: str) -> None:
    assert says in check(RELEASE, a_release(**change))[at]


def test_everything_wrong_with_a_release_is_told_at_once() -> None:
    assert set(check(RELEASE, {"chart": "grafana", "devel": True})) == {"chart", "name", "namespace", "devel"}


def test_a_release_changes_in_place_but_for_its_name_and_namespace() -> None:
    provider = KubernetesProvider()
    for change, replaced in (
        ({"values": {"a": 1}}, []),
        ({"chart": f"{CHART}-2"}, []),
        ({"namespace": "other"}, ["namespace"]),
        ({"name": "other"}, ["name"]),
    ):
        request = provider_pb2.DiffRequest(
            urn=urn(RELEASE), old_inputs=encode(a_release()), news=encode(a_release(**change))
        )
        assert list(provider.Diff(request, Context()).replaces) == replaced


def test_a_preview_of_a_release_asks_no_cluster() -> None:
    request = provider_pb2.CreateRequest(urn=urn(RELEASE), properties=encode(a_release()), preview=True)
    assert decode(KubernetesProvider().Create(request, Context()).properties) == a_release()


def test_an_object_of_a_custom_kind_is_accepted() -> None:
    assert check("kubernetes:gateway.networking.k8s.io/v1:Gateway", an_object("Gateway")) == {}


def test_another_name_or_namespace_replaces() -> None:
    other = an_object() | {"metadata": {"name": "b", "namespace": "n"}}
    assert diff(an_object(), other) == ["metadata.name"]


def test_a_config_map_is_replaced_unless_the_provider_says_that_it_may_change() -> None:
    old, new = an_object(data={"k": "1"}), an_object(data={"k": "2"})
    assert diff(old, new) == ["data.k"]
    assert diff(old, new, {"enableConfigMapMutable": "true"}) == []


def test_a_provider_without_a_kubeconfig_is_refused() -> None:
    answer = KubernetesProvider().CheckConfig(provider_pb2.CheckRequest(news=encode({})), Context())
    assert [each.property for each in answer.failures] == ["kubeconfig"]


def test_a_preview_without_a_cluster_shows_the_inputs_and_hides_secret_data() -> None:
    secret = an_object("Secret", stringData={"key": "hush"}, immutable=UNKNOWN)
    request = provider_pb2.CreateRequest(urn=urn("kubernetes:core/v1:Secret"), properties=encode(secret), preview=True)
    shown = decode(KubernetesProvider().Create(request, Context()).properties)
    assert isinstance(shown["stringData"], Secret)
    assert shown["metadata"] == {"name": "a", "namespace": "n"}


def test_a_creation_without_a_cluster_says_what_is_missing() -> None:
    request = provider_pb2.CreateRequest(urn=urn("kubernetes:core/v1:ConfigMap"), properties=encode(an_object()))
    with pytest.raises(Refused, match="no kubeconfig"):
        KubernetesProvider().Create(request, Context())


def test_drift_shows_in_the_fields_that_were_asked_for_only() -> None:
    wanted = {"spec": {"replicas": 1, "ports": [{"port": 80}]}}
    live = {"spec": {"replicas": 3, "ports": [{"port": 80, "protocol": "TCP"}], "paused": False}}
    assert _projected(wanted, live) == {"spec": {"replicas": 3, "ports": [{"port": 80}]}}
