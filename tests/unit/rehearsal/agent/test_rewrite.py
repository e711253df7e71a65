from __future__ import annotations

from pathlib import Path

from rehearsal.agent import promconfig, rewrite

ROOT = Path("/pods/u1")
MOUNTS = ["/etc/prometheus", "/models", "/data"]


def moved(text: str, mounts: list[str] | None = None) -> str:
    return rewrite.under_root(text, MOUNTS if mounts is None else mounts, ROOT)


def test_a_value_that_begins_with_a_mount_path_moves_under_the_root() -> None:
    assert moved("/models") == "/pods/u1/models"
    assert moved("/models/qwen/config.json") == "/pods/u1/models/qwen/config.json"
    assert (
        moved("--config.file=/etc/prometheus/prometheus.yml") == "--config.file=/pods/u1/etc/prometheus/prometheus.yml"
    )


def test_a_path_that_only_resembles_a_mount_path_stays() -> None:
    assert moved("/models-old/x") == "/models-old/x"
    assert moved("/var/models") == "/var/models"
    assert moved("--x=/modelsx") == "--x=/modelsx"
    assert moved("plain") == "plain"


def test_a_path_that_lies_under_the_root_already_is_not_moved_again() -> None:
    root = Path("/tmp/pods/u1")
    assert rewrite.under_root("/tmp/pods/u1/tmp/x", ["/tmp"], root) == "/tmp/pods/u1/tmp/x"
    assert rewrite.under_root("--a=/tmp/pods/u1/tmp/x", ["/tmp"], root) == "--a=/tmp/pods/u1/tmp/x"
    assert rewrite.under_root("/tmp/x", ["/tmp"], root) == "/tmp/pods/u1/tmp/x"


def test_references_are_resolved_and_escapes_kept() -> None:
    values = {"PORT": "8000", "POD": "p"}
    assert rewrite.expand("--port=$(PORT) $(POD)-$(NONE) $$(PORT)", values) == "--port=8000 p-$(NONE) $(PORT)"


def test_wildcard_listeners_become_the_pods_own_address() -> None:
    assert rewrite.listen_address(":9090", "127.1.33.2") == "127.1.33.2:9090"
    assert rewrite.listen_address("0.0.0.0:9090", "127.1.33.2") == "127.1.33.2:9090"
    assert rewrite.listen_address("127.1.33.2:9090", "127.1.33.9") == "127.1.33.2:9090"


def test_prometheus_discovery_gets_the_pods_account_and_moved_paths() -> None:
    raw = {
        "rule_files": ["/etc/prometheus/rules/*.yml"],
        "scrape_configs": [
            {"kubernetes_sd_configs": [{"role": "pod"}, {"role": "node", "api_server": "https://x"}]},
            {"authorization": {"credentials_file": "/data/token"}},
        ],
    }
    result = promconfig.patch(raw, kubeconfig="/k", root=ROOT, mounts=MOUNTS)
    assert result["rule_files"] == ["/pods/u1/etc/prometheus/rules/*.yml"]
    first, second = result["scrape_configs"][0]["kubernetes_sd_configs"]
    assert first == {"role": "pod", "kubeconfig_file": "/k"}
    assert "kubeconfig_file" not in second
    assert result["scrape_configs"][1]["authorization"]["credentials_file"] == "/pods/u1/data/token"
