"""init, doctor, version, completion, world, cell."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from cli.completions import SCRIPTS, first_word
from components.policy import spec_rules
from components.spec.load import load_fleet, load_workload
from components.spec.model import Registry

if TYPE_CHECKING:
    from pathlib import Path


def test_init_says_which_folder_cannot_be_written(operator: Any) -> None:
    ran = operator.twain("init", "/proc/nowhere")
    assert ran.code == 4
    assert "/proc/nowhere/prod.yaml cannot be written" in ran.err


def test_init_writes_files_that_the_spec_check_accepts_once_a_person_has_agreed_and_never_overwrites(
    operator: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "fleets"
    assert operator.twain("init", str(folder), "--name", "prod").code == 0
    fleet = load_fleet(folder / "prod.yaml")
    # What costs money at once is left to a person to say.
    assert [problem.code for problem in spec_rules.problems_of(fleet, "x")] == ["SPEC-PREPAID"]
    bought = fleet.template.model_copy(update={"registry": Registry(prepaid_acknowledged=True)})
    assert spec_rules.problems_of(fleet.model_copy(update={"template": bought}), "x") == []
    assert load_workload(folder / "workload.yaml").name == "advisor"
    before = (folder / "prod.yaml").read_bytes()
    again = operator.twain("init", str(folder), "--name", "prod")
    assert again.code == 2
    assert "is left as it is" in again.err
    assert (folder / "prod.yaml").read_bytes() == before


def test_doctor_finds_what_others_can_read(operator: Any) -> None:
    (operator.home / "contexts.json").chmod(0o644)
    ran = operator.twain("doctor", "-o", "json")
    assert ran.code == 2
    by_name = {item["check"]: item for item in ran.json["items"]}
    assert by_name["file modes"]["state"] == "fail"
    assert by_name["file modes"]["fix"].startswith("chmod")
    for path in [operator.home, *operator.home.rglob("*")]:
        path.chmod(0o700 if path.is_dir() or path.parent.name == "bin" else 0o600)
    ran = operator.twain("doctor", "-o", "json")
    assert ran.code == 0, ran.out


def test_doctor_names_a_missing_credential_plugin(row: Any) -> None:
    operator, _, _ = row
    (operator.home / "bin" / "gke-gcloud-auth-plugin").unlink()
    operator.tools = ""  # this machine may have the real one
    operator.write()
    ran = operator.twain("doctor", "-o", "json")
    found = {item["check"]: item["state"] for item in ran.json["items"]}
    assert found["credentials eu-ams-1"] == "fail"


def test_doctor_works_before_there_is_a_context(operator: Any) -> None:
    (operator.home / "contexts.json").unlink()
    ran = operator.twain("doctor", "-o", "json")
    assert ran.code == 0
    assert {"check": "context", "state": "warn"}.items() <= ran.json["items"][-1].items()


def test_version_names_what_is_not_installed(operator: Any) -> None:
    ran = operator.twain("version", "-o", "json")
    assert ran.code == 0
    assert ran.json["items"][0] == {"name": "twain", "version": "0.1.0"}


def test_the_cell_list_is_these_lines(operator: Any) -> None:
    ran = operator.twain("cell", "list")
    assert ran.out.splitlines() == [
        "WORLD  CELL      CLOUD     REGION         KUBERNETES  GPU POOLS         STATE",
        "cn     cn-sha-1  alicloud  cn-shanghai    1.36        gpu-80g 0..4 x 1  other world",
        "row    eu-ams-1  gcp       europe-west4   1.36        gpu-80g 0..4 x 1  not up",
        "row    eu-par-1  azure     francecentral  1.36        gpu-80g 0..4 x 1  not up",
    ]
    assert operator.twain("cell", "list", "-o", "name").out == "cn/cn-sha-1\nrow/eu-ams-1\nrow/eu-par-1\n"


def test_a_kubeconfig_of_another_world_is_refused_and_ours_holds_no_credential(row: Any) -> None:
    operator, _, _ = row
    assert operator.twain("cell", "kubeconfig", "cn-sha-1").code == 5
    ran = operator.twain("cell", "kubeconfig", "eu-ams-1")
    assert ran.code == 2  # a stub has no CA
    assert "CFG-CA" in ran.err


def test_worlds_say_how_they_are_reached(operator: Any) -> None:
    ran = operator.twain("world", "list", "-o", "json")
    assert [(item["world"], item["reach"]) for item in ran.json["items"]] == [("cn", "none"), ("row", "direct")]
    assert operator.twain("world", "get", "mars").code == 6


@pytest.mark.parametrize("shell", sorted(SCRIPTS))
def test_a_completion_script_is_printed(operator: Any, shell: str) -> None:
    ran = operator.twain("completion", shell)
    assert ran.code == 0
    assert "_TWAIN_COMPLETE" in ran.out


def test_the_bash_script_is_one_that_bash_reads() -> None:
    ran = subprocess.run(["bash", "-n"], input=SCRIPTS["bash"], text=True, capture_output=True, timeout=20, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("shell", "words", "position", "told"),
    [
        ("bash", "twain se", "1", "plain,serve\n"),
        ("bash", "twain zz", "1", ""),
        ("fish", "twain wor", "wor", "plain,world\tThe jurisdictions of the fleet: regions, state, gate.\n"),
        ("zsh", "twain wor", "1", "plain\nworld\nThe jurisdictions of the fleet: regions, state, gate.\n"),
        ("bash", "twain serve ", "2", None),
        ("bash", "twain --", "1", None),
    ],
)
def test_the_first_word_is_completed_from_the_table(shell: str, words: str, position: str, told: str | None) -> None:
    env = {"_TWAIN_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": position}
    assert first_word(env) == told
