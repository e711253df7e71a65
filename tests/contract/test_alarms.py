"""One body over three clouds: what a cloud's own alerting tells while the cell is dead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from components.errors import ResidencyError, SpecError
from components.platform import alertmanager
from components.policy.spec_rules import load_checked
from components.spec.load import load_fleet
from tests.contract.cells import CELLS, Infra, Made
from tests.recorder import FLEET

if TYPE_CHECKING:
    from pathlib import Path

HOOKS = {
    "cn": "https://tells.cn-shanghai.fc.aliyuncs.com/alerts",
    "row": "https://tells-123456789012.europe-west4.run.app/alerts",
}
GATES = {"cn": "cn-sha-1", "row": "eu-ams-1"}
WRITE = "https://metrics.cn-shanghai-intranet.log.aliyuncs.com/prometheus/p/i/api/v1/write"
SILENT = {
    "alicloud": "alicloud:cms/alertRuleV2:AlertRuleV2",
    "gcp": "gcp:monitoring/alertPolicy:AlertPolicy",
    "azure": "azure-native:alertsmanagement:PrometheusRuleGroup",
}
AUDIT = {
    "alicloud": "alicloud:sls/alert:Alert",
    "gcp": "gcp:monitoring/alertPolicy:AlertPolicy",
    "azure": "azure-native:monitor:ActivityLogAlert",
}
TELLS = {
    "alicloud": "alicloud:cms/eventNotifyPolicy:EventNotifyPolicy",
    "gcp": "gcp:monitoring/notificationChannel:NotificationChannel",
    "azure": "azure-native:monitor:ActionGroup",
}
ALL = {kind for several in (SILENT, AUDIT, TELLS) for kind in several.values()}


def asking(folder: Path, *, hooks: bool = True, managed: bool = True, **other: str) -> Path:
    """The rehearsal's fleet, with a receiver that the clouds tell and with metrics that they manage."""
    text = FLEET.read_text(encoding="utf-8")
    for world, gate in GATES.items():
        url = other.get(world, HOOKS[world])
        if hooks:
            line = f"      gate_cell: {gate}\n"
            alerts = f"      alerts: [{{name: desk, url: '{url}', told_by: [cloud]}}]\n"
            assert line in text
            text = text.replace(line, line + alerts)
    if managed:
        text = text.replace("retention_hours: 48}", "retention_hours: 48, metrics: managed}")
        declared = "      overrides: {alicloud: {"
        assert text.count(declared) == 1
        text = text.replace(declared, f"{declared}metrics_write: '{WRITE}', ")
    path = folder / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    return path


_MADE: dict[tuple[str, bool], Made] = {}


def made(cloud: str, folder: Path, infra: Infra, *, managed: bool = True) -> Made:
    """The cell of a cloud in the fleet that asks for alarms. It is made once."""
    key = (cloud, managed)
    if key not in _MADE:
        _MADE[key] = infra(cloud, asking(folder, managed=managed))
    return _MADE[key]


def texts(value: Any) -> str:
    return yaml.safe_dump(value)


@pytest.mark.parametrize("cloud", CELLS)
def test_a_fleet_that_names_nobody_declares_no_alarm_and_says_so(cloud: str, infra: Infra) -> None:
    recorder, outputs = infra(cloud)
    assert not ALL & {one.type for one in recorder.resources}
    assert set(outputs["alarms"]["unwatched"]) == {"silent", "audit"}
    assert all(outputs["alarms"]["unwatched"].values())
    assert outputs["metrics_write"] == {}


@pytest.mark.parametrize("cloud", CELLS)
def test_a_silent_cell_and_a_changed_trail_are_told_by_the_cloud_itself(
    cloud: str, tmp_path: Path, infra: Infra
) -> None:
    recorder, outputs = made(cloud, tmp_path, infra)
    silent = [one for one in recorder.of(SILENT[cloud]) if one.name.endswith("-silent")]
    assert len(silent) == 1
    assert f'absent(up{{cell="{CELLS[cloud]}"}})' in texts(silent[0].inputs).replace("\\", "")
    audit = [one for one in recorder.of(AUDIT[cloud]) if one.name.endswith("-audit")]
    # In the rehearsal's fleet each cloud's one cell speaks for its account.
    assert len(audit) == 1
    assert outputs["alarms"]["unwatched"] == {}
    assert recorder.of(TELLS[cloud])
    assert bool(outputs["alarms"]["by_hand"]) is (cloud == "alicloud")


