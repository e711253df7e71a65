"""Plans, states and manifests that twain did not make, with verdicts written down by hand.

The programs under tests/strangers use the clouds' plain SDKs; the engine and the emulated clouds make plans and states
of them here. The manifests come out of other projects' module archives, pinned by hash in tools/strangers.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from components.policy import documents
from components.policy.decide import decide
from rehearsal import tools, tools_go
from rehearsal.engine.pulumi import Engine

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {"cn": frozenset({"cn-shanghai", "cn-beijing"}), "row": frozenset({"europe-west4", "francecentral"})}
# (cloud, case, form, world) -> the rules that refuse it.
VERDICTS = {
    ("gcp", "good", "plan", "row"): set(),
    ("gcp", "good", "state", "row"): set(),
    ("gcp", "several", "plan", "row"): {"RES-002"},
    ("gcp", "abroad", "plan", "row"): {"RES-001"},
    ("gcp", "key-abroad", "plan", "row"): {"RES-001", "RES-004"},
    ("gcp", "person", "plan", "row"): {"RES-027"},
    ("azure", "good", "plan", "row"): set(),
    ("azure", "good", "state", "row"): set(),
    ("azure", "abroad", "plan", "row"): {"RES-001", "RES-004"},
    ("alicloud", "good", "plan", "cn"): set(),
    ("alicloud", "good", "state", "cn"): set(),
    ("alicloud", "good", "plan", "row"): {"RES-001"},
    ("alicloud", "fast", "plan", "cn"): {"RES-005"},
    ("alicloud", "origin", "plan", "cn"): {"RES-021"},
}
PROMETHEUS = ("github.com/prometheus-operator/prometheus-operator", "v0.85.0")
KEDA = ("github.com/kedacore/keda/v2", "v2.21.0")
GATEWAY = ("sigs.k8s.io/gateway-api", "v1.6.0")
KUEUE = ("sigs.k8s.io/kueue", "v0.15.0")
LWS = ("sigs.k8s.io/lws", "v0.8.0")
# (module, file) -> the rules that refuse it in China, and those in the rest of the world.
MANIFESTS: dict[tuple[tuple[str, str], str], tuple[set[str], set[str]]] = {
    (PROMETHEUS, "bundle.yaml"): ({"RES-023"}, set()),
    (PROMETHEUS, "example/user-guides/getting-started/example-app-deployment.yaml"): ({"RES-023"}, set()),
    (PROMETHEUS, "example/user-guides/getting-started/prometheus.yaml"): (set(), set()),
    (PROMETHEUS, "example/networkpolicies/prometheus.yaml"): (set(), set()),
    (PROMETHEUS, "example/thanos/query-deployment.yaml"): ({"RES-023"}, set()),
    (KEDA, "config/manager/manager.yaml"): ({"RES-023"}, set()),
    (KEDA, "config/metrics-server/deployment.yaml"): ({"RES-023"}, set()),
    (KUEUE, "config/components/manager/manager.yaml"): ({"RES-023"}, set()),
    (KUEUE, "config/components/internalcert/secret.yaml"): (set(), set()),
    (GATEWAY, "examples/standard/http-redirect.yaml"): (set(), set()),
    (GATEWAY, "examples/standard/basic-http.yaml"): (set(), set()),
    (LWS, "docs/examples/sample/lws.yaml"): ({"RES-023"}, set()),
    (LWS, "docs/examples/sglang/lws.yaml"): ({"RES-020", "RES-023"}, set()),
    # A placeholder is no reference: nobody can say where it would come from.
    (LWS, "docs/examples/tensorrt-llm/lws.yaml"): ({"RES-023"}, {"RES-023"}),
}


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """The folder of each project's files, checked against the pinned hashes."""
    go = tools._go(tools.cache_folder(), lambda _: None)
    scratch = tmp_path_factory.mktemp("modules")
    return {
        module: tools_go.download(*module, go=go, folder="strangers", temporary=scratch)
        for module in dict.fromkeys(module for module, _ in MANIFESTS)
    }


@pytest.mark.parametrize(("module", "name"), MANIFESTS, ids=lambda value: str(value).rpartition("/")[2])
def test_manifests_of_other_projects_get_the_verdict_that_a_person_gives(
    modules: dict[tuple[str, str], Path], module: tuple[str, str], name: str
) -> None:
    found = documents.read(modules[module] / name)
    assert found.form == "manifests"
    for world, expected in zip(("cn", "row"), MANIFESTS[module, name], strict=True):
        violations = decide(found.resources, world=world, allowed=ALLOWED[world], security=False)
        assert {one.rule for one in violations} == expected, (world, [str(one) for one in violations])


class Shops:
    """The strangers' programs under the real engine; each plan and state is made once, when it is first asked for."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._engines: dict[str, Engine] = {}

    def made(self, cloud: str, case: str, form: str) -> Path:
        """The file that the engine writes."""
        path = self._home / f"{cloud}-{case}-{form}.json"
        if path.is_file():
            return path
        engine, stack = self._engine(cloud), f"shop-{form}"
        engine.stack_init(stack)
        if form == "plan":
            path.write_text(engine.preview(stack, extra=["--json", "--config", f"case={case}"]).stdout)
        else:
            engine.up(stack, extra=["--config", f"case={case}"])
            path.write_text(json.dumps(engine.export(stack)))
        return path

    def _engine(self, cloud: str) -> Engine:
        if cloud not in self._engines:
            world = self._home / cloud / "rehearsal" / ("cn" if cloud == "alicloud" else "row")
            pulumi = tools.ensure(["pulumi"])["pulumi"].path
            program = ROOT / "tests" / "strangers" / cloud
            self._engines[cloud] = Engine(world, ROOT, pulumi=pulumi, program_dir=program)
            self._engines[cloud].prepare()
        return self._engines[cloud]


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Shops:
    """One set of engines for this file."""
    return Shops(tmp_path_factory.mktemp("strangers"))


@pytest.mark.parametrize(("cloud", "case", "form", "world"), VERDICTS)
def test_plans_and_states_of_strangers_get_the_verdict_that_a_person_gives(
    shops: Shops, cloud: str, case: str, form: str, world: str
) -> None:
    regions = [word for region in sorted(ALLOWED[world]) for word in ("--region", region)]
    command = ["residency", "check", "-f", str(shops.made(cloud, case, form)), "--world", world, *regions, "-o", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    found = json.loads(done.stdout)
    expected = VERDICTS[cloud, case, form, world]
    assert {item["rule"] for item in found["items"]} == expected, found["items"]
    assert done.returncode == (5 if expected else 0)
    assert found["sources"][0]["form"] == form
    assert found["sources"][0]["judged"] >= 3
