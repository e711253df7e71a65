"""One body over three clouds: who writes a cell's metrics to the cloud's managed Prometheus, where, by which login."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from components.errors import ResidencyError, SpecError, TwainLibraryError
from components.parity import state
from components.platform import metrics_write, prometheus
from components.policy.decide import Border, Graph
from components.policy.spec_rules import load_checked
from components.spec.load import load_fleet
from tests.contract import test_platform
from tests.contract.cells import CELLS, Infra
from tests.contract.test_alarms import WRITE, asking, made
from tests.recorder import FLEET, PEM, ROOT, Recorder

if TYPE_CHECKING:
    from pathlib import Path

GRANTS = {
    "gcp": ("gcp:projects/iAMMember:IAMMember", "role", "roles/monitoring.metricWriter"),
    "azure": ("azure-native:authorization:RoleAssignment", "roleDefinitionId", "3913510d-42f4-4e42-8a64-420c390055eb"),
}
LOGINS = {"alicloud": {"basic_auth"}, "gcp": {"google_iam"}, "azure": {"azuread"}}
ALL_LOGINS = {"authorization", "azuread", "basic_auth", "google_iam", "oauth2", "sigv4"}


def platform(cloud: str, folder: Path, fleet: Path, exported: dict[str, Any]) -> Recorder:
    """The platform of a cell whose `infra` stack says this of the managed Prometheus."""
    return test_platform.platform(CELLS[cloud], folder, fleet=fleet, cluster_ca=PEM, metrics_write=exported)


@pytest.mark.parametrize("cloud", CELLS)
def test_prometheus_writes_to_its_own_region_s_store_with_one_login_that_is_no_key_in_any_object(
    cloud: str, tmp_path: Path, infra: Infra
) -> None:
    fleet = asking(tmp_path)
    cell, outputs = made(cloud, tmp_path, infra)
    exported = outputs["metrics_write"]
    recorder = platform(cloud, tmp_path, fleet, exported)
    (config,) = [one for one in recorder.of("kubernetes:core/v1:ConfigMap") if one.name == "prometheus"]
    (target,) = yaml.safe_load(config.inputs["data"]["prometheus.yml"])["remote_write"]
    assert target["url"].startswith("https://")
    assert ALL_LOGINS & set(target) == LOGINS[cloud]
    place = {"alicloud": "cn-shanghai", "gcp": "europe-west4", "azure": "francecentral"}[cloud]
    rewritten = {one["target_label"]: one["replacement"] for one in target.get("write_relabel_configs", ())}
    assert place == rewritten["location"] if cloud == "gcp" else place in target["url"]
    (account,) = [one for one in recorder.of("kubernetes:core/v1:ServiceAccount") if one.name == "prometheus"]
    (deployed,) = [one for one in recorder.of("kubernetes:apps/v1:Deployment") if one.name == "prometheus"]
    template = deployed.inputs["spec"]["template"]
    secrets = [one["secret"]["secretName"] for one in template["spec"]["volumes"] if "secret" in one]
    annotations = account.inputs["metadata"].get("annotations") or {}
    if cloud == "alicloud":
        assert exported["keyed"] is True
        assert set(target["basic_auth"]) == {"username_file", "password_file"}
        assert (secrets, annotations) == (["remote-write"], {})
        return
    assert exported["keyed"] is False
    assert secrets == []
    assert list(annotations.values()) == [exported["binding"]]
    token, key, wanted = GRANTS[cloud]
    granted = [one for one in cell.of(token) if one.name.endswith("-writer")]
    assert [str(one.inputs[key]).endswith(wanted) for one in granted] == [True]
    used = template["metadata"]["labels"].get("azure.workload.identity/use")
    assert (used == "true") is (cloud == "azure")


@pytest.mark.parametrize("cloud", CELLS)
def test_the_way_out_is_opened_for_prometheus_alone_and_only_when_it_is_asked_for(
    cloud: str, tmp_path: Path, infra: Infra
) -> None:
    kind = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    plain = platform(cloud, tmp_path, FLEET, {})
    assert not [one for one in plain.of(kind) if one.name == "prometheus-writes"]
    fleet = asking(tmp_path)
    recorder = platform(cloud, tmp_path, fleet, made(cloud, tmp_path, infra)[1]["metrics_write"])
    (policy,) = [one for one in recorder.of(kind) if one.name == "prometheus-writes"]
    spec = policy.inputs["spec"]
    assert spec["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}
    assert spec["policyTypes"] == ["Egress"]
    for rule in spec["egress"]:
        (peer,) = rule["to"]
        assert rule["ports"]
        # Never into another private network by this way.
        if peer["ipBlock"]["cidr"] == "0.0.0.0/0":
            assert "10.0.0.0/8" in peer["ipBlock"]["except"]


@pytest.mark.parametrize("cloud", ["gcp", "azure"])
def test_a_platform_before_its_infra_says_what_to_bring_up_first(cloud: str, tmp_path: Path) -> None:
    fleet = load_fleet(asking(tmp_path, hooks=False))
    with pytest.raises(TwainLibraryError, match="twain stack up --cell"):
        metrics_write.read(fleet.resolved(CELLS[cloud]), {})


def test_a_store_of_the_world_and_the_managed_one_are_two_targets(tmp_path: Path) -> None:
    text = asking(tmp_path, hooks=False).read_text(encoding="utf-8")
    line = "      gate_cell: eu-ams-1\n"
    path = tmp_path / "both.yaml"
    store = "      remote_write: {url: 'https://metrics.ops.internal/api/v1/write'}\n"
    path.write_text(text.replace(line, line + store), encoding="utf-8")
    managed = metrics_write.Written(target={"url": "https://monitoring.googleapis.com/x"})
    found = yaml.safe_load(prometheus.configuration(load_fleet(path).resolved("eu-ams-1"), managed))["remote_write"]
    assert [one["name"] for one in found] == ["world", "managed"]
    assert all(one["follow_redirects"] is False for one in found)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "SPEC-METRICS"),
        # Another region of the same world: metrics of a cell stay in its own.
        ("https://metrics.cn-beijing-intranet.log.aliyuncs.com/api/v1/write", "RES-014"),
        ("https://prometheus-prod-01.grafana.net/api/push", "RES-014"),
    ],
)
def test_an_address_that_nobody_tells_is_named_and_lies_in_the_cell_s_region(
    tmp_path: Path, url: str, code: str
) -> None:
    path = asking(tmp_path, hooks=False)
    path.write_text(path.read_text(encoding="utf-8").replace(WRITE, url), encoding="utf-8")
    with pytest.raises((ResidencyError, SpecError)) as refused:
        load_checked(path)
    assert [(one.code, one.where) for one in refused.value.problems] == [
        (code, "spec.cells[0].overrides.alicloud.metrics_write")
    ]


@pytest.mark.parametrize("cloud", CELLS)
def test_a_fleet_that_asks_for_all_of_it_and_was_never_up_is_planned_and_breaks_no_rule(
    cloud: str, tmp_path: Path
) -> None:
    path = asking(tmp_path)
    fleet, cell = load_fleet(path), CELLS[cloud]
    border = Border.of(fleet, fleet.resolved(cell).cell.world)
    done = subprocess.run(
        [sys.executable, "-m", "stacks.planner", f"rehearsal.{cell}.infra", f"rehearsal.{cell}.platform",
         "--fleet", str(path)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["resources"]
    assert [str(one) for one in Graph(border).judge(rows)] == []
    assert state.infra(rows, cloud)["alarm.silent"] == "told"
