"""Alerts of a cell: Prometheus fires them at the Alertmanager beside it, which tells the receivers of its world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from components.errors import ResidencyError
from components.platform import alertmanager, prometheus
from components.policy.spec_rules import load_checked
from components.spec.load import load_fleet
from tests.contract.test_charts import CELLS, platform
from tests.recorder import FLEET

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "https://relay.eu-ams-1.internal:8443/alerts"


def fleet_with(folder: Path, value: str, *, world: str = "row", field: str = "alerts") -> Path:
    cell = {"row": "eu-ams-1", "cn": "cn-sha-1"}[world]
    text = FLEET.read_text(encoding="utf-8")
    line = f"      gate_cell: {cell}\n"
    assert line in text
    path = folder / "fleet.yaml"
    path.write_text(text.replace(line, f"{line}      {field}: {value}\n"), encoding="utf-8")
    return path


def pod(recorder: Any) -> dict[str, Any]:
    (found,) = [one for one in recorder.of("kubernetes:apps/v1:Deployment") if one.name == "alertmanager"]
    return found.inputs["spec"]["template"]["spec"]


@pytest.mark.parametrize("cell", CELLS)
def test_prometheus_fires_at_the_alertmanager_of_its_own_cell_and_at_no_other(tmp_path: Path, cell: str) -> None:
    recorder = platform(cell, tmp_path)
    settings = yaml.safe_load(prometheus.configuration(load_fleet(FLEET).resolved(cell)))
    (one,) = settings["alerting"]["alertmanagers"]
    assert one["kubernetes_sd_configs"] == [{"role": "pod", "namespaces": {"names": ["twain-system"]}}]
    assert "static_configs" not in one
    (container,) = pod(recorder)["containers"]
    port = container["ports"][0]["containerPort"]
    assert one["relabel_configs"][0]["regex"] == f"alertmanager;{int(port)}"
    # It gossips with nobody, and nobody is told where the fleet names nobody.
    assert "--cluster.listen-address=" in container["args"]
    told = yaml.safe_load(alertmanager.configuration(load_fleet(FLEET).resolved(cell).world))
    assert told["receivers"] == [{"name": "nobody"}]
    assert told["route"]["routes"] == []
    opened = [
        int(port["port"])
        for policy in recorder.of("kubernetes:networking.k8s.io/v1:NetworkPolicy")
        if policy.inputs["metadata"]["namespace"] == "twain-system"
        for rule in policy.inputs["spec"].get("ingress") or ()
        for port in rule["ports"]
    ]
    assert 9093 in opened


def test_each_receiver_is_told_of_its_severities_with_a_token_that_is_in_no_object_of_ours(tmp_path: Path) -> None:
    fleet = fleet_with(tmp_path, f"[{{name: desk, url: '{PAGE}', severities: [page], token: true}}]")
    recorder = platform("eu-ams-1", tmp_path, fleet=fleet)
    (config,) = [one for one in recorder.of("kubernetes:core/v1:ConfigMap") if one.name == "alertmanager"]
    told = yaml.safe_load(config.inputs["data"]["alertmanager.yml"])
    (route,) = told["route"]["routes"]
    assert (route["receiver"], route["matchers"]) == ("desk", ['severity=~"page"'])
    (webhook,) = told["receivers"][1]["webhook_configs"]
    assert webhook["url"] == PAGE
    path = webhook["http_config"]["authorization"]["credentials_file"]
    assert "credentials" not in webhook["http_config"]["authorization"]
    spec = pod(recorder)
    (mount,) = [one for one in spec["containers"][0]["volumeMounts"] if path.startswith(f"{one['mountPath']}/")]
    (volume,) = [one for one in spec["volumes"] if one["name"] == mount["name"]]
    assert volume["secret"]["secretName"] == "alert-receivers"
    assert recorder.of("kubernetes:core/v1:Secret") == []


def test_a_receiver_outside_the_world_is_refused_with_its_place_before_anything_is_made(tmp_path: Path) -> None:
    away = "https://oapi.dingtalk.com/robot/send"
    home = "https://cn-shanghai.arms.aliyuncs.com/in"
    alerts = f"[{{name: away, url: '{away}'}}, {{name: home, url: '{home}'}}]"
    with pytest.raises(ResidencyError) as refused:
        load_checked(fleet_with(tmp_path, alerts, world="cn"))
    (problem,) = refused.value.problems
    assert (problem.code, problem.where, problem.value) == ("RES-014", "spec.worlds.cn.alerts[0].url", away)
    assert problem.line > 0


@pytest.mark.parametrize("url", ["https://u:p@relay.internal/a", "https://relay.internal/a?token=x", "ftp://relay"])
def test_an_address_that_holds_a_credential_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(Exception, match="url"):
        load_checked(fleet_with(tmp_path, f"[{{name: desk, url: '{url}'}}]"))


def test_metrics_are_written_to_a_store_of_the_world_when_it_has_one_and_to_none_otherwise(tmp_path: Path) -> None:
    cell = load_fleet(FLEET).resolved("eu-ams-1")
    assert "remote_write" not in yaml.safe_load(prometheus.configuration(cell))
    asked = f"{{url: '{PAGE}', token: true}}"
    recorder = platform("eu-ams-1", tmp_path, fleet=fleet_with(tmp_path, asked, field="remote_write"))
    (config,) = [one for one in recorder.of("kubernetes:core/v1:ConfigMap") if one.name == "prometheus"]
    (target,) = yaml.safe_load(config.inputs["data"]["prometheus.yml"])["remote_write"]
    assert target["url"] == PAGE
    assert set(target["authorization"]) == {"type", "credentials_file"}
    (found,) = [one for one in recorder.of("kubernetes:apps/v1:Deployment") if one.name == "prometheus"]
    spec = found.inputs["spec"]["template"]["spec"]
    (volume,) = [one for one in spec["volumes"] if "secret" in one]
    assert volume["secret"]["secretName"] == "remote-write"
    (mount,) = [one for one in spec["containers"][0]["volumeMounts"] if one["name"] == volume["name"]]
    assert target["authorization"]["credentials_file"] == f"{mount['mountPath']}/token"


def test_a_store_of_metrics_outside_the_world_is_refused_with_its_place(tmp_path: Path) -> None:
    away = "{url: 'https://prometheus-prod-01.grafana.net/api/push'}"
    with pytest.raises(ResidencyError) as refused:
        load_checked(fleet_with(tmp_path, away, field="remote_write"))
    (problem,) = refused.value.problems
    assert (problem.code, problem.where) == ("RES-014", "spec.worlds.row.remote_write.url")


def test_two_receivers_of_a_name_are_refused(tmp_path: Path) -> None:
    alerts = f"[{{name: desk, url: '{PAGE}'}}, {{name: desk, url: '{PAGE}'}}]"
    with pytest.raises(Exception, match="has a receiver desk already"):
        load_checked(fleet_with(tmp_path, alerts))
