"""The same checks on three emulated accounts, through executables of the clouds' own names."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli import errors
from cli.check import cell as checking
from cli.check.probe import PROBES, probe_of
from cli.check.tool import NotAskedError, Tool
from components.clouds.needs import NEEDS
from components.spec.load import load_fleet
from rehearsal.cloudcli.__main__ import TOOLS
from rehearsal.kube import install
from rehearsal.providers.store import Store

ROOT = Path(__file__).resolve().parents[4]
FLEET = load_fleet(ROOT / "stacks" / "fleets" / "rehearsal.yaml")
CELLS = {"alicloud": "cn-sha-1", "gcp": "eu-ams-1", "azure": "eu-par-1"}
# Per cloud: a service to switch off, a quota to cut, a machine to bar, as that cloud names them.
WRONG: dict[str, dict[str, Any]] = {
    "alicloud": {
        "off": ["AliyunCSManagedLogRole", "gateway-api"],
        "limits": {"max-postpaid-instance-vcpu-count": 95},
        "barred": ["ecs.g7.xlarge"],
    },
    "gcp": {
        "off": ["file.googleapis.com"],
        "limits": {"NVIDIA_A100_80GB_GPUS": 4},
        "barred": ["e2-standard-4"],
    },
    "azure": {
        "off": ["Microsoft.KeyVault"],
        "limits": {"standardNC24adsA100v4Family": 119},
        "barred": ["Standard_D4ds_v5"],
    },
}


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bin")
    install.install(folder)
    return folder


def env_of(tools: Path, world: Path, cloud: str, account: dict[str, Any]) -> dict[str, str]:
    """The environment of an operator whose account is as declared."""
    store = Store.open(world)
    store.set_meta(f"account.{cloud}", json.dumps(account))
    store.close()
    return {"PATH": f"{tools}:/usr/bin:/bin", "TWAIN_REHEARSAL_WORLD": str(world)}


def look(cloud: str, env: dict[str, str]) -> list[checking.Finding]:
    resolved = FLEET.resolved(CELLS[cloud])
    probe = probe_of(cloud, region=resolved.cell.region, account="", env=env)
    return checking.look(checking.Subject(fleet=FLEET.name, cell=resolved), probe)


def test_every_cloud_has_a_probe_a_tool_and_a_stand_in_for_it() -> None:
    assert set(PROBES) == set(NEEDS) == set(TOOLS.values())
    assert {tool: NEEDS[cloud].tool for tool, cloud in TOOLS.items()} == {tool: tool for tool in install.TOOLS}


@pytest.mark.parametrize("cloud", CELLS)
def test_an_account_that_has_everything_is_in_order(cloud: str, tools: Path, tmp_path: Path) -> None:
    found = look(cloud, env_of(tools, tmp_path, cloud, {}))
    assert [finding for finding in found if finding.state != "ok"] == []
    assert {finding.check for finding in found} == set(checking.CHECKS)


@pytest.mark.parametrize("cloud", CELLS)
def test_everything_that_is_wrong_is_told_at_once_each_with_its_fix(cloud: str, tools: Path, tmp_path: Path) -> None:
    cidr = FLEET.cell(CELLS[cloud]).cidr
    account = {**WRONG[cloud], "networks": {"legacy": [cidr]}}
    found = [finding for finding in look(cloud, env_of(tools, tmp_path, cloud, account)) if finding.state != "ok"]
    subjects = {(finding.check, finding.subject) for finding in found}
    off, *addon = account["off"]
    (limit,), (barred,) = account["limits"], account["barred"]
    expected = {
        (checking.SERVICES, off),
        (checking.MACHINES, barred),
        (checking.NETWORK, "legacy"),
        *((checking.ADDONS, name) for name in addon),
    }
    assert expected <= subjects
    # On Alibaba Cloud all machines share one quota, and the barred ones are not counted any more.
    assert (checking.QUOTA, limit) in subjects or cloud == "alicloud"
    assert all(finding.state == "failed" and finding.fix for finding in found)


def test_a_quota_of_all_machines_is_told_too(tools: Path, tmp_path: Path) -> None:
    (limit,) = WRONG["alicloud"]["limits"]
    found = look("alicloud", env_of(tools, tmp_path, "alicloud", {"limits": {limit: 95}}))
    assert [(one.check, one.subject) for one in found if one.state != "ok"] == [(checking.QUOTA, limit)]


@pytest.mark.parametrize("cloud", CELLS)
def test_without_a_sign_in_nothing_else_is_guessed(cloud: str, tools: Path, tmp_path: Path) -> None:
    first, *rest = look(cloud, env_of(tools, tmp_path, cloud, {"signed_out": True}))
    assert (first.check, first.state, first.code) == (checking.CREDENTIALS, "failed", errors.AUTH)
    assert first.fix == NEEDS[cloud].sign_in
    assert {finding.state for finding in rest} == {"unknown"}
    assert {finding.check for finding in rest} == set(checking.CHECKS[1:])


@pytest.mark.parametrize("cloud", CELLS)
def test_without_the_tool_everything_is_unknown(cloud: str, tmp_path: Path) -> None:
    found = look(cloud, {"PATH": str(tmp_path)})
    assert {finding.state for finding in found} == {"unknown"}
    assert all(f"install {NEEDS[cloud].tool}" == finding.fix for finding in found)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_command_that_is_not_played_is_refused_by_name(tool: str, tools: Path, tmp_path: Path) -> None:
    env = env_of(tools, tmp_path, TOOLS[tool], {})
    done = subprocess.run([tools / tool, "vm", "delete", "--all"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"does not play `{tool} vm delete" in done.stderr
    with pytest.raises(NotAskedError, match="ended with 1"):
        Tool(tool, env, "").ask("vm", "delete")


def test_no_tool_answers_outside_of_a_rehearsal(tools: Path) -> None:
    done = subprocess.run(
        [tools / "az", "account", "show"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "a rehearsal's stand-in" in done.stderr