@pytest.mark.parametrize("cloud", ["gcp", "azure"])
def test_who_is_told_is_who_the_fleet_names_and_nobody_else(cloud: str, tmp_path: Path, infra: Infra) -> None:
    recorder, _ = made(cloud, tmp_path, infra)
    told = recorder.one(TELLS[cloud]).inputs
    if cloud == "gcp":
        assert (told["type"], told["labels"]) == ("webhook_tokenauth", {"url": HOOKS["row"]})
        return
    (receiver,) = told["webhookReceivers"]
    assert (receiver["serviceUri"], receiver["useAadAuth"]) == (HOOKS["row"], False)
    assert {key for key in told if key.endswith("Receivers")} == {"webhookReceivers"}
    # Francecentral has no groups of its own.
    assert told["location"] == "swedencentral"


@pytest.mark.parametrize("cloud", CELLS)
def test_metrics_that_stay_in_the_cell_cannot_be_missed_by_the_cloud(cloud: str, tmp_path: Path, infra: Infra) -> None:
    recorder, outputs = made(cloud, tmp_path, infra, managed=False)
    assert set(outputs["alarms"]["unwatched"]) == {"silent"}
    assert not [one for one in recorder.resources if one.name.endswith("-silent")]
    assert [one for one in recorder.resources if one.name.endswith("-audit")]


def test_who_only_the_clouds_tell_is_not_told_by_the_alertmanager(tmp_path: Path) -> None:
    fleet = load_fleet(asking(tmp_path))
    told = yaml.safe_load(alertmanager.configuration(fleet.resolved("eu-ams-1").world))
    assert told["receivers"] == [{"name": "nobody"}]


@pytest.mark.parametrize(
    ("extra", "field", "words"),
    [
        ("url: 'https://relay.ops.internal/a', told_by: [cloud]", "url", "nothing leads to relay.ops.internal"),
        ("url: 'http://tells-123456789012.europe-west4.run.app/a', told_by: [cloud]", "url", "without TLS"),
        (
            "url: 'https://tells-123456789012.europe-west4.run.app/a', token: true, told_by: [cloud, cell]",
            "token",
            "in the state",
        ),
        (
            "url: 'https://tells-123456789012.europe-west4.run.app/a', severities: [ticket], told_by: [cloud]",
            "severities",
            "a page",
        ),
    ],
)
def test_a_receiver_that_a_cloud_cannot_tell_is_refused_with_its_place(
    tmp_path: Path, extra: str, field: str, words: str
) -> None:
    text = FLEET.read_text(encoding="utf-8")
    line = "      gate_cell: eu-ams-1\n"
    path = tmp_path / "fleet.yaml"
    path.write_text(text.replace(line, f"{line}      alerts: [{{name: desk, {extra}}}]\n"), encoding="utf-8")
    with pytest.raises(SpecError) as refused:
        load_checked(path)
    assert [one.where for one in refused.value.problems] == [f"spec.worlds.row.alerts[0].{field}"]
    assert words in refused.value.problems[0].message


def test_a_receiver_abroad_is_refused_for_the_clouds_as_for_the_cell(tmp_path: Path) -> None:
    with pytest.raises(ResidencyError) as refused:
        load_checked(asking(tmp_path, cn="https://oapi.dingtalk.com/robot/send"))
    assert [(one.code, one.where) for one in refused.value.problems] == [
        ("RES-014", "spec.worlds.cn.alerts[0].url"),
    ]


def test_a_world_without_a_region_that_can_tell_says_which_ones_could(tmp_path: Path) -> None:
    path = asking(tmp_path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("francecentral, swedencentral]", "francecentral]"), encoding="utf-8")
    with pytest.raises(SpecError, match="germanywestcentral"):
        load_checked(path)
