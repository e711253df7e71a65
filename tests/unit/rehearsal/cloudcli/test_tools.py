"""The same checks on three emulated accounts, through executables of the clouds' own names."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli import errors
from cli.check import cell as checking
from cli.check import model
from cli.check.probe import PROBES, Want, probe_of
from cli.check.tool import NotAskedError, Tool
from components.clouds import regions
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
        "limits": {"q_ecs_gn7e_postpay_g": 4},
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

# The machine of each cell's GPU pool.
GPUS = {"alicloud": "ecs.gn7e-c16g1.4xlarge", "gcp": "a2-ultragpu-1g", "azure": "Standard_NC24ads_A100_v4"}
# What each cell needs at most: four GPUs and one more for an upgrade; Azure counts the vCPUs of their machines.
ENOUGH = {"alicloud": 5, "gcp": 5, "azure": 120}


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
    assert (checking.QUOTA, limit) in subjects
    assert all(finding.state == "failed" and finding.fix for finding in found)


@pytest.mark.parametrize("cloud", CELLS)
def test_a_machine_that_is_sold_in_one_zone_only_fails_until_its_pool_names_that_zone(
    cloud: str, tools: Path, tmp_path: Path
) -> None:
    name, machine = CELLS[cloud], GPUS[cloud]
    resolved = FLEET.resolved(name)
    kept, lost = regions.of_cell(cloud, resolved.cell.region, resolved.cell.zones)
    env = env_of(tools, tmp_path, cloud, {"barred_zones": {machine: [lost]}})
    (found,) = [finding for finding in look(cloud, env) if finding.state != "ok"]
    assert (found.check, found.subject, found.state) == (checking.MACHINES, machine, "failed")
    assert found.says.startswith(f"this account cannot order it in {lost} today, and pool gpu80g spans {kept} and ")
    place, said = (found.fix or "").split(" write ")
    assert place == f"under template of cell {name}"
    line, text = f"    - name: {name}\n", (ROOT / "stacks" / "fleets" / "rehearsal.yaml").read_text(encoding="utf-8")
    (tmp_path / "fleet.yaml").write_text(
        text.replace(line, f"{line}      template:\n        {said}\n"), encoding="utf-8"
    )
    mended = load_fleet(tmp_path / "fleet.yaml").resolved(name)
    assert mended.template.gpu_pools[0].zones == (kept,)
    probe = probe_of(cloud, region=mended.cell.region, account="", env=env)
    assert {one.state for one in checking.look(checking.Subject(fleet=FLEET.name, cell=mended), probe)} == {"ok"}


@pytest.mark.parametrize("cloud", CELLS)
def test_a_quota_of_gpus_that_is_too_small_is_refused_with_its_code(cloud: str, tools: Path, tmp_path: Path) -> None:
    ((limit, most),) = WRONG[cloud]["limits"].items()
    found = look(cloud, env_of(tools, tmp_path, cloud, {"limits": {limit: most}}))
    assert [(one.check, one.subject, one.state) for one in found if one.state != "ok"] == [
        (checking.QUOTA, limit, "failed")
    ]
    (row,) = model.rows(found, world="row", cell=CELLS[cloud])
    assert (row.id, row.code) == ("CHK-QUOTA", errors.FAILED)
    assert limit in (row.fix or "")
    assert f"of {most:g}; in use 0" in row.message
    enough = look(cloud, env_of(tools, tmp_path, cloud, {"limits": {limit: ENOUGH[cloud]}}))
    assert {one.state for one in enough} == {"ok"}


def test_a_project_without_the_agent_by_which_buckets_use_the_key_is_told_what_to_type(
    tools: Path, tmp_path: Path
) -> None:
    (agent,) = NEEDS["gcp"].asked_for
    found = look("gcp", env_of(tools, tmp_path, "gcp", {"off": [agent, "dns.googleapis.com"]}))
    assert [(one.subject, one.fix) for one in found if one.state != "ok"] == [
        ("dns.googleapis.com", "gcloud services enable dns.googleapis.com"),
        (agent, "gcloud storage service-agent --project PROJECT"),
    ]
    # Without the API nobody can be asked for it.
    found = look("gcp", env_of(tools, tmp_path / "without", "gcp", {"off": ["storage.googleapis.com"]}))
    assert [one.subject for one in found if one.state != "ok"] == ["storage.googleapis.com", agent]


def test_whoever_may_not_ask_the_quota_center_still_learns_of_the_rest(tools: Path, tmp_path: Path) -> None:
    found = look("alicloud", env_of(tools, tmp_path, "alicloud", {"off": ["quotas"]}))
    assert [(one.check, one.subject, one.state) for one in found if one.state != "ok"] == [
        (checking.QUOTA, "q_ecs_gn7e_postpay_g", "unknown")
    ]


def test_a_family_whose_quota_nobody_named_is_unknown_and_not_asked(tools: Path, tmp_path: Path) -> None:
    probe = probe_of("alicloud", region="cn-shanghai", account="", env=env_of(tools, tmp_path, "alicloud", {}))
    wants = [Want(machine="ecs.ebmgn7e.32xlarge", count=1, gpus=8), Want(machine="ecs.gn99-c8.xlarge", count=2, gpus=1)]
    _cpus, unnamed, named = probe.quotas(wants, {})
    assert (unnamed.name, unnamed.limit, unnamed.needed) == ("GPUs of gn99", None, 2)
    assert (named.name, named.needed) == ("q_ecs_gn7e_postpay_g", 8)
    assert named.limit is not None


def test_a_quota_of_all_machines_is_told_too(tools: Path, tmp_path: Path) -> None:
    limit = "max-postpaid-instance-vcpu-count"
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
